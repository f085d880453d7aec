package fact_test

import (
	"fmt"
	"time"

	"github.com/goaltrack/goaltrack/fact"
)

// printer is a program's own Sink. A tracker calls it on the goroutine of a request, so
// it must not block.
type printer struct{}

func (printer) Report(f fact.Fact) {
	if f.Kind == fact.Decision {
		fmt.Println(f.Site, f.Goal, f.Reason)
	}
}

// A tracker tells whoever is the Report of its Config.
func ExampleSink() {
	var sink fact.Sink = printer{}
	sink.Report(fact.Fact{Kind: fact.Decision, Time: time.Now(), Site: "shop", Zone: time.UTC, Goal: "CONTACT_SENT", Reason: "not_successful"})
	// Output: shop CONTACT_SENT not_successful
}
