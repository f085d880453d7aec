package web

import (
	"cmp"
	"slices"
	"strings"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/report"
)

// goalModel is the page of one goal.
type goalModel struct {
	frame

	Name, Label string
	Status      string
	Rule        string // in plain words, "" if not known
	Renamed     string // which names of before are in the figures, "" for none
	Since       string // when the rules were put in force, "" if not known
	Counted     uint64
	Visits      uint64
	Browsers    uint64
	Values      []string
	Chart       chart
	Tables      []table
	Variants    []variants
	Refused     []tally
	NotCounted  []tally
	Misses      []tally
	Leads       []tally
	Steps       []step
	Export      exportLinks
}

// table is a goal by one dimension.
type table struct {
	Title, Head string
	Rows        []tableRow
	More        int // how many are left out
	Export      exportLinks
}

type tableRow struct {
	Text, Link      string
	Counted, Visits uint64
	Values          []string
	Width           string // of the bar, in pixels of 100
}

// mostRows is how many rows a table shows. All of them are in its CSV.
const mostRows = 10

// tally is something that happened, and how often.
type tally struct {
	Text, Name string
	N          uint64
}

// goal makes the page of one goal.
func (p *pages) goal(a *asked) (page, error) {
	m := goalModel{frame: p.frame(a.r, a), Name: report.NameNow(a.info.Rules, a.r.PathValue("goal"))}
	for _, fill := range []func(*goalModel) error{a.fillTotal, a.fillTables, a.fillVariants, a.fillReasons, a.fillFunnel} {
		if err := fill(&m); err != nil {
			return page{}, err
		}
	}
	return page{"goal", m}, nil
}

// fillTotal fills in the head of the page.
func (a *asked) fillTotal(m *goalModel) (err error) {
	known := false
	m.Label = m.Name
	for _, g := range a.goals() {
		if g.Name == m.Name {
			known, m.Status, m.Label, m.Rule = true, g.Status, cmp.Or(g.Label, g.Name), g.Sentence
			m.Renamed = a.joinedInWords(&g)
		}
	}
	if since := a.info.RulesSince; m.Rule != "" && !since.IsZero() {
		m.Since = say("goal.since", date(report.DayOf(since, a.zone), a.today))
	}
	rows, err := a.rows(report.ByGoal, m.Name)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if row.Key == m.Name {
			known, m.Counted, m.Visits, m.Values = true, row.Conversions, row.Visits, money(row.Values)
		}
	}
	if !known {
		if err := a.hasGoal(m.Name); err != nil {
			return err
		}
	}
	if len(a.where) == 0 {
		browsers, err := report.Browsers(a.ctx, a.p.Store, a.query("", m.Name))
		if err != nil {
			return err
		}
		m.Browsers = min(browsers[m.Name], m.Counted) // an estimate; each time it counted was of one browser
	}
	m.Page, m.Export = m.Label, a.exports(report.ByDay, m.Name)
	m.Chart, err = a.chartOf(m.Label, m.Name)
	return err
}

