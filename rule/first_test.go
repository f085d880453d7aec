package rule_test

import (
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/rule"
)

// TestSessionFaults: what a session: may not say, and what a first. may not.
func TestSessionFaults(t *testing.T) {
	for line, want := range map[string]string{
		"session: 0":                   `4:14: goal X: session: "0" is not understood (3, or ">= 3" for the third and all that follow)`,
		"session: third":               `4:14: goal X: session: "third" is not understood (3, or ">= 3" for the third and all that follow)`,
		"session: new":                 `4:14: goal X: session: "new" is not understood (write 1 for the first session of a visitor)`,
		"session: returning visitor":   `4:14: goal X: session: "returning visitor" is not understood (write ">= 2" for all but the first session of a visitor)`,
		`session: "= 3"`:               `4:14: goal X: session: "= 3" is not understood (3, or ">= 3" for the third and all that follow)`,
		`session: "< 1"`:               `4:14: goal X: session: there is none before the first (write 1 for the first)`,
		"session: 1000000":             `4:14: goal X: session: "1000000" is not understood (3, or ">= 3" for the third and all that follow)`,
		"visits: 3":                    `4:5: goal X: unknown key visits: (did you mean session:?)`,
		"if: { first: spring }":        `4:18: goal X: first: a source needs a name (for example first.email)`,
		"data: { c: $firts.campaign }": `4:16: goal X: $firts.campaign: unknown source (did you mean $first.campaign?)`,
	} {
		_, err := rule.Parse([]byte("goals:\n  - goal: X\n    visit: /x\n    " + line + "\n"))
		if err == nil || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", line, err, want)
		}
	}
}

// TestNumberOfSession: requests of one visitor, over several sessions, and where they first
// came from.
func TestNumberOfSession(t *testing.T) {
	rules, err := rule.Parse([]byte(`
goals:
  - { goal: FIRST, visit: /a, session: 1 }
  - { goal: THIRD, visit: /a, session: 3 }
  - { goal: LATER, visit: /a, session: "> 1" }
  - { goal: EARLY, visit: /a, session: "<= 2" }
  - { goal: SPRING, visit: /a, if: { first.campaign: [spring, may] } }
  - { goal: DIRECT, visit: /a, unless: { first.campaign: present } }
  - { goal: SENT, visit: /b, data: { campaign: $first.campaign, from: $first.referrer } }
`))
	if err != nil {
		t.Fatal(err)
	}
	s, at := rules.NewSession(), time.Date(2027, 1, 15, 14, 50, 0, 0, time.UTC)
	for _, step := range []struct {
		later      time.Duration
		line, want string
	}{
		{0, "GET /a", "FIRST EARLY DIRECT"},
		{19 * time.Minute, "GET /a?utm_campaign=too_late", "FIRST EARLY DIRECT"},
		{0, "GET /b", "SENT"},
		{time.Hour, "GET /a?utm_campaign=spring header.Referer=https://news.example/a?b", "LATER EARLY SPRING"},
		{0, "GET /b", "SENT spring https://news.example/a"},
		{time.Hour, "GET /b?utm_campaign=autumn", "SENT spring https://news.example/a"},
		{0, "GET /a", "THIRD LATER SPRING"},
		{time.Hour, "GET /a", "LATER SPRING"},
	} {
		at = at.Add(step.later)
		e, err := rule.ParseExample(step.line)
		if err != nil {
			t.Fatal(err)
		}
		e.At = at
		var got []string
		for _, v := range s.Explain(e) {
			switch {
			case v.Fired:
				got = append(got, v.Goal)
				for _, name := range []string{"campaign", "from"} {
					if text, ok := v.Data[name].(string); ok {
						got = append(got, text)
					}
				}
			case v.Goal == "THIRD" && step.line == "GET /a" && v.Reason != "line 4: counts only in session 3 of a visitor, and this is number 1" && v.Reason != "line 4: counts only in session 3 of a visitor, and this is number 4":
				t.Errorf("%q", v.Reason)
			case v.Goal == "SPRING" && strings.HasPrefix(step.line, "GET /a") && v.Reason != "line 7: if: first.campaign: [spring may] does not hold":
				t.Errorf("%q", v.Reason)
			}
		}
		if strings.Join(got, " ") != step.want {
			t.Errorf("%s: %v, want %s", step.line, got, step.want)
		}
	}
	e, err := rule.ParseExample("GET /a?utm_campaign=spring")
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range rules.Explain(e)[:6] {
		if !v.Fired || v.Note == "" {
			t.Errorf("%d: an example has no past, so it counts: %+v", i, v)
		}
	}
	replay := rules.NewReplay()
	replay.Add(rule.LogEntry{Method: "GET", Target: "/a", Status: 200, ContentType: "text/html"})
	if n := replay.Counts(); n[1].Guessed != 1 || strings.Join(n[1].Untold, "|") != "which session of the visitor it is (3)" || n[4].Guessed != 1 || strings.Join(n[4].Untold, "|") != "first.campaign" {
		t.Errorf("%+v", n)
	}
	for i, want := range []string{
		"Counts each time the page /a is opened, in session 1 of a visitor.", "Counts each time the page /a is opened, in session 3 of a visitor.",
		"Counts each time the page /a is opened, in session 2 and later of a visitor.", "Counts each time the page /a is opened, in sessions 1 to 2 of a visitor.",
		"Counts each time the page /a is opened, if the campaign of the visitor's first session is spring or may.",
	} {
		if got := rules.Definitions()[i]; got.Sentence() != want {
			t.Errorf("%s\nwant %s", got.Sentence(), want)
		}
	}
}
