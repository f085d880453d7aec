package main

import (
	"strings"
	"testing"
)

// TestDocs: the plan of the example, as a page and as a table.
func TestDocs(t *testing.T) {
	for _, test := range []struct {
		args, want string
		code       int
	}{
		{"docs ../../example/goals.yaml", "# Tracking plan: goals.yaml\n", exitOK},
		{"docs --format=csv ../../example/goals.yaml", "goal,label,event,status,when,", exitOK},
		{"docs --format=html ../../example/goals.yaml", "", exitUsage},
		{"docs", "", exitUsage},
	} {
		code, stdout, stderr := outcome(t, strings.Fields(test.args), nil)
		if code != test.code || !strings.HasPrefix(stdout, test.want) {
			t.Errorf("%s: %d, %.100s %s", test.args, code, stdout, stderr)
		}
	}
	if code, _, stderr := outcome(t, []string{"docs", write(t, "goals.yaml", "goals: []")}, nil); code != exitFailed || !strings.Contains(stderr, "no goals") {
		t.Error(code, stderr)
	}
}
