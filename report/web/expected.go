package web

import "github.com/goaltrack/goaltrack/fact"

// What is expected of a goal (expect: in its rule) is compared with yesterday, the last day
// that is over. Package report/health looks at the hours, and tells other programs.

// missed says what was expected of a goal yesterday, if it counted less.
func (a *asked) missed(g *goalLine, past *history) (expected uint64, missed bool) {
	for _, rule := range a.goals() {
		if rule.Name == g.Name && a.expects(&rule, past) {
			expected = uint64(rule.Expect) //nolint:gosec // It is above 0.
			return expected, past.fired[g.Name][a.today-1] < expected
		}
	}
	return 0, false
}

// expects reports whether something was expected of a goal on this site all of yesterday.
// A goal need not be one of each site: on one of several it has to have counted before.
func (a *asked) expects(g *fact.Goal, past *history) bool {
	began, ended := (a.today - 1).Begin(a.zone), a.today.Begin(a.zone)
	known := len(past.fired[g.Name]) > 0 || len(a.info.Zones) < 2 && !a.info.RulesSince.After(began)
	return g.Expect > 0 && known && a.first != 0 && a.first < a.today-1 &&
		!g.From.After(began) && (g.Until.IsZero() || !g.Until.Before(ended))
}
