package report

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/fact"
)

// TestRecorder: what is reported can be asked for, after a second and not later.
func TestRecorder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := New(Options{Store: NewMemory(0)})
		if err != nil {
			t.Fatal(err)
		}
		zone, _ := time.LoadLocation("Europe/Berlin")
		visit := fact.Fact{
			Kind: fact.Visit, Time: time.Now(), Site: "shop", Zone: zone, Reason: fact.Fired, Page: "/pricing",
			Source: "news", Campaign: "spring", Tagged: true, Language: "DE", Device: "mobile", Browser: [16]byte{1},
			Variants: []fact.Variant{{Component: "hero", Name: "B"}},
		}
		r.Report(fact.Fact{Kind: fact.RulesChanged, Time: time.Now(), Rules: &fact.Rules{Hash: "1", Goals: []fact.Goal{{Name: "NEVER", Status: "live"}, {Name: "SENT", Status: "live"}}}})
		r.Report(visit)
		goal := visit
		goal.Kind, goal.Goal, goal.Page, goal.Source, goal.Campaign, goal.Tagged, goal.Variants = fact.Decision, "SENT", "/contact", "", "", false, nil
		goal.Value, goal.LedTo = fact.ValueOf(10, "EUR"), "/thanks"
		r.Report(goal)
		r.Report(fact.Fact{Kind: fact.Visit, Time: time.Now(), Site: "shop", Zone: zone, Reason: "gpc", Uncountable: true})
		time.Sleep(flushEvery + time.Millisecond)
		synctest.Wait()
		day := DayOf(time.Now(), zone)
		for _, test := range []struct {
			by   By
			want string
		}{
			{ByGoal, "NEVER 0 of 1; SENT 1 of 1 EUR 10"},
			{ByDay, "2000-01-01 1 of 1 EUR 10"},
			{ByHour, "2000-01-01T01:00+01:00 1 of 1 EUR 10"},
			{ByPage, "/contact 1 of 0 EUR 10; /pricing 0 of 1"},
			{BySource, "news 1 of 1 EUR 10"},
			{ByCampaign, "spring 1 of 1 EUR 10"},
			{ByLanguage, "DE 1 of 1 EUR 10"},
			{ByDevice, "mobile 1 of 1 EUR 10"},
			{ByVariant, "hero=B 1 of 1 EUR 10"},
		} {
			if got := asked(t, r.Store(), Query{From: day, To: day, By: test.by}); got != test.want {
				t.Errorf("by %s: %s, want %s", test.by, got, test.want)
			}
		}
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// asked is an answer in one line.
func asked(t *testing.T, s Store, q Query) string {
	t.Helper()
	result, err := Ask(t.Context(), s, q)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, row := range result.Rows {
		words := []string{fmt.Sprintf("%s %d of %d", row.Key, row.Conversions, row.Visits)}
		for _, v := range row.Values {
			words = append(words, fmt.Sprintf("%s %v", v.Currency, v.Sum))
		}
		lines = append(lines, strings.Join(words, " "))
	}
	if result.Lost > 0 {
		lines = append(lines, fmt.Sprintf("lost %d", result.Lost))
	}
	return strings.Join(lines, "; ")
}

// uncounted is a recorder whose facts nobody counts, and a fact.
func uncounted() (*Recorder, fact.Fact) {
	return &Recorder{facts: make([]byte, 0, maxFacts), wake: make(chan struct{}, 1)}, fact.Fact{
		Kind: fact.Visit, Time: time.Now(), Site: "shop", Zone: time.UTC, Reason: fact.Fired, Page: "/products/{id}",
		Source: "news", Campaign: "spring", Language: "DE", Device: "mobile", Browser: [16]byte{1},
	}
}

// report tells a fact so many times, without making room.
func (r *Recorder) report(f fact.Fact, times int) {
	for range times {
		r.Report(f)
		if len(r.facts) > firstFacts/3 {
			r.facts = r.facts[:0]
		}
	}
}

// BenchmarkReport is what a fact costs a request. On a machine that has other work, the
// least time of many short rounds says more than the mean: least-ns/op. x-channel is how
// much that is beside what a channel with a buffer costs, through which a simpler sink
// would hand the fact on.
func BenchmarkReport(b *testing.B) {
	r, f := uncounted()
	through := make(chan fact.Fact, 1)
	const round = 2000
	least, channel := time.Hour, time.Hour
	b.ReportAllocs()
	for b.Loop() {
		begun := time.Now()
		r.report(f, round)
		least = min(least, time.Since(begun))
		b.StopTimer()
		begun = time.Now()
		for range round {
			through <- f
			<-through
		}
		channel = min(channel, time.Since(begun))
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/round, "ns/op")
	b.ReportMetric(float64(least.Nanoseconds())/round, "least-ns/op")
	b.ReportMetric(float64(least)/float64(channel), "x-channel")
}

// TestReportAllocatesNothing: also a fact with everything, and one of a cost.
func TestReportAllocatesNothing(t *testing.T) {
	r, plain := uncounted()
	full := plain
	full.Kind, full.Goal, full.LedTo, full.Value = fact.Decision, "SENT", "/thanks", fact.ValueOf(1, "EUR")
	full.Variants = []fact.Variant{{Component: "hero", Name: "B"}, {Component: "page", Name: "default"}}
	cost := fact.Fact{Kind: fact.Spent, Time: time.Now(), Site: "shop", Zone: time.UTC, Reason: fact.EventSent}
	for name, f := range map[string]fact.Fact{"a visit": plain, "a goal": full, "a cost": cost} {
		if n := testing.AllocsPerRun(1000, func() { r.report(f, 1) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
