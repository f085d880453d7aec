package queue

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"testing"
	"time"
)

func items(n int, p Priority) []Item {
	all := make([]Item, n)
	for i := range all {
		all[i] = Item{Body: fmt.Append(nil, i), Priority: p, Time: time.Unix(int64(i), 0)}
	}
	return all
}

// fill appends one item after the other until one is refused.
func fill(t *testing.T, m *Memory, i Item) (n int) {
	t.Helper()
	for ; ; n++ {
		if err := m.Append(t.Context(), i); errors.Is(err, ErrFull) {
			return n
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestHeadroom(t *testing.T) {
	for _, tc := range []struct {
		maxItems          int
		maxBytes          int64
		size              int
		low, normal, high int // how many there are when each priority is refused
	}{
		{100, 1 << 20, 10, 80, 95, 100},
		{10, 1 << 20, 10, 8, 9, 10},
		{1, 1 << 20, 10, 0, 0, 1},
		{-5, 1 << 20, 10, 0, 0, 1},
		{1000, 1000, 10, 80, 95, 100}, // by bytes
		{1000, 1050, 10, 84, 99, 105},
		{1000, 10, 10, 0, 0, 1},
		{50, math.MaxInt64, 10, 40, 47, 50}, // "no bound"
		{math.MaxInt, 500, 10, 40, 47, 50},
	} {
		m := NewMemory(tc.maxItems, tc.maxBytes)
		item := Item{Body: make([]byte, tc.size-1), Key: "k"}
		for _, step := range []struct {
			p    Priority
			want int
		}{{Low - 5, tc.low}, {Low, tc.low}, {Normal, tc.normal}, {High, tc.high}, {High + 5, tc.high}, {Low, tc.high}} {
			item.Priority = step.p
			fill(t, m, item)
			if s := m.Stats(); s.Waiting != step.want || s.Bytes != int64(step.want*tc.size) {
				t.Errorf("%d items, %d bytes: priority %d is refused at %d items, %d bytes; want %d items",
					tc.maxItems, tc.maxBytes, step.p, s.Waiting, s.Bytes, step.want)
			}
		}
	}
}

func TestAppendTakesAllOrNone(t *testing.T) {
	big := Item{Body: make([]byte, 101)}
	for _, tc := range []struct {
		name  string
		items []Item
		want  error
	}{
		{"none", nil, nil},
		{"fits", items(9, Normal), nil},
		{"one too many", items(11, High), ErrFull},
		{"too many of the last's priority", append(items(8, High), items(1, Low)...), ErrFull},
		{"low ones first", append(items(8, Low), items(2, High)...), nil},
		{"too large", append(items(1, High), big), ErrTooLarge},
		{"too many and too large", append(items(11, High), big), ErrTooLarge},
		{"exactly as large", []Item{{Body: make([]byte, 90), Key: "0123456789", Priority: High}}, nil},
	} {
		m := NewMemory(10, 100)
		if err := m.Append(t.Context(), tc.items...); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, err, tc.want)
		}
		want := len(tc.items)
		if tc.want != nil {
			want = 0
		}
		if s := m.Stats(); s.Waiting != want || s.Last != uint64(want) {
			t.Errorf("%s: %+v", tc.name, s)
		}
	}
}

func TestDeadLettersAreBounded(t *testing.T) {
	die := func(m *Memory, n, size int) {
		for i := range n {
			item := Item{Body: make([]byte, size), Key: strconv.Itoa(i % 10), Priority: High}
			if err := m.Append(t.Context(), item); err != nil {
				t.Fatal(err)
			}
			got, _ := m.Receive(t.Context(), 1)
			got[0].Dead(strconv.Itoa(i))
		}
	}
	for _, tc := range []struct{ n, size, want int }{
		{10, 99, 10},
		{1000, 9, keptLetters},
		{1000, 99, 100},
		{1000, 9999, 1},
		{10, 5000, 1},
	} {
		m := NewMemory(10, 10_000)
		die(m, tc.n, tc.size)
		letters := m.Letters()
		if len(letters) != tc.want || m.Stats().Dead != uint64(tc.n) {
			t.Errorf("%d of %d bytes: %d letters are kept, want %d; %+v", tc.n, tc.size, len(letters), tc.want, m.Stats())
			continue
		}
		for i, l := range letters {
			if want := strconv.Itoa(tc.n - tc.want + i); l.Reason != want || l.Died.IsZero() || len(l.Body) != tc.size {
				t.Errorf("letter %d is %s, want %s", i, l.Reason, want)
			}
		}
	}
}
