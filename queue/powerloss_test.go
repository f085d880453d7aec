package queue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// story is what is known of a queue's items by those who used it.
type story struct {
	*testing.T
	random *rand.Rand
	narrow bool // its spools keep little in memory

	mu        sync.Mutex
	offered   map[string]Item      // by body
	confirmed map[string]time.Time // Append returned no error
	acked     map[string]bool      // Ack was called, or is just being called
	died      map[string]bool      // Dead was called: whatever ends amid that, or amid Resend, may leave it twice
}

func newStory(t *testing.T, seed uint64) *story {
	return &story{
		T: t, random: rand.New(rand.NewPCG(seed, 7)),
		offered: map[string]Item{}, confirmed: map[string]time.Time{}, acked: map[string]bool{},
		died: map[string]bool{},
	}
}

// item makes one that no other is like, of about so many bytes.
func (s *story) item(size int) Item {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.offered)
	i := Item{
		Body: fmt.Appendf(nil, "%d:%s", n, strings.Repeat(string(rune('a'+n%26)), s.random.IntN(2*size+1))),
		Key:  fmt.Sprint("k", n%5), Priority: High, Time: time.Unix(int64(1_700_000_000+n), int64(n)),
	}
	s.offered[string(i.Body)] = i
	return i
}

// append offers a batch.
func (s *story) append(q Queue, n, size int) error {
	s.Helper()
	items := make([]Item, n)
	for i := range items {
		items[i] = s.item(size)
	}
	ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
	defer cancel()
	err := q.Append(ctx, items...)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, i := range items {
		s.confirmed[string(i.Body)] = time.Now()
	}
	return nil
}

// receive takes what there is, at most n, and checks that it was offered.
func (s *story) receive(q Queue, n int) []Delivery {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), time.Millisecond)
	defer cancel()
	got, err := q.Receive(ctx, n)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		s.Errorf("Receive: %v", err)
	}
	for _, d := range got {
		s.known(d.Item)
	}
	return got
}

// newest takes what there is from the other end.
func (s *story) newest(q NewestReceiver, n int) []Delivery {
	s.Helper()
	got, err := q.ReceiveNewest(s.Context(), n)
	if err != nil {
		s.Errorf("ReceiveNewest: %v", err)
	}
	for _, d := range got {
		s.known(d.Item)
	}
	return got
}

func (s *story) known(i Item) {
	s.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	want, ok := s.offered[string(i.Body)]
	if !ok || i.Key != want.Key || i.Priority != want.Priority || !i.Time.Equal(want.Time) {
		s.Errorf("handed out what nobody appended: %.60q, key %q, priority %d, time %v", i.Body, i.Key, i.Priority, i.Time)
	}
}

func (s *story) ack(d Delivery) {
	s.mu.Lock()
	s.acked[string(d.Body)] = true
	s.mu.Unlock()
	d.Ack()
}

// owed are the items that must be there if everything ends now, and what was
// confirmed no longer than forgiven ago may be lost.
func (s *story) owed(forgiven time.Duration) (owed []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for body, when := range s.confirmed {
		if !s.acked[body] && time.Since(when) > forgiven {
			owed = append(owed, body)
		}
	}
	slices.Sort(owed)
	return owed
}

// picture is a file system after everything ended, and what has to be in it.
type picture struct {
	name string
	disk *crashFS
	owed []string
}

const spoolDir = "/var/spool/goals"

// open opens a spool, which always has to work.
func (s *story) open(disk fsys, strict bool) *Spool {
	s.Helper()
	o := smallSpool(strict)
	if s.narrow {
		o = narrowSpool(strict)
	}
	q, err := openSpool(disk, spoolDir, o)
	if err != nil {
		s.Fatalf("the spool does not open: %v", err)
	}
	return q
}

func (s *story) close(q Queue) {
	s.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.Context()), time.Minute)
	defer cancel()
	if err := q.Close(ctx); err != nil {
		s.Errorf("Close: %v", err)
	}
}

