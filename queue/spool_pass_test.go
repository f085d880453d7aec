package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestBehindOnABadDisk: what was left behind cannot be read for a while, or for good, or is
// damaged. The rest is handed out.
func TestBehindOnABadDisk(t *testing.T) {
	for _, tc := range []struct {
		name  string
		harm  func(t *testing.T, q *Spool, f *faulty)
		comes int // of the 40
	}{
		{"for a while", func(_ *testing.T, _ *Spool, f *faulty) {
			f.on.Store(true)
			time.AfterFunc(2500*time.Millisecond, func() { f.on.Store(false) })
		}, 40},
		{"for good", func(_ *testing.T, _ *Spool, f *faulty) { f.on.Store(true) }, 4},
		{"one is damaged", func(t *testing.T, q *Spool, _ *faulty) { spoilItem(t, q, "item 17;") }, 39},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				disk := newCrashFS()
				f := &faulty{suits: operations("read"), err: syscall.EIO}
				disk.before = f.strike
				q := openBehind(t, disk)
				for n := range 40 {
					mustAppend(t, q, Item{Body: fmt.Appendf(nil, "item %d;", n), Time: time.Now()})
				}
				<-time.After(time.Second)
				for n := range 4 { // in several cohorts, which one pass reads
					for _, d := range takeNow(t, q, 10) {
						d.Nack(time.Duration(2+n) * time.Second)
					}
				}
				<-time.After(6 * time.Second)
				tc.harm(t, q, f)
				came := 0
				for n := range 200 {
					if n%2 == 0 { // something else can be had
						mustAppend(t, q, Item{Body: []byte("new"), Time: time.Now()})
					}
					ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
					got, err := q.Receive(ctx, 100)
					cancel()
					if err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, syscall.EIO) {
						t.Error(err)
					}
					for _, d := range got {
						if string(d.Body) != "new" {
							came++
						}
						d.Ack()
					}
					<-time.After(50 * time.Millisecond)
				}
				st := q.Stats()
				if came != tc.comes || st.Damaged != uint64(40-tc.comes) || st.Waiting != 0 || st.Bytes != 0 || st.Done != st.Last {
					t.Errorf("%d of %d came; %+v", came, tc.comes, st)
				}
				f.on.Store(false)
				closeTest(t, q)
			})
		})
	}
}

// TestBehindWhileReadingHangs: a pass hangs in the disk. What is in memory is handed out,
// and when the disk answers, so is the rest.
func TestBehindWhileReadingHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk, h := newCrashFS(), &hanging{suits: operations("read")}
		disk.before = h.before
		q := openBehind(t, disk)
		for n := range 40 {
			mustAppend(t, q, Item{Body: fmt.Append(nil, n), Time: time.Now()})
		}
		<-time.After(time.Second)
		for range 4 {
			for _, d := range takeNow(t, q, 10) {
				d.Nack(3 * time.Second)
			}
		}
		<-time.After(3 * time.Second)
		h.begin()
		all := receive(t, q, 4)
		mustAppend(t, q, Item{Body: []byte("new"), Time: time.Now()})
		all = append(all, receive(t, q, 1)...)
		if names(all) != "0 1 2 3 new" {
			t.Errorf("%s come while the disk hangs", names(all))
		}
		if got := takeNow(t, q, 1); len(got) > 0 {
			t.Errorf("%s comes, too", names(got))
		}
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if got, err := q.Receive(soon, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s comes, too, %v", names(got), err)
		}
		h.end()
		all = append(all, receive(t, q, 36)...)
		for _, d := range all {
			d.Ack()
		}
		if st := q.Stats(); st.Waiting != 0 || st.Done != st.Last {
			t.Errorf("in the end %+v", st)
		}
		closeTest(t, q)
	})
}

