package otel_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/contrib/otel"
	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/metrics"
)

// read collects by the SDK what a producer gives.
func read(t *testing.T, m *metrics.Metrics) map[string]metricdata.Metrics {
	t.Helper()
	reader := metric.NewManualReader(metric.WithProducer(otel.New(m)))
	provider := metric.NewMeterProvider(metric.WithReader(reader))
	t.Cleanup(func() {
		if err := provider.Shutdown(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	var got metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &got); err != nil {
		t.Fatal(err)
	}
	all := map[string]metricdata.Metrics{}
	for _, scope := range got.ScopeMetrics {
		for _, one := range scope.Metrics {
			all[one.Name] = one
		}
	}
	return all
}

// TestProducer: the SDK gets every family of package metrics that has samples, with its
// kind, its labels and its values.
func TestProducer(t *testing.T) {
	m := metrics.New(metrics.Options{Version: "v1"})
	for range 2 {
		m.Report(fact.Fact{Kind: fact.Decision, Site: "shop", Goal: "SENT", Reason: fact.Fired, Time: time.Unix(1700000000, 0)})
	}
	m.Watch(func() goaltrack.Snapshot {
		return goaltrack.Snapshot{Delivery: []goaltrack.SiteState{{
			Site: "shop", State: "ok",
			Durations: cdp.Durations{Requests: 3, Sum: 1500 * time.Millisecond, AtMost: []cdp.AtMost{{Time: 5 * time.Millisecond, Requests: 1}, {Time: time.Second, Requests: 2}}},
		}}}
	})
	got := read(t, m)
	for _, f := range m.Families() {
		if _, there := got[f.Name]; there != (len(f.Samples) > 0) {
			t.Errorf("%s is there: %v, with %d samples", f.Name, there, len(f.Samples))
		}
	}
	sum, ok := got["goaltrack_goal_decisions_total"].Data.(metricdata.Sum[float64])
	if !ok || !sum.IsMonotonic || sum.Temporality != metricdata.CumulativeTemporality || len(sum.DataPoints) != 1 || sum.DataPoints[0].Value != 2 {
		t.Fatalf("%+v", got["goaltrack_goal_decisions_total"])
	}
	want := attribute.NewSet(attribute.String("site", "shop"), attribute.String("goal", "SENT"), attribute.String("fate", "fired"))
	if at := sum.DataPoints[0]; !at.Attributes.Equals(&want) || at.StartTime.IsZero() || at.Time.Before(at.StartTime) {
		t.Errorf("%+v", at)
	}
	if gauge, ok := got["goaltrack_queue_events"].Data.(metricdata.Gauge[float64]); !ok || len(gauge.DataPoints) != 1 {
		t.Errorf("%+v", got["goaltrack_queue_events"])
	}
	h, ok := got["goaltrack_cdp_request_duration_seconds"].Data.(metricdata.Histogram[float64])
	if !ok || len(h.DataPoints) != 1 {
		t.Fatalf("%+v", got["goaltrack_cdp_request_duration_seconds"])
	}
	if d := h.DataPoints[0]; d.Count != 3 || d.Sum != 1.5 || !slices.Equal(d.Bounds, []float64{0.005, 1}) || !slices.Equal(d.BucketCounts, []uint64{1, 1, 1}) {
		t.Errorf("%+v", d)
	}
}

func ExampleNew() {
	m := metrics.New(metrics.Options{Version: "v1.2.3"})
	// Give m to goaltrack.Config.Report, and then m.Watch(tracker.Snapshot).
	reader := metric.NewManualReader(metric.WithProducer(otel.New(m))) // or a periodic one, with an exporter
	provider := metric.NewMeterProvider(metric.WithReader(reader))
	defer func() { _ = provider.Shutdown(context.Background()) }()

	var got metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &got); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(got.ScopeMetrics[0].Metrics[0].Name)
	// Output: goaltrack_build_info
}
