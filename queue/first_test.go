package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"
)

// firstEngines are the engines of this package, each with little memory.
var firstEngines = map[string]func(t *testing.T, dir string) Queue{
	"memory": func(*testing.T, string) Queue { return NewMemory(10_000, 1<<20) },
	"spool": func(t *testing.T, dir string) Queue {
		s, err := OpenSpool(dir, SpoolOptions{Window: 10, SegmentBytes: minSegment})
		if err != nil {
			t.Fatal(err)
		}
		return s
	},
	"standby": func(*testing.T, string) Queue {
		return NewStandby("/dev/null/nowhere", SpoolOptions{}, NewMemory(10_000, 1<<20), errors.New("no disk"), nil)
	},
}

// receive receives n items, and leaves them unsettled.
func receive(t *testing.T, q Queue, n int) (all []Delivery) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for len(all) < n {
		got, err := q.Receive(ctx, n-len(all))
		if err != nil {
			t.Fatalf("after %d of %d: %v", len(all), n, err)
		}
		all = append(all, got...)
	}
	return all
}

// TestFirstItems: items that go first come before those that wait, in their own order,
// and every item comes once, also after the others and after a restart.
func TestFirstItems(t *testing.T) {
	for name, open := range firstEngines {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			q := open(t, dir)
			var want []string
			put := func(body string, first bool) {
				mustAppend(t, q, Item{Body: []byte(body), Key: body, First: first, Time: time.Now()})
				want = append(want, body)
			}
			for i := range 300 { // far more than the window
				put(fmt.Sprint("waits", i), false)
			}
			begun := receive(t, q, 5)
			for i := range 3 {
				put(fmt.Sprint("first", i), true)
				put(fmt.Sprint("after", i), false)
			}
			next := receive(t, q, 4)
			for i, d := range next[:3] {
				if got := string(d.Body); got != fmt.Sprint("first", i) || !d.First {
					t.Errorf("number %d is %q, first %t", i, got, d.First)
				}
			}
			if got := string(next[3].Body); got != "waits5" {
				t.Errorf("then comes %q", got)
			}
			put("first3", true)
			if s := q.Stats(); s.Waiting != 307 || s.Done != 0 || s.Last != 307 {
				t.Errorf("%+v", s)
			}
			var got []string
			settle := func(all []Delivery) {
				for _, d := range all {
					got = append(got, string(d.Body))
					d.Ack()
				}
			}
			settle(begun[1:])
			settle(next)
			begun[0].Nack(0)
			if name == "spool" { // what is left comes again, and nothing goes first
				closeTest(t, q.(*Spool))
				q = open(t, dir)
				all := receive(t, q, 307-8)
				if string(all[0].Body) != "waits0" || slices.ContainsFunc(all, func(d Delivery) bool { return d.First }) {
					t.Errorf("after a restart the first is %q", all[0].Body)
				}
				settle(all)
			} else {
				settle(receive(t, q, 307-8))
			}
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(want, got) {
				t.Errorf("%d items came, %d were appended", len(got), len(want))
			}
			if s := q.Stats(); s.Waiting != 0 || s.Done != s.Last {
				t.Errorf("in the end %+v", s)
			}
			if err := q.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestFirstItemsLeaveRoom: however many go first, a spool hands out the others, too.
func TestFirstItemsLeaveRoom(t *testing.T) {
	s := firstEngines["spool"](t, t.TempDir()).(*Spool)
	defer closeTest(t, s)
	for i := range 2 * s.mostBegun() {
		mustAppend(t, s, Item{Body: []byte{1}, Key: strconv.Itoa(i), First: true, Time: time.Now()})
	}
	if n := len(s.begun.entries); n > s.mostBegun()/2 {
		t.Errorf("%d of %d places for what is handed out are taken", n, s.mostBegun())
	}
	for range 2 * s.mostBegun() / 10 {
		for _, d := range receive(t, s, 10) {
			d.Ack()
		}
	}
}

// TestFirstGoesBeforeWhatComesAgain: an item that goes first comes before all that were
// given back and are due, and however many others are handed out.
func TestFirstGoesBeforeWhatComesAgain(t *testing.T) {
	for name, open := range firstEngines {
		t.Run(name, func(t *testing.T) {
			q := open(t, t.TempDir())
			const out, again = 800, 20 // a spool hands out 640 and keeps the others
			for i := range out {
				mustAppend(t, q, Item{Body: fmt.Append(nil, i), Key: "flood", Time: time.Now()})
			}
			held := receive(t, q, 640)
			for _, d := range held[:again] {
				d.Nack(0)
			}
			for i := range 3 {
				mustAppend(t, q, Item{Body: fmt.Append(nil, "first", i), Key: "other", Time: time.Now(), First: true})
			}
			got := receive(t, q, 4)
			if all := fmt.Sprintf("%s", bodies(got)); all != "[first0 first1 first2 0]" {
				t.Errorf("%s come", all)
			}
			if err := q.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestAResentLetterWaits as any other: who made it is long gone.
func TestAResentLetterWaits(t *testing.T) {
	m := NewMemory(10, 1000)
	mustAppend(t, m, Item{Body: []byte("dead"), First: true, Time: time.Now()})
	receive(t, m, 1)[0].Dead("no reason")
	mustAppend(t, m, Item{Body: []byte("waits"), Time: time.Now()})
	if _, err := m.Resend(func(Letter) bool { return true }); err != nil {
		t.Fatal(err)
	}
	if got := receive(t, m, 2); string(got[0].Body) != "waits" || got[1].First {
		t.Errorf("%q comes first", got[0].Body)
	}
}
