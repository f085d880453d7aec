package web

import (
	"context"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/report"
)

// asked is a request for a page: about which site, which days, and limited to what.
type asked struct {
	p      *pages
	r      *http.Request
	ctx    context.Context //nolint:containedctx // It is that of r, and lives as long.
	info   report.Info
	stale  string   // why the last minutes are missing, in words, "" if they are not
	passed []string // parameters that made no difference
	site   string
	zone   *time.Location
	today  report.Day
	first  report.Day // that has counts of the site, 0 if there is none
	period
	where map[report.Dimension]string
}

// filters are the dimensions that an address may limit a page to, by their names in it.
var filters = []report.Dimension{report.Page, report.Source, report.Campaign, report.Language, report.Device}

// ask reads what a request is about. more are the parameters that its address takes beside the
// general ones.
func (p *pages) ask(r *http.Request, more ...string) (*asked, error) {
	ctx := r.Context()
	query, passed, err := readQuery(r.URL.RawQuery, more...)
	if err != nil {
		return nil, wrongQuery{err}
	}
	stale := ""
	if p.Fresh != nil {
		if err := p.Fresh(ctx); err != nil {
			p.Logger.Warn("goaltrack: a page of the report may lack what happened last", "error", err)
			stale = p.why("stale", err)
		}
	}
	info, err := p.Store.Info(ctx)
	if err != nil {
		return nil, err
	}
	a := &asked{p: p, r: r, ctx: ctx, info: info, stale: stale, passed: passed}
	if name := query.Get("site"); name != "" && !a.hasSite(name) {
		return nil, &noSuchSite{slices.Sorted(maps.Keys(info.Zones))}
	}
	if a.site, a.zone, err = report.Zone(ctx, p.Store, query.Get("site")); err != nil {
		return nil, err
	}
	a.today = report.DayOf(time.Now(), a.zone)
	if a.period, err = readPeriod(query, a.today); err != nil {
		return nil, wrongQuery{err}
	}
	if a.first, err = a.firstDay(); err != nil {
		return nil, err
	}
	for _, d := range filters {
		if text := query.Get(d.String()); text != "" {
			if a.where == nil {
				a.where = map[report.Dimension]string{}
			}
			a.where[d] = text
		}
	}
	return a, nil
}

// firstDay is the first day that has counts of the site. If there are several sites, some may
// have come later.
func (a *asked) firstDay() (first report.Day, err error) {
	if len(a.info.Zones) < 2 || a.info.First == 0 {
		return a.info.First, nil
	}
	for _, q := range []report.Question{{Of: report.Visits}, {AllGoals: true}} {
		q.Site, q.From, q.To, q.ByDay = a.site, a.info.First, a.today+1, true
		counts, err := a.p.Store.Sum(a.ctx, q)
		if err != nil {
			return 0, err
		}
		for i := range counts {
			if first == 0 || counts[i].Day < first {
				first = counts[i].Day
			}
		}
	}
	return first, nil
}

// hasSite reports whether the report has a site, or it is in force and has no numbers yet.
func (a *asked) hasSite(name string) bool {
	if _, counted := a.info.Zones[name]; counted || a.p.Snapshot == nil {
		return counted
	}
	return slices.ContainsFunc(a.p.Snapshot().Delivery, func(s goaltrack.SiteState) bool { return s.Site == name })
}

// hasGoal returns an error unless the rules or the numbers of these days have a goal.
func (a *asked) hasGoal(name string) error {
	if slices.ContainsFunc(a.goals(), func(g fact.Goal) bool { return g.Name == name }) {
		return nil
	}
	counted, err := a.sum(report.Question{Of: name})
	if err == nil && len(counted) == 0 {
		err = errNoSuchGoal
	}
	return err
}

// query is the one for the store.
func (a *asked) query(by report.By, goal string) report.Query {
	return report.Query{Site: a.site, From: a.From, To: a.To, By: by, Goal: goal, Where: a.where}
}

// rows asks for rows.
func (a *asked) rows(by report.By, goal string) ([]report.Row, error) {
	result, err := report.Ask(a.ctx, a.p.Store, a.query(by, goal))
	if err != nil {
		return nil, err
	}
	return result.Rows, nil
}

// sum asks for totals.
func (a *asked) sum(q report.Question) ([]report.Count, error) {
	q.Site = a.site
	if q.From == 0 {
		q.From, q.To = a.From, a.To
	}
	return report.Joined(a.p.Store, a.info).Sum(a.ctx, q)
}

// labels are the names of goals for people.
func (a *asked) labels() map[string]string {
	labels := map[string]string{}
	for _, g := range a.goals() {
		labels[g.Name] = g.Label
	}
	return labels
}

func (a *asked) goals() []fact.Goal {
	if a.info.Rules == nil {
		return nil
	}
	return a.info.Rules.Goals
}

// refusals are the reasons of forms that were sent, and that the site did not accept.
var refusals = []string{"not_successful", "doubtful_redirect", "not_confirmed", "rejected_by_handler"}

