package rule

import (
	"slices"
	"testing"

	"github.com/goaltrack/goaltrack/fact"
)

// TestFactsOfThePast: a report is told the former names of a goal, and what has to have
// happened before it.
func TestFactsOfThePast(t *testing.T) {
	s, err := Parse([]byte(`goals:
  - { goal: SEEN, visit: /prices }
  - { goal: READ, visit: /blog }
  - { goal: SENT, submit: /quote, renamed: [ASKED, QUOTED], after: { SEEN: 3, READ: { within: 30 days } } }
  - { goal: AGAIN, submit: /again, after: { READ: ever }, not after: { SEEN: 2 } }
`))
	if err != nil {
		t.Fatal(err)
	}
	goals := s.Facts("").Goals
	if got := goals[2]; !slices.Equal(got.Renamed, []string{"ASKED", "QUOTED"}) ||
		!slices.Equal(got.Asks, []fact.Asked{{Goal: "READ", Says: "in the last 30 days"}, {Goal: "SEEN", Says: "3 times in the same session"}}) {
		t.Errorf("%+v", got)
	}
	if got := goals[3]; got.Renamed != nil || !slices.Equal(got.Asks, []fact.Asked{{Goal: "READ", Says: "at any time before"}}) {
		t.Errorf("%+v", got)
	}
}

// TestDraftsHaveAPastOfTheirOwn: no goal shares what is remembered of visitors with the draft of
// another one, whatever it is called.
func TestDraftsHaveAPastOfTheirOwn(t *testing.T) {
	s, err := Parse([]byte(`goals:
  - { goal: X, visit: /a, count: once per visitor, status: draft }
  - { goal: "draft:X", visit: /b, count: once per visitor }
  - { goal: "draft:draft:X", visit: /c, count: once per visitor }
  - { goal: "draft:Y", visit: /d, count: once per visitor, status: draft }
  - { goal: Y, visit: /e, count: once per visitor }
`))
	if err != nil {
		t.Fatal(err)
	}
	of := map[string]string{}
	for _, g := range s.goals {
		if other, taken := of[g.pastName()]; taken {
			t.Errorf("%s and %s are remembered as %q", other, g.Name, g.pastName())
		}
		of[g.pastName()] = g.Name
	}
	if of["draft:X"] != "X" || of["Y"] != "Y" {
		t.Errorf("what is remembered has another name now: %v", of)
	}
}