// verify opens what was left and looks whether all is there that has to be.
// Then the queue has to do its work.
func (s *story) verify(p picture) {
	s.Helper()
	q := s.open(p.disk, false)
	before := q.Stats()
	found := map[string]bool{}
	var all []Delivery
	for {
		got := s.receive(q, 1000)
		if len(got) == 0 {
			break
		}
		all = append(all, got...)
	}
	for _, d := range all {
		if found[string(d.Body)] && !s.died[string(d.Body)] {
			s.Errorf("%s: %.40q is there twice", p.name, d.Body)
		}
		found[string(d.Body)] = true
	}
	if stats := q.Stats(); len(all) != before.Waiting-int(stats.Damaged-before.Damaged) || stats.Waiting != len(all) {
		s.Errorf("%s: %d items came, Stats were %d waiting, are %+v", p.name, len(all), before.Waiting, stats)
	}
	for _, l := range q.Letters() {
		s.known(l.Item)
		found[string(l.Body)] = true
	}
	for _, body := range p.owed {
		if !found[body] {
			s.Errorf("%s: %.40q is lost", p.name, body)
		}
	}
	fresh := s.item(50)
	if err := q.Append(s.Context(), fresh); err != nil {
		s.Errorf("%s: a fresh item: %v", p.name, err)
	} else if got := s.receive(q, 1000); len(got) != 1 || string(got[0].Body) != string(fresh.Body) {
		s.Errorf("%s: %d items came after a fresh one was appended", p.name, len(got))
	} else {
		got[0].Ack()
	}
	for i, d := range all {
		if i%2 == 0 {
			d.Ack()
		}
	}
	s.close(q)
	// What came back to life must live on like anything else.
	q = s.open(p.disk, false)
	again := map[string]bool{}
	for got := s.receive(q, 1000); len(got) > 0; got = s.receive(q, 1000) {
		for _, d := range got {
			again[string(d.Body)] = true
		}
	}
	for i, d := range all {
		if again[string(d.Body)] != (i%2 == 1) && !s.died[string(d.Body)] {
			s.Errorf("%s: after recovery and a regular end, %.40q (acknowledged: %v) is there: %v", p.name, d.Body, i%2 == 0, again[string(d.Body)])
		}
	}
	s.close(q)
}

// photograph takes pictures ahead of every operation from now on.
func (s *story) photograph(disk *crashFS, strict bool, pictures *[]picture) {
	forgiven := syncInterval
	if strict {
		forgiven = -1
	}
	random := rand.New(rand.NewPCG(s.random.Uint64(), 9))
	var mu sync.Mutex
	disk.before = func(o op) error {
		if o.what == "read" || o.what == "readdir" || o.what == "open" {
			return nil // changes nothing
		}
		mu.Lock()
		defer mu.Unlock()
		owed, all := s.owed(forgiven), s.owed(-1) // before the pictures: others go on
		for _, chance := range []float64{keepNothing, keepSome, keepMost} {
			*pictures = append(*pictures, picture{
				fmt.Sprintf("power loss %d, before %v, %v kept", len(*pictures), o, chance), disk.powerLoss(random, chance), owed,
			})
		}
		*pictures = append(*pictures, picture{
			fmt.Sprintf("kill %d, before %v", len(*pictures), o), disk.powerLoss(random, keepEverything), all,
		})
		return nil
	}
}

// use is a life of a queue with a bit of everything.
func (s *story) use(q *Spool, steps int) {
	s.Helper()
	var held []Delivery
	for range steps {
		switch op := s.random.IntN(12); {
		case op < 5:
			if err := s.append(q, 1+s.random.IntN(4), 3000); err != nil {
				s.Errorf("Append: %v", err)
			}
		case op < 7:
			held = append(held, s.receive(q, 1+s.random.IntN(6))...)
			held = append(held, s.newest(q, s.random.IntN(4))...)
		case op < 10:
			for range min(len(held), 1+s.random.IntN(8)) {
				i := s.random.IntN(len(held))
				switch d := held[i]; s.random.IntN(8) {
				case 0:
					d.Nack(time.Duration(s.random.IntN(50)) * time.Millisecond)
				case 2:
					d.Nack(leaveFrom) // it is left behind if there are many
				case 1:
					s.died[string(d.Body)] = true
					d.Dead("too bad")
				default:
					s.ack(d)
				}
				held = slices.Delete(held, i, i+1)
			}
		case op == 10:
			<-time.After(time.Duration(s.random.IntN(int(2 * syncInterval))))
			if s.random.IntN(3) == 0 {
				<-time.After(2 * leaveFrom)
			}
		case s.random.IntN(3) == 0:
			if _, err := q.Resend(func(Letter) bool { return s.random.IntN(2) == 0 }); err != nil {
				s.Errorf("Resend: %v", err)
			}
		}
	}
}

