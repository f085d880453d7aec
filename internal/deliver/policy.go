package deliver

import (
	"errors"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/backoff"
	"github.com/goaltrack/goaltrack/internal/idpool"
)

// finish decides what an answer means for the event, for its line and for the
// visitor. Package cdp defines what the CDP's answers mean.
func (sc *schedule) finish(j *job) {
	outcome := cdp.OutcomeOf(j.err)
	if j.id == "" && outcome == cdp.Unknown {
		outcome = cdp.NotProcessed // only the browser ID is missing; nothing was sent
	}
	if j.madeID {
		sc.made.Put(j.Key, j.id)
	}
	if j.unknowns > 0 && (outcome == cdp.Accepted || outcome == cdp.Unknown) {
		sc.tally.duplicates.Add(1) // an earlier attempt may have counted, and this one, too
	}
	switch outcome {
	case cdp.Accepted:
		sc.accept(j)
	case cdp.EventBad:
		sc.reject(j)
	case cdp.BrowserUnknown:
		sc.unknownID(j)
	case cdp.SenderBad:
		sc.refuse(j, refusedSender)
	case cdp.NotProcessed:
		sc.retry(j, errors.Is(j.err, idpool.ErrLimited))
	default:
		sc.unknown(j)
	}
}

// accept is called for an event that arrived. Its gates open, and refusals of
// others become strikes.
func (sc *schedule) accept(j *job) {
	ln, h, p, now := j.line, &j.line.health, &sc.pacing, time.Now()
	h.accepted, h.rejected = now, 0
	if j.benched {
		h.bench.pardon(sc, j)
	}
	wasHeld, wasSlow := h.gate.held(p, now), h.gate.slow(p, now)
	silent := h.gate.silence(now) >= p.slowAfter
	h.ramp(sc.options.Workers, wasSlow && !h.gate.refused)
	if wasHeld {
		h.silenced = now
		if h.gate.refusing() {
			h.heldUntil = now
		}
		for g := range h.innerGates() {
			g.dropPending()
			g.hurry(now)
		}
		h.bench.due.hurry(now)
	}
	if wasSlow {
		h.retries.hurry(now)
		h.fullUntil = time.Time{}
	}
	brought := j.brought && j.replaces == ""
	var struck []*job
	if g := h.goals[j.Goal]; g != nil {
		struck = append(struck, sc.open(ln, g, j, now, wasSlow)...)
	}
	if brought {
		struck = append(struck, sc.open(ln, &h.brought, j, now, wasSlow)...)
		h.ids.recognised(j.id)
	}
	struck = append(struck, sc.open(ln, &h.gate, j, now, false)...)
	ln.known.Add(j.id)
	if j.replaces != "" {
		ln.replaced.Put(j.replaces, j.id)
	}
	sc.tally.deliver(j.Goal, j.id)
	j.Ack()
	sc.settled(j)
	for _, other := range struck {
		sc.strike(other, silent)
	}
}

// open opens a gate and lets go what waited for it. If the log told of its
// silence, the log tells of its end.
func (sc *schedule) open(ln *Line, g *sendGate, j *job, now time.Time, void bool) []*job {
	h := &ln.health
	held := g.held(&sc.pacing, now)
	struck := g.open(&sc.pacing, j, now, void)
	if g.told != "" {
		sc.tellEnd(ln, g)
	}
	if held && g != &h.gate {
		h.bench.due.hurryIf(now, func(j *job) bool { return h.gateOf(j) == g })
	}
	for _, waiting := range g.waiting.take(func(*job) bool { return true }) {
		sc.makeReady(waiting)
	}
	if g == h.goals[j.Goal] && len(g.pending) == 0 && g.probe == nil {
		delete(h.goals, j.Goal)
	}
	return struck
}

// reject is called for an event that the CDP will never take. If too many in a
// row get such an answer, the sender may be at fault. Then they wait until
// another is accepted.
func (sc *schedule) reject(j *job) {
	h := &j.line.health
	if statusOf(j.err) == 0 { // it did not even leave
		sc.bury(j, "event_invalid")
		return
	}
	h.rejected++
	j.kind = refusedContents
	if sc.closing || h.rejected < sc.pacing.slowRun && !j.benched {
		h.unaccepted(&sc.pacing, j, time.Now(), true)
		sc.bury(j, j.reason())
		return
	}
	sc.refuse(j, refusedContents)
}

