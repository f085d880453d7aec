package rule

import (
	"strings"

	"github.com/goaltrack/goaltrack/internal/visit"
)

// What a goal asks of the visitor's first session: $first.x, and first.x under if:.

// readsFirst reports whether the goal wants to know where the visitor first came from.
func (n *needs) readsFirst() bool { return len(n.first) > 0 || n.firstReferrer }

// asksFirst notes what a source needs of the first session.
func (n *needs) asksFirst(s *source) {
	if s.name == firstReferrer {
		n.firstReferrer = true
	} else {
		n.first = append(n.first, s.name)
	}
}

const firstReferrer = visit.ReferrerName

// compileFirst takes the conditions about the first session out of the others: they are
// judged when the visit is opened.
func (g *goal) compileFirst(list []condition) {
	g.first = list
	if len(list) == 0 {
		return
	}
	for i := range list {
		g.past.FirstOf = append(g.past.FirstOf, list[i].from.name)
	}
	g.past.First = func(o *visit.Origin) bool {
		x := Exchange{first: o}
		for i := range list {
			if list[i].judge(&x) != Fires {
				return false
			}
		}
		return true
	}
}

// firstInWords says that a condition on the first session does not hold.
func (g *goal) firstInWords() string {
	if len(g.first) == 0 {
		return "a condition does not hold"
	}
	words := make([]string, len(g.first))
	for i := range g.first {
		words[i] = g.first[i].inWords()
	}
	return atLine(g.first[0].line, strings.Join(words, ", or "))
}

// lookupFirst reads a value of the visitor's first session.
func (x *Exchange) lookupFirst(name string) (string, bool) {
	switch {
	case x.first == nil:
		return "", false
	case name == firstReferrer:
		return x.first.Referrer, x.first.Referrer != ""
	}
	return x.first.Param(name)
}
