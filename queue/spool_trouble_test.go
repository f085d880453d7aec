package queue

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// What cannot be opened is not lost: a process that has no file descriptors
// left has some again later, however long that takes.
func TestNoDescriptorsIsNoDamage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStory(t, 5)
		disk := newCrashFS()
		q := s.open(disk, false)
		const n = 100
		if err := s.append(q, n, 3000); err != nil {
			t.Fatal(err)
		}
		s.close(q)
		q = s.open(disk, false)
		fault := &faulty{suits: operations("open"), err: syscall.EMFILE}
		disk.before = fault.strike
		fault.on.Store(true)
		got := 0
		for range 60 {
			ready, _ := q.Receive(t.Context(), n) // what was read when it was opened, then errors
			got += len(ready)
			<-time.After(time.Second)
		}
		fault.on.Store(false)
		for more := s.receive(q, n); len(more) > 0; more = s.receive(q, n) {
			got += len(more)
		}
		if st := q.Stats(); got != n || st.Damaged != 0 || fault.times.Load() == 0 {
			t.Errorf("after a minute without descriptors %d of %d items came (%d failures): %+v", got, n, fault.times.Load(), st)
		}
		s.close(q)
	})
}

// Memory is bounded while the disk hangs, also for items that have a room: none
// is promised then beyond what may be in memory.
func TestRoomsWhileTheDiskHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStory(t, 6)
		disk := newCrashFS()
		var hanging atomic.Bool
		disk.before = func(o op) error {
			if hanging.Load() && o.what != "read" {
				<-time.After(time.Minute)
			}
			return nil
		}
		o := smallSpool(false)
		o.Bytes, o.Intake, o.Wait = 64<<20, 100<<10, time.Millisecond
		q, err := openSpool(disk, spoolDir, o)
		if err != nil {
			t.Fatal(err)
		}
		hanging.Store(true)
		var refused error
		taken := int64(0)
		for range 1000 {
			room, err := q.Reserve(High, 3000)
			if err != nil {
				refused = err
				break
			}
			item := s.item(1000)
			item.Room = room
			if err := q.Append(t.Context(), item); !errors.Is(err, ErrNotYetOnDisk) {
				t.Fatalf("with a room: %v", err)
			}
			taken += item.size()
		}
		if !errors.Is(refused, ErrFull) || taken > o.Intake {
			t.Errorf("%d bytes with rooms were taken into memory while the disk hung, want at most %d; then: %v", taken, o.Intake, refused)
		}
		hanging.Store(false)
		s.close(q)
	})
}

// A disk that cannot be written has no rooms to promise; nor is there one for
// what could never be appended.
func TestNoRoomOnABrokenDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStory(t, 7)
		disk := newCrashFS()
		fault := &faulty{suits: operations("write", "create"), err: syscall.EIO}
		disk.before = fault.strike
		q := s.open(disk, false)
		if _, err := q.Reserve(High, maxItem+1); !errors.Is(err, ErrTooLarge) {
			t.Errorf("a room for what is too large: %v", err)
		}
		fault.on.Store(true)
		for err := error(nil); !errors.Is(err, ErrDiskFailed); <-time.After(time.Second) {
			err = s.append(q, 1, 10)
		}
		if _, err := q.Reserve(High, 10); !errors.Is(err, ErrDiskFailed) {
			t.Errorf("a room on a disk that cannot be written: %v", err)
		}
		fault.on.Store(false)
		// It is tried again every second, without anybody asking.
		<-time.After(retryAfter + 100*time.Millisecond)
		if room, err := q.Reserve(High, 10); err != nil {
			t.Errorf("%v after the disk is well again there is no room: %v", retryAfter, err)
		} else {
			room.Release()
		}
		s.close(q)
	})
}

