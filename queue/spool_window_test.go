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

func itemsOf(from, to int) (items []Item) {
	for n := from; n < to; n++ {
		items = append(items, Item{Body: fmt.Appendf(nil, "item %d", n), Key: "visitor", Time: time.Now()})
	}
	return items
}
