package goaltrack

import (
	"errors"
	"fmt"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
)

// health is how a line to the CDP is doing, and the events that are not with
// the workers. It belongs to the scheduler.
type health struct {
	held     int // events in the window
	inFlight int
	ready    jobQueue
	delayed  jobQueue // each has its own notYet

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

	// The hold: the CDP refuses whoever sends, not what is sent (a rotated key,
	// the wrong region). Nothing is sent but probes.
	heldFor int // the status, 0 when there is no hold
	refused map[string]int
	bad     int // how many events in a row were refused with the status badCode
	badCode int
	passes  int

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
	// badRun is how many events in a row may be refused with one status before
	// it is the sender's fault.
	badRun = 20
	// maxRefusals is how often one event is tried when only it is refused.
	maxRefusals = 3
)

// state names the line's condition for snapshots.
func (h *health) state() string {
	switch {
	case h.heldFor != 0:
		return "held"
	case h.open:
		return "down"
	case time.Now().Before(h.pausedUntil):
		return "paused"
	}
	return "ok"
}

// blocked reports whether the line sends nothing or only probes.
func (ln *line) blocked(now time.Time) bool {
	h := &ln.health
	return h.open || h.heldFor != 0 || now.Before(h.pausedUntil)
}

// next finds the event to send now, or else when there may be one.
func (ln *line) next(now time.Time, workers int) (*job, time.Time) {
	h := &ln.health
	if now.Before(h.pausedUntil) {
		return nil, h.pausedUntil
	}
	if h.open || h.heldFor != 0 {
		if h.inFlight > 0 {
			return nil, time.Time{}
		}
		if now.Before(h.probeAt) {
			return nil, h.probeAt
		}
		return ln.probe(), time.Time{}
	}
	if h.limit > 0 && h.inFlight >= min(h.limit, workers) {
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
	h := &j.line.health
	outcome := cdp.OutcomeOf(j.err)
	if j.id == "" && outcome == cdp.Unknown {
		outcome = cdp.NotProcessed // only the browser ID is missing; nothing was sent
	}
	if j.madeID {
		sc.made.put(j.Key, j.id)
	}
	if outcome == cdp.EventBad && h.heldFor != 0 && statusOf(j.err) == h.heldFor {
		outcome = cdp.SenderBad // the hold was declared over this very answer
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
		if sc.sameAnswer(j) {
			sc.refuse(j)
			return
		}
		sc.bury(j, fmt.Sprintf("rejected_%d", statusOf(j.err)))
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
	h.passes++
	h.bad = 0
	clear(h.refused)
	if h.heldFor != 0 {
		h.heldFor, h.tries = 0, 0
		h.limit = 1
		sc.log.Info("goaltrack: the CDP takes events again", "site", ln.name)
		ln.hurry(time.Now())
	}
	for _, other := range h.delayed.jobs {
		if other.refusals == 1 {
			other.notYet = time.Now() // it was the sender, or it is the event: one more try tells
		}
	}
	if h.limit > 0 {
		if h.limit *= 2; h.limit >= sc.config.Workers {
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
	if time.Since(j.Time) > sc.config.MaxAge {
		reason := "expired"
		if limited {
			reason = "id_limited"
		}
		sc.outage(j, limited)
		sc.bury(j, reason)
		return
	}
	sc.outage(j, limited)
	sc.delay(j, sc.backoff(j))
}

// unknown is for an event that may or may not have counted. It is sent again a
// bounded number of times, since the CDP has no idempotency key.
func (sc *schedule) unknown(j *job) {
	j.unknowns++
	sc.outage(j, false)
	if j.unknowns >= sc.config.UnknownAttempts {
		sc.bury(j, "unknown")
		return
	}
	sc.ledger.duplicates.Add(1)
	sc.delay(j, sc.backoff(j))
}

// outage counts a failure of the line, and pauses it if the CDP asks for it.
func (sc *schedule) outage(j *job, limited bool) {
	if limited {
		return // our own budget, not the CDP
	}
	ln, h := j.line, &j.line.health
	now := time.Now()
	if e, ok := errors.AsType[*cdp.Error](j.err); ok && e.RetryAfter > 0 {
		pause := min(e.RetryAfter, time.Hour, sc.config.MaxAge/2)
		if until := now.Add(pause); until.After(h.pausedUntil) {
			h.pausedUntil = until
		}
	}
	h.failures++
	switch {
	case h.open:
		h.tries++
	case h.failures >= breakerFailures:
		h.open, h.tries, h.limit = true, 1, 0
		sc.log.Warn("goaltrack: the CDP does not answer; events wait", "site", ln.name, "error", j.err)
	default:
		return
	}
	h.probeAt = now.Add(sc.capped(jitter(probeBase, probeMax, h.tries)))
}

// refuse is for an answer that may be about the sender rather than the event:
// 401, 403, a redirect. One event refused proves nothing (a firewall may take
// offence at one search text), so it is put back and others are tried; when
// events of two visitors are refused alike, everything is held. Held events
// are kept, whatever the time: a rotated key must not cost the backlog.
func (sc *schedule) refuse(j *job) {
	ln, h := j.line, &j.line.health
	status := statusOf(j.err)
	if h.heldFor != 0 { // a probe, or one that was under way: blame the sender
		j.refusals = 0
		h.tries++
		h.probeAt = time.Now().Add(sc.capped(jitter(probeBase, probeMax, h.tries)))
		sc.delay(j, 0)
		return
	}
	j.refusals++
	if h.refused == nil {
		h.refused = make(map[string]int)
	}
	h.refused[j.Key] = status
	if alike(h.refused, status) >= 2 || h.bad >= badRun {
		sc.hold(ln, status, j.err)
		j.refusals = 0
		sc.delay(j, 0)
		return
	}
	if j.refusals == 1 {
		j.passesBefore = h.passes
	}
	othersPass := h.passes > j.passesBefore
	if j.refusals >= maxRefusals && othersPass || time.Since(j.Time) > sc.config.MaxAge {
		delete(h.refused, j.Key)
		sc.bury(j, "blocked")
		return
	}
	if j.lane != nil {
		sc.ledger.note("order_released")
		sc.leaveLane(j)
	}
	sc.delay(j, jitter(probeBase, probeMax, j.refusals))
}

// alike counts the visitors refused with that status.
func alike(refused map[string]int, status int) (n int) {
	for _, s := range refused {
		if s == status {
			n++
		}
	}
	return n
}

// hold stops a line.
func (sc *schedule) hold(ln *line, status int, why error) {
	h := &ln.health
	h.heldFor, h.tries, h.limit, h.open = status, 1, 0, false
	h.probeAt = time.Now().Add(sc.capped(jitter(probeBase, probeMax, 1)))
	clear(h.refused)
	for _, j := range h.delayed.jobs {
		j.refusals = 0
	}
	sc.log.Error("goaltrack: the CDP refuses this sender; all events are held until it takes one", "site", ln.name, "error", why)
}

// sameAnswer counts events refused in a row with one status, and reports
// whether they are too many to be the events' fault.
func (sc *schedule) sameAnswer(j *job) bool {
	h := &j.line.health
	if code := statusOf(j.err); code != h.badCode {
		h.bad, h.badCode = 0, code
	}
	h.bad++
	return h.bad > badRun
}

// unknownID is for an event whose browser ID the CDP does not know. The ID is
// replaced only if most others are known: a wrong tenant knows none, and to
// replace every visitor's ID in one bad hour could not be undone.
func (sc *schedule) unknownID(j *job) {
	h := &j.line.health
	h.ids.add(j.id, true)
	if h.heldFor != 0 || !h.ids.mostKnown() {
		sc.refuse(j)
		return
	}
	sc.log.Info("goaltrack: a browser ID unknown to the CDP is replaced", "site", j.line.name)
	j.replaces, j.id, j.madeID = j.id, "", false
	sc.ledger.note("id_replaced")
	sc.delay(j, 0)
}

func statusOf(err error) int {
	if e, ok := errors.AsType[*cdp.Error](err); ok {
		return e.Status
	}
	return 0
}

// idHistory is the verdict on the last hundred distinct browser IDs sent.
type idHistory struct {
	unknown map[string]bool
	order   []string
}

const (
	idHistorySize  = 100
	idHistoryLeast = 10
)

func (h *idHistory) add(id string, unknown bool) {
	if h.unknown == nil {
		h.unknown = make(map[string]bool, idHistorySize)
	}
	if _, known := h.unknown[id]; !known {
		if len(h.order) == idHistorySize {
			delete(h.unknown, h.order[0])
			h.order = h.order[1:]
		}
		h.order = append(h.order, id)
	}
	h.unknown[id] = unknown
}

// mostKnown reports whether enough IDs were seen, and at most a fifth of them
// unknown.
func (h *idHistory) mostKnown() bool {
	n := 0
	for _, unknown := range h.unknown {
		if unknown {
			n++
		}
	}
	return len(h.order) >= idHistoryLeast && n*5 <= len(h.order)
}
