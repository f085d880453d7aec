package web

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/report"
)

// TestDeliveryWrapsWords: what may be long may go over several lines, and numbers may not. A
// unit of which there is one is not in the plural.
func TestDeliveryWrapsWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		shown := goaltrack.Snapshot{
			RulesFault: "goals.yaml:12:5: unknown key", Queue: goaltrack.QueueState{Degraded: "no space left on device"},
			Delivery: []goaltrack.SiteState{{Site: "shop", State: "down", LastError: "no such host", LastErrorAt: now.Add(-time.Hour)}},
		}
		pages, err := New(Options{
			Store: report.NewMemory(2), Authorize: Open, Snapshot: func() goaltrack.Snapshot { return shown },
			Letters: func() []goaltrack.DeadLetter {
				return []goaltrack.DeadLetter{{Goal: "SENT", Reason: "rejected", Happened: now.Add(-25 * time.Hour), Died: now.Add(time.Minute)}}
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		page := get(t, pages, "/delivery", 200)
		for _, want := range []string{
			`<td class="words">goals.yaml:12:5: unknown key</td>`, `<td class="words">no space left on device</td>`, `<td class="words">1 hour ago: no such host</td>`,
			`>25 hours</td>`, `>0 seconds</td>`, `<td class="n">0</td>`,
		} {
			if !strings.Contains(page, want) {
				t.Errorf("no %q in\n%s", want, page)
			}
		}
	})
}
