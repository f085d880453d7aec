package rule

import (
	"strings"
	"testing"
	"time"
)

func TestParseExpect(t *testing.T) {
	for _, tc := range []struct {
		text  string
		least int
		fault string
	}{
		{"", 0, ""},
		{"daily", 1, ""},
		{" Daily ", 1, ""},
		{"at least 5 per day", 5, ""},
		{"At  least 1000000 per day", 1000000, ""},
		{"dayly", 0, `expect: "dayly" is not understood (did you mean daily?)`},
		{"weekly", 0, `expect: "weekly" is not understood (daily, or at least 5 per day)`},
		{"5", 0, `expect: "5" is not understood`},
		{"at least 5 per week", 0, `expect: "at least 5 per week" is not understood`},
		{"at least five per day", 0, `expect: "five" is not a whole number`},
		{"at least 0 per day", 0, `expect: 0 a day is not between 1 and 1000000`},
		{"at least -3 per day", 0, `expect: -3 a day is not between 1 and 1000000`},
		{"at least 99999999999999999999 per day", 0, `is not a whole number`},
	} {
		s, err := New(Goal{Name: "A", Visit: "/a", Expect: tc.text})
		switch {
		case tc.fault == "" && err != nil:
			t.Errorf("%q: %v", tc.text, err)
		case tc.fault != "" && (err == nil || !strings.Contains(err.Error(), tc.fault)):
			t.Errorf("%q: %v, want %s", tc.text, err, tc.fault)
		case err == nil && s.Facts("").Goals[0].Expect != tc.least:
			t.Errorf("%q: %d, want %d", tc.text, s.Facts("").Goals[0].Expect, tc.least)
		}
	}
}

func TestExpectedOfWhom(t *testing.T) {
	for _, tc := range []struct {
		name string
		env  string
		goal Goal
		want int
	}{
		{"live", "", Goal{}, 7},
		{"draft", "", Goal{Status: "draft"}, 0},
		{"paused", "", Goal{Status: "paused"}, 0},
		{"in its environment", "production", Goal{Env: []string{"production"}}, 7},
		{"in another", "test", Goal{Env: []string{"production"}}, 0},
	} {
		tc.goal.Name, tc.goal.Visit, tc.goal.Expect = "A", "/a", "at least 7 per day"
		tc.goal.From, tc.goal.Until = "2026-12-01", "2026-12-24"
		s, err := New(tc.goal)
		if err != nil {
			t.Fatal(tc.name, err)
		}
		got := s.Facts(tc.env).Goals[0]
		if got.Expect != tc.want {
			t.Errorf("%s: %d a day, want %d", tc.name, got.Expect, tc.want)
		}
		if tc.want > 0 && (!got.From.Equal(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)) || !got.Until.Equal(time.Date(2026, 12, 25, 0, 0, 0, 0, time.UTC))) {
			t.Errorf("%s: from %v until %v", tc.name, got.From, got.Until)
		}
	}
}

func TestExpectInWordsAndWarning(t *testing.T) {
	for expect, want := range map[string]string{
		"":                   "Counts each time the page /a is opened.",
		"daily":              "Counts each time the page /a is opened. It is expected to count every day.",
		"at least 5 per day": "Counts each time the page /a is opened. It is expected to count at least 5 times a day.",
	} {
		g := Goal{Name: "A", Visit: "/a", Expect: expect}
		if got := g.Sentence(); got != want {
			t.Errorf("%q: %s", expect, got)
		}
	}
	s, err := New(Goal{Name: "A", Visit: "/a", Expect: "daily", Status: "draft"})
	if err != nil || len(s.Warnings()) != 1 || !strings.Contains(s.Warnings()[0].String(), "nothing is expected of a draft") {
		t.Errorf("%v, warnings %v", err, s.Warnings())
	}
}
