package queue

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestBehindIsTheModel has a spool that leaves nearly everything behind do at random all
// that a queue has to do, on a disk that fails and hangs for a while, and that the process
// leaves without a farewell. Each item is settled once or is there; none is handed out
// twice at once, before its time or much later; Stats say what there is.
func TestBehindIsTheModel(t *testing.T) {
	seeds := uint64(30)
	if testing.Short() {
		seeds = 3
	}
	left := 0
	for seed := range seeds {
		synctest.Test(t, func(t *testing.T) {
			b := &behindModel{T: t, random: rand.New(rand.NewPCG(seed, 12)), disk: newCrashFS(), items: map[string]*behindItem{}}
			defer func() {
				if t.Failed() {
					t.Logf("with seed %d", seed)
				}
			}()
			b.run(300)
			left += b.left
		})
		if t.Failed() {
			return
		}
	}
	if left < int(seeds) {
		t.Errorf("only %d were left behind", left)
	}
}

// behindModel is a spool, and what is known of it.
type behindModel struct {
	*testing.T
	random  *rand.Rand
	disk    *crashFS
	bad     faulty
	slow    hanging
	killed  atomic.Bool // nothing fails any more
	wellAt  time.Time   // since then the disk works
	queue   *Spool
	items   map[string]*behindItem // what is not settled, and letters
	next    int
	held    []Delivery
	left    int // how many were left behind
	numbers bool
}

type behindItem struct {
	size        int
	number      uint64
	out, letter bool
	given       time.Time // when it was given back
	wait        time.Duration
}

func (b *behindModel) open() {
	b.Helper()
	q, err := openSpool(b.disk, spoolDir, SpoolOptions{Window: 4, SegmentBytes: minSegment, keptBack: 4, Letters: 64 << 20, pace: pace{1, 20 * time.Millisecond, 500 * time.Millisecond}})
	if err != nil {
		b.Fatal(err)
	}
	b.queue, b.held = q, nil
	for _, i := range b.items {
		i.out, i.wait = false, 0
	}
}

func (b *behindModel) chance(n int) bool { return b.random.IntN(n) == 0 }

// before makes the disk fail or hang.
func (b *behindModel) before(o op) error {
	if b.killed.Load() {
		return nil
	}
	if err := b.slow.before(o); err != nil {
		return err
	}
	return b.bad.strike(o)
}

func (b *behindModel) run(steps int) {
	b.bad = faulty{suits: operations("read"), err: syscall.EIO}
	b.slow.suits = func(o op) bool { return o.what == "read" && strings.HasSuffix(o.name, segmentSuffix) }
	b.numbers = true
	b.disk.before = b.before // before anything uses the disk
	b.open()
	defer func() { _ = b.queue.Close(context.WithoutCancel(b.Context())) }()
	for range steps {
		b.step()
		b.check()
	}
	b.settle()
}

func (b *behindModel) step() {
	switch op := b.random.IntN(41); {
	case op < 8:
		b.append()
	case op < 16:
		b.receive(1 + b.random.IntN(30))
	case op < 17:
		got, err := b.queue.ReceiveNewest(b.Context(), b.random.IntN(6))
		b.took(got, err)
	case op < 28:
		for range min(len(b.held), b.random.IntN(30)) {
			i := b.random.IntN(len(b.held))
			d := b.held[i]
			b.held = slices.Delete(b.held, i, i+1)
			b.handBack(d)
		}
	case op < 33:
		<-time.After(time.Duration(b.random.IntN(3000)) * time.Millisecond)
	case op == 33 && b.chance(4):
		<-time.After(time.Duration(b.random.IntN(200)) * time.Second)
	case op == 34:
		b.drain()
	case op == 35:
		b.letGoOfBodies()
	case op == 36 && b.chance(3):
		b.resend()
	case op == 37 && b.chance(3):
		b.trouble()
	case op == 38 && b.chance(6):
		b.reopen(func() { closeTest(b.T, b.queue) })
	case op == 39 && b.chance(6):
		b.reopen(b.kill)
	case op == 40 && b.chance(4):
		b.look()
	}
}

