package goaltest_test

import (
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/goaltest"
)

// TestSlowMachine: an event for which a slow machine takes longer than a live site would wait is
// sent once. It would arrive twice otherwise, and a test that expects one would fail by chance.
func TestSlowMachine(t *testing.T) {
	t.Parallel()
	site := goaltest.NewSite(t, goaltrack.Config{Rules: goaltest.Rules(t, "testdata/goals.yaml")}, newApp())
	site.CDP.Fault(cdptest.Delay(9 * time.Second).On(cdptest.Sends).Times(1))
	site.Browser().Open("/pricing")
	site.Expect("PRICING_VIEWED").Once()
}
