package deliver

import (
	"slices"
	"time"

	"github.com/goaltrack/goaltrack/queue"
)

// makeReady lets an event be sent as soon as its gates allow it.
func (sc *schedule) makeReady(j *job) {
	h := &j.line.health
	list := &h.ready
	g := h.inner(&sc.pacing, j, time.Now())
	if g != nil {
		list = &g.waiting
	}
	list.push(j, j.id != "" && j.line.known.Has(j.id))
	if g == nil {
		return
	}
	if g = h.overfull(sc.share); g != nil {
		// The oldest goes back to the queue, because the newest is the next to
		// be tried.
		oldest := g.waiting.oldest()
		oldest.leaveList()
		sc.tally.note("order_released")
		sc.giveBack(oldest, maxFullWait)
	}
}

// overfull finds a gate within the line for which too many events wait. A goal
// that is held must not take the window from the others, and many such goals
// together must not, either. Each has a quarter of it, and all together have
// half.
func (h *health) overfull(share int) (fullest *sendGate) {
	all, most := 0, 0
	for g := range h.innerGates() {
		n := g.waiting.len()
		if all += n; n > most {
			fullest, most = g, n
		}
	}
	if most > share/4 || all > share/2 {
		return fullest
	}
	return nil
}

// next finds the event of a line to send now, or else when there may be one.
// Zero means that nothing can be sent until something happens.
func (sc *schedule) next(ln *Line, now time.Time) (*job, time.Time) {
	h, p := &ln.health, &sc.pacing
	switch {
	case now.Before(h.pausedUntil):
		return nil, h.pausedUntil
	case h.gate.slow(p, now):
		return sc.nextProbe(ln, now)
	case len(h.flying) >= sc.options.Workers:
		return nil, time.Time{}
	}
	if young, at := h.young(p, now); h.limit > 0 && young >= h.limit {
		return nil, at
	}
	// Never send two in a row that were tried before, while others wait.
	var soonest time.Time
	if !h.second || h.ready.len() == 0 {
		var again *job
		if again, soonest = h.again(now); again != nil {
			return again, time.Time{}
		}
	}
	for g := range h.innerGates() {
		if g.waiting.len() == 0 || g.probe != nil {
			continue
		}
		if now.Before(g.next) {
			soonest = sooner(soonest, g.next)
			continue
		}
		return g.choice.probe(now, &g.waiting), time.Time{}
	}
	if h.limit > 0 || h.mixed(p, now) {
		return h.choice.mixed(&h.ready, sc.shares.goesFirst), soonest
	}
	return h.choice.fair(&h.ready, sc.shares.goesFirst), soonest
}

// again finds the event to try once more.
func (h *health) again(now time.Time) (*job, time.Time) {
	j, at := h.bench.next(h, now)
	if j != nil {
		return j, at
	}
	if j = h.retries.first(); j == nil || !now.Before(j.notYet) {
		return j, at
	}
	return nil, sooner(at, j.notYet)
}

// mixed reports whether something was not accepted lately. Then the oldest must
// not hide the others.
func (h *health) mixed(p *pacing, now time.Time) bool {
	return !h.troubled.IsZero() && now.Sub(h.troubled) < p.slowMost
}

// inTrouble reports whether what waits longest may be what is not accepted.
func (h *health) inTrouble(p *pacing, now time.Time) bool {
	return !h.gate.since.IsZero() || h.mixed(p, now)
}

// nextProbe finds the one event that a SLOW line sends. It prefers one that was
// not tried yet. Then comes the one on the bench that is due first, and then
// the one that failed. Among events that wait for a gate of their own, it takes
// one whose gate allows it. A request that hangs keeps the next one waiting for
// a second at most, so that nobody whose events hang holds up the others.
func (sc *schedule) nextProbe(ln *Line, now time.Time) (*job, time.Time) {
	h := &ln.health
	if young, at := h.young(&sc.pacing, now); young > 0 {
		return nil, at
	}
	if len(h.flying) >= sc.options.Workers {
		return nil, time.Time{}
	}
	if now.Before(h.gate.next) {
		return nil, h.gate.next
	}
	sc.lists = append(sc.lists[:0], &h.ready)
	var soonest time.Time
	for g := range h.innerGates() {
		switch {
		case g.waiting.len() == 0:
		case now.Before(g.next):
			soonest = sooner(soonest, g.next)
		default:
			sc.lists = append(sc.lists, &g.waiting)
		}
	}
	if j := h.gate.choice.probe(now, sc.lists...); j != nil {
		return j, time.Time{}
	}
	if j := h.bench.due.first(); j != nil {
		if !sc.closing || !j.notYet.After(sc.deadline) {
			return j, time.Time{}
		}
		soonest = sooner(soonest, j.notYet)
	}
	return h.retries.first(), soonest
}

