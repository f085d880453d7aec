package rule_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/rule"
)

// TestRenamedFaults: every fault of renamed: at once, with its place.
func TestRenamedFaults(t *testing.T) {
	_, err := rule.Parse([]byte(`goals:
  - goal: NEW
    renamed: [OLD, NEW, old, OLD, OTHER]
    visit: /a
  - goal: OTHER
    renamed: OLD
    visit: /b
`))
	want := `3:20: goal NEW: renamed: NEW is the name that the goal has now (write the names that it had before)
3:25: goal NEW: renamed: the name "old" is not made of upper-case letters, digits and _ (write OLD)
3:30: goal NEW: renamed: names OLD twice
3:35: goal NEW: renamed: OTHER is still a goal of this file (remove that goal, or leave it out here)
6:14: goal OTHER: renamed: NEW says that it was OLD, too (only one goal can go on with what is remembered under a name)`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	_, err = rule.Parse([]byte("goals:\n  - { goal: A, visit: /a, renamed: B }\n  - { goal: C, visit: /c, after: B }\n"))
	if want := "3:34: goal C: after: B is not a goal of this file (its name is A now)"; err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	_, err = rule.Parse([]byte("goals:\n  - { goal: A, visit: /a, formerly: B }\n"))
	if want := "2:27: goal A: unknown key formerly: (did you mean renamed:?)"; err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

// TestRenamedWarnings: what in Sitecore waits for the old name hears nothing any more.
func TestRenamedWarnings(t *testing.T) {
	for line, want := range map[string]string{
		"renamed: OLD":                                   "",
		"renamed: OLD, used by: journey":                 "the CDP gets NEW from now on, and what uses the goal there (journey) waits for OLD",
		"renamed: [OLDEST, OLD], used by: segment":       "the CDP gets NEW from now on, and what uses the goal there (segment) waits for OLD",
		"renamed: OLD, used by: journey, sends: OLD":     "",
		"renamed: OLD, used by: journey, status: paused": "",
	} {
		rules, err := rule.Parse([]byte("goals:\n  - { goal: NEW, visit: /a, " + line + " }\n"))
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

// TestRenamedIsRemembered under its oldest name, whatever its name is now.
func TestRenamedIsRemembered(t *testing.T) {
	const file = `
goals:
  - { goal: %a, visit: /a, count: once per visitor }
  - { goal: D, status: draft, visit: /a, count: once per visitor }
  - { goal: X, visit: /x, after: [%b], not after: %c }
  - { goal: Y, visit: /y, after: { %b: ever } }
  - { goal: %b, visit: /b }
  - { goal: %c, visit: /c }
`
	past := func(replace ...string) (list []any) {
		rules, err := rule.Parse([]byte(strings.NewReplacer(replace...).Replace(file)))
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range rules.Goals() {
			p := *g.Past()
			list = append(list, p.Hash, p.Walk, p.Tally, p.NotAfter, p.Each)
		}
		return list
	}
	text := func(list []any) string {
		return strings.TrimSpace(strings.Join(strings.Fields(fmt.Sprint(list...)), " "))
	}
	before := past("%a", "A", "%b", "B", "%c", "C")
	after := past("goal: %a", "goal: A2, renamed: [A, A1]", "goal: D", "goal: D2, renamed: D", "goal: %b", "goal: B2, renamed: B", "goal: %c", "goal: C2, renamed: C", "%b", "B2", "%c", "C2")
	if text(before) != text(after) {
		t.Errorf("before %s\nafter  %s", text(before), text(after))
	}
	if other := past("%a", "A2", "%b", "B2", "%c", "C2"); text(other) == text(before) {
		t.Error("without renamed: all is remembered under other names, too")
	}
}
