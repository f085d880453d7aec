package queue

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// faulty makes operations fail while it is on.
type faulty struct {
	on    atomic.Bool
	suits func(op) bool
	err   error
	times atomic.Int64 // how often it struck
}

func (f *faulty) strike(o op) error {
	if f.on.Load() && f.suits(o) {
		f.times.Add(1)
		return f.err
	}
	return nil
}

func operations(what ...string) func(op) bool {
	return func(o op) bool { return strings.Contains(strings.Join(what, " "), o.what) }
}

// drain receives and acknowledges all there is.
func (s *story) drain(q Queue) (n int) {
	s.Helper()
	for got := s.receive(q, 100); len(got) > 0; got = s.receive(q, 100) {
		for _, d := range got {
			s.ack(d)
		}
		n += len(got)
	}
	return n
}

// TestDiskFull: a disk without room refuses new items by name. What is there is
// delivered and acknowledged all the same, and when there is room again, the
// same queue takes items again.
func TestDiskFull(t *testing.T) {
	t.Run("at the start", testDiskFullAtTheStart)
	for _, tc := range []struct {
		name string
		disk func(*crashFS) *faulty
	}{
		{"the disk has no room", func(c *crashFS) *faulty {
			c.capacity = 500 << 10
			return nil
		}},
		{"no new file", func(c *crashFS) *faulty {
			f := &faulty{suits: operations("create"), err: syscall.ENOSPC}
			c.before = f.strike
			return f
		}},
		{"no write", func(c *crashFS) *faulty {
			f := &faulty{suits: operations("write"), err: syscall.ENOSPC}
			c.before = f.strike
			return f
		}},
		{"a quota", func(c *crashFS) *faulty {
			f := &faulty{suits: operations("write", "create"), err: syscall.EDQUOT}
			c.before = f.strike
			return f
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStory(t, 1)
				disk := newCrashFS()
				fault := tc.disk(disk)
				q := s.open(disk, false)
				before := 0
				for range 20 {
					if err := s.append(q, 1, 2000); err != nil {
						t.Fatalf("with room: %v", err)
					}
					before++
				}
				if fault != nil {
					fault.on.Store(true)
				}
				var err error
				for range 2000 {
					if err = s.append(q, 1, 2000); err != nil && !errors.Is(err, ErrNotYetOnDisk) {
						break
					}
					before++
				}
				if !errors.Is(err, ErrDiskFull) {
					t.Fatalf("after %d items: %v, want ErrDiskFull", before, err)
				}
				if got := q.Stats().Waiting; got != before {
					t.Errorf("%d items were taken, %d wait", before, got)
				}
				if n := s.drain(q); n != before {
					t.Errorf("of %d items %d came while the disk was full", before, n)
				}
				if st := q.Stats(); st.Waiting != 0 || st.Bytes != 0 || st.Done != st.Last {
					t.Errorf("all is settled: %+v", st)
				}
				// A process that is started now must not send it all again. What
				// had to be acknowledged on a disk that takes no bytes may come.
				if fault == nil {
					p := newStory(t, 2)
					p.offered = s.offered
					next := p.open(disk.powerLoss(s.random, keepEverything), false)
					if n := len(p.receive(next, 1000)); n > 0 {
						t.Errorf("%d items that were acknowledged on a full disk came again", n)
					}
					p.close(next)
				} else {
					fault.on.Store(false)
				}
				if got := s.recovers(q); got != nil {
					t.Errorf("with room again: %v", got)
				}
				s.close(q)
				s.verify(picture{"after a full disk", disk, nil})
			})
		})
	}
}

