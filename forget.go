package goaltrack

import (
	"slices"
	"strings"
)

// A goal with forget: true ends a visitor's profile on this browser, as a
// log-out does: whoever comes next is another guest. The cookie is deleted with
// the answer, which every instance of a site understands. An instance also
// remembers the ID, for the cases in which a cookie cannot do it: the goal was
// only decided when the header was out, or an answer that was under way at the
// same time brings the old cookie back.

// forgetsLocked reports whether a goal that ends the profile is known to count. It is
// asked before the header is written.
func (tr *tracked) forgetsLocked() bool {
	for i := range tr.candidates {
		c := &tr.candidates[i]
		if !c.trigger.Ends() {
			continue
		}
		tr.peekFormLocked()
		// A page whose type is not known yet is taken for one, as net/http
		// will most likely find: the cookie can only be deleted now.
		if f, open := tr.judgeLocked(c); f == fired || open && c.trigger.IsPage() && tr.navigation {
			tr.forgetLocked()
			return true
		}
	}
	return slices.ContainsFunc(tr.told.saidLocked().raised, func(r raised) bool {
		ends := r.goal.Ends() && tr.raisedFiresLocked(r)
		if ends {
			tr.forgetLocked()
		}
		return ends
	})
}

// forgetLocked remembers that the visitor's ID is not to be used by later requests.
// What happened in this one still is his.
func (tr *tracked) forgetLocked() { tr.site.forget(tr.told.brought.id) }

func (s *site) forget(id string) {
	if s.line != nil && id != "" && !s.tenant.forgotten.Has(id) {
		s.tenant.forgotten.Put(strings.Clone(id), "-")
	}
}
