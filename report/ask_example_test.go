package report_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/report"
)

// week is a store that keeps a week, with three days of a shop, and the first and the last.
func week() (report.Store, report.Day, report.Day) {
	store := report.NewMemory(7)
	filler, err := report.NewFiller(report.Options{Store: store, Writer: "example"})
	if err != nil {
		fmt.Println(err)
		return nil, 0, 0
	}
	begin := time.Date(2024, 11, 18, 10, 0, 0, 0, time.UTC)
	tell := func(day int, f fact.Fact) {
		f.Time, f.Site, f.Zone = begin.AddDate(0, 0, day), "shop", time.UTC
		filler.Report(f)
	}
	for day := range 3 {
		for range 10 {
			tell(day, fact.Fact{Kind: fact.Visit, Reason: fact.Fired, Page: "/contact"})
		}
		tell(day, fact.Fact{Kind: fact.Visit, Reason: "consent_unknown", Uncountable: true})
		tell(day, fact.Fact{Kind: fact.Decision, Goal: "CONTACT_SENT", Reason: fact.Fired, Page: "/contact", LedTo: "/thanks", Value: fact.ValueOf(5, "EUR")})
		tell(day, fact.Fact{Kind: fact.Decision, Goal: "CONTACT_SENT", Reason: "not_successful", Page: "/contact", NearMiss: "answered 200; success needs a redirect to /thanks"})
	}
	if _, err := filler.Fill(context.Background()); err != nil {
		fmt.Println(err)
	}
	return store, report.DayOf(begin, time.UTC), report.DayOf(begin, time.UTC) + 2
}

// The same question as a table for a spreadsheet.
func ExampleResult_WriteCSV() {
	ctx := context.Background()
	store, from, to := week()
	result, err := report.Ask(ctx, store, report.Query{Site: "shop", From: from, To: to, By: report.ByDay})
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = result.WriteCSV(os.Stdout, report.ByDay)
	// Output:
	// day,conversions,visits,value_EUR
	// 2024-11-18,1,10,5
	// 2024-11-19,1,10,5
	// 2024-11-20,1,10,5
}

// A rate says little without the number of people who were asked and may be counted.
func ExampleConsent() {
	store, from, to := week()
	asked, err := report.Consent(context.Background(), store, report.Query{Site: "shop", From: from, To: to})
	fmt.Println(asked.Visits, "of", asked.People(), "page visits may be counted", err)
	// Output:
	// 30 of 33 page visits may be counted <nil>
}

// Why a goal did not count, and how it nearly did.
func ExampleReasons() {
	ctx := context.Background()
	store, from, to := week()
	q := report.Query{Site: "shop", From: from, To: to, Goal: "CONTACT_SENT"}
	reasons, err := report.Reasons(ctx, store, q)
	fmt.Println(reasons, err)
	nearly, err := report.NearMisses(ctx, store, q)
	fmt.Println(nearly, err)
	leads, err := report.Leads(ctx, store, q)
	fmt.Println(leads, err)
	// Output:
	// [{not_successful 3}] <nil>
	// [{answered 200; success needs a redirect to /thanks 3}] <nil>
	// [{/thanks 3}] <nil>
}

func ExampleParseDay() {
	day, err := report.ParseDay("2026-11-23")
	fmt.Println(day, day.Weekday(), err)
	_, err = report.ParseDay("23.11.2026")
	fmt.Println(err)
	// Output:
	// 2026-11-23 Monday <nil>
	// "23.11.2026" is not a date such as 2026-11-01
}

// A spreadsheet takes a text that begins with = for a formula.
func ExampleCell() {
	fmt.Println(report.Cell("=1+2"), report.Cell("tea"))
	// Output:
	// '=1+2 tea
}