// Letters whose sync failed are written again: none is lost when power is, none
// is there twice, and the segment of the items is removed in the end.
func TestLettersAreSyncedInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStory(t, 8)
		disk := newCrashFS()
		fault := &faulty{suits: func(o op) bool { return o.what == "sync" && strings.HasSuffix(o.name, letterSuffix) }, err: syscall.EIO}
		disk.before = fault.strike
		q := s.open(disk, false)
		const n = 10
		if err := s.append(q, n, 3000); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Second)
		fault.on.Store(true)
		for i, d := range s.receive(q, n) {
			d.Dead(fmt.Sprint("reason ", i))
		}
		<-time.After(3 * time.Second)
		fault.on.Store(false)
		if err := s.append(q, 1, 100); err != nil { // the next sync is due
			t.Fatal(err)
		}
		<-time.After(3 * time.Second)
		if letters := q.Letters(); len(letters) != n || fault.times.Load() == 0 {
			t.Errorf("%d letters after %d failures to sync, want %d", len(letters), fault.times.Load(), n)
		}
		after := disk.powerLoss(s.random, keepNothing)
		s.close(q)
		q = s.open(after, false)
		if letters := q.Letters(); len(letters) != n || q.Stats().Waiting != 1 {
			t.Errorf("after power was lost there are %d letters and %d items, want %d and 1", len(letters), q.Stats().Waiting, n)
		}
		s.close(q)
	})
}

// Append waits as long as it says and no longer, also if it had to wait for room
// first.
func TestAppendWaitsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStory(t, 9)
		disk := newCrashFS()
		disk.before = func(o op) error {
			if o.what == "sync" {
				<-time.After(15 * time.Millisecond)
			}
			return nil
		}
		o := smallSpool(true)
		o.Intake, o.Wait = 5000, 20*time.Millisecond
		q, err := openSpool(disk, spoolDir, o)
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			go func() { _ = q.Append(t.Context(), Item{Body: make([]byte, 4000), Priority: High}) }()
			synctest.Wait()
			began := time.Now()
			if err := q.Append(t.Context(), Item{Body: make([]byte, 4000), Priority: High}); time.Since(began) > o.Wait {
				t.Fatalf("Append returned %v after %v, want %v at most", err, time.Since(began), o.Wait)
			}
			<-time.After(time.Second)
		}
		s.close(q)
	})
}

// Nothing in quarantine is ever removed, so it has to count: the disk is no
// fuller than the bound says, whatever was damaged. When somebody has looked at
// it and moved it away, items are taken again.
func TestQuarantineIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStory(t, 10)
		disk := newCrashFS()
		o := smallSpool(false)
		o.Bytes, o.Letters = 3*o.SegmentBytes, 2*o.SegmentBytes
		bound := 2*o.Bytes + 4*o.SegmentBytes + o.Letters + 3*o.SegmentBytes // spares, and one more is being made
		var q *Spool
		var err error
		for round := 0; ; round++ {
			if q, err = openSpool(disk, spoolDir, o); err != nil {
				t.Fatal(err)
			}
			err = s.append(q, 10, 2000)
			for range 50 {
				if err != nil && !errors.Is(err, ErrNotYetOnDisk) { // that says it only once
					break
				}
				err = s.append(q, 1, 2000)
				for _, d := range s.receive(q, 10) {
					d.Ack()
				}
			}
			if used := disk.used(); used > bound {
				t.Fatalf("round %d: %d bytes on the disk, want at most %d", round, used, bound)
			}
			if errors.Is(err, ErrFull) || round > 100 {
				break
			}
			s.close(q)
			spoil(t, disk)
		}
		if !errors.Is(err, ErrFull) || q.Report().QuarantinedBytes < 2*o.Bytes {
			t.Errorf("with %d bytes in quarantine: %v", q.Report().QuarantinedBytes, err)
		}
		for _, d := range s.receive(q, 100) { // what waits is delivered all the same
			d.Ack()
		}
		if n := q.Stats().Waiting; n != 0 {
			t.Errorf("%d items wait, want none", n)
		}
		disk.mu.Lock()
		for name := range disk.names {
			if strings.Contains(name, quarantineDir) {
				delete(disk.names, name)
			}
		}
		disk.mu.Unlock()
		<-time.After(3 * time.Second)
		if err := s.append(q, 1, 2000); err != nil || q.Report().QuarantinedBytes != 0 {
			t.Errorf("after the quarantine was emptied: %v, %+v", err, q.Report())
		}
		s.close(q)
	})
}

