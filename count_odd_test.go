package goaltrack

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// TestWhatLacksAValueLeadsNowhere: a goal that does not count for want of a value has not
// happened to the goals after it, and so not to those that may not come after it.
func TestWhatLacksAValueLeadsNowhere(t *testing.T) {
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
