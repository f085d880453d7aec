package goaltrack

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/internal/visit"
)

// TestGoalWithoutItsValueDoesNotUnlockAfter: a goal that does not count for want of a value has not
// happened to the goals after it, and so not to those that may not come after it.
func TestGoalWithoutItsValueDoesNotUnlockAfter(t *testing.T) {
	const rules = `
version: 1
goals:
  - { goal: PAID, submit: /pay, value: { from: $query.total, currency: EUR, max: 100 } }
  - { goal: NAMED, submit: /name, count: once per session for $query.name }
  - { goal: SEARCHED, submit: /search, sends: SEARCH, fields: { product_name: $query.q, product_type: TEA } }
  - { goal: AFTER_PAID, visit: /x, after: PAID }
  - { goal: NOT_AFTER_PAID, visit: /x, not after: PAID }
  - { goal: PAID_EVER, visit: /x, after: { PAID: ever } }
  - { goal: AFTER_NAMED, visit: /x, after: NAMED }
  - { goal: AFTER_SEARCH, visit: /x, after: SEARCHED }
`
	for target, want := range map[string]string{
		"/pay?total=5":    "PAID:1 AFTER_PAID:1 PAID_EVER:1",
		"/pay?total=5000": "NOT_AFTER_PAID:1",
		"/search?q=":      "NOT_AFTER_PAID:1",
		"/search?q=tea":   "SEARCHED:1 NOT_AFTER_PAID:1 AFTER_SEARCH:1",
		"/name?name=a":    "NAMED:1 NOT_AFTER_PAID:1 AFTER_NAMED:1",
		"/name":           "NOT_AFTER_PAID:1",
	} {
		synctest.Test(t, func(t *testing.T) {
			s := openShop(t, rules, nil)
			s.do(http.MethodPost, target)
			pass(time.Second)
			s.visit("/x")
			if got := s.fired(); got != want {
				t.Errorf("%s: %s, want %s", target, got, want)
			}
		})
	}
}

// TestClockThatWasAhead: a server whose clock was a day ahead wrote the visit cookie. What
// happened then is known, but not when, so nothing counts that asks for that.
func TestClockThatWasAhead(t *testing.T) {
	const rules = `
version: 1
goals:
  - { goal: WEBINAR, visit: /webinar, count: once per visitor }
  - { goal: STEP, visit: /step }
  - { goal: LATELY, visit: /x, after: { WEBINAR: { within: 30m } } }
  - { goal: NOT_LATELY, visit: /x, not after: { WEBINAR: { within: 30m } } }
  - { goal: EVER, visit: /x, after: { WEBINAR: ever } }
  - { goal: NEVER, visit: /x, not after: { WEBINAR: ever } }
  - { goal: THIS_SESSION, visit: /x, after: WEBINAR }
  - { goal: SOON, visit: /x, after: STEP, within: 10m }
  - { goal: DAILY, visit: /day, count: once per day }
`
	var cookies map[string]string
	synctest.Test(t, func(t *testing.T) {
		s := openShop(t, rules, nil)
		pass(24 * time.Hour)
		s.visit("/webinar")
		s.visit("/step")
		s.visit("/day")
		cookies = s.cookies
	})
	for later, want := range map[time.Duration]string{
		0:              "EVER:1", // the day before: DAILY has counted for the next one
		12 * time.Hour: "EVER:1",
		// The time that the clock showed. Nobody can tell any more that it was wrong.
		24*time.Hour + time.Minute:    "LATELY:1 EVER:1 THIS_SESSION:1 SOON:1",
		24*time.Hour + 31*time.Minute: "NOT_LATELY:1 EVER:1",
		48 * time.Hour:                "NOT_LATELY:1 EVER:1 DAILY:1",
	} {
		synctest.Test(t, func(t *testing.T) {
			s := openShop(t, rules, nil)
			s.cookies = maps.Clone(cookies)
			pass(later)
			s.visit("/webinar2")
			s.visit("/x")
			s.visit("/day")
			if got := s.fired(); got != want {
				t.Errorf("after %v: %s, want %s", later, got, want)
			}
			if later < 24*time.Hour {
				s.expect("LATELY", 0, "past_forgotten", 1)
				s.expect("NOT_LATELY", 0, "past_forgotten", 1)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		s := openShop(t, rules, nil)
		s.cookies = maps.Clone(cookies)
		s.visit("/webinar") // it happens again, and the time is known
		s.visit("/x")
		pass(31 * time.Minute)
		s.forget()
		s.visit("/x")
		s.expect("LATELY", 1, "not_after", 1)
		s.expect("NOT_LATELY", 1, "came_before", 1)
	})
}

// TestUnaskedPastTakesNoRoom: what no rule asks for any more takes no room from what they ask
// for now.
func TestUnaskedPastTakesNoRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rules := func(name string) *Rules {
			var text strings.Builder
			text.WriteString("goals:\n")
			for i := range visit.MaxHappened {
				fmt.Fprintf(&text, "  - { goal: %s_%d, visit: /%s/%d }\n  - { goal: NOT_%s_%d, visit: /not/%d, not after: { %s_%d: ever } }\n", name, i, name, i, name, i, i, name, i)
			}
			parsed, err := ParseRules([]byte(text.String()))
			if err != nil {
				t.Fatal(err)
			}
			return parsed
		}
		s := openShop(t, "goals: []", func(c *Config) { c.Rules = rules("A") })
		for i := range visit.MaxHappened {
			s.visit(fmt.Sprint("/A/", i))
			pass(time.Second)
		}
		if err := s.tracker.SetRules(rules("B")); err != nil {
			t.Fatal(err)
		}
		for i := range visit.MaxHappened - 1 {
			s.visit(fmt.Sprint("/B/", i))
		}
		last := visit.MaxHappened - 1
		s.visit(fmt.Sprint("/not/", last))
		s.expect(fmt.Sprint("NOT_B_", last), 1, "past_forgotten", 0)
		s.visit("/not/0")
		s.expect("NOT_B_0", 0, "came_before", 1)
	})
}