// look has somebody look into the directory: all that waits is there once, whether it is left
// behind or not, and so are the letters.
func (b *behindModel) look() {
	b.well()
	synctest.Wait() // and nothing is copied meanwhile
	there := map[string]bool{}
	if err := inspectSpool(b.disk, spoolDir, func(e SpoolEntry) error {
		if i := b.items[string(e.Body)]; i == nil || there[string(e.Body)] || i.letter != e.Dead {
			b.Errorf("%.9s is there: %+v, %+v", e.Body, i, e.Dead)
		}
		there[string(e.Body)] = true
		return nil
	}); err != nil || len(there) != len(b.items) {
		b.Fatalf("%d of %d are there; %v", len(there), len(b.items), err)
	}
}

func (b *behindModel) append() {
	for range b.random.IntN(20) {
		size := 10 + b.random.IntN(1200)
		body := fmt.Sprintf("%d %0*d", b.next, size, 0)
		b.next++
		mustAppend(b.T, b.queue, Item{Body: []byte(body), Key: strconv.Itoa(b.random.IntN(3)), Time: time.Now(), First: b.chance(9)})
		b.items[body] = &behindItem{size: len(body) + 1, number: b.queue.Stats().Last}
	}
}

func (b *behindModel) receive(n int) int {
	ctx, cancel := context.WithTimeout(b.Context(), time.Nanosecond)
	defer cancel()
	got, err := b.queue.Receive(ctx, n)
	if !errors.Is(err, context.DeadlineExceeded) {
		b.took(got, err)
	}
	return len(got)
}

// took notes what was handed out.
func (b *behindModel) took(got []Delivery, err error) {
	b.Helper()
	if err != nil && b.bad.times.Load() == 0 {
		b.Errorf("received: %v", err)
	}
	for _, d := range got {
		i := b.items[string(d.Body)]
		if i == nil || i.out || i.letter || time.Since(i.given) < i.wait {
			b.Fatalf("%.9s comes: %+v", d.Body, i)
		}
		i.out = true
		b.held = append(b.held, d)
	}
}

func (b *behindModel) handBack(d Delivery) {
	i := b.items[string(d.Body)]
	switch n := b.random.IntN(20); {
	case n < 3:
		d.Ack()
		delete(b.items, string(d.Body))
	case n == 3:
		if d.Dead("why") {
			i.letter = true
		} else { // while the disk hangs
			b.held = append(b.held, d)
			return
		}
	default:
		i.wait = time.Duration(b.random.IntN(40)) * 100 * time.Millisecond
		if b.chance(10) {
			i.wait = time.Duration(b.random.IntN(900)) * time.Second
		}
		i.given = time.Now()
		d.Nack(i.wait)
	}
	i.out = false
	if b.chance(9) { // "further calls do nothing"
		d.Nack(time.Hour)
		d.Ack()
	}
}

// drain receives all that is due. What is still there may be late by no more than a second
// for the cohort, or half of its time, and a second until the next pass.
func (b *behindModel) drain() {
	b.Helper()
	for more := true; more; more = b.receive(100) > 0 {
		b.check()
	}
	b.queue.mu.Lock()
	full := len(b.queue.begun.entries) >= b.queue.mostBegun()
	b.queue.mu.Unlock()
	if full || time.Since(b.wellAt) < 10*time.Second {
		return
	}
	for body, i := range b.items {
		if late := time.Since(i.given) - i.wait; !i.out && !i.letter && late > max(time.Second, i.wait/2)+2*time.Second {
			b.Fatalf("%.9s is due for %v, after %v", body, late, i.wait)
		}
	}
}

// letGoOfBodies has memory let go of bodies as if they were too many.
func (b *behindModel) letGoOfBodies() {
	q := b.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, h := range []*heap{&q.notDue, &q.due} {
		for _, e := range h.entries {
			if e.seg != nil && e.number <= q.intake.confirmed && !e.dropped && b.chance(2) {
				q.window.givenBackBytes -= int64(len(e.Body))
				e.Body, e.dropped = nil, true
			}
		}
	}
}

func (b *behindModel) resend() {
	if _, err := b.queue.Resend(func(Letter) bool { return true }); err != nil {
		return // the letters cannot be read now: they stay
	}
	for _, i := range b.items {
		if i.letter {
			i.letter, i.wait = false, 0
			b.numbers = false // it has another
		}
	}
}

