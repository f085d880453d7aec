package report_test

import (
	"testing"

	"github.com/goaltrack/goaltrack/report"
	"github.com/goaltrack/goaltrack/report/reporttest"
)

func TestMemory(t *testing.T) {
	reporttest.Run(t, func(*testing.T) report.Store { return report.NewMemory(400) })
}
