package reporttest_test

import (
	"testing"

	"github.com/goaltrack/goaltrack/report"
	"github.com/goaltrack/goaltrack/report/reporttest"
)

// The author of a store runs the suite in a test of the store's package.
func ExampleRun() {
	TestMyStore := func(t *testing.T) {
		reporttest.Run(t, func(*testing.T) report.Store { return report.NewMemory(0) })
	}
	_ = TestMyStore // go test finds it where it is declared at the top
}
