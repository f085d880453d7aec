package budget

import (
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/internal/logbook"
)

// TestLimits: each line of the log comes once a month, at 80 and at 100 %. What others
// spend counts, and a new month begins at nothing.
func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var book logbook.Book
		var others atomic.Uint64
		seen := 0
		b := New(fact.Limits{IDs: 10, Events: 5, Spent: func() (uint64, uint64) { return others.Load(), 0 }}, slog.New(&book))
		spend := func(what string, n int) {
			for range n {
				b.Spend(what)
			}
		}
		logged := func(want ...string) {
			t.Helper()
			got := book.Lines()[seen:]
			seen += len(got)
			if len(got) != len(want) {
				t.Fatalf("%q, want %q", got, want)
			}
			for i := range got {
				if !strings.Contains(got[i], want[i]) {
					t.Errorf("%q, want %q", got[i], want[i])
				}
			}
		}
		spend(fact.IDMade, 7)
		spend(fact.IDGiven, 100)
		logged()
		spend(fact.IDMade, 1)
		logged(logIDsNear)
		spend(fact.IDMade, 1)
		if b.IDsSpent() {
			t.Error("9 of 10 are all")
		}
		spend(fact.IDMade, 2)
		logged(logIDsSpent)
		if !b.IDsSpent() {
			t.Error("11 of 10 are not all")
		}
		spend(fact.EventSent, 3)
		spend(fact.EventAgain, 3)
		logged(logEventsNear, logEventsMany)
		if got, want := b.Month(), (fact.Month{IDs: 11, LimitIDs: 10, Events: 6, LimitEvents: 5}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		time.Sleep(31 * 24 * time.Hour)
		if b.IDsSpent() || b.Month().Events != 0 {
			t.Errorf("a new month: %+v", b.Month())
		}
		others.Store(8)
		b.Look()
		b.Look()
		logged(logIDsNear)
	})
}

// TestNoLimits: without limits nothing is asked and nothing is said.
func TestNoLimits(t *testing.T) {
	b := New(fact.Limits{Spent: func() (uint64, uint64) { t.Error("asked"); return 0, 0 }}, nil)
	for range 1000 {
		b.Spend(fact.IDMade)
	}
	if b.IDsSpent() {
		t.Error("all are made")
	}
}
