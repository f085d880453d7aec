package metrics_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/metrics"
)

// The metrics are the Report of a tracker's Config, and a handler. Here, a fact is given
// to them by hand.
func ExampleNew() {
	m := metrics.New(metrics.Options{Version: "v1.2.3"})
	// With a tracker: m.Watch(tracker.Snapshot)
	m.Report(fact.Fact{Kind: fact.Decision, Time: time.Now(), Site: "shop", Zone: time.UTC, Goal: "CONTACT_SENT", Reason: fact.Fired})

	mux := http.NewServeMux()
	mux.Handle("GET /metrics", m)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, "goaltrack_goal_decisions_total") {
			fmt.Print(line)
		}
	}
	// Output: goaltrack_goal_decisions_total{site="shop",goal="CONTACT_SENT",fate="fired"} 1
}