// unknownID is called for an event whose browser ID the CDP does not know. The
// ID is replaced only if the CDP surely does not know it.
func (sc *schedule) unknownID(j *job) {
	h := &j.line.health
	first := j.refusals == 0
	if first && j.brought {
		h.ids.unrecognised(j.id)
	}
	if j.brought && j.replaces == "" && h.brought.run < sc.pacing.slowRun && h.ids.spend(first) {
		sc.log.Debug("goaltrack: a browser ID unknown to the CDP is replaced", "site", j.line.Name)
		j.replaces, j.id, j.madeID = j.id, "", false
		sc.tally.note("id_replaced")
		sc.delay(j, 0)
		return
	}
	sc.refuse(j, refusedID)
}

// retry is called for an event that surely was not processed. It is tried until
// it is too old. Attempts are no measure, because an outage uses them up in
// minutes.
func (sc *schedule) retry(j *job, limited bool) {
	if !limited { // our own budget says nothing about the CDP
		sc.failed(j)
	}
	if !sc.tooOld(j) {
		if sc.stepAside(j); !j.benched && !j.aside && j.unknowns == 0 && j.replaces == "" {
			sc.giveBack(j, benchAgain)
			return
		}
		sc.delay(j, sc.backoff(j))
		return
	}
	reason := "expired"
	if limited {
		reason = "id_limited"
	}
	sc.bury(j, reason)
}

// unknown is called for an event that may have counted or not. It is sent again
// a bounded number of times, because the CDP has no idempotency key.
func (sc *schedule) unknown(j *job) {
	sc.failed(j)
	if j.unknowns++; j.unknowns >= sc.options.UnknownAttempts {
		sc.bury(j, "unknown")
		return
	}
	sc.delay(j, sc.backoff(j))
}

// failed is called for a send without an answer, or with one that says to come
// again. It pauses the line if the CDP asks for it.
func (sc *schedule) failed(j *job) {
	ln, h, now := j.line, &j.line.health, time.Now()
	h.unaccepted(&sc.pacing, j, now, false)
	if e, ok := errors.AsType[*cdp.Error](j.err); ok && e.RetryAfter > 0 {
		h.pause(now, min(e.RetryAfter, time.Hour, sc.options.MaxAge/2))
	}
	// A kept connection leads to where the CDP was when the connection was
	// made. During a silence the CDP's address is looked up again.
	if ln.Renew != nil && h.gate.silence(now) >= sc.pacing.slowAfter && now.Sub(h.renewed) >= h.gate.wait(&sc.pacing, now) {
		h.renewed = now
		ln.Renew()
	}
}

// delay sends the event again after d.
func (sc *schedule) delay(j *job, d time.Duration) {
	h, at := &j.line.health, time.Now().Add(sc.capped(d))
	if j.benched {
		h.bench.due.add(j, at)
		return
	}
	sc.stepAside(j)
	h.retries.add(j, at)
}

func (sc *schedule) backoff(j *job) time.Duration {
	j.failures++
	return backoff.JitterBy(sc.random, sc.options.BackoffBase, sc.options.BackoffMax, j.failures)
}

// tooOld reports whether an event was tried for long enough. The time in which
// this sender was refused does not count, because the backlog must outlive it.
func (sc *schedule) tooOld(j *job) bool {
	h, now := &j.line.health, time.Now()
	age := sc.clock.age(j.born())
	if !h.heldUntil.IsZero() {
		age = min(age, now.Sub(h.heldUntil))
	}
	if h.gate.refusing() && h.gate.slow(&sc.pacing, now) {
		return false
	}
	return age > sc.options.MaxAge
}

// tooLate reports whether an event must not be sent any more, late or after its session.
func (sc *schedule) tooLate(j *job) bool {
	if !j.DropLate && !j.DropStale {
		return false
	}
	age := sc.clock.age(j.born())
	return j.DropLate && age > lateAfter || j.DropStale && age > j.line.Session
}

// dropLate gives up an event that is next, and too late. It was not tried, so that it
// says nothing about the CDP: after an outage, a backlog of them must not use up the
// probes of the others.
func (sc *schedule) dropLate(j *job) {
	j.leaveList()
	j.line.health.retries.remove(j)
	sc.bury(j, "late")
}

// buryAgainAfter is how long an event waits whose letter the queue could not keep.
const buryAgainAfter = time.Minute

// bury gives an event up. If the queue cannot keep its letter, the event is not
// given up yet: it is not sent any more, and buried later.
func (sc *schedule) bury(j *job, reason string) {
	why := reason
	if e, ok := errors.AsType[*cdp.Error](j.err); ok && e.Message != "" {
		why += explanationMark + withoutValues(e.Message, j.body)
	}
	j.line.health.bench.due.remove(j)
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
	sc.tally.bury(j.Goal, j.id, reason)
	sc.settled(j)
}

func statusOf(err error) int {
	if e, ok := errors.AsType[*cdp.Error](err); ok {
		return e.Status
	}
	return 0
}

// sooner returns the earlier of two times. A zero time does not count.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
