package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// ends is a spool that is read from both ends, and what should wait in it.
type ends struct {
	*testing.T
	*Spool
	random  *rand.Rand
	next    int
	waiting []int // in order
	held    []Delivery
}

func numberIn(d Delivery) int {
	digits, _, _ := strings.Cut(string(d.Body), ":")
	n, _ := strconv.Atoi(digits)
	return n
}

func (e *ends) append(n, size int) {
	e.Helper()
	batch := make([]Item, n)
	for i := range batch {
		batch[i] = Item{Body: fmt.Appendf(nil, "%d:%s", e.next, strings.Repeat("x", e.random.IntN(2*size+1))), Priority: High, Time: time.Unix(int64(e.next), 0)}
		e.waiting = append(e.waiting, e.next)
		e.next++
	}
	mustAppend(e.T, e, batch...)
}

// took checks that these were the next, from one end or the other.
func (e *ends) took(got []Delivery, newest bool) {
	e.Helper()
	for _, d := range got {
		i := 0
		if newest {
			i = len(e.waiting) - 1
		}
		if len(e.waiting) == 0 || numberIn(d) != e.waiting[i] {
			e.Fatalf("got %d from an end (the newest: %v) of %d, want %v", numberIn(d), newest, len(e.waiting), e.waiting[max(i, 0):])
		}
		e.waiting = slices.Delete(e.waiting, i, i+1)
	}
	e.held = append(e.held, got...)
}

func (e *ends) newest(n int) {
	e.Helper()
	got, err := e.ReceiveNewest(e.Context(), n)
	if err != nil || len(got) != min(n, len(e.waiting)) {
		e.Fatalf("ReceiveNewest(%d) of %d: %d, %v", n, len(e.waiting), len(got), err)
	}
	e.took(got, true)
}

func (e *ends) oldest(n int) {
	e.Helper()
	if len(e.waiting) == 0 {
		return
	}
	got, err := e.Receive(e.Context(), n)
	if err != nil {
		e.Fatal(err)
	}
	e.took(got, false)
}

// settle settles some of what is held, or leaves it.
func (e *ends) settle(n int) {
	for range min(n, len(e.held)) {
		i := e.random.IntN(len(e.held))
		if e.random.IntN(20) == 0 {
			e.held[i].Dead("why")
		} else {
			e.held[i].Ack()
		}
		e.held = slices.Delete(e.held, i, i+1)
	}
}

// reopened: what was held waits again.
func (e *ends) reopened(q *Spool) {
	for _, d := range e.held {
		e.waiting = append(e.waiting, numberIn(d))
	}
	slices.Sort(e.waiting)
	e.Spool, e.held = q, nil
}

// TestSpoolFromBothEnds: a log of many segments, of which little is in memory, is
// read from both ends and settled in any order, by one process after the other.
func TestSpoolFromBothEnds(t *testing.T) {
	o := SpoolOptions{SegmentBytes: minSegment, Window: 10, Wait: time.Minute, Letters: 64 << 20}
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) {
			disk := newCrashFS()
			e := &ends{T: t, Spool: openTest(t, disk, spoolDir, o), random: rand.New(rand.NewPCG(seed, 3))}
			size := 10 << e.random.IntN(10)
			for range 150 {
				switch op := e.random.IntN(20); {
				case op < 6:
					e.append(1+e.random.IntN(40), size)
				case op < 9:
					e.oldest(1 + e.random.IntN(20))
				case op < 15:
					e.newest(e.random.IntN(60))
				case op < 19:
					e.settle(e.random.IntN(60))
				case e.random.IntN(3) == 0:
					closeTest(t, e.Spool)
					e.reopened(openTest(t, disk, spoolDir, o))
				default:
					<-time.After(time.Second) // all is synced, and little stays in memory
				}
				if st := e.Stats(); st.Waiting != len(e.waiting)+len(e.held) || st.Damaged > 0 {
					t.Fatalf("seed %d: %d wait and %d are held: %+v", seed, len(e.waiting), len(e.held), st)
				}
			}
			for len(e.waiting) > 0 {
				e.settle(1000)
				e.newest(7)
				e.oldest(7)
			}
			e.settle(1000)
			if st := e.Stats(); st.Waiting != 0 || st.Bytes != 0 || st.Done != st.Last || st.Full != 0 {
				t.Errorf("seed %d: all is settled: %+v", seed, st)
			}
			closeTest(t, e.Spool)
			e.reopened(openTest(t, disk, spoolDir, o))
			if st := e.Stats(); st.Waiting != 0 || len(e.segments) > 1 {
				t.Errorf("seed %d: %d segments are left of an empty queue: %+v", seed, len(e.segments), st)
			}
		})
	}
}

