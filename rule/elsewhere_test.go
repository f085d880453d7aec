package rule_test

import (
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/rule"
)

// TestElsewhere: what needs a database of people is refused with the sentence that says
// where Sitecore does it.
func TestElsewhere(t *testing.T) {
	for line, want := range map[string]string{
		"segment: vip":                                 `4:5: goal X: unknown key segment: (a segment of Sitecore CDP does it`,
		"audience: [a, b]":                             `4:5: goal X: unknown key audience: (a segment of Sitecore CDP does it`,
		"experience: spring":                           `4:5: goal X: unknown key experience: (Sitecore Personalize decides what to show to whom`,
		"journey: welcome":                             `4:5: goal X: unknown key journey: (a goal starts it, and Sitecore does the rest`,
		"if: { segment: vip }":                         `4:20: goal X: segment: unknown source (a segment of Sitecore CDP does it`,
		`if: { orders.year: "> 3" }`:                   `4:24: goal X: orders.year: unknown source (a segment of Sitecore CDP does it`,
		"unless: { customer.country: DE }":             `4:33: goal X: customer.country: unknown source (goaltrack keeps no profile of people; a segment of Sitecore CDP does it`,
		"data: { tier: $person.tier }":                 `4:19: goal X: $person.tier: unknown source (goaltrack keeps no profile of people; a segment of Sitecore CDP does it`,
		"count: once per $guest.email":                 `4:12: goal X: $guest.email: unknown source (goaltrack keeps no profile of people; a segment of Sitecore CDP does it`,
		"count: once ever per person":                  `4:12: goal X: count: "once ever per person" is not understood (write once per visitor, which is one browser; for one person on several devices, a segment of Sitecore CDP does it`,
		"after: { Y: { times: 3, within: 1 year } }":   `4:17: goal X: after: Y: "1 year" is not a time (write 365 days`,
		"after: { Y: { times: 4, within: 365 days } }": `4:17: goal X: after: Y: how often it happened in 365 days is not known here`,
	} {
		_, err := rule.Parse([]byte("goals:\n  - goal: X\n    visit: /x\n    " + line + "\n  - { goal: Y, visit: /y }\n"))
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") || strings.Contains(want, "does it") && !strings.Contains(err.Error(), "doc.sitecore.com") {
			t.Errorf("%s:\n got %v\nwant %s", line, err, want)
		}
	}
}
