package report

import (
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/fact"
)

// TestRenamedGoals: what counted under a former name stands under the name of now, in every
// figure, also if both names counted on one day.
func TestRenamedGoals(t *testing.T) {
	store := NewMemory(0)
	r, err := New(Options{Store: store, Min: 1})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	today := DayOf(now, time.UTC)
	rules := func(goals ...fact.Goal) {
		r.Report(fact.Fact{Kind: fact.RulesChanged, Time: now, Rules: &fact.Rules{Hash: goals[0].Name, Goals: goals}})
	}
	count := func(goal, reason string, browser byte) {
		f := fact.Fact{
			Kind: fact.Decision, Time: now, Site: "shop", Zone: time.UTC, Goal: goal, Reason: reason, Page: "/quote",
			Browser: [16]byte{browser}, Value: fact.ValueOf(10, "EUR"),
		}
		if reason != fact.Fired {
			f.Page, f.NearMiss, f.Value = "", "answered 200", fact.Value{}
		}
		r.Report(f)
	}
	rules(fact.Goal{Name: "QUOTE", Status: "live"})
	count("QUOTE", fact.Fired, 1)
	count("QUOTE", "not_successful", 1)
	rules(
		fact.Goal{Name: "QUOTE_SENT", Status: "live", Renamed: []string{"ASKED", "QUOTE"}},
		fact.Goal{Name: "OTHER", Status: "live", Renamed: []string{"QUOTE"}}, // check refuses it
		fact.Goal{Name: "ASKED", Status: "live"},                             // and this
	)
	count("QUOTE_SENT", fact.Fired, 1)
	count("QUOTE_SENT", fact.Fired, 2)
	count("ASKED", fact.Fired, 3)
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	q := Query{Site: "shop", From: today, To: today}
	for _, by := range []By{ByGoal, ByDay, ByHour, ByPage} {
		q.By, q.Goal = by, "QUOTE_SENT"
		result, err := Ask(t.Context(), store, q)
		if err != nil || len(result.Rows) != 1 || result.Rows[0].Conversions != 3 || result.Rows[0].Values[0].Sum != 30 {
			t.Errorf("by %s: %+v, %v", by, result, err)
		}
	}
	q.By, q.Goal = ByGoal, ""
	result, err := Ask(t.Context(), store, q)
	if err != nil || len(result.Rows) != 3 || result.Rows[0].Key != "QUOTE_SENT" || result.Rows[0].Conversions != 3 || result.Rows[1].Conversions != 0 || result.Rows[2].Conversions != 1 {
		t.Errorf("all: %+v, %v", result, err)
	}
	q.Goal = "QUOTE_SENT"
	if misses, err := NearMisses(t.Context(), store, q); err != nil || len(misses) != 1 || misses[0].N != 1 {
		t.Errorf("%v, %v", misses, err)
	}
	if reasons, err := Reasons(t.Context(), store, q); err != nil || len(reasons) != 1 || reasons[0].N != 1 {
		t.Errorf("%v, %v", reasons, err)
	}
	for _, goal := range []string{"QUOTE_SENT", ""} {
		q.Goal = goal
		if browsers, err := Browsers(t.Context(), store, q); err != nil || browsers["QUOTE_SENT"] != 2 || browsers["QUOTE"] != 0 {
			t.Errorf("%q: %v, %v", goal, browsers, err)
		}
	}
	info, err := store.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"QUOTE": "QUOTE_SENT", "ASKED": "ASKED", "QUOTE_SENT": "QUOTE_SENT", "NEVER": "NEVER"} {
		if got := NameNow(info.Rules, name); got != want {
			t.Errorf("%s is %s now", name, got)
		}
	}
	if Joined(store, Info{}) != Store(store) || Joined(store, Info{Rules: &fact.Rules{Goals: []fact.Goal{{Name: "A"}}}}) != Store(store) {
		t.Error("nothing was renamed, and the store is another one")
	}
}

// TestFunnelOfMappings: goals that have to have happened so often, or in such a time, are steps.
func TestFunnelOfMappings(t *testing.T) {
	store := NewMemory(0)
	r, err := New(Options{Store: store, Min: 1})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	r.Report(fact.Fact{Kind: fact.RulesChanged, Time: now, Rules: &fact.Rules{Hash: "a", Goals: []fact.Goal{
		{Name: "SEEN", Label: "Prices seen", Status: "live"},
		{Name: "SENT", Status: "live", Asks: []fact.Asked{{Goal: "SEEN", Says: "3 times in the same session"}}},
	}}})
	for range 5 {
		r.Report(fact.Fact{Kind: fact.Decision, Time: now, Site: "shop", Zone: time.UTC, Goal: "SEEN", Reason: fact.Fired, Page: "/"})
	}
	r.Report(fact.Fact{Kind: fact.Decision, Time: now, Site: "shop", Zone: time.UTC, Goal: "SENT", Reason: "not_after"})
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	today := DayOf(now, time.UTC)
	steps, err := Funnel(t.Context(), store, Query{Site: "shop", From: today, To: today, Goal: "SENT"})
	want := []Step{{Goal: "SEEN", Label: "Prices seen", Conversions: 5, Asks: "3 times in the same session"}, {Goal: "SENT", TooEarly: 1}}
	if err != nil || len(steps) != 2 || steps[0] != want[0] || steps[1] != want[1] {
		t.Errorf("%+v, %v", steps, err)
	}
	if steps, err := Funnel(t.Context(), store, Query{Site: "shop", From: today, To: today, Goal: "SEEN"}); err != nil || steps != nil {
		t.Errorf("%+v, %v", steps, err)
	}
}
