package rule_test

import (
	"fmt"
	"time"

	"github.com/goaltrack/goaltrack/rule"
)

const funnel = `
version: 1
goals:
  - goal: PRICING_VIEWED
    visit: /pricing
    count: once per session
  - goal: DEMO_BOOKED
    submit: /demo
    success: redirect to /demo/booked
    after: PRICING_VIEWED
    examples:
      counts: POST /demo -> 303 /demo/booked
      ignores: POST /demo -> 200
`

// A request and its answer in one line, as examples: of a rule file have them.
func ExampleParseExample() {
	e, err := rule.ParseExample("POST /contact topic=sales -> 303 /thanks")
	fmt.Println(e.Method, e.Path, e.Form, e.Status, e.Location, err)
	_, err = rule.ParseExample("/pricing")
	fmt.Println(err)
	// Output:
	// POST /contact map[topic:[sales]] 303 /thanks <nil>
	// "/pricing" does not begin with a method and a path: write GET /pricing for a page, POST /pricing for a form
}

// A fault names the file, the place, and what to write.
func ExampleParseFile() {
	_, err := rule.ParseFile("goals.yaml", []byte("version: 1\ngoals:\n  - goal: PRICING_VIEWED\n    vist: /pricing\n"))
	fmt.Println(err)
	// Output:
	// goals.yaml:4:5: goal PRICING_VIEWED: unknown key vist: (did you mean visit:?)
}

// Explain takes every example by itself. A session remembers what came before.
func ExampleSet_NewSession() {
	rules, err := rule.Parse([]byte(funnel))
	if err != nil {
		fmt.Println(err)
		return
	}
	visit := rules.NewSession()
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	for _, line := range []string{"POST /demo -> 303 /demo/booked", "GET /pricing", "GET /pricing", "POST /demo -> 303 /demo/booked"} {
		e, err := rule.ParseExample(line)
		if err != nil {
			fmt.Println(err)
			return
		}
		e.At, at = at, at.Add(time.Minute)
		for _, v := range visit.Explain(e) {
			if v.Code == rule.Fires || v.Code == rule.ReasonNotAfter {
				fmt.Println(v.Goal, v.Code)
			}
		}
	}
	// Output:
	// DEMO_BOOKED not_after
	// PRICING_VIEWED fired
	// PRICING_VIEWED not_after
	// DEMO_BOOKED fired
}

// A program that shows the examples of a file asks for all of them, right or wrong.
func ExampleSet_TryExamples() {
	rules, err := rule.Parse([]byte(funnel))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, tried := range rules.TryExamples() {
		fmt.Println(tried.Line, tried.Counts, tried.Fault == nil)
	}
	// Output:
	// 12 true true
	// 13 false true
}

func ExampleSet_Warnings() {
	rules, err := rule.Parse([]byte("goals:\n  - goal: ANYTHING\n    visit: /**\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, w := range rules.Warnings() {
		fmt.Println(w)
	}
	// Output:
	// 3:12: goal ANYTHING: counts on every page (decisions see only the last 100 events of a session; views are sent with Config.Views)
}

// What looks like an ID is left out, so that pages can be counted together.
func ExamplePathTemplate() {
	fmt.Println(rule.PathTemplate("/account/7/settings"), rule.PathTemplate("/blog/tea-in-winter"))
	// Output:
	// /account/*/settings /blog/tea-in-winter
}
