package deliver

import (
	"slices"
	"time"
)

// health is how a line to the CDP is doing, and the events that are not with
// the workers. It belongs to the scheduler.
type health struct {
	inWindow  int // events in the window
	fetched   int // of these, such as are beyond its bound
	fullUntil time.Time
	flying    []*job // with the workers

	ready   readyList
	retries dueHeap // after a failure
	aside   struct {
		events int // of the retries, and of those under way, such as are out of the window
		bytes  int64
	}
	bench bench // after a refusal

	// The gates of sendgate.go. Only a goal of which an event was refused has one.
	gate    sendGate
	goals   map[string]*sendGate
	brought sendGate
	choice  choice // while the line is fast and not all is accepted
	second  bool   // the last event sent was tried before

	accepted  time.Time // when an event was last accepted
	troubled  time.Time // when one last was not
	silenced  time.Time // when a long silence last ended
	heldUntil time.Time // when one over refusals did
	toldFirst bool
	rejected  int // events rejected (400 and the like) in a row

	// limit is how many requests may be under way while the line finds out
	// whether it works: one, and one more for each event accepted. 0 means as
	// many as there are workers. The limit begins with the process and with the
	// end of an outage, so that a CDP that has just come back is not
	// overloaded.
	limit int

	// pausedUntil is what a Retry-After asked for. It applies to every event,
	// because a 429 is about the sender and not about the event.
	pausedUntil time.Time
	renewed     time.Time // when idle connections were last closed

	ids replacing
}

// goalGate returns the gate of a goal, and makes it if there is none.
func (h *health) goalGate(goal string) *sendGate {
	g := h.goals[goal]
	if g == nil {
		g = new(sendGate)
		if h.goals == nil {
			h.goals = make(map[string]*sendGate)
		}
		h.goals[goal] = g
	}
	return g
}

// inner returns the gate within the line that an event has to wait for, nil if
// there is none. While the line itself is SLOW, it is the one that chooses.
func (h *health) inner(p *pacing, j *job, now time.Time) *sendGate {
	if h.gate.slow(p, now) {
		return nil
	}
	if g := h.goals[j.Goal]; g != nil && g.slow(p, now) {
		return g
	}
	if j.brought && h.brought.slow(p, now) {
		return &h.brought
	}
	return nil
}

// unaccepted is called for a send that was not accepted.
func (h *health) unaccepted(p *pacing, j *job, now time.Time, refused bool) {
	h.troubled = now
	h.gate.unaccepted(p, j, now, refused)
	if !refused {
		return
	}
	if g := h.gateOf(j); g != &h.gate {
		g.unaccepted(p, j, now, true)
	}
}

// state names the line's condition for snapshots.
func (ln *Line) state(p *pacing, now time.Time) string {
	switch h := &ln.health; {
	case h.gate.held(p, now) && h.gate.refused:
		return "held"
	case h.gate.held(p, now):
		return "down"
	case now.Before(h.pausedUntil):
		return "paused"
	case h.gate.slow(p, now):
		return "slow"
	}
	return "ok"
}

// ramp widens the line after an acceptance.
func (h *health) ramp(workers int, again bool) {
	switch {
	case again:
		h.limit = 1
	case h.limit > 0:
		if h.limit++; h.limit > workers {
			h.limit = 0
		}
	}
}

// pause stops the line for a while. That does not count as a silence of the
// CDP.
func (h *health) pause(now time.Time, d time.Duration) {
	until := now.Add(d)
	if !until.After(h.pausedUntil) {
		return
	}
	if h.pausedUntil.After(now) {
		now = h.pausedUntil
	}
	h.pausedUntil = until
	h.gate.pause(until.Sub(now))
	h.brought.pause(until.Sub(now))
	for _, g := range h.goals {
		g.pause(until.Sub(now))
	}
}

// heldGoals returns the goals whose events are all refused, in order.
func (h *health) heldGoals(p *pacing, now time.Time) (goals []string) {
	for goal, g := range h.goals {
		if g.slow(p, now) && g.held(p, now) {
			goals = append(goals, goal)
		}
	}
	slices.Sort(goals)
	return goals
}
