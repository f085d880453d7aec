package goaltrack

import (
	"net/http"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/internal/consent"
	"github.com/goaltrack/goaltrack/internal/facts"
	"github.com/goaltrack/goaltrack/internal/visit"
	"github.com/goaltrack/goaltrack/internal/watched"
	"github.com/goaltrack/goaltrack/internal/web"
	"github.com/goaltrack/goaltrack/rule"
)

// Besides the ledger, two observers learn what becomes of a request: a report (Config.Report),
// and a person who watches their own requests (Config.Preview).

// A report is told each decision once, right where the ledger counts it, and each page
// that a person went to. Of whoever may not be counted it is told the reason alone.

// reportSink is a Tracker as the sink of facts: a panic of the one that the user gave harms
// nobody.
type reportSink Tracker

// Report implements [fact.Sink].
func (g *reportSink) Report(f fact.Fact) {
	defer (*Tracker)(g).recovered("Report", func() {})
	g.config.Report.Report(f)
}

// isGoal reports whether a rule names it: a report tells of goals and of pages.
func isGoal(g *rule.Cause) bool { return g != rule.View && g != rule.Identity }

// reportRefused tells the report that the gate keeps a goal from counting.
func (t *Tracker) reportRefused(s *site, g *rule.Cause, f fate) {
	if s.facts.Sink != nil && isGoal(g) {
		s.facts.Refused(g.Name(), f.String())
	}
}

// reportPageRefused tells the report of a page whose visitor may not be counted. What a browser fetches
// before anybody wants to see it is no visit.
func (t *Tracker) reportPageRefused(s *site, f fate) {
	if s.facts.Sink != nil && f != fatePrefetch {
		s.facts.Refused("", f.String())
	}
}

// report tells the report what became of a goal, and how it nearly counted.
func (tr *tracked) report(g *rule.Cause, f fate, missed *rule.Miss) {
	switch {
	case tr.facts == nil || f == fateHeld || !isGoal(g):
	case f.uncountable():
		tr.t.reportRefused(tr.site, g, f)
	default:
		d := tr.decisionOn(g, f)
		if missed != nil {
			d.NearMiss, _ = missed.Describe(g)
		}
		tr.facts.Decided(&d)
	}
}

// reportPage tells the report, in the end, of the page that the request was for. A request
// that did not end well showed none.
func (tr *tracked) reportPage(f fate) {
	switch {
	case tr.facts == nil || !tr.navigation:
	case tr.watched.Dry():
		tr.t.reportPageRefused(tr.site, fatePreview)
	case tr.unasked != allowed:
		if !tr.facts.PageWaits() { // else it is told what becomes of it
			tr.t.reportPageRefused(tr.site, tr.unasked)
		}
	case f == fired:
		if r, _ := rule.View.Judge(&tr.x, false); r == rule.Fires {
			d := tr.decisionOn(rule.View, fired)
			d.Named = tr.namedVariantLocked(tr.rec.Header())
			tr.facts.Visited(&d)
		}
	}
}

// decisionOn is what a report is told of a decision.
func (tr *tracked) decisionOn(g *rule.Cause, f fate) facts.Decision {
	d := facts.Decision{
		Goal: g, Page: g, Exchange: &tr.x, Described: tr.told.route.describes,
		Reason: f.String(), BrowserID: tr.told.id, Anonymous: tr.unasked != allowed,
	}
	if s := tr.told.seldom.Load(); s != nil && f == fired && g != rule.View {
		d.Visit, d.Once = s.past.visit, tr.countsOnce(g)
	}
	if !g.IsPage() {
		return d
	}
	for i := range tr.candidates { // a page has one name, whatever counts on it
		if c := tr.candidates[i].cause; c != rule.View && c.IsPage() {
			d.Page = c
			break
		}
	}
	return d
}

// countsOnce reports whether a goal counts at most once in the session, and the session
// began today. Then a report can count it for what the session was shown before, and never
// counts it for more than saw that on a day.
func (tr *tracked) countsOnce(g *rule.Cause) bool {
	v, past := tr.told.seldom.Load().past.visit, g.Past()
	return v != nil && past.Scope != visit.PerRequest && !past.Keyed &&
		visit.DayOf(time.Unix(v.Start*60, 0), tr.site.zone) == visit.DayOf(time.Now(), tr.site.zone)
}