// TestUnaskedFirstSessionIsUnknownNotAbsent: what no rule asked of a visitor's first session is not taken
// for absent when one does, and what none asks for any more is not kept.
func TestUnaskedFirstSessionIsUnknownNotAbsent(t *testing.T) {
	parse := func(goals string) *Rules {
		parsed, err := ParseRules([]byte("goals:\n  - { goal: SENT, visit: /sent, count: once per session }\n" + goals))
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	campaign := parse("  - { goal: SPRING, visit: /x, if: { first.campaign: spring } }\n")
	source := parse("  - { goal: SPRING, visit: /x, if: { first.campaign: spring } }\n  - { goal: NOT_MAIL, visit: /x, unless: { first.source: mail } }\n")
	none := parse("")
	paused := parse("  - { goal: SPRING, visit: /x, if: { first.campaign: spring }, status: paused }\n")
	for name, c := range map[string]struct {
		then   []*Rules // after the visitor came, each for a session
		spring int
		mail   string // of NOT_MAIL
	}{
		"asked for now":            {[]*Rules{source}, 1, "past_forgotten"},
		"asked for again":          {[]*Rules{none, source}, 0, ""}, // it begins again
		"paused for a while":       {[]*Rules{paused, source}, 1, "past_forgotten"},
		"the same, for some while": {[]*Rules{campaign, campaign}, 1, "-"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := openShop(t, "goals: []", func(config *Config) { config.Rules = campaign })
				s.visit("/sent?utm_campaign=spring&utm_source=mail")
				for _, rules := range c.then {
					if err := s.tracker.SetRules(rules); err != nil {
						t.Fatal(err)
					}
					pass(time.Hour)
					s.visit("/sent")
				}
				s.forget()
				s.visit("/x")
				if c.spring > 0 {
					s.expect("SPRING", 1, "other_session", 0)
				} else {
					s.expect("SPRING", 0, "condition", 1)
				}
				switch c.mail {
				case "-":
				case "":
					s.expect("NOT_MAIL", 1, "past_forgotten", 0)
				default:
					s.expect("NOT_MAIL", 0, c.mail, 1)
				}
			})
		})
	}
}
