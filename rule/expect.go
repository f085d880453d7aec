package rule

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/goaltrack/goaltrack/fact"
)

// expect: says how often a goal counts on a day if all is well. It decides nothing about a
// request: package report/health compares it with what counted.

// mostExpected bounds what can be expected of a day.
const mostExpected = 1_000_000

// expectHint says what expect: may be.
const expectHint = "daily, or at least 5 per day"

// parseExpect reads expect:. It returns how often the goal has to count in a day, 0 if
// nothing is expected.
func parseExpect(text string) (least int, err error) {
	words := strings.Fields(strings.ToLower(text))
	switch {
	case len(words) == 0:
		return 0, nil
	case len(words) == 1 && words[0] == "daily":
		return 1, nil
	case len(words) != 5 || strings.Join([]string{words[0], words[1], words[3], words[4]}, " ") != "at least per day":
		return 0, fmt.Errorf("expect: %q is not understood", text)
	}
	least, err = strconv.Atoi(words[2])
	switch {
	case err != nil:
		return 0, fmt.Errorf("expect: %q is not a whole number", words[2])
	case least < 1 || least > mostExpected:
		return 0, fmt.Errorf("expect: %d a day is not between 1 and %d", least, mostExpected)
	}
	return least, nil
}

func (g *goal) compileExpect(f *faults) {
	var err error
	if g.expected, err = parseExpect(g.Expect); err != nil {
		hint := expectHint
		if n, err := strconv.Atoi(g.Expect); err == nil && 0 < n && n <= mostExpected {
			hint = fmt.Sprintf("write at least %d per day", n)
		}
		if near := nearest(g.Expect, []string{"daily"}); near != "" {
			hint = "did you mean " + near + "?"
		}
		f.hint("expect", err.Error(), hint)
	}
}

// lintExpect finds goals that cannot do what is expected of them.
func (g *goal) lintExpect(f *faults) {
	if g.Expect != "" && g.Status == statusDraft {
		f.warn("expect", "nothing is expected of a draft, which never counts", "status: live makes it count")
	}
}

// expectInWords is a sentence of its own, with a blank before it.
func (g *Goal) expectInWords() string {
	switch least, err := parseExpect(g.Expect); {
	case err != nil:
		return " It is expected " + shown(g.Expect) + "."
	case least == 0:
		return ""
	case least == 1:
		return " It is expected to count every day."
	default:
		return fmt.Sprintf(" It is expected to count at least %d times a day.", least)
	}
}

// expectedOn says what a report is told of that, by someone whose environment is env: how
// often the goal counts in a day, and from when until when. Nothing is expected of a goal
// that cannot count.
func (g *goal) expectedOn(env string, told *fact.Goal) {
	if g.Status == statusDraft || g.Status == statusPaused || !g.hasEnv(env) {
		return
	}
	told.Expect, told.From, told.Until = g.expected, g.limits.from, g.limits.until
}
