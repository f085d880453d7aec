package test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/internal/world"
)

// TestAllowedIsLogged: what rules read though it looks like a secret is said at each
// start, and when other rules are put in force.
func TestAllowedIsLogged(t *testing.T) {
	var log syncBuffer
	const rules = "version: 1\nallow: [pin_code, card]\ngoals:\n  - { goal: SENT, submit: /form, data: { area: $form.pin_code, kind: $form.card } }\n"
	w := world.Setup{Rules: rules, Site: http.HandlerFunc(world.HTML), Log: &log}.Start(t)
	if err := w.Tracker.SetRules(world.MustParse(t, strings.ReplaceAll(rules, "card", "iban"))); err != nil {
		t.Fatal(err)
	}
	if err := w.Tracker.SetRules(world.MustParse(t, world.EachTrigger)); err != nil {
		t.Fatal(err)
	}
	w.End()
	said := strings.Count(log.String(), "because allow: names it")
	if said != 2 || !strings.Contains(log.String(), `names="card, pin_code"`) || !strings.Contains(log.String(), `names="iban, pin_code"`) {
		t.Errorf("said %d times:\n%s", said, log.String())
	}
}
