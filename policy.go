package goaltrack

import (
	"errors"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
)

// health is how a line to the CDP is doing, and the events that are not with
// the workers. It belongs to the scheduler.
type health struct {
	held      int // events in the window
	fullUntil time.Time
	inFlight  int
	ready     jobQueue
	delayed   jobQueue // each has its own notYet

	// pausedUntil is what a Retry-After asked for. It holds for every event:
	// a 429 is about the sender, not about the event.
	pausedUntil time.Time

	// The breaker: open after breakerFailures failures in a row that look like
	// an outage. Then one event at a time is tried, at growing intervals. When
	// one gets through, limit lets the others follow in growing numbers, so
	// that a CDP that has just come back is not knocked over.
	failures int
	open     bool
	limit    int

	hold

	// tries counts the probes since the breaker opened or the hold began;
	// probeAt is when the next may go.
	tries   int
	probeAt time.Time

	ids idHistory
}

const (
	breakerFailures = 5
	probeBase       = time.Second
	probeMax        = time.Minute
)

// state names the line's condition for snapshots.
func (h *health) state() string {
	switch {
	case h.holding || h.doubtful:
		return "held"
	case h.open:
		return "down"
	case time.Now().Before(h.pausedUntil):
		return "paused"
	}
	return "ok"
}

// probing reports whether the line sends nothing but probes.
func (h *health) probing() bool { return h.open || h.holding }

// nextProbe sets the time of the next probe.
func (sc *schedule) nextProbe(h *health) {
	h.tries++
	h.probeAt = time.Now().Add(sc.capped(jitter(probeBase, probeMax, h.tries)))
}

// next finds the event to send now, or else when there may be one.
func (ln *line) next(now time.Time, workers int) (*job, time.Time) {
	h := &ln.health
	if now.Before(h.pausedUntil) {
		return nil, h.pausedUntil
	}
	if h.probing() {
		if h.inFlight > 0 {
			return nil, time.Time{}
		}
		if now.Before(h.probeAt) {
			return nil, h.probeAt
		}
		return ln.probe(), time.Time{}
	}
	if h.limit > 0 {
		workers = min(workers, h.limit)
	}
	if h.inFlight >= workers {
		return nil, time.Time{}
	}
	var soonest time.Time
	for _, j := range h.delayed.jobs {
		if !now.Before(j.notYet) {
			return j, time.Time{}
		}
		if soonest.IsZero() || j.notYet.Before(soonest) {
			soonest = j.notYet
		}
	}
	return h.ready.first(), soonest
}

// probe chooses the event to try. One that was not tried yet comes first, so
// that an event which is itself the trouble cannot keep a line closed; then
// the one that was not tried for longest.
func (ln *line) probe() *job {
	if j := ln.health.ready.first(); j != nil {
		return j
	}
	return ln.health.delayed.first()
}

func (ln *line) take(j *job) {
	if !ln.health.ready.remove(j) {
		ln.health.delayed.remove(j)
	}
}

// hurry brings every wait forward, but not what a Retry-After asked for.
func (ln *line) hurry(by time.Time) {
	h := &ln.health
	if h.probeAt.After(by) {
		h.probeAt = by
	}
	for _, j := range h.delayed.jobs {
		if j.notYet.After(by) {
			j.notYet = by
		}
	}
}

// finish decides what an answer means for the event, for its line and for the
// visitor. What the CDP's answers mean is the contract of package cdp.
func (sc *schedule) finish(j *job) {
	if errors.Is(j.err, errLateEvent) {
		sc.bury(j, "late")
		return
	}
	h := &j.line.health
	outcome := cdp.OutcomeOf(j.err)
	if j.id == "" && outcome == cdp.Unknown {
		outcome = cdp.NotProcessed // only the browser ID is missing; nothing was sent
	}
	if j.madeID {
		sc.made.put(j.Key, j.id)
	}
	if outcome == cdp.EventBad && h.holding && statusOf(j.err) == h.heldFor {
		outcome = cdp.SenderBad // the hold was declared over this very answer
	}
	if j.unknowns > 0 && (outcome == cdp.Accepted || outcome == cdp.Unknown) {
		sc.ledger.duplicates.Add(1) // an earlier attempt may have counted, and this one, too
	}
	switch outcome {
	case cdp.Accepted:
		sc.passed(j)
		if j.replaces != "" {
			j.line.replaced.put(j.replaces, j.id)
		}
		sc.ledger.deliver(j.goal, j.id)
		j.Ack()
		sc.settled(j)
	case cdp.EventBad:
		sc.answered(j.line)
		sc.reject(j)
	case cdp.BrowserUnknown:
		sc.answered(j.line)
		sc.unknownID(j)
	case cdp.SenderBad:
		sc.answered(j.line)
		sc.refuse(j)
	case cdp.NotProcessed:
		sc.retry(j, errors.Is(j.err, errIDLimited))
	default:
		sc.unknown(j)
	}
}

