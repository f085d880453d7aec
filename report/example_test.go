package report_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/report"
)

// A tracker tells the recorder what it decides, and Ask says how often goals counted.
func ExampleNew() {
	ctx := context.Background()
	recorder, err := report.New(report.Options{Store: report.NewMemory(0)})
	if err != nil {
		fmt.Println(err)
		return
	}
	rules, err := goaltrack.NewRules(goaltrack.Goal{Name: "PRICING_VIEWED", Visit: "/pricing"})
	if err != nil {
		fmt.Println(err)
		return
	}
	tracker, err := goaltrack.New(goaltrack.Config{
		Sites:  []goaltrack.Site{{Name: "shop", CDP: cdp.Direct{Region: cdp.EU, ClientKey: "sndbx123", PointOfSale: "shop"}}},
		Rules:  rules,
		Report: recorder,
		DryRun: true, // an example has no tenant
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	site := tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "<!doctype html><h1>Pricing</h1>")
	}))
	for _, path := range []string{"/", "/pricing"} {
		r := httptest.NewRequest(http.MethodGet, "https://shop.example"+path, http.NoBody)
		r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
		r.Header.Set("Accept", "text/html")
		site.ServeHTTP(httptest.NewRecorder(), r)
	}
	if err := recorder.Flush(ctx); err != nil { // which it does by itself, once a second
		fmt.Println(err)
	}

	today := report.DayOf(time.Now(), time.UTC)
	result, err := report.Ask(ctx, recorder.Store(), report.Query{Site: "shop", From: today - 1, To: today, By: report.ByGoal})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, row := range result.Rows {
		fmt.Println(row.Key, row.Conversions, "of", row.Visits, "visits")
	}
	_, _ = tracker.Close(ctx)
	_ = recorder.Close(ctx)
	// Output: PRICING_VIEWED 1 of 2 visits
}