// innerGates are the gates within the line.
func (h *health) innerGates() func(yield func(*sendGate) bool) {
	return func(yield func(*sendGate) bool) {
		for _, g := range h.goals {
			if !yield(g) {
				return
			}
		}
		yield(&h.brought)
	}
}

// young counts the requests under way that do not hang yet. A request hangs
// after the time that makes a line SLOW; until is when the first of them will
// hang. A request that hangs says nothing about how wide the line may be.
func (h *health) young(p *pacing, now time.Time) (n int, until time.Time) {
	for _, j := range h.flying {
		if at := j.sent.Add(p.slowAfter); now.Before(at) {
			n++
			until = sooner(until, at)
		}
	}
	return n, until
}

// takeOff takes an event from where it waits, for a worker.
func (sc *schedule) takeOff(j *job, now time.Time) {
	h := &j.line.health
	if j.spot.in != nil && j.spot.in != &h.ready {
		if g := h.inner(&sc.pacing, j, now); g != nil {
			g.probe = j
		}
	}
	j.leaveList()
	switch {
	case j.benched:
		h.bench.sent(&sc.pacing, h, j, now)
	default:
		h.retries.remove(j)
	}
	h.second = j.benched || j.attempts > 0
	j.sent = now
	h.flying = append(h.flying, j)
	h.gate.next = now.Add(h.gate.wait(&sc.pacing, now))
}

// landed is called for an event that a worker gives back. The next wait of a
// gate that is SLOW begins then.
func (h *health) landed(p *pacing, j *job, now time.Time) {
	if i := slices.Index(h.flying, j); i >= 0 {
		h.flying = slices.Delete(h.flying, i, i+1)
	}
	if j.benched {
		h.bench.flying--
	}
	h.gate.next = now.Add(h.gate.wait(p, now))
	for g := range h.innerGates() {
		if g.probe == j {
			g.probe = nil
			g.next = now.Add(g.wait(p, now))
		}
	}
}

// guard is called after an answer was handled. It moves events that wait for a
// gate that has become SLOW out of the others' way.
func (sc *schedule) guard(ln *Line) {
	h, now := &ln.health, time.Now()
	for g := range h.innerGates() {
		if !g.slow(&sc.pacing, now) {
			continue
		}
		for _, j := range h.ready.take(func(j *job) bool { return h.inner(&sc.pacing, j, now) == g }) {
			sc.makeReady(j)
		}
		if !g.held(&sc.pacing, now) {
			continue
		}
		// Who waits that long must not keep the visitor's other events waiting.
		for e := g.waiting.all.Front(); e != nil; e = e.Next() {
			if j := jobAt(e); j.lane != nil {
				sc.tally.note("order_released")
				sc.leaveLane(j)
			}
		}
	}
	ln.picky.Store(h.bench.events > 0 || h.gate.refusing())
}

// Each line may have this many events of the newest end of the queue in the
// window, beyond its bound. Without them, a burst at the head of the queue
// would hide all others.
const (
	maxFetched = 64
	askAgain   = 100 * time.Millisecond
)

// wantsNewest says how many events to take from the newest end of the queue. It
// is some of them while not all is accepted, the window is full, and the queue
// holds more.
func (sc *schedule) wantsNewest(now time.Time) (n int) {
	for _, ln := range sc.lines {
		if h := &ln.health; h.inTrouble(&sc.pacing, now) {
			n = max(n, maxFetched-h.fetched)
		}
	}
	if n == 0 || now.Sub(sc.asked) < askAgain {
		return 0
	}
	if _, can := sc.queue.(queue.NewestReceiver); !can || sc.queue.Stats().Waiting <= sc.inWindow+sc.benched+sc.aside {
		return 0
	}
	return n
}

// admitNewest takes over what wantsNewest asked for.
func (sc *schedule) admitNewest(batch []queue.Delivery) {
	if len(batch) == 0 {
		sc.asked = time.Now()
	}
	for _, d := range batch {
		sc.admit(d, true)
	}
}
