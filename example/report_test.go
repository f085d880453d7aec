package main

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/report"
)

// kept is a sink that keeps facts.
type kept []fact.Fact

func (k *kept) Report(f fact.Fact) { *k = append(*k, f) }

// TestMadeUpPast: it is the same with every start, of days that are over, and each of the
// shop's goals is in it.
func TestMadeUpPast(t *testing.T) {
	now := time.Date(2026, 11, 28, 15, 0, 0, 0, time.UTC)
	var past, again kept
	madeUp(&past, "shop", now)
	madeUp(&again, "shop", now)
	if len(past) != len(again) || len(past) < pastDays*50 || len(past) > pastDays*1000 {
		t.Fatalf("%d facts, then %d", len(past), len(again))
	}
	fired := map[string]bool{}
	for i, f := range past {
		if f.Time != again[i].Time || f.Goal != again[i].Goal || f.Reason != again[i].Reason {
			t.Fatalf("%+v, then %+v", f, again[i])
		}
		if f.Time.After(now.Truncate(24*time.Hour)) || f.Time.Before(now.AddDate(0, 0, -pastDays-1)) {
			t.Fatalf("a fact at %v", f.Time)
		}
		fired[f.Goal] = fired[f.Goal] || f.Reason == fact.Fired
	}
	rules, err := goaltrack.ParseRules(goals)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range rules.Goals() {
		if !fired[g.Name()] {
			t.Errorf("%s never counted", g.Name())
		}
	}
}

// TestReportOfTheShop: the report shows the past, and at once what has just happened.
func TestReportOfTheShop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(12 * time.Hour)
		u := startUncounted(log.New(io.Discard, "", 0), false)
		counts, err := startReport(u)
		if err != nil {
			t.Fatal(err)
		}
		madeUp(counts.Recorder, "shop", time.Now())
		counts.Report(fact.Fact{Kind: fact.Decision, Site: "shop", Goal: "CONTACT_SENT", Reason: fact.Fired, Time: time.Now()})
		front, err := counts.around(http.NotFoundHandler(), new(goaltrack.Tracker), pastNotice)
		if err != nil {
			t.Fatal(err)
		}
		ask := func(path string) string {
			w := httptest.NewRecorder()
			front.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
			if w.Code != http.StatusOK {
				t.Fatalf("%s: %d", path, w.Code)
			}
			return w.Body.String()
		}
		var got report.Result
		if err := json.Unmarshal([]byte(ask("/goals/goals.json?period=day&goal=CONTACT_SENT")), &got); err != nil || len(got.Rows) != 1 || got.Rows[0].Conversions != 1 {
			t.Errorf("today: %+v, %v", got, err)
		}
		if page := ask("/goals/goal/CONTACT_SENT"); !strings.Contains(page, pastNotice) || !strings.Contains(page, "/thanks") {
			t.Errorf("the goal's page:\n%s", page)
		}
		if page := ask("/goals/live"); strings.Count(page, `<th scope="row">`) != 1 || !strings.Contains(page, "CONTACT_SENT") {
			t.Errorf("the live list has something else than what has just happened:\n%s", page)
		}
		if err := counts.close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
