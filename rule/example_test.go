package rule_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/goaltrack/goaltrack/rule"
)

// A program can make goals, in place of a file.
func ExampleNew() {
	set, err := rule.New(
		rule.Goal{
			Name:    "ORDER_PLACED",
			Submit:  rule.Submit{Path: "/checkout"},
			Success: "redirect to /orders/{orderId}",
			Value:   rule.Value{From: "$app.total", Currency: "EUR"},
			Data:    map[string]any{"orderId": "$redirect.orderId"},
		},
		rule.Goal{Name: "BROCHURE_DOWNLOADED", Download: "/files/**/{file}.pdf"},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(set.Names())
	// Output: [ORDER_PLACED BROCHURE_DOWNLOADED]
}

// A file that is not there is no fault of rules.
func ExampleLoad() {
	_, err := rule.Load("no-such-file.yaml")
	_, isFaulty := errors.AsType[*rule.Error](err)
	fmt.Println(errors.Is(err, os.ErrNotExist), isFaulty)
	// Output: true false
}

// Each fault of a file has its place, and says what to write.
func ExampleParse() {
	_, err := rule.Parse([]byte(`goals:
  - goal: SITE_SEARCHED
    vist: /search?q=shoes
  - goal: contact sent
    submit: /contact
`))
	if faulty, ok := errors.AsType[*rule.Error](err); ok {
		for _, f := range faulty.Faults {
			fmt.Printf("%d:%d %s\n     %s\n", f.Line, f.Column, f.Message, f.Hint)
		}
	}
	// Output:
	// 3:5 unknown key vist:
	//      did you mean visit:?
	// 3:11 the path "/search?q=shoes" has a query string, which a path never has
	//      write if: { query.q: shoes }
	// 4:11 the name "contact sent" is not made of upper-case letters, digits and _
	//      write CONTACT_SENT
}

// What would a goal make of a request? A line of text is enough to ask.
func ExampleSet_Explain() {
	set, err := rule.Parse([]byte(`goals:
  - goal: CONTACT_SENT
    submit: /contact
    data: { topic: $form.topic }
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, line := range []string{
		"POST /contact topic=sales -> 303 /thanks",
		"POST /contact topic=sales -> 303 /login",
		"POST /contact topic=sales -> 303 /",
	} {
		e, err := rule.ParseExample(line)
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, v := range set.Explain(e) {
			switch {
			case v.Fired:
				fmt.Println(v.Goal, "counts:", v.Data)
			case v.Code == rule.ReasonDoubtfulRedirect:
				fmt.Println("look at what the home page is:", v.Reason)
			default:
				fmt.Println(v.Code, "-", v.Reason)
			}
		}
	}
	// Output:
	// CONTACT_SENT counts: map[topic:sales]
	// not_successful - answered 303 to /login; "login" is a word of log-in and error pages; if this is success, write success: redirect to /login
	// look at what the home page is: answered 303 to /; that may be the home page or a log-in page; if this is success, write success: redirect to /
}

// Rules say by examples what they mean, and a pipeline holds them to it.
func ExampleSet_CheckExamples() {
	set, err := rule.Parse([]byte(`goals:
  - goal: PRICING_VISITED
    visit: /pricing
    examples:
      counts: GET /pricing
      ignores: GET /pricing?utm_source=mail
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range set.CheckExamples() {
		fmt.Println(f)
	}
	// Output: 6:16: goal PRICING_VISITED: the example "GET /pricing?utm_source=mail" is under ignores:, and it counts
}

// The log of last month says what new rules would have counted, and what they miss.
func ExampleSet_NewReplay() {
	set, err := rule.Parse([]byte(`goals:
  - goal: CONTACT_SENT
    submit: /contact
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	replay := set.NewReplay()
	for _, e := range []rule.LogEntry{
		{Method: "POST", Target: "/contact", Status: 303, Location: "/thanks"},
		{Method: "POST", Target: "/contact", Status: 303},
		{Method: "POST", Target: "/contact", Status: 422},
		{Method: "GET", Target: "/files/prices.pdf", Status: 200},
	} {
		replay.Add(e)
	}
	for _, c := range replay.Counts() {
		fmt.Printf("%s: %d, of which %d guessed (%s); not: %v\n", c.Goal, c.Count, c.Guessed, c.Untold, c.NotFired)
	}
	for _, s := range replay.Suggestions(1) {
		fmt.Println(s.What)
		fmt.Print(s.YAML)
	}
	// Output:
	// CONTACT_SENT: 2, of which 1 guessed ([where a redirect leads]); not: map[not_successful:1]
	// GET /files/prices.pdf was downloaded once
	//   - goal: PRICES_DOWNLOADED
	//     download: "/files/prices.pdf"
}

// An editor that knows YAML completes and checks the file by this.
func ExampleSchema() {
	var schema struct {
		Title      string
		Properties map[string]any
	}
	if err := json.Unmarshal(rule.Schema(), &schema); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(schema.Title, len(schema.Properties))
	// Output: goaltrack rule file 5
}

// A live site tells an exchange what it sees, and asks about each goal in turn. This
// is all that a server has to do for visits; goaltrack's Tracker does it.
func ExampleExchange() {
	set, err := rule.New(rule.Goal{
		Name: "PRODUCT_VISITED", Visit: "/products/{id}",
		If:   rule.Conditions{"query.ref": "present"},
		Data: map[string]any{"productId": "$path.id"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	noRoute := func(string) string { return "" }

	// The request has come.
	r := httptest.NewRequest(http.MethodGet, "/products/42?ref=mail", nil)
	w := httptest.NewRecorder()
	var x rule.Exchange
	x.Begin(r, r.Host, r.URL.Path, "", "", "")
	var mayCount []*rule.Cause
	for _, c := range set.Find(r.Method, r.URL.Path, "production", nil) {
		if reason := x.Consider(c); reason == rule.Fires {
			mayCount = append(mayCount, c)
		}
	}
	x.Serve() // No goal reads a body here.

	// The handler runs.
	w.Header().Set("Content-Type", "text/html")
	x.Answered(http.StatusOK, w.Header(), false, noRoute)
	fmt.Fprint(w, "<!doctype html><h1>Kettle</h1>")
	x.Ended(noRoute, true, false)

	// It has returned.
	for _, c := range mayCount {
		if reason, _ := c.Judge(&x, false); reason != rule.Fires {
			fmt.Println(c.Name(), reason)
			continue
		}
		e, reason := c.Event(&x, rule.Base{Page: c.Page(&x, noRoute), Language: "EN"})
		fmt.Println(e.Type, e.Page, e.Ext, reason)
	}
	// Output: PRODUCT_VISITED products [{productId 42}] fired
}
