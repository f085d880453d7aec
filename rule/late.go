package rule

import (
	"fmt"
	"slices"
	"strings"
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
