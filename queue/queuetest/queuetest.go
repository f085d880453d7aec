// Package queuetest is the conformance suite of package queue: what every engine has to
// pass before events are trusted to it. It needs nothing but the standard library and the
// engine.
//
// It tests what the documentation of [queue.Queue] promises. It also tests what the engine
// offers beyond that: [queue.Reserver], [queue.LetterBox], [queue.NewestReceiver], and
// keeping items for the next process. What an engine does not offer is left out. Run the
// suite under the race detector, too.
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

// Engine tells the suite how to open the engine under test. It is a value that the suite
// only reads.
type Engine struct {
	// Open opens the queue at place, an empty one if nothing was kept there. It may
	// be called again for a place whose queue was closed. It must not return nil.
	// Required.
	//
	// The place is an existing directory that belongs to the test alone. An engine
	// that keeps its items elsewhere may use the last element of the path as a name:
	// no other place has the same. What Open starts besides the queue it may end in
	// t.Cleanup; the suite closes the queue.
	Open func(t *testing.T, place string) queue.Queue

	// Keeps says that a queue opened at the same place after Close goes on with what
	// was not settled. Default: it does not, and the tests of that are left out.
	Keeps bool

	// Bytes is roughly how many bytes of bodies and keys fill a queue that Open
	// opens. An item of more bytes can never fit, and one of a hundredth always fits
	// into an empty queue. The suite fills the queue, so it should be small. Default:
	// the bound is not known, and the tests of a full queue are left out.
	Bytes int64

	// RealTime is for engines that wait for a network, which the fake clock of
	// testing/synctest cannot see. The suite then uses the real clock, takes a few
	// seconds longer and does not look for goroutines left behind. Default: the fake
	// clock.
	RealTime bool
}

// check tests one promise.
type check struct {
	name string
	run  func(*rig)
}

// Run runs the suite: a subtest for each promise, with a queue of its own. A nil Open ends
// the test at once.
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
	delay  time.Duration // how long an item is given back for
	queue  queue.Queue
	made   int // how many items were made
}

func (r *rig) open() {
	r.Helper()
	if r.queue = r.engine.Open(r.T, r.place); r.queue == nil {
		r.Fatal("Engine.Open gave no queue")
	}
}

// close closes the queue. It may be called again.
func (r *rig) close() {
	r.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), time.Minute)
	defer cancel()
	if err := r.queue.Close(ctx); err != nil && !errors.Is(err, queue.ErrClosed) {
		r.Errorf("Close: %v", err)
	}
}

// reopen closes the queue and opens it again, as the next process does.
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

// soon returns a context for what should not take long.
func (r *rig) soon() (context.Context, context.CancelFunc) {
	return context.WithTimeout(r.Context(), max(10*time.Second, 10*r.delay))
}

// items makes n items that all differ, in body, key and time.
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

// append appends items that have to fit.
func (r *rig) append(items ...queue.Item) {
	r.Helper()
	ctx, cancel := r.soon()
	defer cancel()
	if err := r.queue.Append(ctx, items...); !Taken(err) {
		r.Fatalf("Append of %d items: %v, want none or ErrNotYetOnDisk", len(items), err)
	}
}

// Taken reports whether Append took the items, by the error that it returned. It did if
// there was no error, and also if the items are not yet on the disk
// ([queue.ErrNotYetOnDisk]).
func Taken(err error) bool { return err == nil || errors.Is(err, queue.ErrNotYetOnDisk) }

// receive receives exactly these items, in this order.
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

// stats checks those numbers of Stats that the documentation defines exactly.
func (r *rig) stats(when string, waiting, last, done int, oldest time.Time, dead int) {
	r.Helper()
	s := r.queue.Stats()
	if s.Waiting != waiting || s.Last != uint64(last) || s.Done != uint64(done) || !s.Oldest.Equal(oldest) || s.Dead != uint64(dead) || (s.Bytes == 0) != (waiting == 0) || s.Bytes < 0 { //nolint:gosec // Small numbers.
		r.Errorf("%s: Stats are %+v; want %d waiting, last %d, done %d, oldest %v, %d dead, bytes only if any wait", when, s, waiting, last, done, oldest, dead)
	}
}

// same returns how two items differ, nil if they do not.
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

// names lists bodies, shortened where there are many or they are long.
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
