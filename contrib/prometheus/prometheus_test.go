package prometheus_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	client "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/contrib/prometheus"
	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/metrics"
)

// filled are metrics with something of each kind.
func filled() *metrics.Metrics {
	m := metrics.New(metrics.Options{Version: "v1", Lost: func() uint64 { return 3 }})
	at := time.Unix(1700000000, 0)
	for _, f := range []fact.Fact{
		{Kind: fact.RulesChanged, Time: at},
		{Kind: fact.Visit, Site: "shop", Reason: fact.Fired, Time: at},
		{Kind: fact.Decision, Site: "shop", Goal: "SENT", Reason: fact.Fired, Time: at, Value: fact.ValueOf(12.5, "EUR")},
		{Kind: fact.Decision, Site: "bl\"og\n\xff", Goal: "SENT", Reason: "not_successful", NearMiss: "nearly", Time: at},
		{Kind: fact.Spent, Site: "shop", Reason: fact.IDMade, Time: at},
	} {
		m.Report(f)
	}
	m.Watch(func() goaltrack.Snapshot {
		s := goaltrack.Snapshot{RulesHash: "abc"}
		s.Accepted, s.Dead = 5, map[string]uint64{"rejected_400": 2}
		s.Delivery = []goaltrack.SiteState{{
			Site: "shop", State: "held", Outcomes: map[string]uint64{"accepted": 4},
			Durations: cdp.Durations{Requests: 3, Sum: 1500 * time.Millisecond, AtMost: []cdp.AtMost{{Time: 5 * time.Millisecond, Requests: 1}, {Time: time.Second, Requests: 2}}},
		}}
		return s
	})
	return m
}

// samples are the lines of a handler without comments, in order.
func samples(t *testing.T, h http.Handler) []string {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody))
	if w.Code != http.StatusOK {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	lines := slices.DeleteFunc(strings.Split(w.Body.String(), "\n"), func(l string) bool { return l == "" || strings.HasPrefix(l, "#") })
	for i, line := range lines { // the library puts labels in the order of their names
		if name, rest, ok := strings.Cut(line, "{"); ok {
			labels, value, _ := strings.Cut(rest, "} ")
			parts := strings.Split(labels, ",")
			slices.Sort(parts)
			lines[i] = name + "{" + strings.Join(parts, ",") + "} " + value
		}
	}
	slices.Sort(lines)
	return lines
}

// TestRegistryShowsTheSameAsTheHandler: a registry shows the same as package metrics does, in a registry
// that checks what it is given.
func TestRegistryShowsTheSameAsTheHandler(t *testing.T) {
	m := filled()
	registry := client.NewPedanticRegistry()
	registry.MustRegister(prometheus.New(m), client.NewCounter(client.CounterOpts{Name: "own_total", Help: "The program's own."}))
	got := samples(t, promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError}))
	want := append(samples(t, m), "own_total 0")
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func ExampleNew() {
	m := metrics.New(metrics.Options{Version: "v1.2.3"})
	// Give m to goaltrack.Config.Report, and then m.Watch(tracker.Snapshot).
	registry := client.NewRegistry()
	registry.MustRegister(prometheus.New(m))

	families, err := registry.Gather()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range families {
		if len(f.GetMetric()) > 0 {
			fmt.Println(f.GetName())
		}
	}
	// Output: goaltrack_build_info
}
