package rule

import (
	"slices"
	"strings"
	"testing"
)

// TestBadBytes are the faults of files that are not text, or too much of it.
func TestBadBytes(t *testing.T) {
	const goal = "goals:\n  - goal: A_ONE\n    visit: /a\n"
	for _, test := range []struct {
		name, text string
		want       []string
	}{
		{"empty", "", []string{"1:1: the file is empty (goals: begins the list of goals)"}},
		{"byte order mark alone", "\ufeff", []string{"1:1: the file is empty (goals: begins the list of goals)"}},
		{"NUL", goal + "    label: a\x00b\n", []string{"4:13: the file holds a control character (U+0000) (remove it)"}},
		{"next line", goal + "    label: a\u0085b\n", []string{"4:13: the file holds a control character (U+0085) (remove it)"}},
		{"escape", goal + "    label: \x1b[31m\n", []string{"4:12: the file holds a control character (U+001B) (remove it)"}},
		{"Latin-1", goal + "    label: Caf\xe9\n", []string{"4:15: the file is not UTF-8 here (save it as UTF-8 in your editor)"}},
		{"UTF-16", "\xff\xfeg\x00o\x00", []string{"1:1: the file is not UTF-8 here (save it as UTF-8 in your editor)"}},
		{"after a byte order mark", "\ufeffgoal: x\n", []string{
			"1:1: unknown key goal: (did you mean goals:?)",
			"1:7: goals: is expected to be a list (each goal begins with - goal: NAME)",
		}},
		{"carriage returns", strings.ReplaceAll(goal, "\n", "\r\n") + "    visit: /b\r\n    lable: x\r\n", []string{
			"4:5: goal A_ONE: visit: is given twice (the second would silently replace the first)",
			"5:5: goal A_ONE: unknown key lable: (did you mean label:?)",
		}},
		{"columns count characters", "goals:\n  - { label: 日本, goal: A_ONE, visit: a }\n", []string{`2:38: goal A_ONE: the path "a" does not begin with a slash (write /a)`}},
		{"a megabyte in a text", goal + "    label: " + strings.Repeat("x", 1<<20) + "\n", []string{"4:12: goal A_ONE: label: is longer than 2048 bytes"}},
		{"a megabyte in a key", goal + "    " + strings.Repeat("x", 1000) + ": y\n", []string{"4:5: goal A_ONE: unknown key " + strings.Repeat("x", 388) + "... (keys are " + strings.Join(goalKeys, ", ") + ")"}},
		{"too large", strings.Repeat("#", maxRules+1), []string{"1:1: the file is larger than 4 MiB"}},
		{"brackets", strings.Repeat("[", 20_000), []string{"1:10001: too many brackets inside each other"}},
		{"dashes", strings.Repeat("- ", 9_000) + "a", []string{"1:19: too many levels inside each other (a goal needs no more than goal, if, test)"}},
		{"escapes in a name", "goals:\n  - goal: \"\\e[31m\"\n    visit: /a\n", []string{`2:11: goal ` + "\ufffd" + `[31m: the name "\x1b[31m" is not made of upper-case letters, digits and _ (for example CONTACT_SENT)`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := faultsOf(t, []byte(test.text)); !slices.Equal(got, test.want) {
				t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(test.want, "\n  "))
			}
		})
	}
}
