package live_test

import (
	"fmt"
	"time"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/report/live"
)

// A list is the Report of a tracker's Config. Here, facts are given to it by hand. Last
// returns the newest first.
func ExampleNew() {
	list := live.New(live.Options{AtOnce: true})
	defer list.Close()
	list.Report(fact.Fact{Kind: fact.Decision, Time: time.Now(), Site: "shop", Zone: time.UTC, Goal: "CONTACT_SENT", Reason: "not_successful"})
	list.Report(fact.Fact{Kind: fact.Decision, Time: time.Now(), Site: "shop", Zone: time.UTC, Goal: "CONTACT_SENT", Reason: fact.Fired, Page: "/contact"})
	for _, e := range list.Last("shop", 10) {
		fmt.Println(e.Goal, e.Reason, e.Page)
	}
	// Output:
	// CONTACT_SENT fired /contact
	// CONTACT_SENT not_successful
}
