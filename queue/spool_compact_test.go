package queue

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestCompactionExample runs the example of spool_compact.go.
func TestCompactionExample(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newCrashFS()
		q, err := openSpool(disk, spoolDir, SpoolOptions{SegmentBytes: minSegment})
		if err != nil {
			t.Fatal(err)
		}
		var stuck Delivery
		deliver := func() {
			for q.Stats().Waiting > 0 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
				got, err := q.Receive(ctx, 100)
				cancel()
				if err != nil {
					return
				}
				for _, d := range got {
					if string(d.Body[:4]) == "0003" {
						d.Nack(time.Hour)
						stuck = d
					} else {
						d.Ack()
					}
				}
			}
		}
		first := q.active
		n := 0
		for ; q.active == first; n++ {
			mustAppend(t, q, Item{Body: fmt.Appendf(nil, "%04d%0100d", n+1, 0)})
			deliver()
		}
		if stuck.ticket == nil || len(q.segments) != 2 || first.unsettled != 1 {
			t.Fatalf("after %d items there are %d segments, %d unsettled in the first", n, len(q.segments), first.unsettled)
		}
		<-time.After(compactAfter / 2)
		if !first.retired || first.gone || q.Report().Copied > 0 {
			t.Error("what may be in flight was copied")
		}
		<-time.After(2 * compactAfter)
		if !first.gone || len(q.segments) != 1 || q.Report().Copied != 1 {
			t.Fatalf("the first segment is gone: %v, of %d, %d copied", first.gone, len(q.segments), q.Report().Copied)
		}
		if st := q.Stats(); st.Waiting != 1 || st.Done != 2 || st.Oldest != (time.Time{}) {
			t.Errorf("item 3 waits alone: %+v", st)
		}
		<-time.After(time.Hour)
		deliver() // it has come again
		if err := q.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		q, err = openSpool(disk, spoolDir, SpoolOptions{SegmentBytes: minSegment})
		if err != nil {
			t.Fatal(err)
		}
		got, err := q.Receive(t.Context(), 10)
		if err != nil || len(got) != 1 || string(got[0].Body[:4]) != "0003" {
			t.Fatalf("the next process finds %d, %v", len(got), err)
		}
		got[0].Ack()
		if st := q.Stats(); st.Waiting != 0 || st.Done != st.Last {
			t.Errorf("all is settled: %+v", st)
		}
		if err := q.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestStuckItemsKeepNoSegments: one item in each segment cannot be delivered, of more
// segments than there may be. New items are taken all the same, the files stay few, and
// every ticket and every ack is still good: in this process and in the next.
func TestStuckItemsKeepNoSegments(t *testing.T) {
	for _, tc := range []struct {
		name string
		give bool // the stuck ones back, for so long that memory lets go of them
		size int
	}{
		{"kept", false, 2000},
		{"given back", true, 2000},
		{"large, given back", true, 15000},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStory(t, 12)
				disk := newCrashFS()
				o := smallSpool(false)
				o.Bytes, o.Letters, o.pace = 8*o.SegmentBytes, 2*o.SegmentBytes, pace{}
				q, err := openSpool(disk, spoolDir, o)
				if err != nil {
					t.Fatal(err)
				}
				bound := 2*o.Bytes/o.SegmentBytes + 4
				var stuck []Delivery
				seen := map[*segment]bool{}
				for len(stuck) < int(bound) {
					if err := s.append(q, 1, tc.size); err != nil && !errors.Is(err, ErrNotYetOnDisk) {
						t.Fatalf("with %d stuck: %v", len(stuck), err)
					}
					for _, d := range s.receive(q, 10) {
						e := d.ticket.(ticket).entry
						if e.seg == nil || seen[e.seg] || e.original != 0 || e.size() > 1500 {
							s.ack(d)
							continue
						}
						stuck, seen[e.seg] = append(stuck, d), true
						if tc.give {
							d.Nack(24 * time.Hour)
							q.mu.Lock() // as if there were many
							if e.number <= q.intake.confirmed {
								e.Body, e.dropped = nil, true
								q.window.givenBackBytes -= int64(len(d.Body))
							}
							q.mu.Unlock()
						}
					}
					<-time.After(100 * time.Millisecond)
				}
				<-time.After(time.Minute)
				if st := q.Stats(); st.Waiting != len(stuck) {
					t.Errorf("%d are stuck: %+v", len(stuck), st)
				}
				if n := int64(len(q.segments)); n > bound/2 {
					t.Errorf("%d segments for %d items", n, len(stuck))
				}
				if q.window.givenBackBytes < 0 {
					t.Errorf("bodies given back are %d bytes", q.window.givenBackBytes)
				}
				if !tc.give {
					for _, d := range stuck[:len(stuck)/2] {
						s.ack(d)
					}
				}
				s.close(q)
				s.verify(picture{"after compaction", disk, s.owed(-1)})
			})
		})
	}
}

// TestCompactionOnABadDisk: what cannot be read or written is not copied, and nothing
// is lost by it.
func TestCompactionOnABadDisk(t *testing.T) {
	for _, what := range []string{"read", "write", "sync", "create"} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStory(t, 13)
				disk := newCrashFS()
				f := &faulty{suits: operations(what), err: syscall.EIO}
				disk.before = f.strike
				o := narrowSpool(false)
				o.pace = pace{}
				q, err := openSpool(disk, spoolDir, o)
				if err != nil {
					t.Fatal(err)
				}
				for i := range 200 {
					if err := s.append(q, 1, 2000); err != nil {
						t.Fatal(err)
					}
					for _, d := range s.receive(q, 1) {
						if i%20 == 0 {
							d.Nack(24 * time.Hour)
						} else {
							s.ack(d)
						}
					}
				}
				<-time.After(time.Second)
				f.on.Store(true)
				<-time.After(time.Minute)
				f.on.Store(false)
				<-time.After(time.Minute)
				if n := len(q.segments); n > 2 {
					t.Errorf("%d segments in the end", n)
				}
				s.close(q)
				s.verify(picture{"after a bad disk", disk, s.owed(-1)})
			})
		})
	}
}

// TestCopiesAfterACrash: the process ends when a copy is on the disk and its original is
// not settled. The item is there once, whichever version looks.
func TestCopiesAfterACrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStory(t, 14)
		disk := newCrashFS()
		o := smallSpool(false)
		o.pace = pace{1, time.Second, time.Second}
		var left *crashFS
		var using atomic.Pointer[Spool]
		disk.before = func(o op) error {
			if q := using.Load(); q != nil && left == nil && o.what == "sync" && q.Report().Copied > 0 {
				left = disk.powerLoss(s.random, keepEverything)
			}
			return nil
		}
		q, err := openSpool(disk, spoolDir, o)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 100 {
			if err := s.append(q, 1, 2000); err != nil {
				t.Fatal(err)
			}
			for _, d := range s.receive(q, 1) {
				if i != 3 {
					s.ack(d)
				}
			}
		}
		using.Store(q)
		<-time.After(time.Minute)
		using.Store(nil)
		if left == nil {
			t.Fatal("nothing was copied")
		}
		count := func(disk *crashFS) (n int) {
			if err := inspectSpool(disk, spoolDir, func(SpoolEntry) error { n++; return nil }); err != nil {
				t.Error(err)
			}
			return n
		}
		if n := count(left); n != 1 {
			t.Errorf("who looks inside sees %d items", n)
		}
		s.close(q)
		s.verify(picture{"between a copy and its ack", left, s.owed(-1)})
	})
}
