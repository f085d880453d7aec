package rule_test

import (
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/rule"
)

// TestWeeksAndMonths: requests of one visitor, over half a year.
func TestWeeksAndMonths(t *testing.T) {
	rules, err := rule.Parse([]byte(`
defaults: { timezone: Europe/Berlin }
goals:
  - { goal: WEEK, visit: /a, count: once per week }
  - { goal: MONTH, visit: /a, count: once per month }
  - { goal: FILE, visit: /a, count: once per month for $query.f }
`))
	if err != nil {
		t.Fatal(err)
	}
	s := rules.NewSession()
	for _, step := range []struct{ at, file, want string }{
		{"2027-01-31T22:59:00Z", "1", "WEEK MONTH FILE"}, // Sunday, 23:59
		{"2027-01-31T23:00:00Z", "1", "WEEK MONTH FILE"},
		{"2027-02-07T22:59:00Z", "1", ""},
		{"2027-02-07T22:59:00Z", "2", "FILE"},
		{"2027-02-07T23:00:00Z", "2", "WEEK"},
		{"2027-02-28T23:00:00Z", "2", "WEEK MONTH FILE"},
		{"2027-02-28T22:59:00Z", "2", ""}, // the clock was set back
		{"2027-03-28T22:00:00Z", "3", "WEEK FILE"},
		{"2027-06-30T22:00:00Z", "3", "WEEK MONTH FILE"},
	} {
		at, err := time.Parse(time.RFC3339, step.at)
		if err != nil {
			t.Fatal(err)
		}
		e, err := rule.ParseExample("GET /a?f=" + step.file)
		if err != nil {
			t.Fatal(err)
		}
		e.At = at
		var got []string
		for _, v := range s.Explain(e) {
			if v.Fired {
				got = append(got, v.Goal)
			}
		}
		if strings.Join(got, " ") != step.want {
			t.Errorf("%s: %v, want %s", step.at, got, step.want)
		}
	}
}

// TestCountHints: what people write for a count: has a hint that says what to write, or
// where it is done.
func TestCountHints(t *testing.T) {
	const rolling = "; a week begins on Monday, and a month on its first day"
	const segment = `a segment of Sitecore CDP does it, over all that a person did on any device (doc.sitecore.com, "Introduction to batch segmentation")`
	for text, want := range map[string]string{
		"once a week":          "write once per week" + rolling,
		"weekly":               "write once per week" + rolling,
		"once per 7 days":      "write once per week" + rolling,
		"once a month":         "write once per month" + rolling,
		"daily":                "write once per day",
		"once per visit":       "write once per session, or once per visitor",
		"once ever per person": "write once per visitor, which is one browser; for one person on several devices, " + segment,
		"once per customer":    "write once per visitor, which is one browser; for one person on several devices, " + segment,
		"once per year":        "write once per visitor, or once per month; beyond that " + segment,
		"twice":                "every, once per session, visitor, day, week or month, perhaps with for $source",
	} {
		_, err := rule.Parse([]byte("goals:\n  - { goal: A, visit: /a, count: " + text + " }\n"))
		if want = `2:34: goal A: count: "` + text + `" is not understood (` + want + ")"; err == nil || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", text, err, want)
		}
	}
}
