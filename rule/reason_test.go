package rule_test

import (
	"testing"

	"github.com/goaltrack/goaltrack/rule"
)

// TestReasonNames: each reason has a name of its own, and what is no reason has one
// that is none of theirs.
func TestReasonNames(t *testing.T) {
	of := map[string]rule.Reason{}
	for r := rule.Fires; r <= rule.Reasons; r++ {
		name := r.String()
		if other, taken := of[name]; taken || name == "" {
			t.Errorf("%d is called %q, as is %d", r, name, other)
		}
		of[name] = r
	}
	for name, want := range map[string]rule.Reason{"fired": rule.Fires, "not_after": rule.ReasonNotAfter, "nothing_written": rule.ReasonNothingWritten, "pending": rule.Reasons} {
		if got, ok := of[name]; !ok || got != want {
			t.Errorf("%s is %d, want %d", name, got, want)
		}
	}
	if got := rule.Reason(255).String(); got != "pending" {
		t.Errorf("a number that is no reason is called %q", got)
	}
}
