package rule_test

import (
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/rule"
)

// TestSession: the steps of after: count in their order and in other requests, and days
// are those of the goal.
func TestSession(t *testing.T) {
	rules, err := rule.Parse([]byte(`
goals:
  - { goal: A_SEEN, visit: /a }
  - { goal: B_SEEN, visit: "/b/**", status: draft }
  - { goal: BOTH, visit: "/b/**", after: [A_SEEN, B_SEEN], count: once per visitor for $query.q }
  - { goal: ALONE, visit: /alone, not after: A_SEEN }
  - { goal: TODAY, visit: /today, count: once per day, timezone: Asia/Tokyo }
  - { goal: FROM_MAIL, visit: /c, data: { from: $utm.source } }
`))
	if err != nil {
		t.Fatal(err)
	}
	s := rules.NewSession()
	at := time.Date(2027, 1, 15, 14, 50, 0, 0, time.UTC)
	for _, step := range []struct {
		later time.Duration
		line  string
		want  string
	}{
		{0, "GET /b?q=1 header.Referer=https://news.example/", "B_SEEN"},
		{0, "GET /alone", "ALONE"},
		{0, "GET /a?utm_source=late", "A_SEEN"},
		{0, "GET /alone", ""},
		{0, "GET /b?q=1", "B_SEEN"}, // it is the second step itself
		{0, "GET /b?q=1", "B_SEEN BOTH"},
		{0, "GET /b?q=1", "B_SEEN"},
		{0, "GET /b/2?q=2", "B_SEEN BOTH"},
		{0, "GET /b/2", "B_SEEN"}, // for which value is not said
		{0, "GET /today", "TODAY"},
		{5 * time.Minute, "GET /today", ""},
		{5 * time.Minute, "GET /today", "TODAY"}, // in Tokyo, the day is over
		{0, "GET /c", "FROM_MAIL"},               // the session began elsewhere
		{20 * time.Minute, "GET /c?utm_source=mail", "FROM_MAIL mail"},
		{0, "GET /c", "FROM_MAIL mail"},
		{0, "GET /b?q=1", "B_SEEN"}, // another session
		{0, "GET /alone", "ALONE"},
	} {
		at = at.Add(step.later)
		e, err := rule.ParseExample(step.line)
		if err != nil {
			t.Fatal(err)
		}
		e.At = at
		var got []string
		for _, v := range s.Explain(e) {
			if v.Fired {
				if got = append(got, v.Goal); v.Data["from"] != nil {
					got = append(got, v.Data["from"].(string))
				}
			} else if v.Reason == "" || v.Code == rule.Fires {
				t.Errorf("%s: %s: no reason", step.line, v.Goal)
			}
		}
		if strings.Join(got, " ") != step.want {
			t.Errorf("%s: %v, want %s", step.line, got, step.want)
		}
	}
}

// TestExampleAddress: a whole address says the host and the path.
func TestExampleAddress(t *testing.T) {
	for line, want := range map[string]string{
		"https://www.uni.example/my":                           "GET www.uni.example /my",
		"HTTPS://www.uni.example":                              "GET www.uni.example /",
		"http://localhost:8080?q=a#top":                        "GET localhost:8080 /?q=a",
		"http://[::1]:8080/x":                                  "GET [::1]:8080 /x",
		"https://ann:secret@uni.example/a@b":                   "GET uni.example /a@b",
		"POST https://uni.example/contact topic=a -> 303 /x":   "POST uni.example /contact",
		"GET https://uni.example/a host=other.example":         "GET other.example /a",
		"https://uni.example/a?next=https://b.example/ -> 404": "GET uni.example /a?next=https://b.example/",
		"GET /a?next=https://b.example/":                       "GET  /a?next=https://b.example/",
		"https://":                                             "",
		"https:///a":                                           "",
		`"https://a b/c"`:                                      "",
		"ftp://uni.example/a":                                  "",
		"POST":                                                 "",
		"":                                                     "",
	} {
		e, err := rule.ParseExample(line)
		got := ""
		if err == nil {
			got = e.Method + " " + e.Host + " " + e.Path
		}
		if got != want {
			t.Errorf("%s: %q, want %q (%v)", line, got, want, err)
		}
	}
}
