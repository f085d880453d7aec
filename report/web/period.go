package web

import (
	"fmt"
	"net/url"
	"time"

	"github.com/goaltrack/goaltrack/report"
)

// period is the days that a page is about, both included.
type period struct {
	From, To report.Day
	// Name is that of the button that asks for these days, "" for others.
	Name string
}

// The periods that have a button, and how many days they have. The last day is today.
var periods = []struct {
	name string
	days report.Day
}{{"day", 1}, {"week", 7}, {"month", 30}, {"year", 365}}

// defaultPeriod is shown if the address names none.
const defaultPeriod = "month"

// longest is how many days a page shows at most.
const longest = 3 * 366

// readPeriod reads the days from an address: period=, or from= and to=.
func readPeriod(query url.Values, today report.Day) (period, error) {
	if query.Has("from") || query.Has("to") {
		return readDays(query, today)
	}
	name := query.Get("period")
	if name == "" {
		name = defaultPeriod
	}
	for _, p := range periods {
		if p.name == name {
			return period{today - p.days + 1, today, name}, nil
		}
	}
	return period{}, fmt.Errorf("period: %.40q is not one of day, week, month, year", name)
}

// readDays reads from= and to=. Without to it is until today, without from it is the 30
// days that end with to.
func readDays(query url.Values, today report.Day) (p period, err error) {
	p.To = today
	if text := query.Get("to"); text != "" {
		if p.To, err = report.ParseDay(text); err != nil {
			return p, fmt.Errorf("to: %w", err)
		}
	}
	p.From = p.To - 29
	if text := query.Get("from"); text != "" {
		if p.From, err = report.ParseDay(text); err != nil {
			return p, fmt.Errorf("from: %w", err)
		}
	}
	switch {
	case p.From > p.To:
		return p, fmt.Errorf("from: %v is after to: %v", p.From, p.To)
	case p.To-p.From >= longest:
		return p, fmt.Errorf("from: at most %d days are shown at once", longest)
	}
	return p, nil
}

// days is how many days it has.
func (p period) days() int { return int(p.To-p.From) + 1 }

// comparable is what of the period is over, and the same weekdays before it. A day that
// is not over would always look worse. ok is false if nothing is over, or if nobody
// counted yet then.
func (p period) comparable(today, first report.Day) (now, before period, ok bool) {
	now = period{From: p.From, To: min(p.To, today-1)}
	weeks := (now.To - now.From + 7) / 7
	before = period{From: now.From - 7*weeks, To: now.To - 7*weeks}
	return now, before, now.From <= now.To && first != 0 && before.From >= first
}

// date writes a day for people: 12 Nov, with the year if it is not this one.
func date(d, today report.Day) string {
	t, now := at(d), at(today)
	if t.Year() != now.Year() {
		return t.Format(say("date.year"))
	}
	return t.Format(say("date.day"))
}

func at(d report.Day) time.Time { return d.Begin(nil) }