// testDiskFullAtTheStart opens a spool on a disk that has no room for a segment. It
// cannot be used, and leaves nothing behind. If something waits there, it opens to hand
// that out, says so, and takes nothing new until there is room.
func testDiskFullAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newCrashFS()
		for _, capacity := range []int64{1, minSegment - 1} {
			disk.capacity = capacity
			if q, err := openSpool(disk, spoolDir, smallSpool(false)); !errors.Is(err, ErrDiskFull) {
				t.Fatalf("with %d bytes: %v, %v", capacity, q, err)
			}
			if used := disk.used(); used != 0 {
				t.Errorf("%d bytes are left behind", used)
			}
		}
		disk.capacity = 0
		before, err := openSpool(disk, spoolDir, smallSpool(false))
		if err != nil {
			t.Fatalf("with room: %v", err)
		}
		mustAppend(t, before, Item{Body: []byte("before")})
		if err := before.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		full := &faulty{suits: operations("write"), err: syscall.ENOSPC}
		disk.before = full.strike
		full.on.Store(true)
		var told []error
		o := smallSpool(false)
		o.SegmentBytes *= 2 // so that nothing is appended to what is there
		o.Failing = func(err error) { told = append(told, err) }
		q, err := openSpool(disk, spoolDir, o)
		if err != nil {
			t.Fatal(err)
		}
		if got := drain(t, q, 10); len(got) != 1 {
			t.Errorf("%d came of what waited", len(got))
		}
		if err := q.Append(t.Context(), Item{Body: []byte("a"), Priority: High}); !errors.Is(err, ErrDiskFull) {
			t.Errorf("without room: %v", err)
		}
		full.on.Store(false)
		<-time.After(2 * retryAfter)
		if err := q.Append(t.Context(), Item{Body: []byte("b"), Priority: High}); err != nil {
			t.Errorf("with room: %v", err)
		}
		if err := q.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if len(told) != 2 || !errors.Is(told[0], ErrDiskFull) || told[1] != nil {
			t.Errorf("it told %v", told)
		}
	})
}

// recovers appends until it works, for a while, and delivers it.
func (s *story) recovers(q Queue) (err error) {
	s.Helper()
	for range 100 {
		if err = s.append(q, 1, 100); err == nil {
			if s.drain(q) == 0 {
				return errors.New("appended, and not handed out")
			}
			return nil
		}
		if errors.Is(err, ErrNotYetOnDisk) {
			s.drain(q)
		}
		<-time.After(time.Second)
	}
	return err
}

// TestDiskErrors: what was confirmed while the disk failed is on the disk, what
// was taken is handed out, and when the disk works again, so does the queue.
func TestDiskErrors(t *testing.T) {
	for _, tc := range []struct {
		name  string
		suits func(op) bool
		err   error
	}{
		{"write", operations("write"), syscall.EIO},
		{"short write of nothing", operations("write"), errShort(0)},
		{"short write of 10 bytes", operations("write"), errShort(10)},
		{"short write of 1000 bytes", operations("write"), errShort(1000)},
		{"sync", operations("sync"), syscall.EIO},
		{"syncdir", operations("syncdir"), syscall.EIO},
		{"create", operations("create"), syscall.EACCES},
		{"rename", operations("rename"), syscall.EIO},
		{"remove", operations("remove"), syscall.EIO},
		{"truncate", operations("truncate"), syscall.EIO},
		{"read", operations("read"), syscall.EIO},
		{"open", operations("open"), syscall.EMFILE},
		{"everything", func(op) bool { return true }, syscall.EIO},
	} {
		for _, strict := range []bool{true, false} {
			for _, limit := range []int64{1, 3, 1 << 30} {
				t.Run(fmt.Sprintf("%s/strict=%v/%d times", tc.name, strict, limit), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						s := newStory(t, 3)
						disk := newCrashFS()
						f := &faulty{err: tc.err}
						f.suits = func(o op) bool { return tc.suits(o) && f.times.Load() < limit }
						disk.before = f.strike
						q := s.open(disk, strict)
						s.useFailing(q, f)
						owed := s.owed(-1)
						left := disk.powerLoss(s.random, survives(strict, keepNothing))
						if err := s.recovers(q); err != nil {
							t.Errorf("the disk works again: %v; %+v", err, q.Stats())
						}
						if st := q.Stats(); st.Waiting != 0 {
							t.Errorf("all was drained, and %+v", st)
						}
						s.close(q)
						s.verify(picture{"the end while the disk failed", left, owed})
						disk.before = nil
						s.verify(picture{"after the disk failed", disk, nil})
					})
				})
			}
		}
	}
}

// survives says what may end without a loss while the disk fails: the power if strict,
// else only the process. A disk that fails does not sync, however long one waits.
func survives(strict bool, chance float64) float64 {
	if strict {
		return chance
	}
	return keepEverything
}

