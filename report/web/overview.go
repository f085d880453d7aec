package web

import (
	"slices"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/report"
)

// overviewModel is the first page: what to look at first, all goals over time, and each
// goal on a line.
type overviewModel struct {
	frame

	Sentences []sentence
	Chart     chart
	Goals     []goalLine
	Visits    uint64
	Asked     report.Asked
	Counted   string // who of them can be counted, in words
	Export    exportLinks
}

// goalLine is a goal on a line of the overview.
type goalLine struct {
	Name, Label, Link string
	Counted, Visits   uint64
	Values            []string
	Spark             string
	Change            change
	Status            string
	Silent            bool // it is live, and never counted on these days
}

// history is what counted on each day, of each goal, and what was refused. It has the days
// on which there was something: an address can name days that are far from each other.
type history struct {
	from    report.Day
	fired   map[string]byDay
	refused map[string]byDay
}

type byDay map[report.Day]uint64

// overview makes the first page.
func (p *pages) overview(a *asked) (page, error) {
	m := overviewModel{frame: p.frame(a.r, a), Export: a.exports(report.ByGoal, "")}
	rows, err := a.rows(report.ByGoal, "")
	if err != nil {
		return page{}, err
	}
	past, err := a.history()
	if err != nil {
		return page{}, err
	}
	if m.Asked, err = report.Consent(a.ctx, p.Store, a.query("", "")); err != nil {
		return page{}, err
	}
	if m.Chart, err = a.chartOf(say("chart.all"), ""); err != nil {
		return page{}, err
	}
	m.Goals = a.lines(rows, past)
	m.Visits, m.Counted = m.Asked.Visits, whoCounts(m.Asked)
	if m.Sentences, err = a.sentences(&m, past); err != nil {
		return page{}, err
	}
	return page{"overview", m}, nil
}

// whoCounts says how many of the page visits by people can be counted.
func whoCounts(a report.Asked) string {
	switch people := a.People(); {
	case people == 0:
		return say("consent.none")
	case a.Visits == people:
		return sayCount("consent.all", people)
	default:
		return say("consent.rate", percent(a.Visits, people), number(a.Visits), number(people))
	}
}

// history asks for every goal by day: the period, the same weekdays before it, and the
// four weeks before yesterday.
func (a *asked) history() (*history, error) {
	from := min(2*a.From-a.To-14, a.today-1-7*usualWeeks)
	h := &history{from: from, fired: map[string]byDay{}, refused: map[string]byDay{}}
	counts, err := a.sum(report.Question{From: from, To: max(a.To, a.today), AllGoals: true, ByDay: true, ByGoal: true, ByReason: true})
	if err != nil {
		return nil, err
	}
	for i := range counts {
		c, into := &counts[i], h.fired
		switch {
		case slices.Contains(refusals, c.Reason):
			into = h.refused
		case c.Reason != fact.Fired:
			continue
		}
		if into[c.Goal] == nil {
			into[c.Goal] = byDay{}
		}
		into[c.Goal][c.Day] += c.N
	}
	return h, nil
}

// sum is how much of days there was, both included.
func (days byDay) sum(p period) (n uint64) {
	for d := p.From; d <= p.To; d++ {
		n += days[d]
	}
	return n
}

// lines are the goals, in the order of the rules.
func (a *asked) lines(rows []report.Row, past *history) []goalLine {
	labels, status := a.labels(), map[string]string{}
	for _, g := range a.goals() {
		status[g.Name] = g.Status
	}
	now, before, known := a.comparable(a.today, a.first)
	lines := make([]goalLine, 0, len(rows))
	for _, row := range rows {
		l := goalLine{
			Name: row.Key, Label: labels[row.Key], Link: a.goalLink(row.Key), Status: status[row.Key],
			Counted: row.Conversions, Visits: row.Visits, Values: money(row.Values),
			Silent: row.Conversions == 0 && status[row.Key] == "live",
		}
		if l.Label == "" {
			l.Label = l.Name
		}
		if len(a.where) == 0 {
			if known {
				l.Change = changeOf(past.fired[row.Key].sum(now), past.fired[row.Key].sum(before))
			}
			l.Spark = sparkline(past.fired[row.Key].points(a.period, a.today))
		}
		lines = append(lines, l)
	}
	return lines
}

// points are the days of a small line, at most one for each two pixels.
func (days byDay) points(p period, today report.Day) []uint64 {
	last := min(p.To, today)
	each := 1 + (last-p.From)/(sparkWidth/2)
	var points []uint64
	for d := p.From; d <= last; d += each {
		points = append(points, days.sum(period{From: d, To: min(last, d+each-1)}))
	}
	return points
}
