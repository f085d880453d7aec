// Package queuetest is the conformance suite of package queue: what every
// engine has to pass before events are trusted to it. It needs nothing but the
// standard library and the engine.
//
// It tests what the documentation of [queue.Queue] promises, and of what an
// engine offers beyond it ([queue.Reserver], [queue.LetterBox],
// [queue.NewestReceiver], keeping items for the next process) as much as it finds. Run it under the race detector too.
package queuetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/queue"
)

// Engine tells the suite how to open the engine under test.
type Engine struct {
	// Open opens the queue at place, an empty one if nothing was kept there.
	// The place is a directory of the test's own, which exists; an engine
	// that keeps its items elsewhere may take its last element, which no other
	// place has, for a name. What Open starts it may end in t.Cleanup; the suite
	// closes the queue.
	Open func(t *testing.T, place string) queue.Queue

	// Keeps says that a queue opened at the same place after Close goes on with
	// what was not settled.
	Keeps bool

	// Bytes is how many bytes of bodies and keys fill the queue that Open
	// opens, roughly: an item of more bytes can never fit, and one of a
	// hundredth always fits into an empty queue. The suite fills it, so it should
	// be small. Zero leaves the tests of a full queue out.
	Bytes int64

	// RealTime is for engines that wait for a network, which the fake clock of
	// testing/synctest cannot see: the suite then uses the real clock, takes
	// a few seconds longer and does not look for goroutines left behind.
	RealTime bool
}

// check is one promise.
type check struct {
	name string
	run  func(*rig)
}

// Run runs the suite, each promise in a subtest with a queue of its own.
func Run(t *testing.T, e Engine) {
	t.Helper()
	if e.Open == nil {
		t.Fatal("queuetest: Engine.Open is nil")
	}
	for _, group := range [][]check{appending, full(e), receiving, settling, counting, closing, reserving, lettering, fromTheEnd, keeping(e), atOnce} {
		for _, c := range group {
			t.Run(c.name, func(t *testing.T) { e.run(t, c) })
		}
	}
}

func (e Engine) run(t *testing.T, c check) {
	begin := func(t *testing.T) {
		r := &rig{T: t, engine: e, place: t.TempDir(), delay: time.Minute}
		if e.RealTime {
			r.delay = 100 * time.Millisecond
		}
		r.open()
		t.Cleanup(r.close)
		c.run(r)
	}
	if e.RealTime {
		begin(t)
	} else {
		synctest.Test(t, begin)
	}
}

// rig is one check's queue.
type rig struct {
	*testing.T
	engine Engine
	place  string
	delay  time.Duration // for things given back
	queue  queue.Queue
	made   int // items
}

func (r *rig) open() {
	r.Helper()
	if r.queue = r.engine.Open(r.T, r.place); r.queue == nil {
		r.Fatal("Engine.Open gave no queue")
	}
}

// close may be called again.
func (r *rig) close() {
	r.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), time.Minute)
	defer cancel()
	if err := r.queue.Close(ctx); err != nil && !errors.Is(err, queue.ErrClosed) {
		r.Errorf("Close: %v", err)
	}
}

// reopen is the next process.
func (r *rig) reopen() {
	r.Helper()
	r.close()
	r.open()
}

// blocked waits until every other goroutine of the check waits for something.
func (r *rig) blocked() {
	if !r.engine.RealTime {
		synctest.Wait()
	}
}

// soon bounds what should not take long.
func (r *rig) soon() (context.Context, context.CancelFunc) {
	return context.WithTimeout(r.Context(), max(10*time.Second, 10*r.delay))
}

// items makes n items that differ in all they have.
func (r *rig) items(n int) []queue.Item {
	all := make([]queue.Item, n)
	for i := range all {
		r.made++
		name := "item " + strconv.Itoa(r.made)
		all[i] = queue.Item{
			Body: []byte(name), Key: "key " + strconv.Itoa(r.made%7), Priority: queue.High,
			Time: time.Unix(1_700_000_000+int64(r.made), int64(r.made)),
		}
	}
	return all
}

