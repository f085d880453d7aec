package rule_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/rule"
)

// warningsOf are those of a rule file, without their places.
func warningsOf(t *testing.T, text string) string {
	t.Helper()
	rules, err := rule.Parse([]byte(text))
	if err != nil {
		t.Fatal(text, err)
	}
	var list []string
	for _, w := range rules.Warnings() {
		list = append(list, w.Message+" ("+w.Hint+")")
	}
	return strings.Join(list, "\n")
}

// TestLiterals: what looks like an operator is warned of, with what to write; an ordinary
// text is not.
func TestLiterals(t *testing.T) {
	for condition, want := range map[string]string{
		`form.a: contains tea`:                  `write "~ tea"`,
		`form.a: starts with a.b`:               `write "~ ^a\.b"`,
		`form.a: ends with .de`:                 `write "~ \.de$"`,
		`form.a: is not tea`:                    "write tea under unless:",
		`form.a: not tea`:                       "write tea under unless:",
		`form.a: more than 5`:                   `write "> 5"`,
		`form.a: one of tea and cake`:           "a list, such as [a, b]",
		`form.a: not empty`:                     "write present",
		`form.a: "*"`:                           "write present",
		`form.a: is empty`:                      "write absent",
		`form.a: "null"`:                        "write absent",
		`form.a: "*.example"`:                   `write "~ \.example$"`,
		`form.a: tea*`:                          `write "~ ^tea"`,
		`form.a: "%tea%"`:                       `write "~ tea"`,
		`form.a: ^tea`:                          `write "~ ^tea"`,
		`form.a: .*tea.*`:                       `write "~ .*tea.*"`,
		`form.a: "/^tea$/"`:                     `write "~ ^tea$"`,
		`form.a: "/.*tea.*/"`:                   `write "~ .*tea.*"`,
		`form.a: "/tea[0-9]/i"`:                 `write "~ (?i)tea[0-9]"`,
		`form.a: "/tea/.*"`:                     `write "~ /tea/.*"`,
		`form.a: /account/`:                     "", // may be an address
		`form.a: "~ /^tea$/"`:                   `never fits, since the slashes are a part of it (write "~ ^tea$")`,
		`form.a: "~ /tea$/i"`:                   `write "~ (?i)tea$"`,
		`form.a: "~ /tea/"`:                     "",
		`form.a: '~ /5\$/'`:                     "",
		`form.a: sales|support`:                 "write a list",
		`form.a: sales || support`:              "write a list",
		`form.a: a && b`:                        "write one in each line",
		`form.a: $form.b`:                       "a condition does not read a second value",
		`form.a: [tea, contains tea]`:           `write "~ tea"`,
		`referrer: google.com`:                  `write "~ google\.com"`,
		`response.type: html`:                   "for example text/html",
		`host: https://shop.example`:            "for example shop.example",
		`form.a: sales`:                         "",
		`form.a: "Sales & Marketing"`:           "",
		`form.a: 50%`:                           "",
		`form.a: US$`:                           "",
		`form.a: "5"`:                           "",
		`form.a: a@uni.example`:                 "",
		`form.a: 7/8`:                           "",
		`form.a: notebook`:                      "",
		`form.a: island`:                        "",
		`form.a: "~ contains"`:                  "",
		`form.a: What is tea?`:                  "",
		`host: "*.shop.example"`:                "",
		`path: /a/*`:                            "",
		`referrer: https://news.example/a`:      "",
		`response.type: application/json`:       "",
		`form.a: [sales, "support and advice"]`: "",
	} {
		got := warningsOf(t, fmt.Sprintf("goals:\n  - goal: A_SENT\n    submit: /a\n    success: redirect to /b\n    if: { %s }\n", condition))
		if want == "" && got != "" || !strings.Contains(got, want) || want != "" && strings.Count(got, "\n") > 0 {
			t.Errorf("%s: %q, want %q", condition, got, want)
		}
	}
	for data, want := range map[string]string{
		`data: { a: form.a }`:            "write $form.a for the value",
		`data: { a: "{{ form.a }}" }`:    "write $form.a for the value",
		`data: { a: "Order $app.id" }`:   "a value stands alone",
		`page: utm.source`:               "write $utm.source for the value",
		`data: { a: $form.a, b: plain }`: "",
		`data: { a: www.form.example }`:  "",
		`data: { a: platform.de }`:       "",
	} {
		got := warningsOf(t, "goals:\n  - goal: A_SENT\n    submit: /a\n    success: redirect to /b\n    "+data+"\n")
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", data, got, want)
		}
	}
}

