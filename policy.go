package goaltrack

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"math/rand/v2"
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
	// an outage, or when more than half of the last breakerVisitors had one.
	// Then one event at a time is tried, at growing intervals. When one gets
	// through, limit lets the others follow in growing numbers, so that a CDP
	// that has just come back is not knocked over.
	//
	// One visitor's events alone never open it: what the CDP has against him
	// must not hold up the others. They wear out by themselves.
	failures int    // in a row
	failing  string // whose they were, if they were one visitor's
	several  bool   // or else more than one's
	outages  history
	open     bool
	limit    int

	hold

	// tries counts the probes since the breaker opened or the hold began;
	// probeAt is when the next may go.
	tries   int
	probeAt time.Time

	ids history
}

const (
	breakerFailures = 5
	breakerVisitors = 20
)

// state names the line's condition for snapshots.
func (h *health) state() string {
	switch {
	case h.holding || h.doubtful:
		return "held"
	case h.open || h.failures >= breakerFailures:
		return "down"
	case time.Now().Before(h.pausedUntil):
		return "paused"
	}
	return "ok"
}

// probing reports whether the line sends nothing but probes.
func (h *health) probing() bool { return h.open || h.holding }

// nextProbe sets the time of the next probe. Half of the wait is certain, since
// probes are to be few, and half random, since other instances probe, too.
func (sc *schedule) nextProbe(h *health) {
	h.tries++
	half := doubled(sc.config.ProbeBase, sc.config.ProbeMax, h.tries) / 2
	h.probeAt = time.Now().Add(sc.capped(half + rand.N(half+1))) //nolint:gosec // Spreads load, hides nothing.
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
	if j := h.ready.first(); j != nil && h.limit > 0 {
		return j, time.Time{} // those that failed before wait until it is sure that it was the CDP
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

// probe chooses the event to try. One that was not tried yet comes first, of a
// visitor who had no failure lately, so that an event or a visitor who is himself
// the trouble cannot keep a line closed; then the one that was not tried for
// longest.
func (ln *line) probe() *job {
	h := &ln.health
	for _, j := range h.ready.jobs {
		if !h.outages.bad[j.Key] {
			return j
		}
	}
	if j := h.ready.first(); j != nil {
		return j
	}
	return h.delayed.first()
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
	h.outages.add(j.Key, false, breakerVisitors)
	h.ids.add(j.id, false, idHistorySize)
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
	if h.open || h.failures >= breakerFailures {
		sc.log.Info("goaltrack: the CDP answers again", "site", ln.name)
	}
	h.failures, h.failing, h.several = 0, "", false
	if h.open {
		h.open, h.tries, h.limit = false, 0, 1
		h.outages.clear()
		ln.hurry(time.Now())
	}
}

// buryAgainAfter is how long an event waits whose letter the queue could not keep.
const buryAgainAfter = time.Minute

// bury gives an event up. If the queue cannot keep its letter, it is not given up
// yet: it is not sent any more, and buried later.
func (sc *schedule) bury(j *job, reason string) {
	why := reason
	if e, ok := errors.AsType[*cdp.Error](j.err); ok && e.Message != "" {
		why += explanationMark + withoutValues(e.Message, j.body)
	}
	if !j.Dead(why) {
		sc.leaveLane(j)
		time.AfterFunc(sc.capped(buryAgainAfter), func() {
			select {
			case sc.asks <- func(sc *schedule) { sc.bury(j, reason) }:
			case <-sc.done:
			}
		})
		return
	}
	sc.ledger.bury(j.goal, j.id, reason)
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
	if !sc.tooOld(j) {
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
	h.outages.add(j.Key, true, breakerVisitors)
	if h.probing() {
		if j.probe {
			ln.renewConnections()
			sc.nextProbe(h)
		}
		return
	}
	if h.failures++; h.failures == breakerFailures {
		sc.tellOutage(j)
	}
	if h.failures >= breakerFailures {
		ln.renewConnections()
	}
	h.several = h.several || h.failing != "" && h.failing != j.Key
	h.failing = j.Key
	all, bad := h.outages.count()
	if often := all == breakerVisitors && 2*bad > all; often || h.several && h.failures >= breakerFailures {
		if h.failures < breakerFailures {
			sc.tellOutage(j)
		}
		h.failures = max(h.failures, breakerFailures) // so that its end is told
		h.open, h.tries, h.limit = true, 0, 0
		sc.nextProbe(h)
	}
}

// tellOutage says once that the CDP does not answer. A certificate that is not
// trusted comes from a wrong setting, not from a passing fault.
func (sc *schedule) tellOutage(j *job) {
	level := slog.LevelWarn
	if _, untrusted := errors.AsType[*tls.CertificateVerificationError](j.err); untrusted {
		level = slog.LevelError
	}
	sc.log.Log(context.Background(), level, "goaltrack: the CDP does not answer; events wait", "site", j.line.name, "error", j.explain())
}

// renewConnections closes those that are idle. A kept connection leads to where
// the CDP was when it was made: after repeated failures its address is looked
// up again.
func (ln *line) renewConnections() {
	if ln.renew != nil {
		ln.renew()
	}
}

func statusOf(err error) int {
	if e, ok := errors.AsType[*cdp.Error](err); ok {
		return e.Status
	}
	return 0
}
