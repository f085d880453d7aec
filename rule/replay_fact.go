package rule

import (
	"cmp"
	"net/http"
	"path"
	"time"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/internal/web"
)

// ReplayTells says to whom a [Replay] tells facts, as a live site tells a report. A log
// knows no visitors, so the facts have no browser, and nobody's consent is known.
type ReplayTells struct {
	Sink fact.Sink      // nil: nobody is told
	Site string         // the name of the site in the facts
	Zone *time.Location // in which its days begin; nil is UTC
	// Currency is that of the site, for goals whose rule names none. "" makes points.
	Currency string
}

// fact is one of a request of the log.
func (r *Replay) fact(kind fact.Kind, goal, reason string, at time.Time) fact.Fact {
	return fact.Fact{Kind: kind, Time: at, Site: r.Tells.Site, Zone: r.Tells.Zone, Goal: goal, Reason: reason, Uncountable: reason == reasonBot}
}

// reasonBot is the reason of what a machine did.
const reasonBot = "bot"

// tellVisit tells of a page that somebody went to. What is no page for sure is none.
func (r *Replay) tellVisit(e *LogEntry, page string) {
	if r.Tells.Sink == nil || e.Time.IsZero() || e.Method != http.MethodGet {
		return
	}
	x := &r.x
	x.contentType = cmp.Or(e.ContentType, r.typeOf(path.Ext(page))) // which goals may judge otherwise
	shows := web.IsHTML(x.contentType) && judgePage(x) == Fires
	x.contentType = e.ContentType
	if !shows {
		return
	}
	reason := fact.Fired
	if r.isBot(e) {
		reason = reasonBot
	}
	f := r.fact(fact.Visit, "", reason, e.Time)
	if !f.Uncountable {
		c := View
		for _, found := range r.found { // a page has one name, whatever counts on it
			if found.IsPage() {
				c = found
				break
			}
		}
		c.Tell(x, &f, "", noRoute)
		r.cameFrom(&f)
	}
	r.Tells.Sink.Report(f)
}

// tellGoal tells what became of a goal.
func (r *Replay) tellGoal(c *Cause, why string, at time.Time) {
	if r.Tells.Sink == nil || at.IsZero() {
		return
	}
	if why == "" && c.goal.Status == statusDraft {
		why = statusDraft
	}
	f := r.fact(fact.Decision, c.goal.Name, cmp.Or(why, fact.Fired), at)
	if why == "" {
		c.Tell(&r.x, &f, "", noRoute)
		r.cameFrom(&f)
		if v := &c.goal.value; v.set && v.from.kind == sourceLiteral {
			currency := cmp.Or(v.currency, c.goal.Currency, r.Tells.Currency)
			if currency == noCurrency {
				currency = ""
			}
			f.Value = fact.ValueOf(v.amount, currency)
		}
	}
	r.Tells.Sink.Report(f)
}

// unknownSource is the source of somebody of whom it is not known whether another site
// led them here, as package report calls it. A log without hosts does not say which site
// the Referer is of.
const unknownSource = "(none)"

// cameFrom says what is known of the source.
func (r *Replay) cameFrom(f *fact.Fact) {
	if f.Source == "" && r.x.host == "" && r.x.referer != "" && r.x.referer != "-" {
		f.Source = unknownSource
	}
}

// noRoute stands for a router, which no log knows.
func noRoute(string) string { return "" }