// trouble has the disk fail or hang for less than makes the spool give a file up.
func (b *behindModel) trouble() {
	if b.bad.on.Load() || time.Since(b.wellAt) < 10*time.Second {
		return
	}
	long := time.Duration(b.random.IntN(2500)) * time.Millisecond
	b.wellAt = time.Now().Add(long)
	if b.chance(2) {
		for _, seg := range segmentsWithItems(b.queue) { // what waits for a mutex would stop the fake time
			seg.mu.Lock()
			_, _ = seg.openLocked()
			seg.mu.Unlock()
		}
		b.slow.begin()
		time.AfterFunc(long, b.slow.end)
		return
	}
	left := 1 + b.random.IntN(3)
	b.bad.suits = func(o op) bool {
		if o.what == "read" && left > 0 {
			left--
			return true
		}
		return false
	}
	b.bad.on.Store(true)
	time.AfterFunc(long, func() { b.bad.on.Store(false) })
}

// well waits until the disk works.
//
// and until what it was told is synced: whatever ends sooner may leave a letter's item.
func (b *behindModel) well() { <-time.After(max(time.Until(b.wellAt), 0) + 2*time.Second) }

// reopen ends the spool in some way, and sometimes erases something before the next.
func (b *behindModel) reopen(end func()) {
	b.well()
	b.numbers = b.numbers && b.queue.Report().Copied == 0
	end()
	if b.chance(2) {
		done, err := eraseSpool(b.disk, spoolDir, func(e SpoolEntry) bool {
			i := b.items[string(e.Body)]
			return i != nil && i.number%7 == 3
		})
		if err != nil || len(done.Unread) > 0 {
			b.Fatalf("erase: %+v, %v", done, err)
		}
		for body, i := range b.items {
			if i.number%7 == 3 {
				delete(b.items, body)
			}
		}
	}
	b.open()
}

// kill ends the process without Close, and sometimes the machine.
func (b *behindModel) kill() {
	b.killed.Store(true)
	kept := []float64{keepEverything, keepSome, keepNothing}[b.random.IntN(3)]
	after := b.disk.powerLoss(b.random, kept)
	closeTest(b.T, b.queue) // its goroutines, on the disk that nobody sees any more
	b.killed.Store(false)
	b.disk = after
	b.disk.before = b.before
}

// check compares Stats with what is known.
func (b *behindModel) check() {
	b.Helper()
	st := b.queue.Stats()
	waiting, size := 0, 0
	for body, i := range b.items {
		if i.letter {
			continue
		}
		waiting++
		size += i.size
		if b.numbers && i.number <= st.Done {
			b.Fatalf("%.9s has number %d and is not settled; %+v", body, i.number, st)
		}
	}
	if st.Waiting != waiting || st.Bytes != int64(size) || st.Damaged != 0 {
		b.Fatalf("%d wait, %d bytes; %+v", waiting, size, st)
	}
	b.queue.mu.Lock()
	defer b.queue.mu.Unlock()
	b.left = max(b.left, b.queue.behind.leftN())
	inMemory := 0
	for _, n := range b.queue.behind.kept.counts {
		inMemory += int(n)
	}
	if n := len(b.queue.due.entries) + len(b.queue.notDue.entries); n != inMemory {
		b.Fatalf("%d are given back, %d are counted", n, inMemory)
	}
}

// settle receives and acks all.
func (b *behindModel) settle() {
	b.well()
	b.resend()
	for range 8 {
		for _, d := range b.held {
			d.Ack()
			delete(b.items, string(d.Body))
		}
		b.held = nil
		for b.receive(100) > 0 {
			for _, d := range b.held {
				d.Ack()
				delete(b.items, string(d.Body))
			}
			b.held = nil
		}
		<-time.After(200 * time.Second)
	}
	b.drain()
	b.check()
	if st := b.queue.Stats(); len(b.items) != 0 || st.Waiting != 0 || st.Done != st.Last {
		b.Errorf("%d did not come; %+v", len(b.items), st)
	}
	if n := len(segmentsWithItems(b.queue)); n > 1 {
		b.Errorf("%d segments are left", n)
	}
	closeTest(b.T, b.queue)
}

func segmentsWithItems(q *Spool) []*segment {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.segments)
}
