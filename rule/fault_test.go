package rule_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/rule"
)

func TestFaultString(t *testing.T) {
	for want, f := range map[string]rule.Fault{
		"message":                             {Message: "message"},
		"message (hint)":                      {Message: "message", Hint: "hint"},
		"goal A: message":                     {Goal: "A", Message: "message"},
		"1:2: message":                        {Line: 1, Column: 2, Message: "message"},
		"f.yaml: message":                     {File: "f.yaml", Message: "message"},
		"f.yaml:12:5: goal A: message (hint)": {File: "f.yaml", Line: 12, Column: 5, Goal: "A", Message: "message", Hint: "hint"},
	} {
		if got := f.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestFaultsAreBounded(t *testing.T) {
	_, err := rule.Parse([]byte("goals:\n" + strings.Repeat("  - goal: a\n", 5_000)))
	faulty, ok := errors.AsType[*rule.Error](err)
	if !ok {
		t.Fatalf("%T %v", err, err)
	}
	if n := len(faulty.Faults); n != 101 || faulty.Faults[100].Message != "and 14899 more faults" {
		t.Errorf("%d faults, the last %q", n, faulty.Faults[n-1])
	}
}
