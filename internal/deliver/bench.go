package deliver

import (
	"slices"
	"strconv"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
)

// bench is where a line's refused events wait to be tried again (points 4 and 5
// of sendgate.go). It is not part of the window. So they take no place from the
// others, however many they are.
type bench struct {
	due    dueHeap
	events int // on the bench or under way from it
	bytes  int64
	flying int
	width  int  // how many may be under way at once; doubled by each that is accepted
	sure   int  // second tries that were refused, in a row
	told   bool // that a burst is being blocked

	minds time.Time // until then the CDP is of two minds
}

// The bench holds at most this many events. Others go back to the queue for a
// while, and count as new when they come again.
const (
	benchEvents = 2000
	benchBytes  = 4 << 20
	benchAgain  = time.Minute
)

// blame is what is known against one event.
type blame struct {
	benched      bool
	undecided    bool // its last refusal is no strike yet
	kind         offence
	refusals     int // in all
	strikes      int
	firstRefused time.Time
	lastRefused  time.Time
}

// offence says what was refused in an event.
type offence uint8

const (
	refusedSender   offence = iota // 401, 403, a redirect: the sender, or this event
	refusedID                      // 404: the browser ID
	refusedContents                // 400: what it says
)

// gateOf is the gate whose acceptances decide on the event's refusals.
func (h *health) gateOf(j *job) *sendGate {
	switch {
	case j.kind == refusedContents:
		return &h.gate
	case j.kind == refusedID && j.brought:
		return &h.brought
	}
	return h.goalGate(j.Goal)
}

// refuse puts an event on the bench.
func (sc *schedule) refuse(j *job, kind offence) {
	h, now := &j.line.health, time.Now()
	sc.tellFirstRefusal(j)
	j.kind = kind
	h.unaccepted(&sc.pacing, j, now, true)
	if sc.outlived(j, now) {
		sc.bury(j, j.reason())
		sc.clearBench(h, now)
		return
	}
	if j.refusals++; j.refusals == 1 {
		j.firstRefused = now
	}
	j.lastRefused = now
	switch b := &h.bench; {
	case !j.benched && (b.events >= benchEvents || b.bytes+int64(len(j.Body)) > benchBytes):
		sc.giveBack(j, benchAgain)
		return
	case !j.benched:
		sc.toBench(j)
	}
	if sc.closing {
		h.bench.due.add(j, now.Add(24*time.Hour)) // it was tried once more; there is no time for another try
		return
	}
	h.bench.due.add(j, now.Add(sc.benchWait(j.refusals)))
	h.gateOf(j).leaveUndecided(j)
}

// toBench takes an event out of the window and lets its visitor's next one go.
func (sc *schedule) toBench(j *job) {
	sc.leaveWindow(j)
	j.benched = true
	b := &j.line.health.bench
	b.events++
	b.bytes += int64(len(j.Body))
	sc.benched++
	sc.tally.note("benched")
	if j.lane != nil {
		sc.tally.note("order_released")
		sc.leaveLane(j)
	}
}

// leaveBench is called for an event that has met its fate.
func (sc *schedule) leaveBench(j *job) {
	if !j.benched {
		return
	}
	j.benched = false
	b := &j.line.health.bench
	b.due.remove(j)
	b.events--
	b.bytes -= int64(len(j.Body))
	sc.benched--
	if b.events > 0 {
		return
	}
	b.width = 1
	if b.told {
		b.told = false
		sc.log.Info("goaltrack: no blocked events are left", "site", j.line.Name)
	}
}

// benchWait is the wait after a number of refusals: 1, 4, 16, 60, 60 ... s, a
// quarter more or less.
func (sc *schedule) benchWait(refusals int) time.Duration {
	p := &sc.pacing
	wait := p.slowMost
	if shift := 2 * (refusals - 1); shift < 32 {
		wait = min(p.slowAfter<<shift, p.slowMost)
	}
	return wait - wait/4 + time.Duration(sc.random(int64(wait/2+1)))
}

// next finds the event on the bench that may be tried now, or else when there
// may be one.
func (b *bench) next(h *health, now time.Time) (*job, time.Time) {
	if b.flying >= max(b.width, 1) {
		return nil, time.Time{}
	}
	for {
		j := b.due.first()
		if j == nil || now.Before(j.notYet) {
			return nil, dueAt(j)
		}
		// While nothing like it was accepted, tries are as rare as those of a
		// gate that is SLOW.
		if g := h.gateOf(j); g.run > 0 && now.Before(g.benched) {
			b.due.postpone(g.benched)
			continue
		}
		return j, time.Time{}
	}
}