// link is the address of a page about the same site and days. Parameters without a value
// are left out.
func (a *asked) link(path string, change ...string) string {
	query := url.Values{}
	for name, values := range a.r.URL.Query() {
		switch name {
		case "site", "period", "from", "to", "page", "source", "campaign", "language", "device":
			query[name] = values[:1]
		}
	}
	for i := 0; i+1 < len(change); i += 2 {
		if query.Del(change[i]); change[i+1] != "" {
			query.Set(change[i], change[i+1])
		}
	}
	return withQuery(a.p.base+path, query)
}

func withQuery(path string, query url.Values) string {
	if path == "" {
		path = "/"
	}
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// goalLink is the page of a goal.
func (a *asked) goalLink(goal string, change ...string) string {
	return a.link("/goal/"+url.PathEscape(goal), change...)
}

// nav is a link in the head of a page.
type nav struct {
	Text, Link string
	Here       bool
}

// frame is what surrounds every page.
type frame struct {
	Title, Base, Home   string
	Notice, Trouble     string
	Stale               string // what the figures lack
	Passed              string // which parameters of the address made no difference
	Sites, Nav, Periods []nav
	Filters             []nav // each takes one filter away
	Foot                []string

	Page string // what the page is about, for the title of the window
	Span string // its days

	Style template.CSS // of a page that stands alone
}

// frame makes what surrounds a page. Without an asked there is little to say.
func (p *pages) frame(r *http.Request, a *asked) frame {
	f := frame{Title: say("title"), Base: p.base, Home: withQuery(p.base, nil), Notice: p.Notice}
	if a == nil {
		return f
	}
	if a.site != "" {
		f.Title = a.site
	}
	f.Home, f.Trouble, f.Stale = a.link(""), a.info.Trouble, a.stale
	f.Passed = passedInWords(a.passed)
	for _, name := range slices.Sorted(maps.Keys(a.info.Zones)) {
		f.Sites = append(f.Sites, nav{name, a.link("", "site", name), name == a.site})
	}
	here := r.URL.Path[min(len(p.base), len(r.URL.Path)):]
	tabs := []string{"overview", "", "funnels", "/funnels"}
	if p.Live != nil {
		tabs = append(tabs, "live", "/live")
	}
	if p.Preview != nil {
		tabs = append(tabs, "preview", "/preview")
	}
	if p.Snapshot != nil {
		tabs = append(tabs, "delivery", "/delivery")
	}
	tabs = append(tabs, "cost", "/cost")
	for i := 0; i < len(tabs); i += 2 {
		tab := nav{say("nav." + tabs[i]), a.link(tabs[i+1]), here == tabs[i+1] || here == "/" && i == 0}
		if f.Nav = append(f.Nav, tab); tab.Here {
			f.Page = tab.Text
		}
	}
	for _, one := range periods {
		f.Periods = append(f.Periods, nav{say("period." + one.name), a.link(here, "period", one.name, "from", "", "to", ""), one.name == a.Name})
	}
	for _, d := range filters {
		if text, ok := a.where[d]; ok {
			f.Filters = append(f.Filters, nav{Text: say("filter", say("by."+d.String()), value(text)), Link: a.link(here, d.String(), "")})
		}
	}
	f.Span, f.Foot = a.span(), a.foot()
	return f
}

// withoutDays is for a page that is about no days of the report, nor about a part of it.
func (f *frame) withoutDays() { f.Periods, f.Filters, f.Span = nil, nil, "" }

// span says which days the page is about, and by whose clock.
func (a *asked) span() string {
	from, to := at(a.From).Format(say("date.full")), at(a.To).Format(say("date.full"))
	if a.From == a.To {
		return say("span.one", from, a.zone)
	}
	return say("span.many", from, to, a.zone)
}

// foot says what the numbers are of.
func (a *asked) foot() []string {
	var lines []string
	if a.first != 0 {
		lines = append(lines, say("foot.since", date(a.first, a.today), a.zone))
	} else {
		lines = append(lines, say("foot.nothing"))
	}
	lost := uint64(0)
	for d, n := range a.info.Lost {
		if a.From-1 <= d && d <= a.To+1 {
			lost += n
		}
	}
	if lost > 0 {
		lines = append(lines, sayCount("foot.lost", lost))
	}
	if days := a.filledDays(); days > 0 {
		lines = append(lines, sayCount("foot.filled", days))
	}
	return append(lines, say("foot.small"))
}

// filledDays is how many of the days were filled in from logs.
func (a *asked) filledDays() (n uint64) {
	for _, f := range a.info.Filled {
		if f.Site == a.site && a.From <= f.Day && f.Day <= a.To {
			n++
		}
	}
	return n
}

// value is how a value of a dimension is shown.
func value(text string) string {
	switch text {
	case report.Other:
		return say("value.other")
	case report.Direct:
		return say("value.direct")
	case report.None, "":
		return say("value.none")
	}
	return text
}
