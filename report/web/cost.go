package web

import (
	"encoding/json"
	"net/http"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/report"
)

// costModel is what goaltrack costs at Sitecore, in the words of its order definitions
// (https://www.sitecore.com/legal/order-definitions).
type costModel struct {
	frame

	Months []costMonth
	Limits []sentence
	Export exportLinks
}

// costMonth is a month on a line, of all sites, and then of each if there are several.
type costMonth struct {
	Month string
	Rows  []costRow
}

type costRow struct {
	Site string // "" for all
	report.Spending
	Unused string // the part of the IDs that nobody was given
}

// costMonths is how many months are shown, this one included.
const costMonths = 13

// months asks for the last months.
func (a *asked) months() ([]report.Month, error) {
	return report.Months(a.ctx, a.p.Store, a.today-365, a.today+1)
}

// cost makes the page of what it costs. It is about all sites.
func (p *pages) cost(a *asked) (page, error) {
	m := costModel{frame: p.frame(a.r, a), Export: exportLinks{a.link("/cost.csv"), a.link("/cost.json")}}
	m.withoutDays() // it is about months
	months, err := a.months()
	if err != nil {
		return page{}, err
	}
	for _, month := range months[:min(costMonths, len(months))] {
		one := costMonth{Month: month.Month, Rows: []costRow{rowOf(say("cost.all"), month.Spending)}}
		if len(month.Sites) > 1 {
			for _, s := range month.Sites {
				name := s.Site
				if name == "" {
					name = say("site.unnamed")
				}
				one.Rows = append(one.Rows, rowOf(name, s.Spending))
			}
		}
		m.Months = append(m.Months, one)
	}
	if p.Snapshot != nil {
		m.Limits = limitSentences(p.Snapshot().Month, "")
		if len(m.Limits) == 0 {
			m.Limits = []sentence{{Parts: []part{{Text: say("cost.noLimits")}}}}
		}
	}
	return page{"cost", m}, nil
}

func rowOf(site string, s report.Spending) costRow {
	row := costRow{Site: site, Spending: s}
	if s.IDsMade > s.IDsGiven {
		row.Unused = sayCount("cost.unused", s.IDsMade-s.IDsGiven)
	}
	return row
}

// limitSentences say how near the limits of this month are. There is one for each limit.
func limitSentences(m fact.Month, link string) (list []sentence) {
	for _, l := range []struct {
		well, near, all string // the texts
		spent, limit    uint64
	}{
		{"cost.ids", "cost.ids.near", "cost.ids.spent", m.IDs, m.LimitIDs},
		{"cost.events", "cost.events.near", "cost.events.spent", m.Events, m.LimitEvents},
	} {
		s, name := sentence{}, l.well
		switch {
		case l.limit == 0:
			continue
		case l.spent >= l.limit:
			s, name = sentence{Bad: true, worth: 10}, l.all
		case fact.IsNear(l.spent, l.limit):
			s, name = sentence{Bad: true, worth: 1}, l.near
		}
		s.Parts = []part{{Text: say(name, number(l.spent), number(l.limit), percent(l.spent, l.limit)), Link: link}}
		list = append(list, s)
	}
	return list
}

// costs makes a handler that writes the months for other programs.
func (p *pages) costs(write func(http.ResponseWriter, []report.Month) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a, err := p.ask(r)
		if err != nil {
			p.writeFault(w, r, err)
			return
		}
		months, err := a.months()
		if err != nil {
			p.writeFault(w, r, err)
			return
		}
		_ = write(w, months) // the reader has gone
	}
}

func costJSON(w http.ResponseWriter, months []report.Month) error {
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(map[string][]report.Month{"months": months})
}

func costCSV(w http.ResponseWriter, months []report.Month) error {
	w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
	w.Header().Set("Content-Disposition", `attachment; filename="cost.csv"`)
	return report.WriteMonthsCSV(w, months)
}