// spoil makes every segment's headers unreadable.
func spoil(t *testing.T, disk *crashFS) {
	t.Helper()
	entries, err := disk.ReadDir(spoolDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), segmentSuffix) {
			continue
		}
		f, err := disk.Open(spoolDir + "/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.WriteAt(make([]byte, 2*pageSize), 0)
		if err = errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// A letter that cannot be written is no letter: who gave the item up still has
// it, and may give it up later.
func TestDeadOnABrokenDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStory(t, 11)
		disk := newCrashFS()
		fault := &faulty{suits: operations("write", "create"), err: syscall.EIO}
		disk.before = fault.strike
		q := s.open(disk, false)
		if err := s.append(q, 1, 100); err != nil {
			t.Fatal(err)
		}
		d := s.receive(q, 1)[0]
		fault.on.Store(true)
		for range 3 {
			if d.Dead("why") {
				t.Error("Dead says that there is a letter, on a disk that cannot be written")
			}
			if st := q.Stats(); st.Dead != 0 || st.Letters != 0 || st.Waiting != 1 {
				t.Errorf("the letter cannot be written: %+v", st)
			}
		}
		fault.on.Store(false)
		if !d.Dead("why") || len(q.Letters()) != 1 || q.Stats().Waiting != 0 {
			t.Errorf("on a disk that is well again: %d letters, %+v", len(q.Letters()), q.Stats())
		}
		s.close(q)
	})
}

// Processes that come and go on one directory, all at once, adopt what others
// left: nothing is lost, and none takes what a living one has.
func TestPerProcessComingAndGoing(t *testing.T) {
	disk := newCrashFS()
	o := smallSpool(false)
	o.PerProcess = true
	const processes, rounds = 6, 5
	var mu sync.Mutex
	seen := map[string]int{}
	receive := func(q *Spool, n int) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		defer cancel()
		got, _ := q.Receive(ctx, n)
		mu.Lock()
		defer mu.Unlock()
		for _, d := range got {
			seen[string(d.Body)]++
			d.Ack()
		}
	}
	var all sync.WaitGroup
	for p := range processes {
		all.Go(func() {
			for r := range rounds {
				q, err := openSpool(disk, spoolDir, o)
				if err != nil {
					t.Error(err)
					return
				}
				for i := range 5 {
					if err := q.Append(t.Context(), Item{Body: fmt.Appendf(nil, "%d-%d-%d", p, r, i), Priority: High}); err != nil {
						t.Error(err)
					}
				}
				receive(q, 3)
				if err := q.Close(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	q, err := openSpool(disk, spoolDir, o)
	if err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); len(seen) < processes*rounds*5 && time.Since(began) < time.Minute; {
		receive(q, 100)
	}
	if err := q.Close(t.Context()); err != nil {
		t.Error(err)
	}
	twice := 0
	for _, n := range seen {
		twice += n - 1
	}
	if len(seen) != processes*rounds*5 || twice > len(seen)/2 {
		t.Errorf("of %d items %d came, %d twice", processes*rounds*5, len(seen), twice)
	}
	t.Logf("%d of %d items came twice, since a process ended amid an adoption", twice, len(seen))
}

// What may not be opened is not passed over as if it were not there.
func TestInspectSaysWhatItMayNotOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStory(t, 13)
		disk := newCrashFS()
		q := s.open(disk, false)
		if err := s.append(q, 3, 100); err != nil {
			t.Fatal(err)
		}
		s.close(q)
		disk.before = func(o op) error {
			if o.what == "open" {
				return fs.ErrPermission
			}
			return nil
		}
		n := 0
		err := inspectSpool(disk, spoolDir, func(SpoolEntry) error { n++; return nil })
		if n != 0 || !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%d items, %v", n, err)
		}
	})
}
