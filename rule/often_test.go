package rule_test

import (
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/rule"
)

// TestOftenFaults: what is wrong under a mapping of after: and not after:, with its place.
func TestOftenFaults(t *testing.T) {
	const before = "goals:\n  - { goal: SEEN, visit: /seen }\n  - goal: X\n    visit: /x\n"
	const segment = `a segment of Sitecore CDP does it, over all that a person did on any device (doc.sitecore.com, "Introduction to batch segmentation")`
	for line, want := range map[string]string{
		"after: { SEEN: 0 }":                            `5:20: goal X: SEEN: "0" is no number of times (a number of times in this session, ever, or { within: 30 days })`,
		"after: { SEEN: often }":                        `5:20: goal X: SEEN: "often" is no number of times (a number of times in this session, ever, or { within: 30 days })`,
		"after: { SEEN: 1.5 }":                          `5:20: goal X: SEEN: "1.5" is no number of times (a number of times in this session, ever, or { within: 30 days })`,
		"after: { SEEN: -1 }":                           `5:20: goal X: after: SEEN: -1 is no number of times (from 1 to 1000)`,
		"after: { SEEN: 1001 }":                         `5:20: goal X: after: SEEN: 1001 is no number of times (from 1 to 1000)`,
		"after: { SEEN: 30 days }":                      `5:20: goal X: SEEN: "30 days" is no number of times (write { within: 30 days })`,
		"after: { SEEN: { within: 30 dais } }":          `5:20: goal X: after: SEEN: "30 dais" is not a time (write 30 days)`,
		"after: { SEEN: { within: 2 months } }":         `5:20: goal X: after: SEEN: "2 months" is not a time (write 60 days)`,
		"after: { SEEN: { within: 1 year } }":           `5:20: goal X: after: SEEN: "1 year" is not a time (write 365 days; a visit cookie is kept for 400 days at most)`,
		"after: { SEEN: { within: 3d } }":               `5:20: goal X: after: SEEN: "3d" is not a time (write 3 days)`,
		"after: { SEEN: { within: soon } }":             `5:20: goal X: after: SEEN: "soon" is not a time (for example 30 days, 2 weeks, 12h or ever)`,
		"after: { SEEN: { times: 3, within: 1 week } }": `5:20: goal X: after: SEEN: how often it happened in 1 week is not known here: the visit cookie has the last time, and how often in this session and ever (write 3 for this session or { times: 3, within: ever }; ` + segment + `)`,
		"not after: { SEN: 2 }":                         `5:23: goal X: not after: SEN is not a goal of this file (did you mean SEEN?)`,
		"not after: { X: ever }":                        `5:21: goal X: the goal comes after itself (count: once per session, or once per month, counts it once)`,
		"after: { X: 2 }":                               `5:17: goal X: the goal comes after itself (count: once per session, or once per month, counts it once)`,
		"after: [SEEN, { SEEN: 2 }]":                    `5:19: goal X: after: a list has names only (write all of them as lines, such as after: { PRICES_READ: 1, PAGE_SEEN: 3 })`,
		"after: {}":                                     `5:12: goal X: after: names no goal (name one, or leave after: out)`,
		"after: []":                                     `5:12: goal X: after: names no goal (name one, or leave after: out)`,
		"after: { SEEN: { time: 2 } }":                  `5:22: goal X: unknown key time: (did you mean times:?)`,
		"within: 3m":                                    `5:13: goal X: within: is for after: only`,
		"after: { SEEN: 2 }\n    within: 3m":            `6:13: goal X: within: is for a list of goals under after: (write it with the goal: after: { NAME: { within: 3m } })`,
		"after: SEEN\n    within: 30 days":              `6:13: goal X: within: "30 days" is not a time (for earlier sessions, too, write after: { SEEN: { within: 30 days } })`,
	} {
		_, err := rule.Parse([]byte(before + "    " + line + "\n"))
		if err == nil || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", line, err, want)
		}
	}
}

