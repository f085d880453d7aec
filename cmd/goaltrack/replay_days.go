package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
	"github.com/goaltrack/goaltrack/fact"
)

// byDay counts what a replay counts, by day.
type byDay struct {
	zone *time.Location
	days map[string]map[string]uint64 // by day and goal
	next fact.Sink                    // who is told, too; nil: nobody
}

// mostDays bounds them: the dates of a log may be anything.
const mostDays = 5000

// otherDays is the day of those beyond.
const otherDays = "others"

func newByDay(v *settings.Values) (*byDay, error) {
	zone, err := time.LoadLocation(cmp.Or(v.Text("time-zone"), "UTC"))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", v.From("time-zone"), err)
	}
	return &byDay{zone: zone, days: map[string]map[string]uint64{}}, nil
}

// Report is told a fact.
func (d *byDay) Report(f fact.Fact) {
	if f.Kind == fact.Decision && (f.Reason == fact.Fired || f.Reason == "draft") {
		day := f.Time.In(d.zone).Format(time.DateOnly)
		if d.days[day] == nil {
			if len(d.days) >= mostDays {
				day = otherDays
			}
			if d.days[day] == nil {
				d.days[day] = map[string]uint64{}
			}
		}
		d.days[day][f.Goal]++
	}
	if d.next != nil {
		d.next.Report(f)
	}
}

// counts are the days as --json prints them.
func (d *byDay) counts() map[string]map[string]uint64 {
	if d == nil {
		return nil
	}
	return d.days
}

// print writes a line for each day and goal.
func (d *byDay) print(w io.Writer) {
	if d == nil {
		return
	}
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	say(table, "\nDAY\tGOAL\tCOUNT\n")
	for _, day := range slices.Sorted(maps.Keys(d.days)) {
		for _, goal := range slices.Sorted(maps.Keys(d.days[day])) {
			say(table, "%s\t%s\t%d\n", day, goal, d.days[day][goal])
		}
	}
	sayTable(w, table, &b)
}
