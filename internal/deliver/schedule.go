package deliver

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/goaltrack/goaltrack/internal/recent"
	"github.com/goaltrack/goaltrack/queue"
)

// schedule decides what is sent next. It runs in one goroutine.
//
// Every visitor has a lane while some of their events are in the window. One of
// these events is on its way, and the others are parked behind it. So they
// arrive in the order in which they happened, an IDENTITY before the goal. An
// event that is not parked is either ready or delayed until a time.
type schedule struct {
	*Sender
	lanes    map[laneKey]*lane
	share    int // how many events each line may have in the window
	inWindow int // events in the window
	benched  int // events on a bench
	aside    int // events out of the window that wait for a retry
	parked   int
	asked    time.Time // when the queue last had no newer event
	pacing   pacing
	random   func(int64) int64 // spreads load
	lists    []*readyList      // of nextProbe, in memory that stays
	running  int               // events with the workers
	turn     int               // which line is looked at first
	made     recent.Map
	waiters  []waiter

	closing  bool
	deadline time.Time
	over     chan<- error
}

// waiter is a call of Flush: it waits until the queue has settled everything up
// to a number.
type waiter struct {
	target  uint64
	settled chan<- struct{}
}

func newSchedule(s *Sender) *schedule {
	return &schedule{Sender: s, lanes: make(map[laneKey]*lane), share: max(window/len(s.lines), leastShare), pacing: newPacing(&s.options), random: rand.Int64N}
}

// run schedules until ctx ends, and then waits for the workers to give back
// what they have.
func (sc *schedule) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	stopping := ctx.Done()
	for stopping != nil || sc.running > 0 {
		var wait time.Duration
		var room, latest chan<- int
		var newest, wanted int
		if stopping != nil {
			wait = sc.dispatch()
			if wanted = sc.wanted(); wanted > 0 {
				room = sc.room
			} else if newest = sc.wantsNewest(time.Now()); newest > 0 {
				latest = sc.latest
			}
		}
		if wait > 0 {
			timer.Reset(wait)
		} else {
			timer.Stop()
		}
		select {
		case room <- wanted:
		case latest <- newest:
		case batch := <-sc.arrived:
			for _, d := range batch {
				sc.admit(d, false)
			}
		case batch := <-sc.newest:
			sc.admitNewest(batch)
		case j := <-sc.finished:
			if sc.running > 1 {
				runtime.Gosched() // others may be about to finish: one waking for several
			}
			sc.returned(j)
			for range len(sc.finished) { // nobody else takes from it
				sc.returned(<-sc.finished)
			}
		case ask := <-sc.asks:
			ask(sc)
		case <-timer.C:
		case <-stopping:
			stopping = nil
		}
		sc.tellWaiters()
	}
}

// returned takes an event back from a worker.
func (sc *schedule) returned(j *job) {
	sc.running--
	j.line.meter.add(j)
	j.line.health.landed(&sc.pacing, j, time.Now())
	sc.finish(j)
	sc.guard(j.line)
}

// admit takes an event over from the queue.
func (sc *schedule) admit(d queue.Delivery, newest bool) {
	e, err := ParseEnvelope(d.Body)
	if err != nil {
		sc.refuseDelivery(d, &Envelope{awaited: e.awaited}, "unreadable")
		return
	}
	if err := sc.options.Seal.Open(&e); err != nil {
		sc.locked.Happens()
		sc.refuseDelivery(d, &e, "key_unknown")
		return
	}
	ln := sc.bySite[e.Site]
	if ln == nil {
		sc.refuseDelivery(d, &e, "unknown_site")
		return
	}
	j := &job{Delivery: d, Envelope: e, line: ln, id: e.BrowserID()}
	j.brought = j.id != "" && !ln.IDs.Made(j.id)
	if !sc.makeRoom(j, newest) && ln.putBack(d, sc.share, sc.capped(ln.health.fullWait(time.Now()))) {
		return
	}
	key := laneKey{ln, d.Key}
	l := sc.lanes[key]
	if l != nil && sc.putBackBehind(l, d) || sc.putBackFirst(d) {
		return
	}
	sc.inWindow++
	sc.shares.taken(&d.Item, 1)
	ln.health.inWindow++
	if j.fetched {
		ln.health.fetched++
	}
	if l == nil {
		l = &lane{key: key, width: 1}
		sc.lanes[key] = l
	}
	if l.going > 0 && (len(l.parked) >= maxParked || sc.parked >= maxParkedTotal) {
		l.width = wideLane
	}
	if l.width > 1 || d.OutOfOrder() {
		sc.tally.note("order_released")
	}
	j.lane = l
	l.parked = append(l.parked, j)
	sc.parked++
	sc.advance(l)
}