// joinedInWords says which names of before have counts in the figures.
func (a *asked) joinedInWords(g *fact.Goal) string {
	var names []string
	for _, name := range g.Renamed {
		if report.NameNow(a.info.Rules, name) == g.Name {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return say("goal.renamed", strings.Join(names, ", "))
}

// fillTables fills in pages, sources and so on. A filter takes its own table away.
func (a *asked) fillTables(m *goalModel) error {
	for _, d := range filters {
		if _, fixed := a.where[d]; fixed {
			continue
		}
		by := report.By(d.String())
		rows, err := a.rows(by, m.Name)
		if err != nil {
			return err
		}
		rows = slices.DeleteFunc(rows, func(r report.Row) bool { return r.Conversions == 0 })
		t := table{Title: say("by." + d.String()), Head: say("head." + d.String()), Export: a.exports(by, m.Name)}
		for i, row := range rows {
			if i == mostRows {
				t.More = len(rows) - mostRows
				break
			}
			t.Rows = append(t.Rows, tableRow{
				Text: value(row.Key), Link: a.goalLink(m.Name, d.String(), row.Key), Counted: row.Conversions, Visits: row.Visits,
				Values: money(row.Values), Width: px(100 * float64(row.Conversions) / float64(rows[0].Conversions)),
			})
		}
		if len(t.Rows) > 0 {
			m.Tables = append(m.Tables, t)
		}
	}
	return nil
}

// variants are the versions of one component, and how each did.
type variants struct {
	Component string
	Rows      []variantRow
}

type variantRow struct {
	Name    string
	Rate    rate
	Verdict string // the difference to the default, in words
}

// fillVariants fills in what visitors of each variant did.
func (a *asked) fillVariants(m *goalModel) error {
	if len(a.where) > 0 {
		return nil
	}
	rows, err := a.rows(report.ByVariant, m.Name)
	if err != nil {
		return err
	}
	at := map[string]int{}
	for _, row := range rows {
		component, name, ok := strings.Cut(row.Key, "=")
		if !ok {
			continue // "(other)" is no version of anything
		}
		i, seen := at[component]
		if !seen {
			i = len(m.Variants)
			at[component] = i
			m.Variants = append(m.Variants, variants{Component: component})
		}
		m.Variants[i].Rows = append(m.Variants[i].Rows, variantRow{Name: name, Rate: rate{row.Conversions, row.Visits}})
	}
	for i := range m.Variants {
		m.Variants[i].compare()
	}
	return nil
}

// compare puts the default first, and says how the others differ from it. The default is
// the version of that name, or the one that was shown most.
func (v *variants) compare() {
	slices.SortStableFunc(v.Rows, func(x, y variantRow) int {
		if (x.Name == "default") != (y.Name == "default") {
			if x.Name == "default" {
				return -1
			}
			return 1
		}
		return cmp.Compare(y.Rate.All, x.Rate.All)
	})
	first := v.Rows[0]
	for i := range v.Rows[1:] {
		row := &v.Rows[i+1]
		switch {
		case !row.Rate.differs(first.Rate):
			row.Verdict = say("variant.same", first.Name)
		case row.Rate.Of*first.Rate.All > first.Rate.Of*row.Rate.All:
			row.Verdict = say("variant.more", first.Name)
		default:
			row.Verdict = say("variant.less", first.Name)
		}
	}
}

// fillReasons fills in why the goal did not count, how it nearly did, and where accepted
// forms led. None of that is known of a part, such as a page.
func (a *asked) fillReasons(m *goalModel) error {
	if len(a.where) > 0 {
		return nil
	}
	q := a.query("", m.Name)
	reasons, err := report.Reasons(a.ctx, a.p.Store, q)
	if err != nil {
		return err
	}
	for _, r := range reasons {
		t := tally{Text: reasonInWords(r.Key), Name: r.Key, N: r.N}
		if slices.Contains(refusals, r.Key) {
			m.Refused = append(m.Refused, t)
		} else {
			m.NotCounted = append(m.NotCounted, t)
		}
	}
	misses, err := report.NearMisses(a.ctx, a.p.Store, q)
	if err != nil {
		return err
	}
	leads, err := report.Leads(a.ctx, a.p.Store, q)
	if err != nil {
		return err
	}
	m.Misses, m.Leads = first(misses), first(leads)
	return nil
}

func first(list []report.Tally) []tally {
	list = list[:min(mostRows, len(list))]
	shown := make([]tally, len(list))
	for i, one := range list {
		shown[i] = tally{Text: value(one.Key), N: one.N}
	}
	return shown
}

// reasonInWords is a reason for people. One without words is shown by its name.
func reasonInWords(reason string) string {
	if text, ok := words["reason."+reason]; ok {
		return text
	}
	return strings.ReplaceAll(reason, "_", " ")
}

// step is a step of a funnel.
type step struct {
	Label, Name, Link string
	Counted, TooEarly uint64
	Width             string
	Asks              string // how often it has to have happened, or in which time
	Kept, Lost        string // how many of the step before came here, and how many did not
}

// fillFunnel fills in what came before the goal. That is not known of a part, either.
func (a *asked) fillFunnel(m *goalModel) (err error) {
	if len(a.where) > 0 {
		return nil
	}
	m.Steps, err = a.steps(m.Name)
	return err
}

func (a *asked) steps(goal string) ([]step, error) {
	funnel, err := report.Funnel(a.ctx, a.p.Store, a.query("", goal))
	if err != nil {
		return nil, err
	}
	top := uint64(1)
	for _, s := range funnel {
		top = max(top, s.Conversions)
	}
	steps := make([]step, len(funnel))
	for i, s := range funnel {
		steps[i] = step{
			Label: cmp.Or(s.Label, s.Goal), Name: s.Goal, Link: a.goalLink(s.Goal), Counted: s.Conversions, TooEarly: s.TooEarly, Asks: s.Asks,
			Width: px(100 * float64(s.Conversions) / float64(top)),
		}
		if i > 0 && funnel[i-1].Asks == "" { // else the numbers are of other times, or of other counts
			steps[i].Kept = say("funnel.kept", number(s.Conversions), number(funnel[i-1].Conversions))
			if before := funnel[i-1].Conversions; before > s.Conversions {
				steps[i].Lost = sayCount("funnel.lost", before-s.Conversions)
			}
		}
	}
	return steps, nil
}

// funnelsModel is the page of all goals that others come before.
type funnelsModel struct {
	frame

	Funnels []funnel
}

type funnel struct {
	Label, Link string
	Steps       []step
}

// funnels makes the page of all goals with after:.
func (p *pages) funnels(a *asked) (page, error) {
	m := funnelsModel{frame: p.frame(a.r, a)}
	m.Filters = nil // they are of the whole site
	for _, g := range a.goals() {
		if len(g.After)+len(g.Asks) == 0 {
			continue
		}
		steps, err := a.steps(g.Name)
		if err != nil {
			return page{}, err
		}
		m.Funnels = append(m.Funnels, funnel{cmp.Or(g.Label, g.Name), a.goalLink(g.Name), steps})
	}
	return page{"funnels", m}, nil
}
