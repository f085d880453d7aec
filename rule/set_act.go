package rule

import (
	"slices"
	"time"

	"github.com/goaltrack/goaltrack/internal/hostname"
	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/web"
)

// PageKind is what a visitor does in a page.
type PageKind string

// The kinds, named as the keys of the rule file are.
const (
	PageClick   PageKind = "click"
	PageSeen    PageKind = "seen"
	PagePlayed  PageKind = "played"
	PageStarted PageKind = "started"
	PageRead    PageKind = "read"
	PageStay    PageKind = "stay"
)

// PageGoal is a way in which a goal can happen in a page, as the script in the page has to
// know it. It is for a live site.
type PageGoal struct {
	// Name is the goal's name, which the script reports. Two ways of one goal have the
	// same.
	Name string
	// Kind is what the visitor does.
	Kind PageKind
	// On is the path of the pages as the rule writes it, "" for every page.
	On string
	// OnRegexp is On as a regular expression of JavaScript, for the flags i and u, "" for
	// every page. It is for a path as rules see it: decoded, without what follows a
	// semicolon in a part, with one slash for two. It fits every page of On, and perhaps
	// others, which [Set.Reported] refuses.
	OnRegexp string
	// DataGoal is the element by its attribute data-goal, and Selector by a CSS selector.
	// At most one is set. None is for PageRead and PageStay, and for a click on whatever
	// leads to To.
	DataGoal, Selector string
	// To is where the link has to lead that is clicked: "other-site", "tel" or "mailto",
	// "" for anywhere.
	To string
	// Percent is how much has to be played or read: 0 is the start of a film, and 100 the
	// end.
	Percent int
	// Stay is how long the page has to be in view.
	Stay time.Duration
	// Element are the names x of the attributes data-goal-x of the element that the rule
	// reads.
	Element []string

	cause *Cause
}

// PageGoals lists what can happen in pages and is reported by goaltrack's script, in the
// order of the rules, without goals that are paused. The list is the caller's. It is for a
// live site.
func (s *Set) PageGoals() (list []PageGoal) {
	for _, g := range s.goals {
		if g.Status == statusPaused {
			continue
		}
		for i := range g.causes {
			if c := &g.causes[i]; c.inPage() {
				list = append(list, c.pageGoal())
			}
		}
	}
	return list
}

func (c *Cause) pageGoal() PageGoal {
	a := &c.act
	p := PageGoal{
		Name: c.goal.Name, Kind: PageKind(a.key), On: c.path.Text, DataGoal: a.name, Selector: a.selector, To: a.to,
		Percent: a.percent, Stay: a.stay, Element: slices.Clone(c.goal.needs.element), cause: c,
	}
	if p.On != "" {
		p.OnRegexp = c.path.Script()
	}
	return p
}

// Cause is what the rule asks of consent and of the past; see [Cause.Terms].
func (p *PageGoal) Cause() *Cause { return p.cause }

// MayCount reports whether the goal may count on a page: on this host, which may have a
// port, at this path, in this environment and at this time. A path of "" is some page of
// the site, and a host of "" some host.
func (p *PageGoal) MayCount(host, path, env string, now time.Time) bool {
	g, l := p.cause.goal, &p.cause.goal.limits
	return g.hasEnv(env) && l.holdsAt(now) && (path == "" || p.cause.fitsPage(path)) &&
		(len(l.hosts) == 0 || host == "" || hostname.In(l.hosts, web.HostOnly(host)))
}

// Told is what a script in a page tells: goaltrack's own, or one of Sitecore's through the
// relay.
type Told struct {
	// Path and RawQuery are those of the page on which it happened. The path is as rules
	// see it: decoded and without what is taken off the site's addresses.
	Path, RawQuery string
	// Element is what the element's attributes data-goal-x say, by their names x.
	Element map[string]string
	// Event are the attributes of an event, by the names of $event: those of ext, and the
	// fields beside it. One that is neither text nor number nor bool has no value. One that
	// says who the visitor is is never read.
	Event map[string]any

	act *Act // of an example
}