// TestOftenWarnings: what loads, and can never be.
func TestOftenWarnings(t *testing.T) {
	const before = "goals:\n  - { goal: SEEN, visit: /seen }\n  - goal: X\n    visit: /x\n"
	for line, want := range map[string]string{
		"after: { SEEN: 2 }":                                              "",
		"after: { SEEN: 2 }\n    not after: { SEEN: 3 }":                  "",
		"after: { SEEN: 2 }\n    not after: { SEEN: 2 }":                  "never counts: SEEN 2 times stands under after: as well",
		"after: { SEEN: { within: 401 days } }":                           "401 days is longer than browsers keep the visit cookie, 400 days at most",
		"after: { SEEN: { within: 57 weeks } }":                           "",
		"after: { SEEN: { within: 20000 weeks } }":                        "20000 weeks is longer than browsers keep the visit cookie, 400 days at most",
		"after: { SEEN: { within: 61000 weeks } }":                        "61000 weeks is longer than browsers keep the visit cookie, 400 days at most",
		"after: { SEEN: { within: 2562047h47m16s } }":                     "2562047h47m16s is longer than browsers keep the visit cookie, 400 days at most",
		"after: SEEN\n    within: 25h":                                    "within: 25h is longer than a session, and what is listed under after: has to happen in this one",
		"after: { SEEN: ever }\n    not after: { SEEN: 1 }":               "",
		"after: { Y: ever }\n  - { goal: Y, visit: /y, after: { X: 1 } }": "never counts: Y is paused, or waits for this goal in turn|never counts: X is paused, or waits for this goal in turn",
	} {
		rules, err := rule.Parse([]byte(before + "    " + line + "\n"))
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		var got []string
		for _, w := range rules.Warnings() {
			got = append(got, w.Message)
		}
		if strings.Join(got, "|") != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

// TestOftenInSession: requests of one visitor, over several sessions.
func TestOftenInSession(t *testing.T) {
	rules, err := rule.Parse([]byte(`
goals:
  - { goal: SEEN, visit: "/**" }
  - { goal: WEBINAR, visit: /webinar }
  - { goal: THIRD, visit: /c, after: { SEEN: 2 } }
  - { goal: LATELY, visit: /c, after: { WEBINAR: { within: 10 days } } }
  - { goal: EVER, visit: /c, after: { WEBINAR: ever } }
  - { goal: TWICE, visit: /c, after: { WEBINAR: { times: 2, within: ever } } }
  - goal: FRESH
    visit: /c
    not after: { WEBINAR: { within: 10 days } }
`))
	if err != nil {
		t.Fatal(err)
	}
	s, at := rules.NewSession(), time.Date(2027, 1, 15, 14, 50, 0, 0, time.UTC)
	const day = 24 * time.Hour
	for _, step := range []struct {
		later time.Duration
		line  string
		want  string
		why   map[string]string
	}{
		{0, "GET /c", "SEEN FRESH", map[string]string{
			"THIRD": "line 5: counts only after SEEN 2 times; SEEN has not happened", "EVER": "line 7: counts only after WEBINAR, ever; WEBINAR has not happened",
		}},
		{0, "GET /c", "SEEN FRESH", map[string]string{"THIRD": "line 5: counts only after SEEN 2 times; SEEN has happened once in this session"}},
		{0, "GET /c", "SEEN THIRD FRESH", nil},
		{0, "GET /webinar", "SEEN WEBINAR", nil},
		{day, "GET /c", "SEEN LATELY EVER", map[string]string{
			"TWICE": "line 8: counts only after WEBINAR 2 times, ever; WEBINAR has happened once",
			"THIRD": "line 5: counts only after SEEN 2 times; SEEN has not happened in this session",
			"FRESH": "line 11: counts only if none of these came before: WEBINAR within 10 days",
		}},
		{9 * day, "GET /c", "SEEN LATELY EVER", nil},
		{time.Minute, "GET /c", "SEEN EVER FRESH", map[string]string{"LATELY": "line 6: counts only after WEBINAR within 10 days; WEBINAR is longer ago"}},
		{0, "GET /webinar", "SEEN WEBINAR", nil},
		{0, "GET /c", "SEEN THIRD LATELY EVER TWICE", nil},
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
				got = append(got, v.Goal)
			} else if want := step.why[v.Goal]; want != "" && v.Reason != want {
				t.Errorf("%s: %s: %q\nwant %q", step.line, v.Goal, v.Reason, want)
			}
		}
		if strings.Join(got, " ") != step.want {
			t.Errorf("%s at %v: %v, want %s", step.line, at, got, step.want)
		}
	}
}

// TestOftenInWords: sentences for people, and the notes of try.
func TestOftenInWords(t *testing.T) {
	rules, err := rule.Parse([]byte(`
goals:
  - { goal: A, visit: /a }
  - { goal: B, visit: /b }
  - goal: X
    visit: /x
    after: { A: 3, B: { within: 30 days } }
    not after: { A: ever, B: { within: 1h30m } }
`))
	if err != nil {
		t.Fatal(err)
	}
	x := rules.Definitions()[2]
	const sentence = "Counts each time the page /x is opened, only after A 3 times in the same session and B in the last 30 days, unless A at any time before or B in the last 1 hour 30 minutes happened."
	if got := x.Sentence(); got != sentence {
		t.Errorf("%s\nwant %s", got, sentence)
	}
	const note = "only after A 3 times and B within 30 days, not after A, ever, B within 1h30m"
	e, err := rule.ParseExample("GET /x")
	if err != nil {
		t.Fatal(err)
	}
	if v := rules.Explain(e)[2]; !v.Fired || v.Note != note {
		t.Errorf("%+v", v)
	}
	replay := rules.NewReplay()
	replay.Add(rule.LogEntry{Method: "GET", Target: "/x", Status: 200, ContentType: "text/html"})
	want := "what came before (after A 3 times and B within 30 days)|what came before (not after A, ever, B within 1h30m)"
	if n := replay.Counts()[2]; n.Guessed != 1 || strings.Join(n.Untold, "|") != want {
		t.Errorf("%+v", n)
	}
}
