package queue

import (
	"errors"
	"testing"
	"time"
)

// TestGivingUpASegmentWaitsForNoDisk: a write to a segment fails while the ack of
// another item in it hangs in the disk. Whoever only wants to know something of
// the spool does not wait for that disk.
func TestGivingUpASegmentWaitsForNoDisk(t *testing.T) {
	s := openTest(t, osFS{}, t.TempDir(), SpoolOptions{Wait: time.Minute})
	mustAppend(t, s, itemsOf(0, 3)...)
	s.mu.Lock()
	seg := s.active
	s.mu.Unlock()

	seg.mu.Lock() // as an ack does while it writes
	known := make(chan Stats)
	go func() {
		_ = s.badWrite(seg, errors.New("no such device"))
		known <- s.Stats()
	}()
	select {
	case stats := <-known:
		if stats.Waiting != 3 {
			t.Errorf("%+v", stats)
		}
		seg.mu.Unlock()
	case <-time.After(10 * time.Second):
		t.Error("the spool's lock waits for the disk")
		seg.mu.Unlock()
		<-known
	}
	if err := s.syncAll(t.Context(), time.Minute); err != nil || s.Report().Rewritten != 1 {
		t.Errorf("written again: %v, %+v", err, s.Report())
	}
}
