package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// hanging is a disk of which some operations hang while it is on.
type hanging struct {
	mu    sync.Mutex
	suits func(op) bool
	free  chan struct{}
}

func (h *hanging) before(o op) error {
	h.mu.Lock()
	free := h.free
	if free != nil && !h.suits(o) {
		free = nil
	}
	h.mu.Unlock()
	if free != nil {
		<-free
	}
	return nil
}

func (h *hanging) begin() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.free = make(chan struct{})
}

func (h *hanging) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	close(h.free)
	h.free = nil
}

// within fails the test if f does not return. It is for what a mutex may hold up, which
// testing/synctest takes for work.
func within(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(2 * time.Minute):
		t.Fatalf("%s: it hangs", what)
	}
}

// hungWithItems returns a spool whose disk hangs, and n items that it handed out.
func hungWithItems(t *testing.T, s *story, n int) (*Spool, *crashFS, *hanging, []Delivery) {
	t.Helper()
	disk, h := newCrashFS(), &hanging{suits: operations("write", "sync")}
	disk.before = h.before
	q, err := openSpool(disk, spoolDir, SpoolOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		if err := s.append(q, 1, 300); err != nil && !errors.Is(err, ErrNotYetOnDisk) {
			t.Fatal(err)
		}
	}
	if err := q.syncAll(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	got := s.receive(q, n)
	if len(got) != n {
		t.Fatalf("%d of %d came", len(got), n)
	}
	h.begin()
	return q, disk, h, got
}

// TestAcksOfADiskThatHangs: acks do not wait for it, and delivery goes on from memory.
// When the disk answers, all of them are written.
func TestAcksOfADiskThatHangs(t *testing.T) {
	t.Parallel()
	s := newStory(t, 21)
	q, disk, h, got := hungWithItems(t, s, 500)
	within(t, "acks", func() {
		for _, d := range got {
			s.ack(d)
		}
	})
	within(t, "delivery", func() {
		for range 20 {
			if err := s.append(q, 1, 300); err != nil && !errors.Is(err, ErrNotYetOnDisk) {
				t.Error(err)
			}
			for _, d := range s.receive(q, 10) {
				s.ack(d)
			}
		}
	})
	if st := q.Stats(); st.Waiting != 0 {
		t.Errorf("all are acked: %+v", st)
	}
	h.end()
	s.close(q)
	p := newStory(t, 22)
	p.offered = s.offered
	next := p.open(disk, false)
	if n := len(p.receive(next, 1000)); n > 0 {
		t.Errorf("%d items that were acked come again", n)
	}
	p.close(next)
}

// TestDeadOnADiskThatHangs: a letter cannot be kept, and nothing has happened.
func TestDeadOnADiskThatHangs(t *testing.T) {
	t.Parallel()
	s := newStory(t, 26)
	q, _, h, got := hungWithItems(t, s, 3)
	within(t, "Dead", func() {
		for _, d := range got {
			if d.Dead("why") {
				t.Error("a letter was kept on a disk that hangs")
			}
		}
	})
	if st := q.Stats(); st.Waiting != 3 || st.Dead != 0 {
		t.Errorf("nothing has happened: %+v", st)
	}
	h.end()
	within(t, "Dead again", func() {
		for _, d := range got {
			for !d.Dead("why") {
				time.Sleep(time.Millisecond)
			}
		}
	})
	within(t, "the letter that was too late", func() {
		for len(q.Letters()) != 3 {
			time.Sleep(time.Millisecond)
		}
	})
	s.close(q)
}

// TestAcksAsideAreBounded: when too many acks wait for the disk, the next one does, too.
func TestAcksAsideAreBounded(t *testing.T) {
	t.Parallel()
	s := newStory(t, 23)
	q, _, h, got := hungWithItems(t, s, 3)
	within(t, "acks", func() { s.ack(got[0]) })
	q.mu.Lock()
	where := got[1].ticket.(ticket).at()
	for len(q.acks.waiting) <= mostAside {
		q.acks.waiting = append(q.acks.waiting, where)
		q.acks.put++
		where.seg.unsettled++ // so that the account stays right
	}
	q.mu.Unlock()
	acked := make(chan struct{})
	go func() { s.ack(got[2]); close(acked) }()
	select {
	case <-acked:
		t.Error("it waits for nothing")
	case <-time.After(200 * time.Millisecond): // ten times as long as any other waits
	}
	h.end()
	<-acked
	s.close(q)
}

// TestReceiveWhileReadingHangs: much waits on the disk, and reading it hangs. What is in
// memory is delivered: what was read, what was given back and what comes now, from both
// ends. When the disk answers, everything comes, and nothing twice.
func TestReceiveWhileReadingHangs(t *testing.T) {
	for _, newest := range []bool{false, true} {
		t.Run(fmt.Sprintf("newest=%v", newest), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStory(t, 24)
				disk, h := newCrashFS(), &hanging{suits: func(o op) bool { return o.what == "read" && strings.HasSuffix(o.name, segmentSuffix) }}
				disk.before = h.before
				// One segment, whose file stays open: else its header would be
				// read under a mutex, which synctest takes for work.
				o := SpoolOptions{SegmentBytes: 4 << 20, Window: 25}
				q := openTest(t, disk, spoolDir, o)
				for range 200 {
					if err := s.append(q, 1, 6000); err != nil {
						t.Fatal(err)
					}
				}
				s.close(q)
				q = openTest(t, disk, spoolDir, o)
				waiting := q.Stats().Waiting
				h.begin()
				came := map[string]bool{}
				take := func(want int) (n int) {
					for n < want {
						ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
						got, err := q.Receive(ctx, 50)
						cancel()
						if err != nil {
							break
						}
						for _, d := range got {
							if came[string(d.Body)] {
								t.Errorf("%.20q came twice", d.Body)
							}
							came[string(d.Body)] = true
							s.ack(d)
						}
						n += len(got)
					}
					return n
				}
				if newest {
					begin := time.Now()
					if got := s.newest(q, 10); len(got) != 0 || time.Since(begin) != hangs {
						t.Errorf("%d of the newest after %v", len(got), time.Since(begin))
					}
				}
				read := take(1)
				if read == 0 || read > 60 {
					t.Errorf("%d were read ahead", read)
				}
				take(waiting) // all that can be had
				for range 30 {
					if err := s.append(q, 1, 100); err != nil {
						t.Fatal(err)
					}
					begin := time.Now()
					if take(1) != 1 || time.Since(begin) > 0 {
						t.Errorf("a new item came after %v", time.Since(begin))
					}
				}
				h.end()
				<-time.After(time.Second)
				take(waiting + 30)
				if n := len(came); n != waiting+30 || q.Stats().Waiting != 0 {
					t.Errorf("%d of %d came: %+v", n, waiting+30, q.Stats())
				}
				s.close(q)
				s.verify(picture{"after a disk that hung", disk, nil})
			})
		})
	}
}

// TestBodiesWhileReadingHangs: the bodies of items given back are on the disk only, and
// reading them hangs. The others are handed out.
func TestBodiesWhileReadingHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStory(t, 25)
		disk, h := newCrashFS(), &hanging{suits: operations("read")}
		disk.before = h.before
		q, err := openSpool(disk, spoolDir, SpoolOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			if err := s.append(q, 1, 300); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(time.Second)
		for i, d := range s.receive(q, 10) {
			d.Nack(0)
			if i < 5 {
				q.mu.Lock()
				e := d.ticket.(ticket).entry
				q.window.givenBackBytes -= int64(len(e.Body))
				e.Body, e.dropped = nil, true
				q.mu.Unlock()
			}
		}
		h.begin()
		got := s.receive(q, 10)
		if len(got) != 5 {
			t.Errorf("%d came while the disk hung", len(got))
		}
		h.end()
		<-time.After(2 * retryAfter)
		if got = append(got, s.receive(q, 10)...); len(got) != 10 {
			t.Errorf("%d came in the end", len(got))
		}
		for _, d := range got {
			s.ack(d)
		}
		s.close(q)
	})
}
