package rule

import "slices"

// tellsNothing refuses a source that a goal cannot have, since a script in the page tells
// it: then there is no answer to look at, no handler and no route. It reports whether it
// did.
func (g *goal) tellsNothing(key string, s *source, f *faults) bool {
	if !slices.ContainsFunc(g.causes, func(c Cause) bool { return c.told() }) {
		return false
	}
	what, hint := "", ""
	switch {
	case s.ofAnswer():
		what, hint = "what happens in a page has no answer to look at", "leave it out, or make two goals"
	case s.kind == sourceApp:
		what, hint = "what happens in a page is not told to the application", "write the value into the page: $element.name is the attribute data-goal-name of the element"
	case s.kind == sourceRoute:
		what, hint = "what happens in a page has no route", "write the page's path under on:"
	case s.kind == sourceReferrer && !s.ofVisit:
		what, hint = "what happens in a page has the page itself as its referrer", "$referrer under data: is the site from which the session came"
	default:
		return false
	}
	f.hint(key, what, hint)
	return true
}

// readsTold notes a source that a script in the page tells, and refuses it where none does.
func (g *goal) readsTold(key string, s *source, f *faults) {
	for i := range g.causes {
		c := &g.causes[i]
		switch {
		case s.kind == sourceEvent && c.kind != causeEvent:
			f.hint(key, "only an event of Sitecore's scripts has attributes", "event: CLICKED, or whatever the page sends")
		case s.kind == sourceElement && c.kind == causeEvent:
			f.hint(key, "an event has no element", "read $event."+s.name)
		case s.kind == sourceElement && !c.hasElement():
			f.hint(key, "only click:, seen:, played: and started: have an element", "")
		default:
			continue
		}
		return
	}
	if s.kind == sourceElement && !slices.Contains(g.needs.element, s.name) {
		g.needs.element = append(g.needs.element, s.name)
	}
}
