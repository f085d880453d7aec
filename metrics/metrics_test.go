package metrics_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/metrics"
)

// read asks for the metrics.
func read(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody))
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	return w.Body.String()
}

// kept is a sink that counts.
type kept int

func (k *kept) Report(fact.Fact) { *k++ }

func TestFactsAreCounted(t *testing.T) {
	var next kept
	m := metrics.New(metrics.Options{Next: &next, Version: "v1", Lost: func() uint64 { return 3 }})
	at := time.Unix(1700000000, 0)
	for _, f := range []fact.Fact{
		{Kind: fact.RulesChanged, Time: at},
		{Kind: fact.Visit, Site: "shop", Reason: fact.Fired, Time: at},
		{Kind: fact.Visit, Site: "shop", Reason: "bot", Time: at},
		{Kind: fact.Spent, Site: "shop", Reason: fact.IDMade, Time: at},
		{Kind: fact.Spent, Site: "shop", Reason: fact.EventSent, Time: at},
		{Kind: fact.Decision, Site: "shop", Goal: "SENT", Reason: fact.Fired, Time: at, Value: fact.ValueOf(12.5, "EUR")},
		{Kind: fact.Decision, Site: "shop", Goal: "SENT", Reason: fact.Fired, Time: at, Value: fact.ValueOf(-2.5, "EUR")},
		{Kind: fact.Decision, Site: "a\"b\n", Goal: "SENT", Reason: "not_successful", NearMiss: "nearly", Time: at},
	} {
		m.Report(f)
	}
	got := read(t, m)
	for _, want := range []string{
		`goaltrack_build_info{version="v1"} 1`,
		`goaltrack_goal_decisions_total{site="shop",goal="SENT",fate="fired"} 2`,
		`goaltrack_goal_decisions_total{site="a\"b\n",goal="SENT",fate="not_successful"} 1`,
		`goaltrack_goal_value_total{site="shop",goal="SENT",currency="EUR"} 10`,
		`goaltrack_goal_last_fired_timestamp_seconds{goal="SENT"} 1.7e+09`,
		`goaltrack_near_misses_total{goal="SENT"} 1`,
		`goaltrack_page_visits_total{site="shop"} 1`,
		`goaltrack_rules_loaded_timestamp_seconds 1.7e+09`,
		`goaltrack_report_facts_lost_total 3`,
		`goaltrack_browser_ids_made_total{site="shop"} 1`,
	} {
		if !strings.Contains(got, "\n"+want+"\n") {
			t.Errorf("no line %s in\n%s", want, got)
		}
	}
	if next != 8 {
		t.Errorf("the next sink was told %d facts of 8", next)
	}
}

func TestSnapshotsAreShown(t *testing.T) {
	m := metrics.New(metrics.Options{})
	m.Watch(func() goaltrack.Snapshot {
		s := goaltrack.Snapshot{RulesHash: "abc", RulesFault: "line 1", Month: fact.Month{IDs: 5, LimitIDs: 9}}
		s.Accepted, s.Dead = 5, map[string]uint64{"rejected_400": 2}
		s.Queue = goaltrack.QueueState{Events: 7, Bytes: 700, Full: 0.75, Degraded: "locked", Level: goaltrack.LevelMemory}
		s.Delivery = []goaltrack.SiteState{{
			Site: "shop", State: "held", Outcomes: map[string]uint64{"accepted": 4},
			Durations: cdp.Durations{Requests: 3, Sum: 1500 * time.Millisecond, AtMost: []cdp.AtMost{{Time: 5 * time.Millisecond, Requests: 1}, {Time: time.Second, Requests: 2}}},
		}}
		return s
	})
	got := read(t, m)
	for _, want := range []string{
		`goaltrack_rules_info{hash="abc"} 1`, `goaltrack_rules_fault 1`, `goaltrack_events_accepted_total 5`,
		`goaltrack_events_dead_total{reason="rejected_400"} 2`, `goaltrack_queue_events 7`, `goaltrack_queue_full_ratio 0.75`, `goaltrack_queue_degraded{level="memory"} 1`,
		`goaltrack_site_state{site="shop",state="held"} 1`, `goaltrack_site_state{site="shop",state="ok"} 0`,
		`goaltrack_cdp_requests_total{site="shop",outcome="accepted"} 4`,
		`goaltrack_cdp_request_duration_seconds_bucket{site="shop",le="0.005"} 1`,
		`goaltrack_cdp_request_duration_seconds_bucket{site="shop",le="1"} 2`,
		`goaltrack_cdp_request_duration_seconds_bucket{site="shop",le="+Inf"} 3`,
		`goaltrack_cdp_request_duration_seconds_sum{site="shop"} 1.5`,
	} {
		if !strings.Contains(got, "\n"+want+"\n") {
			t.Errorf("no line %s in\n%s", want, got)
		}
	}
}

// Every family has a HELP and a TYPE before its samples, and none comes twice.
func TestFamiliesAreWhole(t *testing.T) {
	m := metrics.New(metrics.Options{})
	m.Watch(func() goaltrack.Snapshot { return goaltrack.Snapshot{Delivery: []goaltrack.SiteState{{}}} })
	m.Report(fact.Fact{Kind: fact.Decision, Goal: "A", Reason: fact.Fired, Time: time.Unix(1, 0), Value: fact.ValueOf(1, "EUR")})
	types := map[string]string{}
	for line := range strings.Lines(read(t, m)) {
		words := strings.Fields(line)
		if words[0] == "#" {
			if words[1] == "TYPE" {
				if types[words[2]] != "" {
					t.Errorf("%s comes twice", words[2])
				}
				types[words[2]] = words[3]
			}
			continue
		}
		name, _, _ := strings.Cut(words[0], "{")
		if types[name] == "" {
			for _, end := range []string{"_bucket", "_sum", "_count"} {
				name = strings.TrimSuffix(name, end)
			}
		}
		switch kind := types[name]; {
		case kind == "":
			t.Errorf("%s has no TYPE before it", name)
		case (kind == "counter") != strings.HasSuffix(name, "_total") && name != "goaltrack_goal_value_total":
			t.Errorf("%s is a %s", name, kind)
		}
	}
}

// A program whose goals have no end of names does not fill the memory.
func TestSeriesAreBounded(t *testing.T) {
	m := metrics.New(metrics.Options{})
	for i := range 12_000 {
		m.Report(fact.Fact{Kind: fact.Decision, Goal: strings.Repeat("A", 1+i/256) + string(rune('A'+i%256)), Reason: "condition"})
	}
	if n := strings.Count(read(t, m), "\ngoaltrack_goal_decisions_total{"); n > 10_000 {
		t.Errorf("%d series", n)
	}
}

func TestMetricsAreForReading(t *testing.T) {
	w := httptest.NewRecorder()
	metrics.New(metrics.Options{}).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/metrics", http.NoBody))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("%d", w.Code)
	}
}

func BenchmarkReport(b *testing.B) {
	m := metrics.New(metrics.Options{})
	f := fact.Fact{Kind: fact.Decision, Site: "shop", Goal: "SENT", Reason: fact.Fired, Time: time.Now()}
	b.ReportAllocs()
	for b.Loop() {
		m.Report(f)
	}
}
