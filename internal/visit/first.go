package visit

import "slices"

// Where a visitor's first session came from is an [Origin] of which is known what was asked.
// What was asked and was not there stands in it without a value. So a rule that asks for
// more later does not take what nobody looked at for something that was not there.

// ReferrerName is what the referrer of a first session is called beside its parameters.
const ReferrerName = "referrer"

// asked is the origin with what was asked for and is not there.
func (o Origin) asked(n *Needs) Origin {
	o.UTM = slices.Clone(o.UTM)
	names := n.FirstUTM
	if n.FirstReferrer {
		names = append(slices.Clip(names), ReferrerName)
	}
	for _, name := range names {
		if !o.Knows(name) {
			o.UTM = append(o.UTM, UTM{Name: name})
		}
	}
	return o
}

// Knows reports whether it is known what a parameter was, or the referrer, or that it was not
// there.
func (o *Origin) Knows(name string) bool {
	return name == ReferrerName && o.Referrer != "" || slices.ContainsFunc(o.UTM, func(u UTM) bool { return u.Name == name })
}

// keep leaves out what no goal asks for any more.
func (o *Origin) keep(n *Needs) {
	if len(n.FirstUTM) == 0 && !n.FirstReferrer {
		*o = Origin{}
		return
	}
	o.UTM = slices.DeleteFunc(slices.Clone(o.UTM), func(u UTM) bool {
		return !slices.Contains(n.FirstUTM, u.Name) && (!n.FirstReferrer || u.Name != ReferrerName)
	})
	if !n.FirstReferrer {
		o.Referrer = ""
	}
}

// forget leaves out the longest text, of which nothing is known then: a part of it would be
// another text. It reports false if none is left. That the visitor did come from somewhere
// stays known, so that no later session is taken for the first.
func (o *Origin) forget() bool {
	longest, at := len(o.Referrer), -1
	for i, u := range o.UTM {
		if n := len(u.Name) + len(u.Value); n > longest {
			longest, at = n, i
		}
	}
	if at >= 0 {
		o.UTM = slices.Delete(slices.Clone(o.UTM), at, at+1)
	} else {
		o.Referrer = ""
	}
	return longest > 0
}

// size is how long its texts are.
func (o *Origin) size() (n int) {
	for _, u := range o.UTM {
		n += len(u.Name) + len(u.Value)
	}
	return n + len(o.Referrer)
}

// knowsFirst reports whether nothing is forgotten of what the goal asks of the first session.
func (v *Visit) knowsFirst(g *Goal) bool {
	o := v.FirstOrigin()
	return o == nil || !slices.ContainsFunc(g.FirstOf, func(name string) bool { return !o.Knows(name) })
}