// What is read for the newest is bounded: a segment once to know where its frames
// are, and then a part of it at a time, whatever else waits.
func TestNewestReadsLittle(t *testing.T) {
	const n, body, segment = 20_000, 350, 1 << 20
	disk := &readingFS{crashFS: newCrashFS()}
	o := SpoolOptions{SegmentBytes: segment, Wait: time.Minute}
	q := openTest(t, disk, spoolDir, o)
	for range n / 1000 {
		mustAppend(t, q, slices.Repeat([]Item{{Body: make([]byte, body), Priority: High}}, 1000)...)
	}
	if got, err := q.ReceiveNewest(t.Context(), 500); len(got) != 500 || err != nil || disk.read.Load() > 0 {
		t.Errorf("of those just appended: %d, %v, %d bytes were read", len(got), err, disk.read.Load())
	}
	closeTest(t, q)
	q = openTest(t, disk, spoolDir, o)
	most := int64(0)
	disk.read.Store(0)
	for i := range n / 2 {
		before := disk.read.Load()
		if got, err := q.ReceiveNewest(t.Context(), 1); len(got) != 1 || err != nil || got[0].number() != uint64(n-i) {
			t.Fatalf("call %d: %d, %v", i+1, len(got), err)
		}
		most = max(most, disk.read.Load()-before)
	}
	if limit := int64(segment + 2*partBytes); most > limit {
		t.Errorf("a call read %d bytes, want at most %d", most, limit)
	}
	if all, files := disk.read.Load(), int64(n/2*(body+frameHead)); all > 5*files/2 {
		t.Errorf("%d bytes were read for items of %d", all, files)
	}
}

func (d Delivery) number() uint64 { return d.ticket.(ticket).number }

// readingFS counts what is read of segments.
type readingFS struct {
	*crashFS
	read atomic.Int64
}

func (c *readingFS) Open(name string) (file, error) {
	f, err := c.crashFS.Open(name)
	return readingFile{f, c}, err
}

type readingFile struct {
	file
	c *readingFS
}

func (f readingFile) ReadAt(b []byte, off int64) (int, error) {
	n, err := f.file.ReadAt(b, off)
	f.c.read.Add(int64(n))
	return n, err
}

// A context bounds the reading, and costs nothing that is handed out.
func TestNewestContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newCrashFS()
		o := SpoolOptions{SegmentBytes: minSegment, Window: 5, Wait: time.Minute}
		e := &ends{T: t, Spool: openTest(t, disk, spoolDir, o), random: rand.New(rand.NewPCG(1, 2))}
		e.append(300, 200)
		<-time.After(time.Second)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		got, err := e.ReceiveNewest(ended, 50)
		if err != nil || len(got) != 5 {
			t.Errorf("what is in memory: %d, %v", len(got), err)
		}
		e.took(got, true)
		if got, err := e.ReceiveNewest(ended, 50); !errors.Is(err, context.Canceled) || len(got) > 0 {
			t.Errorf("what is on the disk: %d, %v", len(got), err)
		}
		// While another reads, and its disk hangs, the context still counts.
		reading, hung := make(chan struct{}), make(chan struct{})
		var once sync.Once
		disk.before = func(o op) error {
			if o.what == "read" {
				once.Do(func() { close(reading); <-hung })
			}
			return nil
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			got, err := e.Receive(t.Context(), 50)
			if err != nil {
				t.Error(err)
			}
			for _, d := range got {
				d.Ack()
			}
			e.waiting = e.waiting[len(got):]
		})
		<-reading
		soon, cancel := context.WithTimeout(t.Context(), hangs/2)
		defer cancel()
		if got, err := e.ReceiveNewest(soon, 50); !errors.Is(err, context.DeadlineExceeded) || len(got) > 0 {
			t.Errorf("while the disk hangs: %d, %v", len(got), err)
		}
		close(hung)
		wg.Wait()
		for len(e.waiting) > 0 {
			e.newest(50)
			e.settle(50)
		}
	})
}

