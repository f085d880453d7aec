package rule

import (
	"fmt"
	"slices"
	"strings"

	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/web"
)

// The CDP dates an event by its arrival, and puts it into the session that the visitor
// has then. If the session is over, the event opens a new one. When that closes, an ADD
// in it is an abandoned cart, of which the visitor gets a mail (doc.sitecore.com,
// "Understanding sessions" and "Cart abandonment"). So events that only mean something
// within their session are not sent after it.

// isOfSession reports whether a standard event belongs to its session.
func isOfSession(event string) bool {
	switch event {
	case "VIEW", "SEARCH", "ADD", "ADD_CONTACTS", "ADD_CONSUMERS", "CONFIRM", "PAYMENT", "CHECKOUT", "CLEAR_CART", "FORCE_CLOSE":
		return true
	}
	return false
}

// isOfPerson reports whether a standard event is as true later. An order says when it was
// placed.
func isOfPerson(event string) bool { return event == "IDENTITY" || event == "ORDER_CHECKOUT" }

// The values of used by:.
const (
	usedByExperiment = "experiment"
	usedByJourney    = "journey"
	usedBySegment    = "segment"
)

// uses are they, in the order in which they are named.
var uses = []string{usedByExperiment, usedByJourney, usedBySegment}

// lateness is what becomes of the goal's events when they are late.
type lateness uint8

const (
	lateByEvent lateness = iota // see DropsLate
	lateSend
	lateDrop
)

func (g *goal) compileLate(f *faults) {
	switch g.Late {
	case "send":
		g.limits.late = lateSend
	case "drop":
		g.limits.late = lateDrop
	}
	for i, use := range g.UsedBy {
		key := fmt.Sprintf("used by.%d", i)
		switch {
		case !slices.Contains(uses, use):
			hint := strings.Join(uses, ", ")
			if near := nearest(use, uses); near != "" {
				hint = "did you mean " + near + "?"
			}
			f.hint(key, fmt.Sprintf("used by: %q is not understood", use), hint)
		case slices.Contains(g.UsedBy[:i], use):
			f.hint(key, "used by: names "+use+" twice", "")
		}
	}
}

// startsJourney reports whether the goal can send somebody a mail.
func (g *goal) startsJourney() bool { return slices.Contains(g.UsedBy, usedByJourney) }

// Marks says what a queue has to know of an event of that type. It is not sent any more
// once it is late, or once it is stale: older than the session; see [Goal.Late]. What is
// private may say who somebody is, or what they typed.
func (c *Cause) Marks(event string) (late, stale, private bool) {
	if event == ConnectorGoal && c.Connected() {
		event = c.goal.typ // the second event has the fate of the first
	}
	late, stale = c.dropsLate(event)
	return late, stale, saysWho(event) || c.kind == causeCode || c.goal != nil && c.goal.private
}

// saysWho reports whether a standard event says who somebody is.
func saysWho(event string) bool {
	switch event {
	case "IDENTITY", "ADD_CONTACTS", "ADD_CONSUMERS", "ORDER_CHECKOUT":
		return true
	}
	return false
}

// isPrivate reports whether the goal sends what a visitor or the application says. That is
// an identity, or a value that is neither in the rule, nor in the address, nor in where the
// visitor came from. Nobody knows what is in it.
func (g *goal) isPrivate() bool {
	if g.identity != nil || g.order != nil || g.value.from.isPrivate() || g.page.isPrivate() || g.key.isPrivate() {
		return true
	}
	return g.contact != nil || slices.ContainsFunc(g.data, func(d field) bool { return d.from.isPrivate() }) ||
		slices.ContainsFunc(g.fields, func(d sentField) bool { return d.from.isPrivate() }) ||
		slices.ContainsFunc(g.base[:], func(s source) bool { return s.isPrivate() })
}

func (s *source) isPrivate() bool {
	switch s.kind {
	case sourceForm, sourceJSON, sourceQuery, sourceHeader, sourceCookie, sourceApp, sourceResponseHeader, sourceResponseJSON, sourceElement, sourceEvent:
		return true
	case sourceLiteral, sourcePath, sourceRedirect, sourceUTM, sourceReferrer, sourceFirst, sourceWholePath, sourceHost, sourceRoute, sourceResponseType:
	}
	return false
}

// dropsLate is the part of Marks about events that are late.
func (c *Cause) dropsLate(event string) (late, stale bool) {
	if c.goal != nil && c.goal.limits.late != lateByEvent {
		return c.goal.limits.late == lateDrop, false
	}
	switch {
	case isOfSession(event):
		return false, true
	case isOfPerson(event):
		return false, false
	}
	return false, c.goal != nil && c.goal.startsJourney()
}

// lateInWords says what used by: means for an event that is late, "" if nothing.
func (g *goal) lateInWords() string {
	if _, stale := g.causes[0].dropsLate(g.typ); stale {
		return "not sent once the session is over"
	}
	return ""
}

// lintLate finds an order that starts a journey: the order has to arrive, and with it the
// journey starts, however late.
func (g *goal) lintLate(f *faults) {
	if g.order != nil && g.Late == "" && g.startsJourney() {
		f.warn("used by", "an order is sent however late it is, and then starts the journey", "late: send if that is meant, late: drop if it is not")
	}
}

// Fits compares the goal with a site that has these hosts, begins at prefix ("" for all
// paths), and says that of its events.
// A goal lacks a currency if it has a value, and neither says in which. The keys set apart
// bring the goal's events into another session than those of the site's pages, as "pos:
// shop-de". The CDP keeps sessions by point of sale, channel and browser ID
// (doc.sitecore.com, "Understanding sessions"). What only a request shows is not among
// them.
func (c *Cause) Fits(site Base, hosts []string, prefix string) (lacksCurrency bool, apart []string) {
	g := c.goal
	if g == nil {
		return false, nil
	}
	lacksCurrency = (g.value.set || g.fieldUnset(unsetCurrency)) && g.value.currency == "" && g.Currency == "" && site.Currency == ""
	if g.Status == statusPaused || !shareHost(g.Hosts, hosts) || !g.isBelow(prefix) {
		return lacksCurrency, nil
	}
	for _, own := range []struct {
		key  string
		at   int
		site string
	}{{"pos", basePointOfSale, site.PointOfSale}, {"channel", baseChannel, site.Channel}} {
		if s := &g.base[own.at]; s.kind == sourceLiteral && s.text != "" && s.text != own.site {
			apart = append(apart, own.key+": "+s.text)
		}
	}
	return lacksCurrency, apart
}

// isBelow reports whether the goal can happen at the prefix or below it. One that is raised
// in code can happen anywhere.
func (g *goal) isBelow(prefix string) bool {
	return slices.ContainsFunc(g.causes, func(c Cause) bool {
		text := c.path.Text
		fixed := text
		if open := strings.IndexAny(text, "{*"); open >= 0 {
			fixed = text[:open]
		}
		if len(fixed) < len(text) && len(fixed) <= len(prefix) || text == "" {
			return strings.EqualFold(fixed, prefix[:len(fixed)])
		}
		return urlpath.IsOrBelow(fixed, prefix)
	})
}

// shareHost reports whether a host can be one of both lists. An empty list is every host.
func shareHost(a, b []string) bool {
	some := func(all, one []string) bool {
		return slices.ContainsFunc(one, func(h string) bool {
			host := web.HostOnly(h)
			return web.HostIn(all, host) || strings.HasPrefix(host, "*.") && web.HostIn(all, "x"+host[1:])
		})
	}
	return len(a) == 0 || len(b) == 0 || some(a, b) || some(b, a)
}
