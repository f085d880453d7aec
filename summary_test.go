package goaltrack

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/bubble"
	"github.com/goaltrack/goaltrack/internal/logbook"
	"github.com/goaltrack/goaltrack/rule"
)

// TestSummaryWhenNothingFires: each reason for which nothing fires is a warning once,
// until something fires, so that a quiet site has no warning a minute.
func TestSummaryWhenNothingFires(t *testing.T) {
	unsuccessful, denied := fateOf(rule.ReasonNotSuccessful), fateConsentRefused
	synctest.Test(t, func(t *testing.T) {
		logs := &logbook.Book{}
		tracker, err := New(Config{
			Sites:    []Site{{CDP: cdp.Direct{BaseURL: "https://cdp.example", ClientKey: "k", PointOfSale: "shop"}}},
			Cookie:   Cookie{Warm: -1},
			Logger:   slog.New(logs),
			Delivery: Delivery{Queue: &sink{}},
		})
		if err != nil {
			t.Fatal(err)
		}
		bubble.Pass(time.Minute)
		var want []string
		for _, minute := range []struct {
			level string
			fates []fate
		}{
			{"INFO", []fate{fateBot, fatePrefetch, fateHealthCheck, fateEditor, fateStaff}},
			{"WARN", []fate{fateBot, denied}},
			{"INFO", []fate{denied}},
			{"", nil},
			{"INFO", []fate{denied, fateBot}},
			{"WARN", []fate{denied, unsuccessful}},
			{"INFO", []fate{unsuccessful}},
			{"INFO", []fate{fateHeld, fateOptOut}}, // who is asked may yet agree
			{"WARN", []fate{fateOptOut}},
			{"INFO", []fate{fired, denied}},
			{"WARN", []fate{denied}},
		} {
			for _, f := range minute.fates {
				tracker.ledger.decide("A", f, "", "")
			}
			bubble.Pass(summaryEvery)
			if minute.level != "" {
				want = append(want, minute.level)
			}
		}
		var got []string
		lines := logs.About("the last minute")
		for _, l := range lines {
			level, _, _ := strings.Cut(l, " ")
			got = append(got, level)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%v, want %v\n%s", got, want, strings.Join(lines, "\n"))
		}
		if _, err := tracker.Close(t.Context()); err != nil {
			t.Error(err)
		}
		bubble.Pass(time.Minute)
	})
}
