package goaltrack

import (
	"fmt"
	"iter"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
)

// hold is the part of a line's health that tells a sender who may not send from
// an event that may not be sent. A rotated key, a wrong region or a wrong path
// must cost no event, however long nobody notices: then everything is held, and
// only probes are sent. But a firewall that takes offence at one visitor's
// search text must not stop a site: then that event is buried as "blocked".
type hold struct {
	holding   bool
	heldFor   int       // the status it was declared over
	heldUntil time.Time // when the last one ended

	passes   int            // events accepted
	refusals int            // events refused
	suspects int            // events refused since the last was accepted
	doubtful bool           // one of them was refused again, and it is not clear why
	fickle   time.Time      // when an event was last accepted that had been refused
	refused  map[string]int // the status by visitor, since then

	rejected []int // the statuses of the last events in a row that were rejected, at most badRun
}

// blame is what a line's refusals say about one event.
type blame struct {
	refusals     int       // in all
	refusedSince time.Time // the first of them
	// The line's passes and refusals at the last of them.
	passesSeen, refusalsSeen int
	// strikes counts the refusals that speak against the event, because
	// something else got through before.
	strikes int
	vouched bool // the CDP answered a question of ours right after it refused the event
}

const (
	// badRun is how many events must be rejected in a row, badAlike of them with
	// one status (more than nine of ten), for it to be the sender's fault.
	badRun   = 20
	badAlike = badRun*9/10 + 1
	// maxStrikes is how much it takes to bury an event as blocked. None is for
	// some time after the CDP took what it had refused, fickleFor or MaxAge.
	maxStrikes = 8
	fickleFor  = 10 * time.Minute
)

// wantsWitness reports whether to ask the CDP something harmless if it refuses
// the event: does it talk to this sender at all? At the first refusal it is not
// asked, since mostly other events are refused or taken then, and tell as much.
func (j *job) wantsWitness() bool {
	return j.refusals > 0 && !j.probe && j.id != ""
}

// refuse is for an answer that may be about the sender rather than the event:
// 401, 403, a redirect. One event refused proves nothing, so it is put back and
// others are tried; when events of two visitors are refused alike, everything is
// held. An event that goes on being refused while others get through is buried.
// If there are no others, it is kept and tried at growing intervals.
func (sc *schedule) refuse(j *job) {
	h := &j.line.health
	status := statusOf(j.err)
	h.accuse(j, status)
	if h.holding && j.probe {
		sc.nextProbe(h)
	}
	switch {
	case j.strikes >= maxStrikes && !sc.mayYetPass(j):
		h.doubtful = false
		sc.bury(j, "blocked")
	case h.holding:
		sc.delay(j, 0)
	case alike(maps.Values(h.refused), status) >= 2 || h.suspects > badRun:
		sc.hold(j, status)
	default:
		h.doubtful = j.refusals > 1
		if j.refusals == maxStrikes {
			sc.log.Warn("goaltrack: the CDP refuses an event as if this sender may not send; it is tried again", "site", j.line.name, "error", j.explain())
		}
		if j.lane != nil {
			sc.ledger.note("order_released")
			sc.leaveLane(j)
		}
		sc.delay(j, jitter(sc.config.ProbeBase, sc.config.ProbeMax, j.refusals-maxStrikes+1))
	}
}

// accuse counts what a refusal proves. The first one after others got through
// is a strike against the event, unless many more were refused: then it is the
// CDP that takes one and not the other. So is one at which a witness says that the CDP
// talks to this sender, as long as no other event is refused and the answer is
// not about credentials, of which the witness may need none.
func (h *health) accuse(j *job, status int) {
	if j.refusals++; j.refusals == 1 {
		j.refusedSince = time.Now()
	}
	switch {
	case j.refusals == 1:
		h.suspects++
		j.strikes++
	case h.passes > j.passesSeen:
		h.suspects++
		if 4*(h.passes-j.passesSeen) >= h.refusals-j.refusalsSeen {
			j.strikes++
		}
	case j.vouched && h.suspects == 1 && status != http.StatusUnauthorized && status != http.StatusProxyAuthRequired:
		j.strikes++
	}
	j.vouched = false
	h.refusals++
	j.passesSeen, j.refusalsSeen = h.passes, h.refusals
	if h.refused == nil {
		h.refused = make(map[string]int)
	}
	h.refused[j.Key] = status
}