func dueAt(j *job) time.Time {
	if j == nil {
		return time.Time{}
	}
	return j.notYet
}

// sent is called when an event of the bench goes out.
func (b *bench) sent(p *pacing, h *health, j *job, now time.Time) {
	b.due.remove(j)
	b.flying++
	if g := h.gateOf(j); g.run > 0 {
		g.benched = now.Add(max(g.wait(p, now), p.slowAfter))
	}
}

// pardon is called for an event of the bench that was accepted after all. If
// the event had a strike, the CDP is of two minds.
func (b *bench) pardon(sc *schedule, j *job) {
	sc.tally.note("pardoned")
	if j.strikes > 0 && j.replaces == "" {
		b.minds = time.Now().Add(sc.pacing.longest)
	}
	b.sure = 0
	b.width = min(max(b.width, 1)*2, max(sc.options.Workers/2, 1))
}

// strike counts a refusal against an event, because one like it was accepted
// now. It buries the event if there were enough. After a silence, however
// short, a single strike never is enough: a hiccup of the CDP in the midst of a
// burst must bury nobody.
func (sc *schedule) strike(j *job, silent bool) {
	b := &j.line.health.bench
	if j.strikes++; j.strikes >= 2 {
		if b.sure++; b.sure == sc.pacing.sureAfter && !b.told {
			b.told = true
			sc.log.Warn("goaltrack: the CDP refuses a burst of events again and again; they become dead letters, the others go on",
				"site", j.line.Name, "goal", j.Goal, "benched", b.events, "error", j.explain())
		}
	}
	if j.due == 0 { // under way once more
		return
	}
	if sc.enough(j, time.Now(), silent) {
		sc.bury(j, j.reason())
	}
}

// enough reports whether there are enough strikes to bury the event. If the
// visitor was accepted before, nobody made up their ID.
func (sc *schedule) enough(j *job, now time.Time, silent bool) bool {
	p, b := &sc.pacing, &j.line.health.bench
	switch {
	case now.Before(b.minds):
		return j.strikes >= p.strikes && now.Sub(j.firstRefused) >= p.longest
	case j.kind == refusedID && j.line.known.Has(j.id):
		return false
	case j.kind == refusedContents:
		return true
	case b.sure >= p.sureAfter && b.events > window/4 && !silent:
		return true
	case b.sure >= p.sureAfter:
		return j.strikes >= p.sureStrikes
	}
	return j.strikes >= p.strikes
}

// clearBench buries, together with the event that was just tried, all others
// that have outlived their time. With one try a minute, the last of a thousand
// would wait for a day.
func (sc *schedule) clearBench(h *health, now time.Time) {
	for _, j := range slices.Clone(h.bench.due) {
		if sc.outlived(j, now) {
			sc.bury(j, j.reason())
		}
	}
}

// outlived reports whether an event that is refused once more was on the bench
// for long enough. Others must have been accepted between its last two tries,
// and for MaxAge nothing like it. It is never so while all IDs that visitors
// bring are refused.
func (sc *schedule) outlived(j *job, now time.Time) bool {
	h := &j.line.health
	if !j.benched || !h.accepted.After(j.lastRefused) {
		return false
	}
	if g := h.gateOf(j); g == &h.brought && g.slow(&sc.pacing, now) {
		return false
	}
	since := j.firstRefused
	if h.heldUntil.After(since) {
		since = h.heldUntil
	}
	return now.Sub(since) > sc.options.MaxAge
}

// reason is what the dead letter says.
func (j *job) reason() string {
	if j.kind == refusedContents {
		return rejectedPrefix + strconv.Itoa(statusOf(j.err))
	}
	return "blocked"
}

// tellFirstRefusal says at once what somebody wants to know who has just typed
// a wrong key. Later it takes a minute of silence.
func (sc *schedule) tellFirstRefusal(j *job) {
	h := &j.line.health
	if h.accepted.IsZero() && !h.toldFirst && cdp.OutcomeOf(j.err) == cdp.SenderBad {
		h.toldFirst = true
		sc.log.Warn("goaltrack: the CDP has refused the first event; is the key right?", "site", j.line.Name, "error", j.explain())
	}
}
