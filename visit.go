package goaltrack

import "slices"

// visit is what is known of a visitor beyond one request: which goals he has
// made count, how far he has come towards those that come after others, and
// where his session came from. It lives in his visit cookie and, for the cases
// a cookie cannot serve, in this process's memory.
type visit struct {
	start, last int64 // the session: minutes since 1970 of its beginning and of its last request known
	fresh       bool  // the session begins with this request
	plain       []counted
	keyed       []counted // with for $source, oldest first
	after       []progress
	origin      origin
}

// scope is for how long a goal that counted does not count again.
type scope uint8

const (
	perRequest scope = iota // count: every
	perSession
	perVisitor
	perDay
)

// counted is a goal that counted.
type counted struct {
	scope scope
	day   uint16 // days since 1970, for perDay
	hash  uint32 // of the goal and, with for $source, of the value
}

// progress is how far a session has come on the way that an after: asks for:
// for each goal of the list, when the last walk began that came so far. An
// older walk has no chance that a newer one has not.
type progress struct {
	hash  uint32  // of the goal and its after:
	began []int64 // Unix seconds
}

// origin is where a session came from, as its first page told.
type origin struct {
	known    bool
	utm      []utm
	referrer string
}

type utm struct{ name, value string }

// has reports whether the goal has counted.
func (v *visit) has(c counted) bool {
	return slices.Contains(v.plain, c) || slices.Contains(v.keyed, c)
}

// add notes that a goal counted.
func (v *visit) add(c counted, keyed bool) {
	switch {
	case v.has(c):
	case keyed:
		v.keyed = append(slices.DeleteFunc(v.keyed, c.outlives), c)
	default:
		v.drop(counted{c.scope, 0, c.hash}, true)
		v.plain = append(v.plain, c)
	}
}

// outlives reports whether the other is of a day that is over wherever c's day
// has begun: between time zones there are two days at most.
func (c counted) outlives(other counted) bool {
	return c.scope == perDay && other.scope == perDay && other.day+2 < c.day
}

// drop takes a count back; anyDay, whatever its day.
func (v *visit) drop(c counted, anyDay bool) {
	is := func(o counted) bool { return o.hash == c.hash && o.scope == c.scope && (anyDay || o.day == c.day) }
	v.plain = slices.DeleteFunc(v.plain, is)
	v.keyed = slices.DeleteFunc(v.keyed, is)
}

// renew ends the session and begins another. What counted for ever or for a day
// stays.
func (v *visit) renew(now int64) {
	ofSession := func(c counted) bool { return c.scope == perSession }
	*v = visit{
		start: now, last: now, fresh: true,
		plain: slices.DeleteFunc(v.plain, ofSession),
		keyed: slices.DeleteFunc(v.keyed, ofSession),
	}
}

// absorb adds what another source knows of the same visitor. same says that its
// session is this one.
func (v *visit) absorb(m *visit, same bool) {
	if same && v.fresh {
		v.start, v.fresh = m.start, false
	}
	if same && !v.origin.known {
		v.origin = m.origin
	}
	for _, c := range m.plain {
		later := func(o counted) bool { return o.scope == perDay && o.hash == c.hash && o.day >= c.day }
		if (same || c.scope != perSession) && !slices.ContainsFunc(v.plain, later) {
			v.add(c, false)
		}
	}
	for _, c := range m.keyed {
		if same || c.scope != perSession {
			v.add(c, true)
		}
	}
	if !same {
		return
	}
	for _, p := range m.after {
		for i, began := range p.began {
			v.reach(p.hash, i, began)
		}
	}
}

// reach notes a walk that began then and has come as far as step.
func (v *visit) reach(hash uint32, step int, began int64) {
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

// walked returns when the last walk began that came as far as each step.
func (v *visit) walked(hash uint32) []int64 {
	for i := range v.after {
		if v.after[i].hash == hash {
			return v.after[i].began
		}
	}
	return nil
}

// clone is a copy whose progress can go on by itself.
func (v *visit) clone() *visit {
	c := *v
	c.plain, c.keyed = slices.Clone(v.plain), slices.Clone(v.keyed)
	c.after = slices.Clone(v.after)
	for i := range c.after {
		c.after[i].began = slices.Clone(c.after[i].began)
	}
	c.origin.utm = slices.Clone(v.origin.utm)
	return &c
}