// refuseDelivery gives up an item that is not an event of ours.
func (sc *schedule) refuseDelivery(d queue.Delivery, e *Envelope, reason string) {
	if !d.Dead(reason) {
		d.Nack(sc.capped(buryAgainAfter))
		return
	}
	sc.tally.bury(e.Goal, e.BrowserID(), reason)
	sc.shares.taken(&d.Item, 1)
	sc.shares.settled(&d.Item)
	sc.left(d.Key, 1)
	sc.waits.met(e.awaited)
}

// prepare fills in what may have become known while the event waited: the
// browser ID that another event of the visitor was given.
func (sc *schedule) prepare(j *job) {
	switch {
	case j.id != "":
		if id := j.line.replaced.Get(j.id); id != "" {
			j.id, j.brought = id, false
		}
	case j.replaces != "":
		j.id = j.line.replaced.Get(j.replaces)
	default:
		j.id = sc.made.Get(j.Key)
	}
}

// settled is called when an event has met its fate.
func (sc *schedule) settled(j *job) {
	if j.benched {
		sc.leaveBench(j)
	} else {
		sc.leaveWindow(j)
	}
	sc.shares.settled(&j.Item)
	sc.left(j.Key, 1)
	sc.waits.met(j.awaited)
	sc.leaveLane(j)
}

// pick finds the event to send now, without taking it, or how long until there
// may be one (0: until something happens).
func (sc *schedule) pick(now time.Time) (next *job, wait time.Duration) {
	hopeless := true // no line can send before the deadline
	for i := range sc.lines {
		ln := sc.lines[(sc.turn+i)%len(sc.lines)]
		j, at := sc.next(ln, now)
		for j != nil && sc.tooLate(j) {
			sc.dropLate(j)
			j, at = sc.next(ln, now)
		}
		if j != nil {
			sc.prepare(j)
			return j, 0
		}
		hopeless = hopeless && at.After(sc.deadline)
		if !at.IsZero() {
			if d := max(at.Sub(now), time.Microsecond); wait == 0 || d < wait {
				wait = d
			}
		}
	}
	if sc.closing && sc.running == 0 && !sc.deadline.IsZero() {
		allHere := sc.queue.Stats().Waiting == sc.inWindow+sc.benched+sc.aside
		if hopeless || allHere && wait > 0 && now.Add(wait).After(sc.deadline) {
			sc.endClosing(ErrUndelivered) // waiting longer would change nothing
		}
	}
	return nil, wait
}

// dispatch hands out all that may be sent now, and says how long until there may be
// more, as pick does. It never waits: jobs has room for as many as are handed out.
func (sc *schedule) dispatch() time.Duration {
	now := time.Now()
	var tell time.Time
	for _, ln := range sc.lines {
		tell = sooner(tell, sc.tell(ln, now))
	}
	for {
		j, wait := sc.pick(now)
		if j == nil {
			if d := tell.Sub(now); !tell.IsZero() && (wait == 0 || d < wait) {
				wait = max(d, time.Microsecond)
			}
			return wait
		}
		sc.takeOff(j, now)
		sc.running++
		sc.turn++
		sc.jobs <- j
	}
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

// closingWait bounds every wait while the sender closes. What can be delivered
// is tried again soon, because there is no later.
const closingWait = 250 * time.Millisecond

func (sc *schedule) beginClosing(deadline time.Time, over chan<- error) {
	sc.closing, sc.deadline, sc.over = true, deadline, over
	sc.pacing.slowMost = min(sc.pacing.slowMost, closingWait)
	soon := time.Now().Add(closingWait)
	for _, ln := range sc.lines {
		h := &ln.health
		for g := range h.innerGates() {
			g.hurry(soon)
		}
		h.gate.hurry(soon)
		h.retries.hurry(soon)
		h.bench.due.hurry(soon)
	}
}

func (sc *schedule) endClosing(err error) {
	if sc.over != nil {
		sc.over <- err // buffered
		sc.over = nil
	}
}

// capped returns d, or less while closing.
func (sc *schedule) capped(d time.Duration) time.Duration {
	if sc.closing {
		return min(d, closingWait)
	}
	return d
}

// ErrUndelivered is returned by Close when events are left that could not be
// delivered in time.
var ErrUndelivered = errors.New("goaltrack: events are left undelivered")
