package visit

import (
	"math"
	"slices"
)

// Often is a goal that has to have happened so often, or may not have.
type Often struct {
	// Hash is the one by which a history knows the goal.
	Hash uint32
	// Times is how often it has to have happened, at least.
	Times uint32
	// Within is in which time, in minutes until now: 0 is this session, and [Ever] as long
	// as it is remembered. For a time of minutes, only the last time is known.
	Within int64
}

// Ever is as long as a visit cookie remembers something.
const Ever = math.MaxInt64

// tallyBars says why the goal does not count now, by how often others happened.
func (v *Visit) tallyBars(g *Goal, now int64) Bar {
	for _, o := range g.Each {
		switch {
		case v.Enough(o, now):
		case v.forgot(o, now):
			return Forgotten
		default:
			return NotAfter
		}
	}
	for _, o := range g.NotEach {
		if v.Enough(o, now) {
			return CameBefore
		}
	}
	if slices.ContainsFunc(g.NotEach, func(o Often) bool { return v.forgot(o, now) }) {
		return Forgotten
	}
	return NoBar
}

// Enough reports whether a goal is known to have happened as often as that. now is a
// minute.
func (v *Visit) Enough(o Often, now int64) bool {
	if v.History == nil {
		return false
	}
	for _, h := range v.History.Happened {
		switch {
		case h.Hash != o.Hash:
		case o.Within == 0:
			return h.Session >= o.Times
		case o.Within == Ever:
			return h.Times >= o.Times
		default:
			return now-h.Last <= o.Within && !h.isAhead(now)
		}
	}
	return false
}

// isAhead reports whether the last time is one that has not come yet. A clock that was wrong
// wrote it, so nobody knows when it was.
func (h *Happened) isAhead(now int64) bool { return h.Last > now+clockSkew }

// isAhead reports whether that is so of a goal.
func (v *Visit) isAhead(hash uint32, now int64) bool {
	return v.History != nil && slices.ContainsFunc(v.History.Happened, func(h Happened) bool { return h.Hash == hash && h.isAhead(now) })
}

// Times is how often a goal is known to have happened, ever and in this session.
func (v *Visit) Times(o Often) (ever, session uint32) {
	if v.History == nil {
		return 0, 0
	}
	for _, h := range v.History.Happened {
		if h.Hash == o.Hash {
			return h.Times, h.Session
		}
	}
	return 0, 0
}

// forgot reports whether it may have happened more often, or later, than is known.
func (v *Visit) forgot(o Often, now int64) bool {
	switch o.Within {
	case 0:
		return v.History.cutSince(v.Start)
	case Ever:
		return v.History.cutSince(0)
	}
	return v.History.cutSince(now-o.Within) || v.isAhead(o.Hash, now)
}

// cutSince reports whether something may be forgotten that happened since that minute.
func (h *History) cutSince(minute int64) bool { return h != nil && h.Cut > 0 && h.Cut >= minute }

// Keep leaves out of a history what no goal asks for any more. That is goals that no rule
// names, and those that happened so long ago that it does not matter. It is also where the
// visitor first came from, and which session it is. Kept without anybody asking, these would
// be wrong, and would seem to be known when somebody asks again.
func (v *Visit) Keep(n *Needs, now int64) {
	h := v.History
	if h == nil {
		return
	}
	if h.First.keep(n); len(n.Sessions) == 0 {
		h.Visits = 0
	}
	if len(n.Tallies) == 0 && !n.Bars {
		h.Happened, h.Cut = nil, 0
		return
	}
	h.Cut = min(h.Cut, now) // a clock may have been ahead
	h.Happened = slices.DeleteFunc(slices.Clone(h.Happened), func(o Happened) bool {
		within, asked := n.Tallies[o.Hash]
		return !asked || within == 0 && o.Session == 0 || within > 0 && within != Ever && o.Session == 0 && now-o.Last > within
	})
}
