package report_test

import (
	"context"
	"fmt"
	"time"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/report"
)

// The recorder is the Report of a tracker's Config, which tells it facts. Here, two are
// told by hand. Ask says how often goals counted.
func ExampleNew() {
	ctx := context.Background()
	recorder, err := report.New(report.Options{Store: report.NewMemory(0)})
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Now()
	recorder.Report(fact.Fact{Kind: fact.Visit, Time: now, Site: "shop", Zone: time.UTC, Reason: fact.Fired, Page: "/pricing"})
	recorder.Report(fact.Fact{Kind: fact.Decision, Time: now, Site: "shop", Zone: time.UTC, Goal: "PRICING_VIEWED", Reason: fact.Fired, Page: "/pricing"})
	if err := recorder.Flush(ctx); err != nil { // which it does by itself, once a second
		fmt.Println(err)
	}

	today := report.DayOf(now, time.UTC)
	result, err := report.Ask(ctx, recorder.Store(), report.Query{Site: "shop", From: today, To: today, By: report.ByGoal})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, row := range result.Rows {
		fmt.Println(row.Key, row.Conversions, "of", row.Visits, "visits")
	}
	_ = recorder.Close(ctx) // after the tracker
	// Output: PRICING_VIEWED 1 of 1 visits
}