// append appends what has to fit.
func (r *rig) append(items ...queue.Item) {
	r.Helper()
	ctx, cancel := r.soon()
	defer cancel()
	if err := r.queue.Append(ctx, items...); !Taken(err) {
		r.Fatalf("Append of %d items: %v, want none or ErrNotYetOnDisk", len(items), err)
	}
}

// Taken tells whether Append took the items: it did if it returned no error,
// and also if it could not confirm in time that they are on disk.
func Taken(err error) bool { return err == nil || errors.Is(err, queue.ErrNotYetOnDisk) }

// receive receives exactly what must be there, in this order.
func (r *rig) receive(want ...queue.Item) []queue.Delivery {
	r.Helper()
	var got []queue.Delivery
	ctx, cancel := r.soon()
	defer cancel()
	for len(got) < len(want) {
		more, err := r.queue.Receive(ctx, len(want)-len(got))
		if err != nil {
			r.Fatalf("Receive: %v after %s, want %s", err, names(bodies(got)), names(of(want)))
		}
		if len(more) == 0 || len(more) > len(want)-len(got) {
			r.Fatalf("Receive(%d) gave %d items", len(want)-len(got), len(more))
		}
		got = append(got, more...)
	}
	for i, d := range got {
		if err := same(d.Item, want[i]); err != nil {
			r.Fatalf("received %s, want %s: item %d: %v", names(bodies(got)), names(of(want)), i+1, err)
		}
	}
	return got
}

// nothing checks that nothing can be received for a while.
func (r *rig) nothing(when string) {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), r.delay/2)
	defer cancel()
	got, err := r.queue.Receive(ctx, 100)
	if len(got) > 0 || !errors.Is(err, context.DeadlineExceeded) {
		r.Fatalf("%s: Receive gave %s and error %v, want nothing until its context ended", when, names(bodies(got)), err)
	}
}

// stats checks the numbers that the docs define exactly.
func (r *rig) stats(when string, waiting, last, done int, oldest time.Time, dead int) {
	r.Helper()
	s := r.queue.Stats()
	if s.Waiting != waiting || s.Last != uint64(last) || s.Done != uint64(done) || !s.Oldest.Equal(oldest) || s.Dead != uint64(dead) || (s.Bytes == 0) != (waiting == 0) || s.Bytes < 0 { //nolint:gosec // Small numbers.
		r.Errorf("%s: Stats are %+v; want %d waiting, last %d, done %d, oldest %v, %d dead, bytes only if any wait", when, s, waiting, last, done, oldest, dead)
	}
}

// same tells how two items differ.
func same(got, want queue.Item) error {
	switch {
	case string(got.Body) != string(want.Body):
		return fmt.Errorf("the body is %s, want %s", short(string(got.Body)), short(string(want.Body)))
	case got.Key != want.Key:
		return fmt.Errorf("the key is %s, want %s", short(got.Key), short(want.Key))
	case got.Priority != want.Priority:
		return fmt.Errorf("the priority is %d, want %d", got.Priority, want.Priority)
	case !got.Time.Equal(want.Time):
		return fmt.Errorf("the time is %v, want %v", got.Time, want.Time)
	}
	return nil
}

func bodies(ds []queue.Delivery) (all []string) {
	for _, d := range ds {
		all = append(all, string(d.Body))
	}
	return all
}

func of(items []queue.Item) (all []string) {
	for _, i := range items {
		all = append(all, string(i.Body))
	}
	return all
}

// names shows bodies as far as a reader can bear.
func names(all []string) string {
	if len(all) == 0 {
		return "nothing"
	}
	const most = 12
	shown := make([]string, min(len(all), most))
	for i := range shown {
		shown[i] = short(all[i])
	}
	if len(all) > most {
		shown = append(shown, fmt.Sprintf("... (%d in all)", len(all)))
	}
	return strings.Join(shown, ", ")
}

func short(s string) string {
	if len(s) > 40 {
		return fmt.Sprintf("%q... (%d bytes)", s[:30], len(s))
	}
	return fmt.Sprintf("%q", s)
}
