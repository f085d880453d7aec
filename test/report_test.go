package test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/internal/world"
	"github.com/goaltrack/goaltrack/report"
	"github.com/goaltrack/goaltrack/report/sqlite"
)

// unhurried is a store that may take as long as it needs. The counts would wait if it took ten
// seconds, as it may on a machine that does too much.
type unhurried struct{ report.Store }

func (u unhurried) Info(ctx context.Context) (report.Info, error) {
	return u.Store.Info(context.WithoutCancel(ctx))
}

func (u unhurried) Sum(ctx context.Context, q report.Question) ([]report.Count, error) {
	return u.Store.Sum(context.WithoutCancel(ctx), q)
}

func (u unhurried) Costs(ctx context.Context, from, to report.Day) ([]report.Cost, error) {
	return u.Store.Costs(context.WithoutCancel(ctx), from, to)
}

func (u unhurried) Flush(ctx context.Context, b *report.Batch) error {
	return u.Store.Flush(context.WithoutCancel(ctx), b)
}

// reported makes a world whose tracker reports to a store.
func reported(t *testing.T, s report.Store, adjust ...func(*goaltrack.Config)) (*world.World, *report.Recorder) {
	t.Helper()
	r, err := report.New(report.Options{Store: unhurried{s}})
	if err != nil {
		t.Fatal(err)
	}
	w := world.Setup{Rules: factRules, Mount: factSite, Config: func(c *goaltrack.Config, _ *cdptest.Server) {
		c.Report = r
		for _, a := range adjust {
			a(c)
		}
	}}.Start(t)
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return w, r
}

// TestReportIsTheLedgers: after traffic of all kinds, at once, every figure of the report
// is the ledger's, in each store and by each dimension.
func TestReportIsTheLedgers(t *testing.T) {
	file := sqlite.New(sqlite.Options{Dir: t.TempDir()})
	t.Cleanup(func() { _ = file.Close() })
	for name, s := range map[string]report.Store{"memory": report.NewMemory(0), "SQLite": file} {
		t.Run(name, func(t *testing.T) {
			w, r := reported(t, s, func(c *goaltrack.Config) {
				c.Consent, c.ConsentHoldBy, c.Views = answers, "session", goaltrack.ViewsServer
			})
			var visitors sync.WaitGroup
			for i := range 6 {
				visitors.Go(func() { mixedVisits(w, i) })
			}
			visitors.Wait()
			if _, err := world.Close(w.Tracker); err != nil {
				t.Error(err)
			}
			if err := r.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			compareWithLedger(t, s, w.Tracker.Snapshot())
		})
	}
}

// mixedVisits is one visitor who does all that a report counts, with and without consent.
func mixedVisits(w *world.World, i int) {
	v := w.Visitor()
	for round := range 12 {
		answer := []string{"yes", "no", "", "yes", "analytics"}[(i+round)%5]
		cookie := fmt.Sprintf("session=%016d", i)
		if answer != "" {
			cookie += "; answer=" + answer
		}
		header := []string{"Cookie", cookie, "Accept-Language", "de-DE"}
		switch (i + 2*round) % 7 {
		case 0:
			v.Get("/pricing?utm_source=news&utm_campaign=c", header...)
		case 1:
			v.Post("/ask", "variant=B", header...)
		case 2:
			v.Get("/products/1", append(header, "User-Agent", "Googlebot/2.1")...)
		case 3:
			v.Get("/missing", header...)
			v.Get("/call", header...)
		case 4:
			v.Get("/pricing", append(header, "Sec-Gpc", "1")...)
		case 5:
			v.Get("/files/a.pdf", header...)
			v.Get("/shown", header...)
		case 6:
			v.Get("/pricing", append(header, "Sec-Purpose", "prefetch")...)
			_ = v.Request(http.MethodPost, "/ask/again", nil)
		}
	}
}