// TestPassesRest: the next pass begins a second after the one before, though more is due. Else
// it would read the disk all the time.
func TestPassesRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := openBehind(t, newCrashFS())
		for n := range 12 {
			mustAppend(t, q, Item{Body: fmt.Append(nil, n), Time: time.Now()})
		}
		<-time.After(time.Second)
		for n, d := range takeNow(t, q, 12) {
			wait := time.Second
			if n >= 8 {
				wait = 1500 * time.Millisecond // the cohort of the next second
			}
			d.Nack(wait)
		}
		for _, step := range []struct {
			after time.Duration
			want  string
		}{
			{1900 * time.Millisecond, "0 1 2 3 4 5 6 7"}, // four are from memory
			{200 * time.Millisecond, "new"},
			{799 * time.Millisecond, ""},
			{time.Millisecond, "8 9 10 11"},
		} {
			<-time.After(step.after)
			if step.want == "new" {
				mustAppend(t, q, Item{Body: []byte("new"), Time: time.Now()})
			}
			if got := names(takeNow(t, q, 12)); got != step.want {
				t.Errorf("%s later: %s come, want %s", step.after, got, step.want)
			}
		}
		closeTest(t, q)
	})
}

// TestFreshItemsTakeTurns with those of a pass, and what is left behind is not copied by a
// compaction that had chosen it before.
func TestFreshItemsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := openBehind(t, newCrashFS())
		for n := range 20 {
			mustAppend(t, q, Item{Body: fmt.Append(nil, n), Time: time.Now()})
		}
		<-time.After(time.Second)
		for _, d := range takeNow(t, q, 20) {
			e := d.ticket.(ticket).entry
			where := e.place
			d.Nack(3 * time.Second)
			q.mu.Lock()
			if q.behind.leftN() > 0 {
				q.copyLocked(e, where, nil)
			}
			q.mu.Unlock()
		}
		<-time.After(3 * time.Second)
		takeNow(t, q, 4) // those in memory
		for n := range 4 {
			mustAppend(t, q, Item{Body: fmt.Append(nil, "new", n), Time: time.Now()})
		}
		if got := names(takeNow(t, q, 8)); got != "4 new0 5 new1 6 new2 7 new3" && got != "new0 4 new1 5 new2 6 new3 7" {
			t.Errorf("%s come", got)
		}
		if n := q.Report().Copied; n > 0 {
			t.Errorf("%d were copied", n)
		}
		closeTest(t, q)
	})
}

// spoilItem changes a byte of an item in the file that is written to.
func spoilItem(t *testing.T, q *Spool, body string) {
	t.Helper()
	at := bytes.Index(q.disk.(*crashFS).bytes(q.active.path), []byte(body))
	f, err := q.disk.Open(q.active.path)
	if err == nil {
		_, err = f.WriteAt([]byte{'X'}, int64(at))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestBehindWithoutABody: memory has let go of a body, and the disk does not give it: then
// the item is left behind. What is lost of it in the end counts with all its bytes.
func TestBehindWithoutABody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := behindFor(t, func(int) time.Duration { return 0 })
		q.mu.Lock()
		for _, e := range slices.Concat(q.notDue.entries, q.due.entries) {
			q.window.givenBackBytes -= int64(len(e.Body))
			e.Body, e.dropped = nil, true
		}
		q.mu.Unlock()
		f := &faulty{suits: operations("read"), err: syscall.EIO}
		f.on.Store(true)
		synctest.Wait() // nobody uses the disk
		q.disk.(*crashFS).before = f.strike
		for range 60 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if got, err := q.Receive(ctx, 40); err == nil {
				t.Errorf("%s come", names(got))
			}
			cancel()
			<-time.After(time.Second)
		}
		f.on.Store(false)
		for _, d := range takeNow(t, q, 40) {
			d.Ack()
		}
		if st := q.Stats(); st.Waiting != 0 || st.Bytes != 0 || st.Damaged != 36 {
			t.Errorf("in the end %+v", st)
		}
		closeTest(t, q)
	})
}