// TestPowerLossAnywhere: power is lost ahead of every operation of the life of
// a spool, and every time what may be on the disk is opened again. Strict: all
// that was confirmed is there. Durable: all that was confirmed longer ago than
// the interval of syncs. The end of the process alone, at the same places,
// costs nothing at either level.
func TestPowerLossAnywhere(t *testing.T) {
	for _, strict := range []bool{true, false} {
		for seed := range uint64(2) {
			t.Run(fmt.Sprintf("strict=%v/%d", strict, seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newStory(t, seed)
					s.narrow = true
					disk := newCrashFS()
					var pictures []picture
					s.photograph(disk, strict, &pictures)
					for range 2 {
						q := s.open(disk, strict)
						s.use(q, 30)
						s.close(q)
					}
					disk.before = nil
					s.verifyAll(pictures)
				})
			})
		}
	}
}

func (s *story) verifyAll(pictures []picture) {
	s.Helper()
	if len(pictures) < 100 {
		s.Errorf("only %d pictures were taken", len(pictures))
	}
	for _, p := range pictures {
		if s.verify(p); s.Failed() {
			s.Fatalf("%s, in %d pictures; the disk: %v", p.name, len(pictures), slices.Sorted(maps.Keys(p.disk.names)))
		}
	}
	s.Logf("%d pictures, %d items", len(pictures), len(s.offered))
}

// TestPowerLossDuringRecovery: and once more, while the spool is opening after
// the first time.
func TestPowerLossDuringRecovery(t *testing.T) {
	for seed := range uint64(1) {
		synctest.Test(t, func(t *testing.T) {
			s := newStory(t, 100+seed)
			s.narrow = true
			disk := newCrashFS()
			var first, second []picture
			s.photograph(disk, true, &first)
			q := s.open(disk, true)
			s.use(q, 40)
			s.close(q)
			disk.before = nil
			for range 15 {
				p := first[s.random.IntN(len(first))]
				random := rand.New(rand.NewPCG(seed, 3))
				var mu sync.Mutex
				p.disk.before = func(o op) error {
					mu.Lock()
					defer mu.Unlock()
					for _, chance := range []float64{keepNothing, keepSome, keepEverything} {
						second = append(second, picture{
							fmt.Sprintf("%s; then again before %v, %v kept", p.name, o, chance), p.disk.powerLoss(random, chance), p.owed,
						})
					}
					return nil
				}
				q, err := openSpool(p.disk, spoolDir, narrowSpool(true))
				if err != nil {
					t.Fatalf("%s: %v", p.name, err)
				}
				s.close(q)
				p.disk.before = nil
			}
			s.verifyAll(second)
		})
	}
}

const (
	syncInterval = 100 * time.Millisecond
	strictWait   = 100 * time.Millisecond
)

// narrowSpool is a smallSpool that keeps little in memory.
func narrowSpool(strict bool) SpoolOptions {
	o := smallSpool(strict)
	o.Window, o.keptBack = 25, 1
	return o
}

// smallSpool has files so small that there are many.
func smallSpool(strict bool) SpoolOptions {
	o := SpoolOptions{SegmentBytes: minSegment, Bytes: 2 << 20, Intake: 1 << 20, Wait: time.Minute, Letters: 64 << 20, pace: pace{1, 5 * time.Millisecond, 5 * time.Millisecond}}
	if strict {
		o.Level = LevelStrict
	}
	return o
}
