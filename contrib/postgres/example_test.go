package postgres_test

import (
	"context"
	"log"

	"github.com/goaltrack/goaltrack/contrib/postgres"
	"github.com/goaltrack/goaltrack/report"
)

// All instances of the site open the same database, and one report has what they all
// counted.
func ExampleNew() {
	ctx := context.Background()
	store, err := postgres.New("postgres://goaltrack@db.example/goaltrack")
	if err != nil {
		log.Fatal(err) // the address is wrong
	}
	if err := store.Ready(ctx); err != nil {
		log.Print(err) // the site runs, and the store goes on trying
	}
	recorder, err := report.New(report.Options{Store: store})
	if err != nil {
		log.Fatal(err)
	}
	// Give it to goaltrack.Config.Report. At the end, after the tracker:
	if err := recorder.Close(ctx); err != nil {
		log.Print(err)
	}
	if err := store.Close(); err != nil {
		log.Print(err)
	}
}
