package goaltrack

import (
	"context"
	"errors"
	"time"

	"github.com/goaltrack/goaltrack/queue"
)

// schedule decides what is sent next. It runs in one goroutine.
//
// Every visitor has a lane while events of his are held: one of them is on its
// way, the others are parked behind it, so that they arrive in the order they
// happened (an IDENTITY before the goal). What is not parked is either ready or
// delayed until a time.
type schedule struct {
	*sender
	lanes   map[string]*lane
	held    int // events in the window
	parked  int
	running int // events with the workers
	turn    int // which line is looked at first
	made    idMemory
	waiters []waiter

	closing  bool
	deadline time.Time
	over     chan<- error
}

type lane struct {
	key    string
	parked []*job
}

// waiter is a call of Flush: it waits until the queue has settled everything up
// to a number.
type waiter struct {
	target  uint64
	settled chan<- struct{}
}

// The bounds of order: beyond them an event is sent out of turn rather than
// held up.
const (
	maxParked      = 64
	maxParkedTotal = window / 2
)

func newSchedule(s *sender) *schedule {
	return &schedule{sender: s, lanes: make(map[string]*lane)}
}

// run schedules until ctx ends, and then waits for the workers to give back
// what they have.
func (sc *schedule) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	stopping := ctx.Done()
	for stopping != nil || sc.running > 0 {
		var next *job
		var wait time.Duration
		var out chan<- *job
		var room chan<- int
		if stopping != nil {
			if next, wait = sc.pick(time.Now()); next != nil {
				out = sc.jobs
			}
			if sc.held < window {
				room = sc.room
			}
		}
		if wait > 0 {
			timer.Reset(wait)
		} else {
			timer.Stop()
		}
		select {
		case out <- next:
			sc.dispatched(next)
		case room <- window - sc.held:
		case batch := <-sc.arrived:
			for _, d := range batch {
				sc.admit(d)
			}
		case j := <-sc.finished:
			sc.running--
			j.line.health.inFlight--
			sc.finish(j)
		case ask := <-sc.asks:
			ask(sc)
		case <-timer.C:
		case <-stopping:
			stopping = nil
		}
		sc.tellWaiters()
	}
}

// admit takes an event over from the queue.
func (sc *schedule) admit(d queue.Delivery) {
	e, err := parseEnvelope(d.Body)
	if err != nil {
		d.Dead("unreadable")
		sc.ledger.bury("", "", "unreadable")
		return
	}
	ln := sc.lines[e.site]
	if ln == nil {
		d.Dead("unknown_site")
		sc.ledger.bury(e.goal, e.browserID(), "unknown_site")
		return
	}
	j := &job{Delivery: d, envelope: e, line: ln, id: e.browserID()}
	if ln.blocked(time.Now()) && ln.health.held >= window/2 {
		// A site that cannot send must not take the whole window from the others.
		d.Nack(sc.capped(time.Second))
		return
	}
	sc.held++
	ln.health.held++
	switch l := sc.lanes[d.Key]; {
	case l == nil:
		j.lane = &lane{key: d.Key}
		sc.lanes[d.Key] = j.lane
		sc.makeReady(j)
	case len(l.parked) < maxParked && sc.parked < maxParkedTotal:
		j.lane = l
		l.parked = append(l.parked, j)
		sc.parked++
	default:
		sc.ledger.note("order_released")
		sc.makeReady(j)
	}
}

func (sc *schedule) makeReady(j *job) {
	if j.id == "" {
		j.id = sc.made.get(j.Key)
	}
	j.line.health.ready.push(j)
}

// leaveLane lets the visitor's next event go.
func (sc *schedule) leaveLane(j *job) {
	l := j.lane
	if l == nil {
		return
	}
	j.lane = nil
	if len(l.parked) == 0 {
		delete(sc.lanes, l.key)
		return
	}
	next := l.parked[0]
	l.parked = l.parked[1:]
	sc.parked--
	sc.makeReady(next)
}

// settled is called when an event has met its fate.
func (sc *schedule) settled(j *job) {
	sc.held--
	j.line.health.held--
	sc.leaveLane(j)
}

// pick finds the event to send now, without taking it, or how long until there
// may be one (0: until something happens).
func (sc *schedule) pick(now time.Time) (next *job, wait time.Duration) {
	for i := range sc.order {
		ln := sc.order[(sc.turn+i)%len(sc.order)]
		j, at := ln.next(now, sc.config.Workers)
		if j != nil {
			return j, 0
		}
		if !at.IsZero() {
			if d := max(at.Sub(now), time.Microsecond); wait == 0 || d < wait {
				wait = d
			}
		}
	}
	if sc.closing && sc.running == 0 && sc.held > 0 && !sc.deadline.IsZero() && now.Add(wait).After(sc.deadline) {
		sc.endClosing(ErrUndelivered) // waiting longer would change nothing
	}
	return nil, wait
}

// dispatched takes what pick found out of its list.
func (sc *schedule) dispatched(j *job) {
	j.line.take(j)
	j.line.health.inFlight++
	sc.running++
	sc.turn++
}

// tellWaiters ends the calls of Flush and Close that have what they wait for.
func (sc *schedule) tellWaiters() {
	if len(sc.waiters) == 0 && !sc.closing {
		return
	}
	stats := sc.queue.Stats()
	kept := sc.waiters[:0]
	for _, w := range sc.waiters {
		if stats.Done >= w.target {
			close(w.settled)
		} else {
			kept = append(kept, w)
		}
	}
	sc.waiters = kept
	if sc.closing && stats.Waiting == 0 {
		sc.endClosing(nil)
	}
}

// closingWait caps every wait while the tracker closes: what can be delivered
// is tried again soon, since there is no later.
const closingWait = 250 * time.Millisecond

func (sc *schedule) beginClosing(deadline time.Time, over chan<- error) {
	sc.closing, sc.deadline, sc.over = true, deadline, over
	now := time.Now()
	for _, ln := range sc.order {
		ln.hurry(now.Add(closingWait))
	}
}

func (sc *schedule) endClosing(err error) {
	if sc.over != nil {
		sc.over <- err // buffered
		sc.over = nil
	}
}

// capped is d, or less while closing.
func (sc *schedule) capped(d time.Duration) time.Duration {
	if sc.closing {
		return min(d, closingWait)
	}
	return d
}

// ErrUndelivered is returned by [Tracker.Close] when events are left that
// could not be delivered in time. The account says how many.
var ErrUndelivered = errors.New("goaltrack: events are left undelivered")

// jobQueue is a first-in first-out list.
type jobQueue struct{ jobs []*job }

func (q *jobQueue) push(j *job) { q.jobs = append(q.jobs, j) }

func (q *jobQueue) first() *job {
	if len(q.jobs) == 0 {
		return nil
	}
	return q.jobs[0]
}

// remove takes j out; it is usually the first.
func (q *jobQueue) remove(j *job) bool {
	for i, have := range q.jobs {
		if have == j {
			if i == 0 {
				q.jobs[0] = nil
				q.jobs = q.jobs[1:]
			} else {
				q.jobs = append(q.jobs[:i], q.jobs[i+1:]...)
			}
			return true
		}
	}
	return false
}