// useFailing uses a queue before and while its disk fails, and leaves the fault
// off. All that was taken has to come.
func (s *story) useFailing(q Queue, f *faulty) {
	s.Helper()
	for range 10 {
		if err := s.append(q, 1, 2000); err != nil {
			s.Fatalf("before the fault: %v", err)
		}
	}
	for _, d := range s.receive(q, 3) {
		s.ack(d)
	}
	f.on.Store(true)
	for range 60 {
		_ = s.append(q, 1+s.random.IntN(2), 2000)
		for _, d := range s.receive(q, s.random.IntN(3)) {
			if s.random.IntN(3) == 0 {
				d.Nack(0)
			} else {
				s.ack(d)
			}
		}
		if s.random.IntN(6) == 0 {
			<-time.After(syncInterval)
		}
	}
	<-time.After(3 * syncInterval)
	f.on.Store(false)
}

// TestDiskFailsAtRandom: any operation may fail, now and then, all the time.
func TestDiskFailsAtRandom(t *testing.T) {
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) {
			s := newStory(t, 1000+seed)
			strict := seed%2 == 0
			disk := newCrashFS()
			random := rand.New(rand.NewPCG(seed, 5))
			var mu sync.Mutex
			f := &faulty{err: syscall.EIO}
			f.suits = func(op) bool { return true }
			disk.before = func(o op) error {
				mu.Lock()
				defer mu.Unlock()
				if random.IntN(8) > 0 {
					return nil
				}
				err := f.strike(o)
				switch {
				case err == nil:
					return nil
				case o.what == "write" && random.IntN(2) == 0:
					return errShort(random.IntN(500))
				case random.IntN(3) == 0:
					return syscall.ENOSPC
				}
				return err
			}
			q := s.open(disk, strict)
			s.useFailing(q, f)
			owed := s.owed(-1)
			left := disk.powerLoss(s.random, survives(strict, keepSome))
			if err := s.recovers(q); err != nil {
				t.Errorf("seed %d: the disk works again: %v; %+v", seed, err, q.Stats())
			}
			s.close(q)
			s.verify(picture{fmt.Sprintf("seed %d, the end while the disk failed", seed), left, owed})
			s.verify(picture{fmt.Sprintf("seed %d, after the disk failed", seed), disk, nil})
		})
		if t.Failed() {
			return
		}
	}
}

// TestDiskHangs: every operation takes 30 seconds. Whoever appends is let go in
// time, the queue stays within its bound, and in the end all that was taken
// comes.
func TestDiskHangs(t *testing.T) {
	for _, strict := range []bool{true, false} {
		t.Run(fmt.Sprintf("strict=%v", strict), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStory(t, 4)
				disk := newCrashFS()
				var hanging atomic.Bool
				disk.before = func(o op) error {
					if hanging.Load() && o.what != "read" {
						<-time.After(30 * time.Second)
					}
					return nil
				}
				o := smallSpool(strict)
				o.Wait = 0
				q, err := openSpool(disk, spoolDir, o)
				if err != nil {
					t.Fatal(err)
				}
				if err := s.append(q, 3, 100); err != nil {
					t.Fatal(err)
				}
				hanging.Store(true)
				began, patience := time.Now(), 20*time.Millisecond
				if strict {
					patience = strictWait
				}
				taken := 3
				for n := 0; time.Since(began) < 25*time.Second; n++ {
					one := time.Now()
					ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
					err := q.Append(ctx, s.item(2000))
					cancel()
					if took := time.Since(one); took > patience {
						t.Fatalf("item %d: Append returned %v after %v, want %v at most", n, err, took, patience)
					}
					switch {
					case err == nil:
						t.Errorf("item %d: confirmed while the disk hangs", n)
						taken++
					case errors.Is(err, ErrNotYetOnDisk):
						taken++
					case errors.Is(err, ErrFull) || errors.Is(err, ErrDiskFull):
						<-time.After(time.Second)
					default:
						t.Fatalf("item %d: %v", n, err)
					}
				}
				if st := q.Stats(); st.Waiting != taken {
					t.Errorf("%d were taken, Stats are %+v", taken, st)
				}
				hanging.Store(false)
				<-time.After(2 * time.Minute)
				if n := s.drain(q); n != taken {
					t.Errorf("of %d items taken while the disk hung %d came; %+v", taken, n, q.Stats())
				}
				if err := s.recovers(q); err != nil {
					t.Error(err)
				}
				s.close(q)
				s.verify(picture{"after the disk hung", disk, nil})
			})
		})
	}
}
