package test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/internal/world"
)

// TestCountWarnings: rules that the visit cookie may not hold, and goals that
// never count because of those they come after.
func TestCountWarnings(t *testing.T) {
	many := func(n int, rule string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "  - { goal: G_%d, visit: /g/%d, %s }\n", i, i, rule)
		}
		return b.String()
	}
	for name, c := range map[string]struct{ goals, want string }{
		"30 that count once":   {many(30, "count: once per visitor"), ""},
		"31":                   {many(31, "count: once per visitor"), "G_30: more than 30 goals count once"},
		"31, one of them off":  {many(30, "count: once per visitor") + "  - { goal: X, visit: /x, count: once per day, status: paused }\n", ""},
		"with a value":         {many(40, "count: once per visitor for $query.q"), ""},
		"30 steps":             {many(30, "after: [X]") + "  - { goal: X, visit: /x }\n", ""},
		"31 steps":             {many(31, "after: [X]") + "  - { goal: X, visit: /x }\n", "G_30: the goals of all after: and not after: together are more than 30"},
		"30 steps and another": {many(30, "after: [X]") + "  - { goal: X, visit: /x }\n  - { goal: Y, visit: /y, not after: [X] }\n  - { goal: Z, visit: /z, not after: X }\n", "Y: the goals of all after: and not after: together are more than 30"},
		"after and not after":  {"  - { goal: X, visit: /x }\n  - { goal: Y, visit: /y, after: X, not after: X }\n", "Y: never counts: X stands under after: as well"},
		"itself":               {"  - { goal: A, visit: /a, after: [A] }\n", "A: never counts: A is paused, or waits for this goal in turn"},
		"in a circle":          {"  - { goal: A, visit: /a, after: [B] }\n  - { goal: B, visit: /b, after: [A] }\n", "A: never counts: B is paused, or waits for this goal in turn|B: never counts: A is paused, or waits for this goal in turn"},
		"a paused goal":        {"  - { goal: A, visit: /a, after: [B] }\n  - { goal: B, visit: /b, status: paused }\n", "A: never counts: B is paused, or waits for this goal in turn"},
		"in a row":             {"  - { goal: A, visit: /a, after: [B] }\n  - { goal: B, visit: /b, after: [C] }\n  - { goal: C, visit: /c, status: draft }\n", ""},
	} {
		var got []string
		for _, w := range world.MustParse(t, "version: 1\ngoals:\n"+c.goals).Warnings() {
			got = append(got, w.Goal+": "+w.Message)
		}
		if strings.Join(got, "|") != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestAfterFaults are found when the file is loaded.
func TestAfterFaults(t *testing.T) {
	for want, rule := range map[string]string{
		`within: "soon" is not a time (for example 30m or 2h)`:                                      "after: [A], within: soon",
		"within: is for after: only":                                                                "within: 30m",
		"after: has 11 goals, more than 10 (the visit cookie is small; name the goals that matter)": "after: [A, A, A, A, A, A, A, A, A, A, A]",
		"after: B is not a goal of this file (did you mean A?)":                                     "after: [B]",
	} {
		_, err := goaltrack.ParseRules([]byte("{version: 1, goals: [{goal: A, visit: /a}, {goal: X, visit: /x, " + rule + "}]}"))
		wantFault(t, err, want)
	}
}
