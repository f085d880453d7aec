package visit

import (
	"slices"
	"time"
)

// Goal says how one goal depends on a visitor's past: how often it counts, and
// after which other goals. The zero value does not depend on it. A Goal never
// changes once it is made.
type Goal struct {
	Name string

	// Scope, Hash and Zone come from count:. Keyed means that the goal counts
	// once for each value of a $source. Zone is the time zone of days; nil is
	// the site's.
	Scope Scope
	Keyed bool
	Hash  uint32
	Zone  *time.Location

	// After are the goals that must have happened before. Within is the time
	// from the first of them until now; 0 means the session. Walk is the name
	// of this sequence.
	After  []string
	Within time.Duration
	Walk   uint32

	// NotAfter are the walks of goals of which none may have happened: each of one step.
	NotAfter []uint32

	// Each are goals of which each must have happened, in any order, and NotEach those of
	// which none may.
	Each, NotEach []Often

	// Sessions are the visitor's sessions in which the goal counts. The zero value is all.
	Sessions Range

	// First is asked where the visitor first came from; nil lets the goal count wherever
	// that was. It is called with nil if that is not known.
	// FirstOf are the names of what it looks at: parameters, or [ReferrerName].
	First   func(*Origin) bool
	FirstOf []string

	// Tallied says that a history has to know how often the goal happens, by the hash
	// Tally.
	Tallied bool
	Tally   uint32

	// Cart is what its event does to the cart.
	Cart CartRole

	next []*Goal // those whose After names this one
}

// Needs says what a set of goals needs of visitors' past. It never changes once
// it is made.
type Needs struct {
	Used     bool            // a goal asks for something
	Once     map[uint32]bool // the Hash of goals that count once, and are not Keyed
	UTM      []string        // parameters of the session's first page
	Referrer bool            // and its referrer
	Origins  [][]string      // the environments of each goal that asks for either; none are all

	// Sessions are the environments of each goal that asks for the number of the session,
	// or First for where the visitor first came from; none are all. FirstUTM and
	// FirstReferrer are what it asks of that.
	Sessions, First [][]string
	FirstUTM        []string
	FirstReferrer   bool

	Tallies map[uint32]int64 // how long back it matters that a goal happened, as [Often.Within]
	Bars    bool             // a goal may not come after others
}

// WantsBegin reports whether a goal of this environment reads where a session came from, or
// which it is. Then a visit is kept from the first page of a session on.
func (n *Needs) WantsBegin(env string) bool {
	in := func(envs []string) bool { return len(envs) == 0 || slices.Contains(envs, env) }
	return slices.ContainsFunc(n.Origins, in) || slices.ContainsFunc(n.Sessions, in) || slices.ContainsFunc(n.First, in)
}

// Counts reports whether the goal depends on what happened before.
func (g *Goal) Counts() bool {
	return g.Scope != PerRequest || len(g.After)+len(g.NotAfter)+len(g.Each)+len(g.NotEach) > 0 || g.Sessions != (Range{}) || g.First != nil
}

// Range are numbers from Least to Most. A Most of 0 is no limit.
type Range struct{ Least, Most uint32 }

// has reports whether a number is in the range. 0 is not known, and in none but the zero
// value.
func (r Range) has(n uint32) bool {
	return r == Range{} || n > 0 && n >= r.Least && (r.Most == 0 || n <= r.Most)
}

// Leads reports whether other goals come after it.
func (g *Goal) Leads() bool { return len(g.next) > 0 || g.Tallied }

// Remembered reports whether it will matter later that the goal happened, or
// matters now what happened before.
func (g *Goal) Remembered() bool { return g.Counts() || g.Leads() || g.Cart != NoCart }

// LeadTo notes that another goal comes after this one.
func (g *Goal) LeadTo(next *Goal) { g.next = append(g.next, next) }

// Counted returns the name under which the goal counts at a time. zone is the
// site's.
func (g *Goal) Counted(now time.Time, zone *time.Location) Counted {
	c := Counted{Scope: g.Scope, Hash: g.Hash}
	if c.Scope >= PerDay {
		if g.Zone != nil {
			zone = g.Zone
		}
		c.Day = c.Scope.begin(now, zone)
	}
	return c
}

// begin is the first day of the day, week or month in which a moment lies in that zone. A
// week begins on Monday (ISO 8601).
func (s Scope) begin(t time.Time, zone *time.Location) uint16 {
	day, at := DayOf(t, zone), t.In(zone)
	switch s {
	case PerWeek:
		return day - uint16((at.Weekday()+6)%7) //nolint:gosec // From 0 to 6.
	case PerMonth:
		return day - uint16(at.Day()-1) //nolint:gosec // From 0 to 30.
	}
	return day
}

// Came reports whether the goals of After have happened, in their order.
func (v *Visit) Came(g *Goal, now time.Time) bool {
	n := len(g.After)
	if n == 0 {
		return true
	}
	began := v.Walked(g.Walk)
	return len(began) >= n && (g.Within == 0 || now.Unix()-began[n-1] <= int64(g.Within/time.Second))
}

// Barred reports whether one of the goals of NotAfter has happened.
func (v *Visit) Barred(g *Goal) bool {
	return slices.ContainsFunc(g.NotAfter, func(walk uint32) bool { return len(v.Walked(walk)) > 0 })
}

// Advance moves the walks forward to which these goals belong, which just
// happened.
func (v *Visit) Advance(happened []*Goal, now time.Time) {
	for _, g := range happened {
		if g.Tallied {
			v.Happen(g.Tally, Minute(now))
		}
		for _, to := range g.next {
			began := v.Walked(to.Walk)
			// The loop goes from the last step to the first, so that one goal
			// does not count as two steps.
			for i, name := range slices.Backward(to.After) {
				switch {
				case name != g.Name:
				case i == 0:
					v.Reach(to.Walk, 0, now.Unix())
				case i <= len(began):
					v.Reach(to.Walk, i, began[i-1])
				}
			}
		}
	}
}
