package web

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/report"
)

// TestMarksSayWhatHappened: what happened to the site or to all stands in the table behind
// the chart and on the chart, and what happened to another site does not.
func TestMarksSayWhatHappened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(9 * time.Hour)
		store := storeOf(t, conversion(time.Now(), "SENT"))
		mark := func(site, kind, text string) report.Mark {
			return report.Mark{Time: time.Now().Add(-time.Hour), Site: site, Kind: kind, Text: text}
		}
		if err := store.Flush(t.Context(), &report.Batch{Marks: []report.Mark{
			mark("", report.MarkRules, "abcd"), mark("shop", report.MarkZone, "Asia/Tokyo"), mark("shop", report.MarkOutage, "the CDP <does> not answer"),
			mark("shop", report.MarkFilled, "logs"), mark("other", report.MarkOutage, "elsewhere"),
		}}); err != nil {
			t.Fatal(err)
		}
		pages, err := New(Options{Store: store, Authorize: Open})
		if err != nil {
			t.Fatal(err)
		}
		for _, target := range []string{"/", "/goal/SENT", "/?period=day"} {
			page := get(t, pages, target, 200)
			for _, want := range []string{
				"rules changed 1 Jan 08:00", "time zone from 1 Jan 08:00: Asia/Tokyo", "1 Jan 08:00: the CDP &lt;does&gt; not answer", "filled in from logs from 1 Jan 08:00 (logs)",
			} {
				if n := strings.Count(page, want); n < 2 {
					t.Errorf("%s says %q %d times", target, want, n)
				}
			}
			if strings.Contains(page, "elsewhere") {
				t.Errorf("%s shows a mark of another site", target)
			}
		}
	})
}
