package goaltrack_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
)

// mustRules makes rules that are known to be right.
func mustRules(goals ...goaltrack.Goal) *goaltrack.Rules {
	rules, err := goaltrack.NewRules(goals...)
	if err != nil {
		panic(err)
	}
	return rules
}

// A site reads its rules when it starts. A file with faults is refused as a whole.
func ExampleLoadRules() {
	rules, err := goaltrack.LoadRules("example/goals.yaml")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(rules.Names()[0])
	_, err = goaltrack.LoadRules("gaols.yaml")
	fmt.Println(errors.Is(err, fs.ErrNotExist))
	// Output:
	// PRICING_VIEWED
	// true
}

func ExampleParseRules() {
	rules, err := goaltrack.ParseRules([]byte(`
version: 1
goals:
  - goal: PRICING_VIEWED
    label: Looked at our prices
    visit: /pricing
  - goal: CONTACT_SENT
    submit: /contact
    success: redirect to /thanks
    data: { topic: $form.topic }
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(rules.Names())
	// Output: [PRICING_VIEWED CONTACT_SENT]
}

func ExampleNewRules() {
	rules, err := goaltrack.NewRules(
		goaltrack.Goal{
			Name:    "ORDER_PLACED",
			Submit:  goaltrack.Submit{Path: "/checkout"},
			Success: "redirect to /orders/{orderId}",
			Value:   goaltrack.Value{From: "$app.total", Currency: "EUR"},
			Data:    map[string]any{"orderId": "$redirect.orderId"},
		},
		goaltrack.Goal{Name: "BROCHURE_DOWNLOADED", Download: "/files/**/{file}.pdf"},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(rules.Names())
	// Output: [ORDER_PLACED BROCHURE_DOWNLOADED]
}

// New rules come into force at once. Rules that do not fit the sites are refused,
// and the ones before them stay.
func ExampleTracker_SetRules() {
	sites := []goaltrack.Site{{CDP: cdp.Direct{Region: cdp.EU, ClientKey: "test", PointOfSale: "shop"}}} // no Currency
	tracker, err := goaltrack.New(goaltrack.Config{Sites: sites, DryRun: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(tracker.SetRules(mustRules(goaltrack.Goal{Name: "PRICING_VIEWED", Visit: "/pricing"})))
	fmt.Println(tracker.SetRules(mustRules(goaltrack.Goal{Name: "DEMO_BOOKED", Visit: "/booked", Value: goaltrack.Value{Amount: 20}})))
	fmt.Println(tracker.Snapshot().Goals[0].Goal)
	// Output:
	// <nil>
	// goaltrack: invalid: goal DEMO_BOOKED: its value has no currency, and neither has the site shop; set Currency of the site, or currency: in the goal
	// PRICING_VIEWED
}

// The rule file is followed until the program ends. A marketer changes it, and
// the site need not be started again.
func ExampleTracker_WatchRules() {
	rules, err := goaltrack.LoadRules("example/goals.yaml")
	if err != nil {
		fmt.Println(err)
		return
	}
	tracker, err := goaltrack.New(goaltrack.Config{Sites: exampleSites, Rules: rules, DryRun: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	watched := make(chan error)
	go func() { watched <- tracker.WatchRules(ctx, "example/goals.yaml") }()
	// ... the site runs ...
	stop()
	fmt.Println(<-watched)
	// Output: context canceled
}

func ExampleRulesError() {
	_, err := goaltrack.ParseRules([]byte(`
goals:
  - goal: SITE_SEARCHED
    vist: /search?q=shoes
  - goal: contact sent
    submit: /contact
    value: $form.total
`))
	if rulesErr, ok := errors.AsType[*goaltrack.RulesError](err); ok {
		for _, f := range rulesErr.Faults {
			fmt.Printf("line %d: %s\n      %s\n", f.Line, f.Message, f.Hint)
		}
	}
	// Output:
	// line 4: unknown key vist:
	//       did you mean visit:?
	// line 4: the path "/search?q=shoes" has a query string, which a path never has
	//       write if: { query.q: shoes }
	// line 5: the name "contact sent" is not made of upper-case letters, digits and _
	//       write CONTACT_SENT
	// line 7: the visitor writes $form.total, so it needs a maximum
	//       value: { from: $form.total, max: 20000 }
}

// An editor that knows the schema completes the keys of a rule file and marks what is wrong.
// YAML's language server finds it by a line at the top of the file:
//
//	# yaml-language-server: $schema=goals.schema.json
func ExampleSchema() {
	var schema struct{ Title string }
	if err := json.Unmarshal(goaltrack.Schema(), &schema); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(schema.Title)
	// Output: goaltrack rule file
}

// A request and its answer in one line, as they stand under examples: in a rule file.
func ExampleParseExample() {
	e, err := goaltrack.ParseExample("POST /contact topic=sales -> 303 /thanks")
	fmt.Println(e.Method, e.Path, e.Form, e.Status, e.Location, err)
	// Output: POST /contact map[topic:[sales]] 303 /thanks <nil>
}
