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

// BenchmarkReport is what a fact costs a request.
func BenchmarkReport(b *testing.B) {
	r := &Recorder{facts: make([]byte, 0, maxFacts), wake: make(chan struct{}, 1)} // nobody counts
	f := fact.Fact{
		Kind: fact.Visit, Time: time.Now(), Site: "shop", Zone: time.UTC, Reason: fact.Fired, Page: "/products/{id}",
		Source: "news", Campaign: "spring", Language: "DE", Device: "mobile", Browser: [16]byte{1},
	}
	b.ReportAllocs()
	for b.Loop() {
		r.Report(f)
		if len(r.facts) > firstFacts/3 {
			r.facts = r.facts[:0]
		}
	}
}
