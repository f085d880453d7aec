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

// forgets reports whether a goal that ends the profile is known to count. It is
// asked before the header is written. tr.mu is held.
func (tr *tracked) forgets() bool {
	for i := range tr.candidates {
		c := &tr.candidates[i]
		if !c.trigger.Ends() {
			continue
		}
		tr.peekForm()
		// A page whose type is not known yet is taken for one, as net/http
		// will most likely find: the cookie can only be deleted now.
		if f, open := tr.judge(c); f == fired || open && c.trigger.IsPage() && tr.navigation {
			tr.forget()
			return true
		}
	}
	return slices.ContainsFunc(tr.raised, func(r raised) bool {
		ends := r.goal.Ends() && tr.raisedFires(r)
		if ends {
			tr.forget()
		}
		return ends
	})
}

// forget remembers that the visitor's ID is not to be used by later requests.
// What happened in this one still is his.
func (tr *tracked) forget() { tr.site.forget(tr.brought.id) }

func (s *site) forget(id string) {
	if s.line != nil && id != "" && !s.tenant.forgotten.Has(id) {
		s.tenant.forgotten.Put(strings.Clone(id), "-")
	}
}
