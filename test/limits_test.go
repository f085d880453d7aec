package test

import (
	"net/http"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/internal/world"
	"github.com/goaltrack/goaltrack/report"
	"github.com/goaltrack/goaltrack/report/sqlite"
)

// TestIDsForGoalsAlone: when this month may have no more browser IDs, a visit makes none,
// and a goal still does.
func TestIDsForGoalsAlone(t *testing.T) {
	site := http.NewServeMux()
	site.HandleFunc("GET /", world.HTML)
	site.Handle("POST /form", world.Answer(http.StatusSeeOther, "Location", "/thanks"))
	spent := func(ids uint64) func() (uint64, uint64) { return func() (uint64, uint64) { return ids, 1000 } }
	for name, c := range map[string]struct {
		limits            fact.Limits
		visit, page, form bool // whether an ID is made
		view              string
	}{
		"no limit":       {fact.Limits{}, true, true, true, "fired 1"},
		"some are left":  {fact.Limits{IDs: 100, Spent: spent(90)}, true, true, true, "fired 1"},
		"all are made":   {fact.Limits{IDs: 100, Spent: spent(100)}, false, true, true, "no_browser_id 1"},
		"more are made":  {fact.Limits{IDs: 100, Spent: spent(150)}, false, true, true, "no_browser_id 1"},
		"events alone":   {fact.Limits{Events: 100, Spent: spent(1)}, true, true, true, "fired 1"},
		"a Spent panics": {fact.Limits{IDs: 100, Spent: func() (uint64, uint64) { panic("spent") }}, true, true, true, "fired 1"},
	} {
		t.Run(name, func(t *testing.T) {
			for path, want := range map[string]bool{"/other": c.visit, "/page": c.page, "/form": c.form} {
				w := world.New(t, world.EachTrigger, site, func(config *goaltrack.Config) {
					config.Limits, config.Views = c.limits, goaltrack.ViewsServer
				})
				v := w.Visitor()
				if path == "/form" {
					v.Post(path, "email=a")
				} else {
					v.Get(path)
				}
				w.Done()
				if got := v.ID() != ""; got != want {
					t.Errorf("%s: an ID: %v, want %v", path, got, want)
				}
				if path == "/other" {
					w.Expect("VIEW", c.view)
				} else if goal := map[string]string{"/page": "PAGE_VISITED", "/form": "FORM_SENT"}[path]; goal != "" {
					w.CDP.Expect(t, goal).From(v.ID()).Once()
				}
			}
		})
	}
}

// TestSpendingIsCounted: what the CDP was asked for is what the report says it cost, over a
// restart, and the limit knows what was spent before.
func TestSpendingIsCounted(t *testing.T) {
	if now := time.Now().UTC(); now.Add(10*time.Minute).Month() != now.Month() {
		t.Skip("a month is about to end, and what is spent begins anew with the next")
	}
	dir := t.TempDir()
	site := http.NewServeMux()
	site.HandleFunc("GET /", world.HTML)
	made, sent := uint64(0), uint64(0)
	for round := range uint64(2) {
		store := sqlite.New(sqlite.Options{Dir: dir})
		r, err := report.New(report.Options{Store: unhurried{store}})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Flush(t.Context()); err != nil { // it has learned what was spent
			t.Fatal(err)
		}
		w := world.New(t, world.EachTrigger, site, func(config *goaltrack.Config) {
			config.Report, config.Limits = r, fact.Limits{IDs: made, Spent: r.Spent}
		})
		v := w.Visitor()
		v.Get("/other")
		if got := v.ID() != ""; got != (round == 0) {
			t.Errorf("round %d: an ID: %v", round, got)
		}
		v.Get("/page")
		w.Done()
		for w.Note("id_made") != uint64(w.CDP.Made()) { // one is on its way; Close would not wait for it
			time.Sleep(time.Millisecond)
		}
		if _, err := world.Close(w.Tracker); err != nil {
			t.Error(err)
		}
		made, sent = made+uint64(w.CDP.Made()), sent+uint64(len(w.CDP.Events()))
		if err := r.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		today := report.DayOf(time.Now(), nil)
		months, err := report.Months(t.Context(), store, today, today)
		if err != nil || len(months) != 1 {
			t.Fatalf("%+v, %v", months, err)
		}
		m := months[0]
		if m.IDsMade != made || m.IDsGiven != round+1 || m.EventsSent != sent || m.EventsAgain != 0 || m.EventsSent != round+1 {
			t.Errorf("round %d: %+v, want %d IDs and %d events", round, m, made, sent)
		}
		if ids, events := r.Spent(); ids != made || events != sent {
			t.Errorf("round %d: %d IDs and %d events, want %d and %d", round, ids, events, made, sent)
		}
		if got := w.Tracker.Snapshot().Month; got.IDs != made || got.Events != sent {
			t.Errorf("round %d: %+v", round, got)
		}
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}
}
