package queue

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestOpenSpoolIsReady: a spool that is open takes an item with a write, and with a
// sync if it is strict. Nothing else has to happen first, whatever else the disk has
// to do. Each operation takes a second until then: so nothing that was left to another
// goroutine is done when the spool is open.
func TestOpenSpoolIsReady(t *testing.T) {
	for _, strict := range []bool{false, true} {
		for _, before := range []string{"never opened", "something waits", "all was delivered"} {
			t.Run(fmt.Sprintf("strict %v, %s", strict, before), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newStory(t, 8)
					disk := newCrashFS()
					if before != "never opened" {
						q := s.open(disk, strict)
						_ = s.append(q, 3, 100)
						if before == "all was delivered" { // else its file is read, and so it is open
							s.drain(q)
						}
						s.close(q)
					}
					var open, done atomic.Bool
					disk.before = func(o op) error {
						needed := strings.HasSuffix(o.name, segmentSuffix) && (o.what == "write" || strict && o.what == "sync")
						switch {
						case done.Load():
						case !open.Load():
							<-time.After(time.Second)
						case !needed:
							<-time.After(10 * time.Second)
						}
						return nil
					}
					q := s.open(disk, strict)
					open.Store(true)
					began := time.Now()
					if err := s.append(q, 1, 100); err != nil {
						t.Errorf("the first item: %v", err)
					}
					if took := time.Since(began); took > q.o.SyncEvery {
						t.Errorf("it took %v", took)
					}
					done.Store(true)
					<-time.After(100 * time.Second) // what had to wait is done
					s.close(q)
				})
			})
		}
	}
}

// TestOneSpareAtATime: a writer that needs a segment waits for the one that is being
// made, although that was begun for the letters.
func TestOneSpareAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStory(t, 9)
		disk := newCrashFS()
		var making, most, made atomic.Int64
		disk.before = func(o op) error {
			if !strings.HasSuffix(filepath.Base(o.name), newSuffix) {
				return nil
			}
			switch o.what {
			case "create":
				most.Store(max(most.Load(), making.Add(1)))
				<-time.After(time.Minute)
			case "rename":
				made.Add(1)
				making.Add(-1)
			}
			return nil
		}
		o := smallSpool(false)
		o.Wait = time.Millisecond
		q, err := openSpool(disk, spoolDir, o)
		if err != nil {
			t.Fatal(err)
		}
		first := made.Load()
		for range 40 { // more than a segment, while the next is being made
			_ = s.append(q, 1, 2000)
		}
		for made.Load() == first {
			<-time.After(time.Second)
		}
		began := time.Now()
		if err := q.syncAll(t.Context(), time.Hour); err != nil || time.Since(began) > 10*time.Second {
			t.Errorf("when it was made, what waited for it was written after %v: %v", time.Since(began), err)
		}
		if most.Load() != 1 || first != 1 {
			t.Errorf("%d spares were made before it opened, then up to %d at once", first, most.Load())
		}
		<-time.After(3 * time.Minute)
		s.close(q)
	})
}