// data is what the element says under a name of $element.
func (t *Told) data(name string) (v string, ok bool) {
	if t != nil {
		v, ok = t.Element[name]
	}
	return v, ok
}

// attribute is an attribute of the event.
func (t *Told) attribute(name string) any {
	if t == nil {
		return nil
	}
	return t.Event[name]
}

// Telling is a copy of the exchange of a request by which a script tells what happened in a
// page. The exchange has begun with that request; see [Exchange.Begin]. The copy is about
// the page. It keeps the maps, which may not be changed any more.
func (x *Exchange) Telling(t Told) *Exchange {
	own := *x
	own.path, own.rawQuery, own.told = urlpath.Normal(t.Path), t.RawQuery, &t
	odd := x.address()
	own.setOdd(oddAddress{prefix: odd.prefix, taken: odd.taken})
	own.requestURI = ""
	own.vars = variables{values: own.room[:0]}
	return &own
}

// Reported finds the goal that goaltrack's script in the page reports by its name, and the
// way in which it can happen on the page of x, which [Exchange.Telling] made. [Fires] means
// that [Cause.JudgeRaised] has to judge it yet. The other reasons are [ReasonUnknownGoal]
// and [ReasonNoPageGoal], with nil, and [ReasonOtherPage]. It is for a live site.
func (s *Set) Reported(x *Exchange, name string) (*Cause, Reason) {
	g := s.byID[name]
	if g == nil {
		return nil, ReasonUnknownGoal
	}
	switch c, fits := g.causeOn(x.path, (*Cause).inPage); {
	case fits:
		return c, Fires
	case c != nil:
		return c, ReasonOtherPage
	}
	return nil, ReasonNoPageGoal
}

// Needed counts the goals that need something beside the rules, but for those that are
// paused. What happens inside a page needs goaltrack's script there. An event of Sitecore's
// scripts has to come through the relay.
func (s *Set) Needed() (inPage, byEvent int) {
	for _, g := range s.goals {
		if g.Status == statusPaused {
			continue
		}
		if slices.ContainsFunc(g.causes, func(c Cause) bool { return c.inPage() }) {
			inPage++
		}
		if slices.ContainsFunc(g.causes, func(c Cause) bool { return c.kind == causeEvent }) {
			byEvent++
		}
	}
	return inPage, byEvent
}

// HasEvents reports whether a goal that is not paused asks for an event of Sitecore's
// scripts. It is for a live site.
func (s *Set) HasEvents() bool { return s.events }

// Relayed appends to into what an event of that type makes happen, which one of Sitecore's
// scripts sent through the relay from the page of x, which [Exchange.Telling] made. It
// returns one cause for each goal, in the order of the rules, without what is paused.
// [Cause.JudgeRaised] has to judge each. It is for a live site.
func (s *Set) Relayed(x *Exchange, typ string, into []*Cause) []*Cause {
	if !s.events {
		return into
	}
	for _, g := range s.goals {
		if g.Status == statusPaused {
			continue
		}
		is := func(c *Cause) bool { return c.kind == causeEvent && c.act.event == typ }
		if c, _ := g.causeOn(x.path, is); c != nil {
			into = append(into, c)
		}
	}
	return into
}

// Sent returns what an event of that type makes happen, which one of Sitecore's scripts sent
// from a page, as [Set.Relayed] does. It makes x, the exchange of the request that brought the
// event, one about that page; see [Told] for path, query and attributes. The attributes are
// asked for only if a goal waits for an event.
func (s *Set) Sent(x *Exchange, typ, path, rawQuery string, attributes func() map[string]any) []*Cause {
	if !s.events {
		return nil
	}
	*x = *x.Telling(Told{Path: path, RawQuery: rawQuery, Event: attributes()})
	return s.Relayed(x, typ, nil)
}

// causeOn is the cause that can happen on a page, among those that are meant. If none fits
// the page, it is one of them all the same.
func (g *goal) causeOn(page string, is func(*Cause) bool) (found *Cause, fits bool) {
	for i := range g.causes {
		switch c := &g.causes[i]; {
		case !is(c):
		case c.fitsPage(page):
			return c, true
		default:
			found = c
		}
	}
	return found, false
}
