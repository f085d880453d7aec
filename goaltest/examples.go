package goaltest

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/goaltrack/goaltrack"
)

// Rules reads a rule file. The path is relative to the folder of the test. If the file
// cannot be read or has faults, the test ends with all of them, each with its line.
func Rules(tb testing.TB, file string) *goaltrack.Rules {
	tb.Helper()
	rules, err := goaltrack.LoadRules(file)
	if err != nil {
		tb.Fatalf("goaltest: the rules cannot be used:\n%v", err)
	}
	return rules
}

// Examples tries the examples of a rule file, each as a subtest. A subtest is named by
// the goal and the line, such as CONTACT_SENT/goals.yaml:12. An example fails if its
// result is not what the file says, or if it cannot be read.
//
// Warnings about the rules, and goals without examples, are in the test's log. A file
// that has faults fails, as with [Rules]. So does one in which no goal has an example,
// because nothing would be tested.
func Examples(t *testing.T, file string) {
	t.Helper()
	rules := Rules(t, file)
	for _, w := range rules.Warnings() {
		t.Log("warning:", w)
	}
	tried := rules.TryExamples()
	if len(tried) == 0 {
		t.Fatalf("goaltest: no goal in %s has examples:", file)
	}
	for _, goal := range rules.Names() {
		n := 0
		for _, e := range tried {
			if e.Goal != goal {
				continue
			}
			n++
			t.Run(fmt.Sprintf("%s/%s:%d", goal, filepath.Base(file), e.Line), func(t *testing.T) {
				if e.Fault != nil {
					t.Error(e.Fault)
				}
			})
		}
		if n == 0 {
			t.Logf("goal %s has no examples", goal)
		}
	}
}
