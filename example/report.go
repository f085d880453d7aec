package main

import (
	"context"
	cryptorand "crypto/rand"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/report"
	"github.com/goaltrack/goaltrack/report/live"
	"github.com/goaltrack/goaltrack/report/web"
)

// reportPath is where the shop shows its report.
const reportPath = "/goals"

// reported is the report of the shop, in memory. Its Report is told what happens, and the
// line of what did not count is told, too.
type reported struct {
	*report.Recorder

	live      *live.List    // the last decisions, at once: nobody but you is in the shop
	preview   *live.Preview // what became of your own requests
	uncounted *uncounted
}

// Report implements [fact.Sink].
func (r *reported) Report(f fact.Fact) {
	r.live.Report(f)
	r.uncounted.Report(f)
}

// startReport begins to count.
func startReport(u *uncounted) (*reported, error) {
	recorder, err := report.New(report.Options{Store: report.NewMemory(pastDays + 2), Min: 1})
	if err != nil {
		return nil, err
	}
	key := make([]byte, 32)     // a real site takes the first of its keys
	_, _ = cryptorand.Read(key) // never fails
	preview, err := live.NewPreview(key)
	return &reported{recorder, live.New(live.Options{Next: recorder, AtOnce: true}), preview, u}, err
}

// close counts what is left. What is reported afterwards is not counted.
func (r *reported) close(ctx context.Context) error {
	r.uncounted.close()
	return r.Close(ctx)
}

// around shows the report at reportPath, and the shop at every other path. The tracker
// does not see the report: its pages are no part of the shop. The example lets everybody
// look, because only this machine can reach it.
func (r *reported) around(shop http.Handler, tracker *goaltrack.Tracker, notice string) (http.Handler, error) {
	pages, err := web.New(web.Options{
		Store: r.Store(), Fresh: r.Flush, Snapshot: tracker.Snapshot, Live: r.live, Preview: r.preview, Path: reportPath, Authorize: web.Open, Notice: notice,
	})
	router := http.NewServeMux()
	router.Handle("/", web.Preview(r.preview, nil, shop))
	router.Handle(reportPath, pages)
	router.Handle(reportPath+"/", pages)
	return router, err
}

// pastNotice is shown above a report with a made-up past.
const pastNotice = "The days before today are made up, so that there is something to see. What you do in the shop is real."

// pastDays is how many days are made up: the month that the report shows first, and the one
// with which it compares that.
const pastDays = 70

// madeUp tells a report a past: what visitors of a small shop may have done. It is the
// same with every start.
func madeUp(sink fact.Sink, site string, now time.Time) {
	chance := rand.New(rand.NewPCG(2026, 11)) //nolint:gosec // It shall be the same with every start.
	today := now.UTC().Truncate(24 * time.Hour)
	for d := pastDays; d >= 1; d-- {
		day := today.AddDate(0, 0, -d)
		visits := 90 + chance.IntN(30)
		if w := day.Weekday(); w == time.Saturday || w == time.Sunday {
			visits /= 2
		}
		for n := range visits {
			f := fact.Fact{
				Kind: fact.Visit, Site: site, Zone: time.UTC, Reason: fact.Fired, Page: "/products/{id}",
				Time:     day.Add(time.Duration(7*60+chance.IntN(15*60)) * time.Minute),
				Language: one(chance, "EN", "EN", "DE", "FR"), Device: one(chance, "mobile", "mobile", "desktop", "tablet"),
				Source:   one(chance, "google.com", "google.com", "", "bing.com", "news"),
				Browser:  [16]byte{1, byte(d), byte(n)},
				Variants: []fact.Variant{{Component: "hero", Name: [...]string{"default", "with_a_photograph"}[n%2]}},
			}
			if f.Source == "news" {
				f.Campaign = one(chance, "spring-harvest", "tea-club")
			}
			sink.Report(f)
			for i := range pastGoals {
				if g := &pastGoals[i]; chance.Float64() < g.rate {
					if page := f; g.page != f.Page {
						page.Page = g.page
						sink.Report(page)
					}
					sink.Report(g.decision(f, chance.Float64() < g.refused || d <= g.broken))
				}
			}
		}
	}
}

// pastGoal is how often a visit led to a goal.
type pastGoal struct {
	name, page, ledTo string
	rate              float64 // of visits
	refused           float64 // of forms that were sent
	broken            int     // days at the end on which all of them were refused
	value             fact.Value
	miss              string
}

var pastGoals = []pastGoal{
	{name: "PRICING_VIEWED", page: "/pricing", rate: 0.2, value: fact.ValueOf(5, "EUR")},
	{name: "PRODUCT_VIEWED", page: "/products/{id}", rate: 0.5},
	{name: "SITE_SEARCHED", page: "/search", rate: 0.1},
	{name: "NEWSLETTER_SIGNUP", page: "/newsletter", ledTo: "/welcome", rate: 0.08, refused: 0.1, value: fact.ValueOf(10, "EUR"), miss: "answered 422; success needs a redirect to /welcome"},
	{name: "CONTACT_SENT", page: "/contact", ledTo: "/thanks", rate: 0.11, refused: 0.1, broken: 1, miss: "answered 200; success needs a redirect to /thanks"},
	{name: "LOGGED_IN", page: "/login", ledTo: "/account", rate: 0.05, refused: 0.2, miss: "answered 302; success needs a redirect to /account"},
	{name: "BROCHURE_DOWNLOADED", page: "/products", rate: 0.09},
	{name: "CHECKOUT_STARTED", page: "/checkout", rate: 0.06},
	{name: "ORDER_PLACED", page: "/checkout", ledTo: "/orders/{orderId}", rate: 0.03, refused: 0.15, value: fact.ValueOf(38, "EUR"), miss: "answered 303; success needs 303 to /orders/{orderId}"},
	{name: "ORDER_PAID", page: "/checkout", rate: 0.02},
}

// decision is what became of the goal after a visit.
func (g *pastGoal) decision(visit fact.Fact, refused bool) fact.Fact {
	f := visit
	f.Kind, f.Goal, f.Page = fact.Decision, g.name, g.page
	if refused {
		f.Reason, f.NearMiss = "not_successful", g.miss
		return f
	}
	f.LedTo, f.Value = g.ledTo, g.value
	return f
}

func one(chance *rand.Rand, of ...string) string { return of[chance.IntN(len(of))] }

// closeAll closes what counts, the tracker first: it may have more to report. The last
// events get their own time to leave, because the time of the visitors is over.
func closeAll(ctx context.Context, grace time.Duration, tracker *goaltrack.Tracker, r *reported) (goaltrack.Account, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	account, err := tracker.Close(ctx)
	return account, errors.Join(err, r.close(ctx))
}
