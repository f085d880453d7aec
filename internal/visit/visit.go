// Package visit holds what a site remembers of a visitor between requests: the
// visit, and the sealed cookie that keeps it in the browser. It knows goals by
// hashes of their names, and decides nothing.
//
// goal.go says what a goal asks. What answers it is kept in visit.go (this session),
// history.go (earlier ones), tally.go (how often), first.go (where the visitor first came
// from) and cart.go (what is in the cart). payload.go writes all that, and decode.go reads
// it; payload_one.go has the format before. seal.go and codec.go seal it into a cookie,
// cookie.go finds the cookies, and share.go has those of several sites fit beside each other.
package visit

import "slices"

// Visit is what is known of a visitor beyond one request. It says which goals
// have counted, how far the visitor has come towards goals with an after:, and
// where the session came from. It is kept in the visit cookie and, for the
// cases that a cookie cannot serve, in this process's memory. The zero value
// knows nothing. It belongs to one goroutine at a time.
type Visit struct {
	Start, Last int64 // the session: minutes since 1970 of its beginning and of its last request known
	Fresh       bool  // the session begins with this request
	plain       []Counted
	keyed       []Counted // with for $source, oldest first
	after       []progress
	Origin      Origin
	History     *History // nil if no rule asks for it
}

// Scope says for how long a goal does not count again.
type Scope uint8

// The scopes.
const (
	PerRequest Scope = iota // count: every
	PerSession
	PerVisitor
	PerDay
	PerWeek
	PerMonth
)

// Counted names a goal that counted. The zero value names none.
type Counted struct {
	Scope Scope
	Day   uint16 // days since 1970, from PerDay on: that day, or the first of the week or month
	Hash  uint32 // of the goal and, with for $source, of the value
}

// progress says how far a session has come in the sequence of an after:. For
// each goal of the list it has the time at which the last walk began that came
// so far. A newer walk always has more time left than an older one, so only the
// newest is kept.
type progress struct {
	hash  uint32  // of the goal and its after:
	began []int64 // Unix seconds
}

// These surely fit into a visit cookie: goals that count once without for
// $source, steps of all after: together, and bytes of each text of an [Origin].
const (
	MaxPlain  = 30
	MaxSteps  = 30
	MaxOrigin = 100
)

// Origin says where a session came from, as its first page showed. It has the
// utm_ parameters and the address of the other site that led there, without its
// query.
type Origin struct {
	Known    bool // the first page was seen
	UTM      []UTM
	Referrer string
}

// UTM is a parameter of an address. Its name has no "utm_" in front.
type UTM struct{ Name, Value string }

// Has reports whether the goal has counted.
func (v *Visit) Has(c Counted) bool {
	return slices.ContainsFunc(v.plain, c.isIn) || slices.ContainsFunc(v.keyed, c.isIn)
}

// isIn reports whether the other is this count, or one of the next day, week or month.
// Another server's clock may be a little ahead, or this one's was set back. What is later
// still is not believed, since only a wrong clock has written it.
func (c Counted) isIn(o Counted) bool {
	return c == o || o.Scope == c.Scope && o.Hash == c.Hash && o.Day > c.Day && o.Day-c.Day <= longest[c.Scope]
}

// longest is how many days the next of a scope is away, at most.
var longest = [...]uint16{PerRequest: 0, PerSession: 0, PerVisitor: 0, PerDay: 1, PerWeek: 7, PerMonth: 31}

// Add notes that a goal counted. keyed means that it counts once for each
// value.
func (v *Visit) Add(c Counted, keyed bool) {
	switch {
	case v.Has(c):
	case keyed:
		v.keyed = append(slices.DeleteFunc(v.keyed, c.outlives), c)
	default:
		v.Drop(Counted{c.Scope, 0, c.Hash}, true)
		v.plain = append(v.plain, c)
	}
}

// outlives reports whether the other is of a day, week or month that is over,
// wherever c's has begun. Between time zones there are two days at most.
func (c Counted) outlives(other Counted) bool {
	return c.Scope >= PerDay && other.Scope == c.Scope && other.Day+2 < c.Day
}

// Drop takes a count back. With anyDay, the day does not matter.
func (v *Visit) Drop(c Counted, anyDay bool) {
	is := func(o Counted) bool { return o.Hash == c.Hash && o.Scope == c.Scope && (anyDay || o.Day == c.Day) }
	v.plain = slices.DeleteFunc(v.plain, is)
	v.keyed = slices.DeleteFunc(v.keyed, is)
}

// Renew ends the session and begins another in that minute. Counts for ever or
// for a day stay.
func (v *Visit) Renew(now int64) {
	ofSession := func(c Counted) bool { return c.Scope == PerSession }
	*v = Visit{
		Start: now, Last: now, Fresh: true,
		plain: slices.DeleteFunc(v.plain, ofSession),
		keyed: slices.DeleteFunc(v.keyed, ofSession),

		History: v.History.renew(),
	}
}

// Absorb adds what another source knows of the same visitor. same means that
// its session is this one.
func (v *Visit) Absorb(m *Visit, same bool) {
	if same && v.Fresh {
		if n := m.number(); n > 0 && v.number() == n+1 {
			v.History.Visits = n // the session that the cookie took for over goes on
		}
		v.Start, v.Fresh = m.Start, false
	}
	if same && !v.Origin.Known {
		v.Origin = m.Origin
	}
	for _, c := range m.plain {
		later := func(o Counted) bool {
			return o.Scope >= PerDay && o.Scope == c.Scope && o.Hash == c.Hash && o.Day >= c.Day
		}
		if (same || c.Scope != PerSession) && !slices.ContainsFunc(v.plain, later) {
			v.Add(c, false)
		}
	}
	for _, c := range m.keyed {
		if same || c.Scope != PerSession {
			v.Add(c, true)
		}
	}
	v.absorb(m.History, same)
	if !same {
		return
	}
	for _, p := range m.after {
		for i, began := range p.began {
			v.Reach(p.hash, i, began)
		}
	}
}

// Reach notes that a walk, which began at a time in Unix seconds, has come as
// far as step. The first step is 0. hash is the hash of the goal and its
// after:.
func (v *Visit) Reach(hash uint32, step int, began int64) {
	i := slices.IndexFunc(v.after, func(p progress) bool { return p.hash == hash })
	if i < 0 {
		i = len(v.after)
		v.after = append(v.after, progress{hash: hash})
	}
	switch p := &v.after[i]; {
	case step < len(p.began):
		p.began[step] = max(p.began[step], began)
	case step == len(p.began):
		p.began = append(p.began, began)
	}
}

// Walked returns for each step when, in Unix seconds, the last walk began that
// came so far. Callers only read it.
func (v *Visit) Walked(hash uint32) []int64 {
	for i := range v.after {
		if v.after[i].hash == hash {
			return v.after[i].began
		}
	}
	return nil
}

// Clone returns a copy whose progress can go on independently.
func (v *Visit) Clone() *Visit {
	c := *v
	c.plain, c.keyed = slices.Clone(v.plain), slices.Clone(v.keyed)
	c.after = slices.Clone(v.after)
	for i := range c.after {
		c.after[i].began = slices.Clone(c.after[i].began)
	}
	c.Origin.UTM = slices.Clone(v.Origin.UTM)
	c.History = v.History.clone()
	return &c
}
