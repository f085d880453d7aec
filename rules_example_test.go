package goaltrack_test

import (
	"errors"
	"fmt"

	"github.com/goaltrack/goaltrack"
)

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
