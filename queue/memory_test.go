package queue

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func items(n int, p Priority) []Item {
	all := make([]Item, n)
	for i := range all {
		all[i] = Item{Body: fmt.Append(nil, i), Priority: p, Time: time.Unix(int64(i), 0)}
	}
	return all
}

func bodies(ds []Delivery) (got []string) {
	for _, d := range ds {
		got = append(got, string(d.Body))
	}
	return got
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

func TestReceiveIsFirstInFirstOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMemory(100, 1000)
		if err := m.Append(t.Context(), items(10, High)...); err != nil {
			t.Fatal(err)
		}
		receive := func(n int) []Delivery {
			t.Helper()
			got, err := m.Receive(t.Context(), n)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		first := receive(0) // means one
		some := receive(4)
		if got := bodies(append(first, some...)); !slices.Equal(got, []string{"0", "1", "2", "3", "4"}) {
			t.Errorf("got %v", got)
		}
		some[3].Nack(-time.Second)
		some[1].Nack(0)
		some[2].Nack(time.Second)
		if got := bodies(receive(2)); !slices.Equal(got, []string{"2", "4"}) {
			t.Errorf("returned: %v", got)
		}
		if got := bodies(receive(100)); !slices.Equal(got, []string{"5", "6", "7", "8", "9"}) {
			t.Errorf("the rest: %v", got)
		}
		begin := time.Now()
		if got := bodies(receive(100)); !slices.Equal(got, []string{"3"}) || time.Since(begin) != time.Second {
			t.Errorf("after %v: %v", time.Since(begin), got)
		}
	})
}

func TestStats(t *testing.T) {
	m := NewMemory(100, 1000)
	if s := m.Stats(); s != (Stats{}) {
		t.Errorf("%+v", s)
	}
	if err := m.Append(t.Context(), items(4, High)...); err != nil {
		t.Fatal(err)
	}
	got, _ := m.Receive(t.Context(), 4)
	for _, step := range []struct {
		do   func()
		want Stats
	}{
		{func() {}, Stats{Waiting: 4, Bytes: 4, Oldest: time.Unix(0, 0), Last: 4}},
		{got[1].Ack, Stats{Waiting: 3, Bytes: 3, Oldest: time.Unix(0, 0), Last: 4}},
		{got[0].Ack, Stats{Waiting: 2, Bytes: 2, Oldest: time.Unix(2, 0), Last: 4, Done: 2}},
		{got[0].Ack, Stats{Waiting: 2, Bytes: 2, Oldest: time.Unix(2, 0), Last: 4, Done: 2}},
		{func() { got[3].Dead("x") }, Stats{Waiting: 1, Bytes: 1, Oldest: time.Unix(2, 0), Last: 4, Done: 2, Dead: 1}},
		{func() { got[3].Nack(0) }, Stats{Waiting: 1, Bytes: 1, Oldest: time.Unix(2, 0), Last: 4, Done: 2, Dead: 1}},
		{got[2].Ack, Stats{Last: 4, Done: 4, Dead: 1}},
		{func() { _ = m.Append(t.Context(), items(1, High)...) }, Stats{Waiting: 1, Bytes: 1, Oldest: time.Unix(0, 0), Last: 5, Done: 4, Dead: 1}},
	} {
		step.do()
		if s := m.Stats(); s != step.want {
			t.Errorf("%+v, want %+v", s, step.want)
		}
	}
}

// A delivery that was given back has no say in the item's next handing out.
func TestAnOldDeliveryIsVoid(t *testing.T) {
	m := NewMemory(10, 100)
	if err := m.Append(t.Context(), items(1, High)...); err != nil {
		t.Fatal(err)
	}
	old, _ := m.Receive(t.Context(), 1)
	old[0].Nack(0)
	again, _ := m.Receive(t.Context(), 1)
	old[0].Ack()
	old[0].Dead("no")
	old[0].Nack(0)
	if s := m.Stats(); s.Waiting != 1 || s.Dead != 0 {
		t.Errorf("%+v", s)
	}
	again[0].Ack()
	if s := m.Stats(); s.Waiting != 0 {
		t.Errorf("%+v", s)
	}
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMemory(10, 100)
		if err := m.Append(t.Context(), items(2, High)...); err != nil {
			t.Fatal(err)
		}
		got, _ := m.Receive(t.Context(), 2)
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				if _, err := m.Receive(t.Context(), 1); !errors.Is(err, ErrClosed) {
					t.Errorf("Receive: %v", err)
				}
			})
		}
		synctest.Wait()
		for range 2 {
			if err := m.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
		wg.Wait()
		if err := m.Append(t.Context(), items(1, High)...); !errors.Is(err, ErrClosed) {
			t.Errorf("Append: %v", err)
		}
		got[0].Ack()
		got[1].Nack(0)
		if s := m.Stats(); s.Waiting != 1 {
			t.Errorf("%+v", s)
		}
	})
}

func TestReceiveEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMemory(10, 100)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if got, err := m.Receive(ctx, 1); !errors.Is(err, context.DeadlineExceeded) || got != nil {
			t.Errorf("%v, %v", got, err)
		}
	})
}

// One receiver knows when the next item is due and leaves; the other, who only
// waits, must not sleep through it.
func TestAReceiverThatLeavesTellsTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMemory(10, 100)
		if err := m.Append(t.Context(), items(1, High)...); err != nil {
			t.Fatal(err)
		}
		first, _ := m.Receive(t.Context(), 1)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = m.Receive(ctx, 1) })
		synctest.Wait()
		begin := time.Now()
		wg.Go(func() {
			if _, err := m.Receive(t.Context(), 1); err != nil || time.Since(begin) != time.Minute {
				t.Errorf("%v after %v", err, time.Since(begin))
			}
		})
		synctest.Wait()
		first[0].Nack(time.Minute)
		synctest.Wait()
		<-time.After(time.Second)
		cancel()
		wg.Wait()
	})
}

// While nothing is due, Receive sleeps: fake time would not pass if it spun, and
// what is given back for later must not wake it in vain more than once.
func TestReceiveSleeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMemory(1000, 100_000)
		if err := m.Append(t.Context(), items(100, High)...); err != nil {
			t.Fatal(err)
		}
		got, _ := m.Receive(t.Context(), 100)
		begin := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() {
			for received := 0; received < 100; {
				more, err := m.Receive(t.Context(), 100)
				if err != nil {
					t.Error(err)
					return
				}
				received += len(more)
			}
		})
		for i, d := range got {
			d.Nack(time.Duration(i) * time.Hour)
		}
		wg.Wait()
		if took := time.Since(begin); took != 99*time.Hour {
			t.Errorf("it took %v", took)
		}
	})
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
