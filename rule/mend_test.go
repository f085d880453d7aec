package rule

import (
	"slices"
	"strings"
	"testing"
)

// TestYAMLFaultsHideNothing: a fault of YAML in one goal does not hide those of the others,
// and nothing is said that only comes of it.
func TestYAMLFaultsHideNothing(t *testing.T) {
	const others = "  - goal: before\n    visit: /a\n    after: [BROKEN]\n%  - goal: AFTER_IT\n    visit: b\n    after: [BROKEN]\n"
	for name, broken := range map[string]string{
		"a tab":                 "  - goal: BROKEN\n\tvisit: /c\n    count: often\n",
		"a tab before a goal":   "\t- goal: BROKEN\n\t  visit: /c\n",
		"tabs of a goal":        "  \t- { goal: BROKEN, visit: /c }\n",
		"a star":                "  - goal: BROKEN\n    download: *.pdf\n",
		"a colon":               "  - goal: BROKEN\n    label: a: b\n    visit: /c\n",
		"an open quote":         "  - goal: BROKEN\n    label: \"a\n    visit: /c\n",
		"an open quote at last": "  - goal: BROKEN\n    visit: \"/c\n",
		"no colon":              "  - goal: BROKEN\n    visit /c\n",
		"an open bracket":       "  - goal: BROKEN\n    submit: /c\n    if: { form.a: [b, c }\n",
		"indented":              "  - goal: BROKEN\n     visit: /c\n    count: every\n",
		"in the name":           "  - goal: BROKEN: x\n    visit: /c\n",
		"flow style":            "  - {goal: BROKEN, visit: *x}\n",
		"its children stay":     "  - goal: BROKEN\n    submit: /c\n    data: x: y\n      a: b\n      c: d\n",
		"the only child":        "  - goal: BROKEN\n    submit: /c\n    data:\n      a: b: c\n",
		"an anchor":             "  - goal: BROKEN\n    visit: &x /c\n",
		"a tag":                 "  - goal: BROKEN\n    visit: !x /c\n",
		"a known alias":         "  - goal: BROKEN\n    label: &x a\n    visit: *x\n",
	} {
		text := "goals:\n" + strings.Replace(others, "%", broken, 1)
		got := faultsOf(t, []byte(text))
		in := func(part string) func(string) bool {
			return func(f string) bool { return strings.Contains(f, part) }
		}
		if !slices.ContainsFunc(got, in(`the name "before"`)) || !slices.ContainsFunc(got, in(`the path "b" does not begin`)) {
			t.Errorf("%s: the others are hidden\n%s", name, strings.Join(got, "\n"))
		}
		most := 3
		if name == "a known alias" {
			most = 4 // two faults of its own
		}
		if len(got) < 3 || len(got) > most || slices.ContainsFunc(got, in("is not a goal of this file")) {
			t.Errorf("%s: too much or too little is said\n%s", name, strings.Join(got, "\n"))
		}
	}
}

// TestManyYAMLFaults: each goal that YAML does not understand is told of, up to a bound, and
// a file that cannot be mended ends the look.
func TestManyYAMLFaults(t *testing.T) {
	text := "version: 1\ngoals:\n" + strings.Repeat("  - goal: BROKEN\n    label: a: b\n    visit: /c\n", 5) + "defaults:\n  language: English\n"
	got := faultsOf(t, []byte(text))
	if n := len(slices.DeleteFunc(slices.Clone(got), func(f string) bool { return !strings.Contains(f, "a colon where none can be") })); n != 5 {
		t.Errorf("%d of 5 faults\n%s", n, strings.Join(got, "\n"))
	}
	if !strings.Contains(strings.Join(got, "\n"), `"English" is not understood`) {
		t.Errorf("the defaults are hidden\n%s", strings.Join(got, "\n"))
	}
	for _, text := range []string{"goals: [\n", "version: *x\ngoals:\n  - goal: a\n    visit: /a\n", "\tgoals:\n", "goals:\n- - - -\n -", "goals:\n  - goal: \"A\n"} {
		if len(faultsOf(t, []byte(text))) == 0 {
			t.Errorf("%q has no faults", text)
		}
	}
	many := "goals:\n" + strings.Repeat("  - goal: BROKEN\n    label: a: b\n    visit: /c\n", 500)
	if got := faultsOf(t, []byte(many)); len(got) > maxMends+1 {
		t.Errorf("%d faults", len(got))
	}
}