// A segment that cannot be read leaves the rest to Receive: older ones still
// come. Without file descriptors nothing is given up.
func TestNewestOfWhatCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newCrashFS()
		o := SpoolOptions{SegmentBytes: minSegment, Window: 5, Wait: time.Minute}
		e := &ends{T: t, Spool: openTest(t, disk, spoolDir, o), random: rand.New(rand.NewPCG(1, 2))}
		e.append(300, 1000)
		closeTest(t, e.Spool)
		e.Spool = openTest(t, disk, spoolDir, o)
		newest := e.segments[len(e.segments)-1]
		fault := &faulty{suits: operations("open"), err: syscall.EMFILE}
		disk.before = fault.strike
		fault.on.Store(true)
		for _, seg := range e.segments {
			_ = seg.close()
		}
		if got, err := e.ReceiveNewest(t.Context(), 5); !errors.Is(err, syscall.EMFILE) || len(got) > 0 {
			t.Errorf("without descriptors: %d, %v", len(got), err)
		}
		fault.on.Store(false)
		e.newest(5)
		e.settle(5)

		left := newest.unsettled
		bad := &faulty{suits: func(o op) bool { return o.what == "read" && o.name == newest.path }, err: syscall.EIO}
		disk.before = bad.strike
		bad.on.Store(true)
		// What was read of it is still good; then come those of the segment before.
		var got []Delivery
		for range 300 {
			more, err := e.ReceiveNewest(t.Context(), 1)
			if err != nil || len(more) != 1 {
				t.Fatalf("%d, %v", len(more), err)
			}
			if got = append(got, more...); more[0].number() < newest.first {
				break
			}
		}
		if n := got[len(got)-1].number(); n != newest.first-1 || len(got) > left+1 {
			t.Errorf("after %d of %d the newest that can be read is %d, want %d", len(got), left, n, newest.first-1)
		}
		bad.on.Store(false)
		for _, d := range got {
			d.Ack()
		}
		for _, d := range drain(t, e, 100) {
			d.Ack()
		}
		if st := e.Stats(); st.Waiting != 0 || st.Damaged != 0 {
			t.Errorf("%+v", st)
		}
	})
}

// TestBothEndsAtOnce: many read from both ends, give back and settle while more
// comes in and most is on the disk only; nothing comes twice or is lost.
func TestBothEndsAtOnce(t *testing.T) {
	const n = 6000
	s := openTest(t, osFS{}, t.TempDir(), SpoolOptions{Window: 5, SyncEvery: time.Millisecond, Wait: time.Minute})
	var out sync.Map
	var left atomic.Int64
	left.Store(n)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	work := func(seed uint64, receive func(context.Context, int) ([]Delivery, error)) {
		random := rand.New(rand.NewPCG(seed, 5))
		for ctx.Err() == nil {
			got, err := receive(ctx, 1+random.IntN(20))
			if err != nil && ctx.Err() == nil {
				t.Error(err)
				return
			}
			for _, d := range got {
				if _, twice := out.LoadOrStore(numberIn(d), true); twice {
					t.Errorf("%d came twice", numberIn(d))
				}
				switch random.IntN(10) {
				case 0:
					out.Delete(numberIn(d))
					d.Nack(time.Duration(random.IntN(2)) * time.Millisecond)
					continue
				case 1:
					d.Dead("x")
				default:
					d.Ack()
				}
				if left.Add(-1) == 0 {
					cancel()
				}
			}
		}
	}
	var wg sync.WaitGroup
	for i := range uint64(2) {
		wg.Go(func() { work(i, s.Receive) })
		wg.Go(func() { work(i+2, s.ReceiveNewest) })
	}
	for i := range n / 20 {
		batch := make([]Item, 20)
		for k := range batch {
			batch[k] = Item{Body: fmt.Appendf(nil, "%d:%s", i*20+k, strings.Repeat("x", 300)), Priority: High}
		}
		mustAppend(t, s, batch...)
	}
	wg.Wait()
	if st := s.Stats(); left.Load() != 0 || st.Waiting != 0 || st.Done != n || st.Damaged != 0 {
		t.Errorf("%d are left: %+v", left.Load(), st)
	}
}