// factLater is what a report will be told of a goal, or of a page, that may yet count: when
// the visitor agrees, or when the page is shown.
func (tr *tracked) factLater(g *rule.Cause, anonymous bool) *fact.Fact {
	if tr.facts == nil || g == rule.Identity {
		return nil
	}
	d := tr.decisionOn(g, fired)
	d.Anonymous = anonymous
	if g == rule.View {
		return facts.Keep(tr.facts.Visit(&d))
	}
	return facts.Keep(tr.facts.Fact(&d))
}

// factHeld is factLater for what waits for the visitor's consent. It is told only if they
// agree, and so never as anonymous.
func (tr *tracked) factHeld(g *rule.Cause) *fact.Fact { return tr.factLater(g, false) }

// factAhead is factLater for what waits until its page is shown.
func (tr *tracked) factAhead(g *rule.Cause) *fact.Fact {
	return tr.factLater(g, tr.entry.looking().fate(consent.All) != allowed)
}

// reportLater tells the report what became in the end of what factLater kept; nil is nothing.
func (s *site) reportLater(kept *fact.Fact, f fate, id string) {
	if kept != nil {
		s.facts.Settled(kept, f.String(), id, f.uncountable())
	}
}

// report tells the report what became of a decision that was held.
func (one *held) report(f fate, id string) { one.site.reportLater(one.fact, f, id) }

// reportShown is reportLater for what counts now, when its page is shown, and not when it was
// fetched.
func (s *site) reportShown(kept *fact.Fact, f fate, id string) {
	if kept != nil {
		kept.Time = time.Now()
	}
	s.reportLater(kept, f, id)
}

// A person can mark their browser to see what becomes of their own requests
// (Config.Preview). Package watched collects that.

// watch looks whether somebody watches the browser of a request, which is nil for nearly
// all.
func (t *Tracker) watch(sent web.Cookies) *watched.Request {
	return watched.Of(t.config.Preview, sent)
}

// answered tells Config.Preview what became of an event.
func (t *Tracker) answered(goal, browserID, fate string) {
	defer t.recovered("Preview", func() {})
	t.config.Preview.Answered(goal, browserID, fate)
}

// isWatchedForm reports whether a request that concerns nobody is worth explaining all the
// same: something was sent, by a browser that may be marked.
func (t *Tracker) isWatchedForm(r *http.Request) bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead &&
		web.CookiesOf(r.Header).Value(t.config.Preview.Cookie(), nil) != ""
}

// isDry reports whether nothing may be sent for the request, and no cookie changed.
func (tr *tracked) isDry() bool { return tr.t.config.DryRun || tr.watched.Dry() }

// explain tells the watcher what became of a goal that was judged last.
func (tr *tracked) explain(g *rule.Cause, f fate) {
	if tr.watched == nil {
		return
	}
	why := ""
	if r, ok := f.ofRules(); ok {
		why = g.Why(r, &tr.x)
	}
	tr.watched.Decided(g, f.String(), why)
}

// showWatched tells the watcher that the request is over.
func (tr *tracked) showWatched() {
	if tr.watched == nil {
		return
	}
	seen := fact.Seen{Site: tr.site.Name, Method: tr.r.Method, Path: tr.path, Status: tr.status}
	seen.Location, _, _ = strings.Cut(tr.x.Location(), "?") // as it was sent: the header may change after that
	if tr.unasked != allowed {
		seen.Refused = tr.unasked.String()
	}
	tr.watched.Ended(tr.rules, &tr.x, tr.t.config.Env, seen)
}

// showRefused tells the watcher that the gate lets nothing of a request through. No
// cookie but theirs was looked at.
func (tr *tracked) showRefused(w *watched.Request, e *entry, goals []*rule.Cause) {
	tr.watched, tr.unasked = w, e.fate(consent.All)
	for _, g := range goals {
		f, _ := e.admits(g)
		tr.explain(g, f)
	}
	tr.showWatched()
}
