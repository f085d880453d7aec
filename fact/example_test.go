package fact_test

import (
	"fmt"
	"time"

	"github.com/goaltrack/goaltrack/fact"
)

// printer is a program's own Sink. A request may wait until Report returns, so
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

// Sums of money are whole numbers of the smallest unit, which is not a hundredth in every
// currency.
func ExampleValueOf() {
	for _, v := range []fact.Value{fact.ValueOf(129.9, "EUR"), fact.ValueOf(1200, "JPY"), fact.ValueOf(5, "")} {
		fmt.Println(v.Minor, v.Currency, v.Amount(), fact.Digits(v.Currency))
	}
	// Output:
	// 12990 EUR 129.9 2
	// 1200 JPY 1200 0
	// 500  5 2
}

func ExampleIsNear() {
	fmt.Println(fact.IsNear(79, 100), fact.IsNear(80, 100), fact.IsNear(80, 0))
	// Output: false true false
}
