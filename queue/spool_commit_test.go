package queue

import (
	"errors"
	"strings"
	"sync/atomic"
	"syscall"
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
	case <-time.After(time.Minute):
		t.Error("the spool's lock waits for the disk")
		seg.mu.Unlock()
		<-known
	}
	if err := s.syncAll(t.Context(), time.Minute); err != nil || s.Report().Rewritten != 1 {
		t.Errorf("written again: %v, %+v", err, s.Report())
	}
}

// TestCommitExample runs the example at the head of spool_commit.go.
func TestCommitExample(t *testing.T) {
	disk := &hookFS{}
	s := openTest(t, disk, t.TempDir(), SpoolOptions{Wait: time.Minute, SyncEvery: time.Hour})
	expect := func(step string, written, confirmed uint64, generation, superseded, segments int) {
		t.Helper()
		s.mu.Lock()
		defer s.mu.Unlock()
		q, c := &s.intake, &s.commit
		if q.written != written || q.confirmed != confirmed || c.generation != generation || len(c.superseded) != superseded || len(s.segments) != segments {
			t.Fatalf("%s: written %d, confirmed %d, generation %d, %d superseded, %d segments; want %d, %d, %d, %d, %d", step,
				q.written, q.confirmed, c.generation, len(c.superseded), len(s.segments), written, confirmed, generation, superseded, segments)
		}
	}
	mustAppend(t, s, itemsOf(1, 7)...)
	s.syncOnce() // and not syncAll, which may make the syncer sync once more
	mustAppend(t, s, itemsOf(7, 9)...)
	expect("A and B are written", 8, 6, 0, 0, 1)
	s.syncOnce()
	expect("A and B are synced", 8, 8, 0, 0, 1)
	mustAppend(t, s, itemsOf(9, 10)...)
	expect("C is written", 9, 8, 0, 0, 1)

	var failed atomic.Bool
	disk.hook(func(op, name string) error {
		if op == "sync" && strings.HasSuffix(name, segmentSuffix) && failed.CompareAndSwap(false, true) {
			return syscall.EIO
		}
		return nil
	})
	first := s.segments[0]
	s.syncOnce()
	mustAppend(t, s, itemsOf(10, 11)...)
	expect("C and D are written to another segment", 10, 8, 1, 1, 2)
	if first.voidFrom != 9 {
		t.Errorf("the first segment is void from %d on, want 9", first.voidFrom)
	}
	s.syncOnce()
	expect("C and D are synced", 10, 10, 1, 0, 2)
	for _, d := range drain(t, s, 100)[:8] {
		d.Ack()
	}
	expect("all up to B is acked", 10, 10, 1, 0, 1)
}