// compareWithLedger holds every figure of the report against the ledger.
func compareWithLedger(t *testing.T, s report.Store, snapshot goaltrack.Snapshot) {
	t.Helper()
	today := report.DayOf(time.Now(), nil)
	q := report.Query{From: today - 1, To: today}
	fired := uint64(0)
	for _, g := range snapshot.Goals {
		if g.Goal == "VIEW" || g.Goal == "IDENTITY" {
			continue
		}
		q.Goal = g.Goal
		reasons, err := report.Reasons(t.Context(), s, q)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]uint64{}
		for _, r := range reasons {
			got[r.Key] = r.N
		}
		if !maps.Equal(got, g.NotFired) {
			t.Errorf("%s: %v, and in the ledger %v", g.Goal, got, g.NotFired)
		}
		fired += g.Fired
		for _, by := range []report.By{report.ByGoal, report.ByDay, report.ByHour, report.ByPage, report.BySource, report.ByCampaign, report.ByLanguage, report.ByDevice} {
			q.By = by
			if n := conversionsOf(t, s, q); n != g.Fired {
				t.Errorf("%s by %s: %d, and in the ledger %d", g.Goal, by, n, g.Fired)
			}
		}
		q.By = ""
	}
	q.Goal = ""
	if n := conversionsOf(t, s, q); n != fired || fired == 0 {
		t.Errorf("all goals: %d, and in the ledger %d", n, fired)
	}
	views := snapshot.Goals[slices.IndexFunc(snapshot.Goals, func(g goaltrack.GoalCount) bool { return g.Goal == "VIEW" })]
	asked, err := report.Consent(t.Context(), s, q)
	if err != nil {
		t.Fatal(err)
	}
	unasked := views.NotFired["consent_unknown"] + views.NotFired["consent_expired"] + views.NotFired["consent_hold_full"]
	refused := views.NotFired["consent_refused"] + views.NotFired["gpc"] + views.NotFired["opt_out"]
	// Of those who may not be counted it is not known whether the answer was a page.
	if asked.Visits != views.Fired+views.NotFired["no_browser_id"] || asked.Unanswered < unasked || asked.Refused < refused {
		t.Errorf("visits %+v, and in the ledger %d, not %v", asked, views.Fired, views.NotFired)
	}
	q.Where = map[report.Dimension]string{report.Language: "DE"}
	if n := conversionsOf(t, s, q); n == 0 || n > fired {
		t.Errorf("of a language: %d of %d", n, fired)
	}
}

func conversionsOf(t *testing.T, s report.Store, q report.Query) (n uint64) {
	t.Helper()
	result, err := report.Ask(t.Context(), s, q)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range result.Rows {
		n += row.Conversions
	}
	return n
}

// BenchmarkPageWithReport is what a page that no rule concerns costs without a report, and
// with one.
func BenchmarkPageWithReport(b *testing.B) {
	for _, with := range []bool{false, true} {
		b.Run(map[bool]string{false: "without", true: "with"}[with], func(b *testing.B) {
			c := goaltrack.Config{DryRun: true, Rules: world.MustParse(b, factRules), Sites: []goaltrack.Site{{CDP: cdp.Direct{Region: cdp.EU, ClientKey: "key", PointOfSale: "shop"}, Currency: "EUR"}}}
			if with {
				c.Report = new(forgetful)
			}
			tracker, err := goaltrack.New(c)
			if err != nil {
				b.Fatal(err)
			}
			handler := tracker.Handler(http.HandlerFunc(world.HTML))
			request := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/about", nil)
			for name, value := range map[string]string{"Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate", "User-Agent": world.Chrome, "Accept-Language": "de-DE"} {
				request.Header.Set(name, value)
			}
			w := httptest.NewRecorder()
			b.ReportAllocs()
			for b.Loop() {
				w.Body.Reset()
				handler.ServeHTTP(w, request)
			}
		})
	}
}

// forgetful is a sink that keeps nothing.
type forgetful struct{}

func (*forgetful) Report(fact.Fact) {}
