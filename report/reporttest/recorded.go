package reporttest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/report"
)

// unhurried is a store that may take as long as it needs. A Recorder gives it ten seconds, and
// keeps the counts for the next time.
type unhurried struct{ report.Store }

func (u unhurried) Flush(ctx context.Context, b *report.Batch) error {
	return u.Store.Flush(context.WithoutCancel(ctx), b)
}

func (u unhurried) Sum(ctx context.Context, q report.Question) ([]report.Count, error) {
	return u.Store.Sum(context.WithoutCancel(ctx), q)
}

func (u unhurried) Info(ctx context.Context) (report.Info, error) {
	return u.Store.Info(context.WithoutCancel(ctx))
}

// record counts facts into a store.
func record(t *testing.T, s report.Store, facts ...fact.Fact) {
	t.Helper()
	r, err := report.New(report.Options{Store: unhurried{s}})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range facts {
		r.Report(f)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// testHours: a day on which the clocks change has as many hours as they show, and the
// whole is the sum of its parts.
func testHours(zone, date string, hours int) func(t *testing.T, s report.Store) {
	return func(t *testing.T, s report.Store) {
		where, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		day, err := report.ParseDay(date)
		if err != nil {
			t.Fatal(err)
		}
		var facts []fact.Fact
		for at := (day - 1).Begin(where); at.Before((day + 2).Begin(where)); at = at.Add(15 * time.Minute) {
			f := fact.Fact{Kind: fact.Visit, Time: at, Site: "shop", Zone: where, Reason: fact.Fired, Page: "/"}
			facts = append(facts, f)
			f.Kind, f.Goal = fact.Decision, "ASKED"
			facts = append(facts, f)
		}
		record(t, s, facts...)
		for _, test := range []struct {
			from, to report.Day
			hours    int
		}{{day, day, hours}, {day - 1, day + 1, hours + 48}} {
			byHour, err := report.Ask(t.Context(), s, report.Query{From: test.from, To: test.to, By: report.ByHour})
			if err != nil {
				t.Fatal(err)
			}
			whole, err := report.Ask(t.Context(), s, report.Query{From: test.from, To: test.to})
			if err != nil {
				t.Fatal(err)
			}
			if len(byHour.Rows) != test.hours {
				t.Errorf("%d hours, want %d", len(byHour.Rows), test.hours)
			}
			var conversions, visits uint64
			for _, row := range byHour.Rows {
				conversions, visits = conversions+row.Conversions, visits+row.Visits
			}
			if want := uint64(4 * test.hours); conversions != want || visits != want || whole.Rows[0].Conversions != want || whole.Rows[0].Visits != want { //nolint:gosec // Few hours.
				t.Errorf("%d conversions and %d visits by hour, %+v in all, want %d", conversions, visits, whole.Rows, want)
			}
		}
	}
}

// testBrowsers: different browsers are counted, for each goal and day, and over days.
func testBrowsers(t *testing.T, s report.Store) {
	var facts []fact.Fact
	for i := range 300 {
		f := fact.Fact{Kind: fact.Visit, Time: today.Begin(nil).Add(time.Duration(i%2) * 24 * time.Hour), Site: "shop", Reason: fact.Fired, Page: "/", Browser: [16]byte{1, byte(i % 100)}}
		facts = append(facts, f)
		if i%3 == 0 {
			f.Kind, f.Goal = fact.Decision, "ASKED"
			facts = append(facts, f)
		}
	}
	record(t, s, facts...)
	for _, test := range []struct {
		to   report.Day
		want uint64
	}{{today, 50}, {today + 1, 100}} {
		got, err := report.Browsers(t.Context(), s, report.Query{From: today, To: test.to})
		if err != nil || !near(got[report.Visits], test.want) || !near(got["ASKED"], test.want) {
			t.Errorf("until %v: %v, want about %d, %v", test.to, got, test.want, err)
		}
		got, err = report.Browsers(t.Context(), s, report.Query{From: today, To: test.to, Goal: "ASKED"})
		if err != nil || len(got) != 1 || !near(got["ASKED"], test.want) {
			t.Errorf("one goal until %v: %v, want about %d, %v", test.to, got, test.want, err)
		}
		of, able := s.(report.SketcherOf)
		if !able {
			continue
		}
		sketches, err := of.SketchesOf(t.Context(), "shop", "ASKED", today, test.to)
		if err != nil || len(sketches) == 0 || slices.ContainsFunc(sketches, func(k report.Sketch) bool { return k.Goal != "ASKED" || k.Site != "shop" }) {
			t.Errorf("sketches until %v: %d of them, %v", test.to, len(sketches), err)
		}
	}
}

// near reports whether an estimate is as close as it has to be.
func near(got, want uint64) bool { return max(got, want)-min(got, want) <= want/20 }
