package visit

import (
	"cmp"
	"slices"
)

// History is what few rules ask of a visitor: about earlier sessions, and about what
// was seen or collected in this one. A visit without it takes no more room.
type History struct {
	// Visits are the sessions so far, with this one, and Pages the pages of this
	// one. 0 is not counted.
	Visits, Pages uint32
	// Happened are goals with how often they happened, also in earlier sessions,
	// the one that happened longest ago first.
	Happened []Happened
	// First is where the first session came from, and its minute.
	First   Origin
	FirstAt int64
	// Shown are the variants that this session saw, the oldest first.
	Shown []Variant
	// Cart are hashes of what is in the cart of this session, and CartTurn how often
	// that has changed.
	Cart     []uint32
	CartTurn uint32
	// Cut is the minute until which something may have happened that is not known any
	// more, since there was no room for it. 0 is nothing.
	Cut int64
}

// Happened says how often a goal happened, and in which minute it did last.
type Happened struct {
	Hash           uint32
	Times, Session uint32 // ever, and in this session
	Last           int64
}

// Variant is what was shown of a component, or of the page if Component is "".
type Variant struct{ Component, Variant string }

// These bound a history. What comes later takes the place of the oldest, except in a
// cart: it takes no more.
const (
	MaxHappened = 20
	MaxShown    = 4
	MaxCart     = 20
	MaxVariant  = 64 // bytes of each text of a [Variant]
)

// history is the visit's, made if there is none.
func (v *Visit) history() *History {
	if v.History == nil {
		v.History = new(History)
	}
	return v.History
}

// CountSession counts the session, unless it is counted. A visitor of whom an earlier session
// is known is in their second one, at least. If they may have been here before, or the
// session goes on, nobody knows the number, and it is 0.
func (v *Visit) CountSession(earlier, maybe bool) {
	switch {
	case v.number() > 0 || !v.Fresh:
	case earlier:
		v.history().Visits = 2
	case !maybe:
		v.history().Visits = 1
	}
}

// number says which session of the visitor it is, 0 if that is not known.
func (v *Visit) number() uint32 {
	if v.History == nil {
		return 0
	}
	return v.History.Visits
}

// Number is number, for people.
func (v *Visit) Number() int { return int(v.number()) }

// FirstOrigin is where the visitor first came from, nil if that is not known. Callers only
// read it.
func (v *Visit) FirstOrigin() *Origin {
	if v.History == nil || !v.History.First.Known {
		return nil
	}
	return &v.History.First
}

// Happen notes that a goal happened in that minute.
func (v *Visit) Happen(hash uint32, now int64) {
	h := v.history()
	one := Happened{Hash: hash}
	h.Happened = slices.DeleteFunc(h.Happened, func(o Happened) bool {
		if o.Hash == hash {
			one = o
		}
		return o.Hash == hash
	})
	if one.isAhead(now) {
		one.Last = now
	}
	one.Times, one.Session, one.Last = more(one.Times), more(one.Session), max(one.Last, now)
	h.Happened = append(h.Happened, one)
	h.trim()
}

// more is one more, unless that is too many to count.
func more(n uint32) uint32 { return max(n, n+1) }

// trim forgets what happened longest ago, if it is too much, and notes that it did.
func (h *History) trim() {
	for len(h.Happened) > MaxHappened {
		h.forgetOldest()
	}
}

func (h *History) forgetOldest() {
	h.Cut = max(h.Cut, h.Happened[0].Last)
	h.Happened = h.Happened[1:]
}

// Show notes that a variant was shown.
func (v *Visit) Show(s Variant) {
	s = Variant{CutText(s.Component, MaxVariant), CutText(s.Variant, MaxVariant)}
	h := v.history()
	h.Shown = slices.DeleteFunc(h.Shown, func(o Variant) bool { return o.Component == s.Component })
	h.Shown = newest(append(h.Shown, s), MaxShown)
}

// Put notes that something is in the cart. It reports false if there is no room.
func (v *Visit) Put(item uint32) bool {
	h := v.history()
	if slices.Contains(h.Cart, item) {
		return true
	}
	if len(h.Cart) == MaxCart {
		return false
	}
	h.Cart = append(h.Cart, item)
	return true
}

// CameFirst notes where the visitor's first session came from, once, as far as it is asked
// for. A session that came from nowhere that is asked for is not the first.
func (v *Visit) CameFirst(o Origin, minute int64, n *Needs) {
	if v.FirstOrigin() == nil && o.Known && len(o.UTM)+len(o.Referrer) > 0 {
		v.history().First, v.History.FirstAt = o.asked(n), minute
	}
}

func newest[T any](list []T, most int) []T { return list[max(len(list)-most, 0):] }

// renew is the history in the next session.
func (h *History) renew() *History {
	if h == nil {
		return nil
	}
	n := History{Visits: h.Visits, Happened: slices.Clone(h.Happened), First: h.First, FirstAt: h.FirstAt, Cut: h.Cut}
	if n.Visits > 0 {
		n.Visits = more(n.Visits)
	}
	for i := range n.Happened {
		n.Happened[i].Session = 0
	}
	return &n
}

func (h *History) clone() *History {
	if h == nil {
		return nil
	}
	c := *h
	c.Happened, c.Shown, c.Cart, c.First.UTM = slices.Clone(h.Happened), slices.Clone(h.Shown), slices.Clone(h.Cart), slices.Clone(h.First.UTM)
	return &c
}

// absorb adds what another source knows. same means that its session is this one.
func (v *Visit) absorb(m *History, same bool) {
	if m == nil {
		return
	}
	h := v.history()
	if same || m.Visits == 0 {
		h.Visits = max(h.Visits, m.Visits)
	} else {
		h.Visits = max(h.Visits, more(m.Visits)) // that one is over
	}
	if m.First.Known && (!h.First.Known || m.FirstAt < h.FirstAt || m.FirstAt == h.FirstAt && m.First.size() > h.First.size()) {
		h.First, h.FirstAt = m.First, m.FirstAt
	}
	for _, o := range m.Happened {
		if !same {
			o.Session = 0
		}
		if i := slices.IndexFunc(h.Happened, func(p Happened) bool { return p.Hash == o.Hash }); i >= 0 {
			p := &h.Happened[i]
			p.Times, p.Session, p.Last = max(p.Times, o.Times), max(p.Session, o.Session), max(p.Last, o.Last)
			continue
		}
		h.Happened = append(h.Happened, o)
	}
	slices.SortStableFunc(h.Happened, func(a, b Happened) int { return cmp.Compare(a.Last, b.Last) })
	h.Cut = max(h.Cut, m.Cut)
	h.trim()
	if !same {
		return
	}
	h.Pages = max(h.Pages, m.Pages)
	for _, s := range m.Shown {
		if !slices.ContainsFunc(h.Shown, func(o Variant) bool { return o.Component == s.Component }) {
			v.Show(s)
		}
	}
	v.absorbCart(m)
}
