package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/report"
	"github.com/goaltrack/goaltrack/report/sqlite"
)

// What one process has counted, the next one finds.
func ExampleNew() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "report")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	day := time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

	store := sqlite.New(sqlite.Options{Dir: dir})
	recorder, err := report.New(report.Options{Store: store})
	if err != nil {
		fmt.Println(err)
		return
	}
	// The tracker whose Report it is tells it facts. Here it is one, by hand.
	recorder.Report(fact.Fact{Kind: fact.Decision, Time: day, Site: "shop", Zone: time.UTC, Goal: "ORDER_PLACED", Reason: fact.Fired, Value: fact.ValueOf(40, "EUR")})
	if err := recorder.Close(ctx); err != nil {
		fmt.Println(err)
	}
	_ = store.Close()

	store = sqlite.New(sqlite.Options{Dir: dir, ReadOnly: true})
	defer func() { _ = store.Close() }()
	on := report.DayOf(day, time.UTC)
	result, err := report.Ask(ctx, store, report.Query{Site: "shop", From: on, To: on})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, row := range result.Rows {
		fmt.Println(row.Key, row.Conversions, row.Values)
	}
	// Output: ORDER_PLACED 1 [{EUR 40}]
}