// A damaged frame is stepped over from both ends, and counted once; what one end
// has read does not come from the other again.
func TestNewestAroundDamage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newCrashFS()
		o := SpoolOptions{SegmentBytes: minSegment, Window: 10, Wait: time.Minute}
		e := &ends{T: t, Spool: openTest(t, disk, spoolDir, o), random: rand.New(rand.NewPCG(1, 2))}
		e.append(500, 100) // more than one segment, so that the first is sealed
		name := e.segments[0].path
		closeTest(t, e.Spool)
		b := disk.bytes(name)
		b[bytes.Index(b, []byte("20:"))]++
		disk.put(name, b)
		e.waiting = slices.Delete(e.waiting, 20, 21)
		e.Spool = openTest(t, disk, spoolDir, o)
		e.newest(len(e.waiting) - 39)
		e.oldest(15) // reads beyond the damage
		e.newest(100)
		if st := e.Stats(); len(e.waiting) > 0 || st.Waiting-len(e.held) > 1 {
			t.Errorf("%d did not come; %+v", len(e.waiting), st)
		}
		e.settle(500)
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if got, err := e.Receive(soon, 10); len(got) > 0 || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%d came once more, %v", len(got), err)
		}
		if st := e.Stats(); st.Waiting != 0 || st.Damaged != 1 || st.Done != st.Last {
			t.Errorf("%+v", st)
		}
	})
}

// TestNewestExample runs the example at the head of spool_newest.go.
func TestNewestExample(t *testing.T) {
	dir := t.TempDir()
	o := SpoolOptions{Level: LevelStrict, Wait: time.Minute, Window: 10, SegmentBytes: 1 << 20}
	before := openTest(t, osFS{}, dir, o)
	for range 700 {
		mustAppend(t, before, Item{Body: make([]byte, 300-frameHead), Time: time.Now()})
	}
	closeTest(t, before)
	s := openTest(t, osFS{}, dir, o)
	expect := func(step string, loaded, marks, entries int) {
		t.Helper()
		s.mu.Lock()
		defer s.mu.Unlock()
		if w := &s.window; len(w.loaded) != loaded || len(w.back.marks) != marks || len(w.back.entries) != entries {
			t.Fatalf("%s: %d loaded, %d marks, %d entries; want %d, %d, %d", step,
				len(w.loaded), len(w.back.marks), len(w.back.entries), loaded, marks, entries)
		}
	}
	expect("opened", 10, 0, 0)
	next, ok := s.nextStretch()
	if !ok || !next.whole {
		t.Fatalf("the first stretch is %+v, want a whole segment", next)
	}
	marks, _, err := s.readStretch(t.Context(), next)
	if err != nil || len(marks) != 4 {
		t.Fatalf("%d parts, %v; want 4", len(marks), err)
	}
	s.mu.Lock()
	s.window.back.reset() // as if nobody had looked
	s.mu.Unlock()
	got, err := s.ReceiveNewest(t.Context(), 10)
	if err != nil || len(got) != 10 {
		t.Fatalf("%d items, %v; want 10", len(got), err)
	}
	for i, d := range got {
		if number := d.ticket.(ticket).number; number != uint64(700-i) {
			t.Errorf("item %d is number %d", i, number)
		}
	}
	expect("ten are received", 10, 3, 23)
	for left := 690; left > 0; {
		rest, err := s.Receive(t.Context(), 50)
		if err != nil || rest[len(rest)-1].ticket.(ticket).number > 690 {
			t.Fatalf("%d are left; %v", left, err)
		}
		for _, d := range rest {
			d.Ack()
		}
		left -= len(rest)
	}
}