// mayYetPass reports whether an event may be accepted yet though others were
// before it: because the CDP is of two minds, or because the event is refused
// for its browser ID and it is not known yet whether most others are known.
func (sc *schedule) mayYetPass(j *job) bool {
	if fickle := j.line.health.fickle; !fickle.IsZero() && time.Since(fickle) < min(fickleFor, sc.config.MaxAge) {
		return true
	}
	return cdp.OutcomeOf(j.err) == cdp.BrowserUnknown && time.Since(j.refusedSince) <= sc.config.MaxAge
}

// alike counts those refused with that status.
func alike(statuses iter.Seq[int], status int) (n int) {
	for s := range statuses {
		if s == status {
			n++
		}
	}
	return n
}

// hold stops the line of an event that is not the one to blame.
func (sc *schedule) hold(j *job, status int) {
	h := &j.line.health
	h.holding, h.heldFor = true, status
	h.open, h.limit, h.tries = false, 0, 0
	h.outages.clear()
	sc.nextProbe(h)
	sc.log.Error("goaltrack: the CDP refuses this sender; all events are held until it takes one", "site", j.line.name, "error", j.explain())
	sc.delay(j, 0)
}

// absolve ends a hold, since an event was accepted. If it was refused before,
// then it was the sender's fault, and perhaps what the others were refused for
// was as well.
func (sc *schedule) absolve(j *job) {
	ln, h := j.line, &j.line.health
	h.passes++
	h.suspects, h.rejected, h.doubtful = 0, h.rejected[:0], false
	if j.refusals > 0 {
		h.fickle = time.Now()
	}
	clear(h.refused)
	if h.holding {
		h.holding, h.limit, h.heldUntil = false, 1, time.Now()
		sc.log.Info("goaltrack: the CDP takes events again", "site", ln.name)
		ln.hurry(h.heldUntil)
	}
	for _, other := range h.delayed.jobs {
		if other.refusals == 1 {
			other.notYet = time.Now() // it was the sender, or it is the event: one more try tells
		}
		if j.refusals > 0 {
			other.strikes = 0
		}
	}
}

// tooOld reports whether an event was tried for long enough. The time of a hold
// does not count, since the backlog must outlive it.
func (sc *schedule) tooOld(j *job) bool {
	h := &j.line.health
	age := sc.clock.age(j.since())
	if !h.heldUntil.IsZero() {
		age = min(age, time.Since(h.heldUntil))
	}
	return !h.holding && age > sc.config.MaxAge
}

// reject is for an event that the CDP will never take. When too many in a row
// get the same answer, it is not the events' fault.
func (sc *schedule) reject(j *job) {
	h := &j.line.health
	status := statusOf(j.err)
	if status == 0 { // it did not even leave
		sc.bury(j, fateEventInvalid.String())
		return
	}
	h.rejected = append(h.rejected[max(len(h.rejected)-badRun+1, 0):], status)
	if len(h.rejected) == badRun && alike(slices.Values(h.rejected), status) >= badAlike {
		h.rejected = h.rejected[:0]
		sc.hold(j, status)
		return
	}
	if h.holding && j.probe {
		sc.nextProbe(h)
	}
	sc.bury(j, fmt.Sprintf("rejected_%d", status))
}

// The share of unknown browser IDs is judged over the last idHistorySize of
// them, and not before there are idHistoryLeast.
const (
	idHistorySize  = 100
	idHistoryLeast = 10
)

// mostKnown reports whether enough browser IDs were seen, and at most a fifth
// of them unknown.
func (h *health) mostKnown() bool {
	all, bad := h.ids.count()
	return all >= idHistoryLeast && 5*bad <= all
}

// unknownID is for an event whose browser ID the CDP does not know. The ID is
// replaced only if most others are known: a wrong tenant knows none, and to
// replace every visitor's ID in one bad hour could not be undone.
func (sc *schedule) unknownID(j *job) {
	h := &j.line.health
	h.ids.add(j.id, true, idHistorySize)
	if h.holding || !h.mostKnown() {
		sc.refuse(j)
		return
	}
	sc.log.Info("goaltrack: a browser ID unknown to the CDP is replaced", "site", j.line.name)
	j.replaces, j.id, j.madeID = j.id, "", false
	sc.ledger.note("id_replaced")
	sc.delay(j, 0)
}
