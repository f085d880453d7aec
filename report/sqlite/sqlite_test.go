package sqlite

import (
	"testing"

	"github.com/goaltrack/goaltrack/report"
	"github.com/goaltrack/goaltrack/report/reporttest"
)

// opened makes a store in a directory of its own.
func opened(t testing.TB) *Store {
	t.Helper()
	s := New(Options{Dir: t.TempDir()})
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestStore(t *testing.T) {
	reporttest.Run(t, func(t *testing.T) report.Store { return opened(t) })
}
