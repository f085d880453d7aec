package queue

import (
	"fmt"
	"testing"
	"time"
)

// TestIntakeLetsGoWhileReading: everything on the disk has been read, and the
// reader is about to say so. In that moment the intake lets go of items that are
// in the same segment. They are still there, and none of them is lost.
func TestIntakeLetsGoWhileReading(t *testing.T) {
	const kept, added = 5, 3
	for range 20 {
		dir := t.TempDir()
		o := SpoolOptions{Level: LevelStrict, Wait: time.Minute, Window: kept, SegmentBytes: minSegment}
		before := openTest(t, osFS{}, dir, o)
		mustAppend(t, before, itemsOf(0, kept)...)
		closeTest(t, before)
		s := openTest(t, osFS{}, dir, o)
		if err := s.load(kept - 1); err != nil || s.window.unread > 0 || !s.window.backlogged {
			t.Fatalf("%v; %d unread, backlogged %v: all should be read, and the reader not know it", err, s.window.unread, s.window.backlogged)
		}
		mustAppend(t, s, itemsOf(kept, kept+added)...)

		// A mutex for which somebody has waited for a millisecond is handed to those
		// who wait in their order: first to the reader, then to the intake.
		s.mu.Lock()
		read := make(chan error)
		go func() { read <- s.readOn() }()
		time.Sleep(2 * time.Millisecond)
		letGo := make(chan struct{})
		go func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.o.Window = 0
			s.trimIntakeLocked()
			s.o.Window = kept
			close(letGo)
		}()
		time.Sleep(2 * time.Millisecond)
		s.mu.Unlock()
		s.mu.Lock()
		time.Sleep(2 * time.Millisecond)
		s.mu.Unlock()
		<-letGo
		if err := <-read; err != nil {
			t.Fatal(err)
		}
		if got := len(drain(t, s, 100)); got != kept+added || s.Stats().Damaged > 0 {
			t.Fatalf("%d of %d items came, and %d are called damaged", got, kept+added, s.Stats().Damaged)
		}
	}
}

// TestWindowExample runs the example at the head of spool_window.go.
func TestWindowExample(t *testing.T) {
	dir := t.TempDir()
	o := SpoolOptions{Level: LevelStrict, Wait: time.Minute, SegmentBytes: 1 << 20}
	before := openTest(t, osFS{}, dir, o)
	mustAppend(t, before, itemsOf(0, 1500)...)
	closeTest(t, before)

	s := openTest(t, osFS{}, dir, o)
	expect := func(step string, loaded, unread, inMemory int, backlogged bool) {
		t.Helper()
		s.mu.Lock()
		defer s.mu.Unlock()
		fresh := 0
		for e := s.head; e != nil; e = e.next {
			fresh++
		}
		w := &s.window
		if len(w.loaded) != loaded || w.unread != unread || fresh != inMemory || w.backlogged != backlogged {
			t.Fatalf("%s: %d loaded, %d unread, %d in memory, backlogged %v; want %d, %d, %d, %v",
				step, len(w.loaded), w.unread, fresh, w.backlogged, loaded, unread, inMemory, backlogged)
		}
	}
	receive := func(want int) {
		t.Helper()
		if got, err := s.Receive(t.Context(), 100); err != nil || len(got) != want {
			t.Fatalf("%d items, %v; want %d", len(got), err, want)
		}
	}
	expect("opened, and read once", 1000, 500, 0, true)
	mustAppend(t, s, itemsOf(1500, 1520)...)
	expect("20 appended", 1000, 500, 20, true)
	for range 9 {
		receive(100)
	}
	expect("received nine times", 100, 500, 20, true)
	receive(100)
	expect("the next read meets what is in memory", 500, 0, 20, false)
	for range 5 {
		receive(100)
	}
	receive(20)
	expect("all is received", 0, 0, 0, false)
	mustAppend(t, s, itemsOf(1520, 2820)...)
	expect("1,300 appended", 0, 300, 1000, true)
}

func itemsOf(from, to int) (items []Item) {
	for n := from; n < to; n++ {
		items = append(items, Item{Body: fmt.Appendf(nil, "item %d", n), Key: "visitor", Time: time.Now()})
	}
	return items
}