// TestGoalsThatCannotCount: goals that cannot count, and events that cannot be used as meant.
func TestGoalsThatCannotCount(t *testing.T) {
	for goal, want := range map[string]string{
		"visit: /a, until: 2020-01-01":                   "until: 2020-01-01 is over",
		"visit: /a, until: 2020-01-01, status: paused":   "",
		"visit: /a, until: 2999-01-01":                   "",
		"visit: /files/a.PDF":                            "write download: /files/a.PDF",
		"visit: '/files/**/{name}.zip'":                  "write download: /files/**/{name}.zip",
		"any: [{ visit: /a }, { visit: /b.pdf }]":        "write download: /b.pdf",
		"visit: /index.html":                             "",
		"visit: /about.php":                              "",
		"visit: /v1.2":                                   "",
		"download: /files/a.pdf":                         "",
		"visit: '/**'":                                   "last 100 events of a session",
		"visit: '/{page}'":                               "last 100 events of a session",
		"visit: '/{page:.*}'":                            "last 100 events of a session",
		"visit: '/**', count: once per session":          "",
		"visit: '/**', if: { query.a: present }":         "",
		"visit: /a, used by: experiment, data: { n: 5 }": "compares attributes as texts only (put quotes around it)",
		"visit: /a, used by: [journey, experiment], data: { n: { from: $query.n, as: number } }": "{ from: ..., as: text }",
		"visit: /a, used by: experiment, data: { pro: true }":                                    "pro is sent as a bool",
		"visit: /a, used by: experiment, data: { n: \"5\", q: $query.q }":                        "",
		"visit: /a, used by: segment, data: { n: 5 }":                                            "",
	} {
		got := warningsOf(t, "goals:\n  - { goal: A_SEEN, "+goal+" }\n")
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", goal, got, want)
		}
	}
}

// TestHints: what people write in the way of their own language is understood well enough
// to say how it is written.
func TestHints(t *testing.T) {
	for goal, want := range map[string]string{
		"goal: ÜBER_UNS, visit: /a":                              "write UEBER_UNS",
		"goal: Café besucht, visit: /a":                          "write CAFE_BESUCHT",
		"goal: A, visit: /a, from: 1.12.2026":                    "write 2026-12-01",
		"goal: A, visit: /a, from: 2026/12/1":                    "write 2026-12-01",
		"goal: A, visit: /a, from: soon":                         "2026-12-01 or",
		"goal: A, visit: /a, after: [A2], within: 2 hours":       "write 2h",
		"goal: A, visit: /a, after: [A2], within: 1 Tag":         "write 24h",
		"goal: A, visit: /a, after: [A2], within: 90 min":        "write 90m",
		"goal: A, visit: /a, after: [A2], within: a while":       "for example 30m or 2h",
		"goal: A, visit: /a, value: 5 EUR":                       "write value: { amount: 5, currency: EUR }",
		"goal: A, visit: /a, value: €5":                          "write value: { amount: 5, currency: EUR }",
		"goal: A, visit: /a, value: 5 XYZ":                       "for example value: 129.90",
		"goal: A, visit: /a, if: { utm_source: x }":              "did you mean utm.source?",
		"goal: A, visit: /a, if: { query-q: x }":                 "did you mean query.q?",
		"goal: A, submit: { path: /a, success: redirect to /b }": "it stands in the goal itself",
		"goal: A, submit: /a, success: /b":                       "write redirect to /b",
	} {
		_, err := rule.Parse([]byte("goals:\n  - { goal: A2, visit: /2 }\n  - { " + goal + " }\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", goal, err, want)
		}
	}
}