// passed notes a success: the line works.
func (sc *schedule) passed(j *job) {
	ln, h := j.line, &j.line.health
	sc.answered(ln)
	h.ids.add(j.id, false)
	sc.absolve(j)
	if h.limit > 0 {
		if h.limit++; h.limit > sc.config.Workers { // doubles with every round
			h.limit = 0
		}
	}
}

// answered notes that the CDP is there, whatever it said.
func (sc *schedule) answered(ln *line) {
	h := &ln.health
	h.failures = 0
	if h.open {
		h.open, h.tries, h.limit = false, 0, 1
		sc.log.Info("goaltrack: the CDP answers again", "site", ln.name)
		ln.hurry(time.Now())
	}
}

// bury gives an event up.
func (sc *schedule) bury(j *job, reason string) {
	sc.ledger.bury(j.goal, j.id, reason)
	j.Dead(reason)
	sc.settled(j)
}

// delay sends the event again after d.
func (sc *schedule) delay(j *job, d time.Duration) {
	j.notYet = time.Now().Add(sc.capped(d))
	j.line.health.delayed.push(j)
}

func (sc *schedule) backoff(j *job) time.Duration {
	j.failures++
	return jitter(sc.config.BackoffBase, sc.config.BackoffMax, j.failures)
}

// retry is for an event that surely was not processed. It is tried until it is
// too old: attempts are no measure, since an outage uses them up in minutes.
func (sc *schedule) retry(j *job, limited bool) {
	switch h := &j.line.health; {
	case !limited:
		sc.outage(j)
	case j.probe && h.probing(): // our own budget says nothing about the CDP
		sc.nextProbe(h)
	}
	if !j.line.health.tooOld(j, sc.config.MaxAge) {
		sc.delay(j, sc.backoff(j))
		return
	}
	reason := "expired"
	if limited {
		reason = "id_limited"
	}
	sc.bury(j, reason)
}

// unknown is for an event that may or may not have counted. It is sent again a
// bounded number of times, since the CDP has no idempotency key.
func (sc *schedule) unknown(j *job) {
	sc.outage(j)
	if j.unknowns++; j.unknowns >= sc.config.UnknownAttempts {
		sc.bury(j, "unknown")
		return
	}
	sc.delay(j, sc.backoff(j))
}

// outage counts a failure of the line, and pauses it if the CDP asks for it.
// What was under way when the breaker opened tells nothing new.
func (sc *schedule) outage(j *job) {
	ln, h := j.line, &j.line.health
	if e, ok := errors.AsType[*cdp.Error](j.err); ok && e.RetryAfter > 0 {
		until := time.Now().Add(min(e.RetryAfter, time.Hour, sc.config.MaxAge/2))
		if until.After(h.pausedUntil) {
			h.pausedUntil = until
		}
	}
	if h.probing() {
		if j.probe {
			sc.nextProbe(h)
		}
		return
	}
	if h.failures++; h.failures >= breakerFailures {
		h.open, h.tries, h.limit = true, 0, 0
		sc.nextProbe(h)
		sc.log.Warn("goaltrack: the CDP does not answer; events wait", "site", ln.name, "error", j.err)
	}
}

func statusOf(err error) int {
	if e, ok := errors.AsType[*cdp.Error](err); ok {
		return e.Status
	}
	return 0
}
