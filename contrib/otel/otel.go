// Package otel gives goaltrack's metrics to OpenTelemetry (go.opentelemetry.io/otel), for
// programs that send their metrics with its SDK.
//
//	m := metrics.New(metrics.Options{})
//	tracker, err := goaltrack.New(goaltrack.Config{Report: m, ...})
//	...
//	m.Watch(tracker.Snapshot)
//	reader := metric.NewPeriodicReader(exporter, metric.WithProducer(otel.New(m)))
//	provider := metric.NewMeterProvider(metric.WithReader(reader))
//
// Names, attributes and values are those of package metrics, so that one dashboard fits
// whatever brings the numbers. They do not follow OpenTelemetry's semantic conventions for
// messaging, which are not stable yet.
package otel

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/goaltrack/goaltrack/metrics"
)

// New makes a producer of metrics. It is safe for concurrent use, and reads what is there
// each time it is asked. Counters begin at the call of New.
func New(m *metrics.Metrics) metric.Producer { return producer{m, time.Now()} }

type producer struct {
	metrics *metrics.Metrics
	since   time.Time
}

// scope is the name of what measures.
const scope = "github.com/goaltrack/goaltrack/metrics"

// Produce implements [metric.Producer].
func (p producer) Produce(context.Context) ([]metricdata.ScopeMetrics, error) {
	families := p.metrics.Families()
	made := metricdata.ScopeMetrics{Scope: instrumentation.Scope{Name: scope}, Metrics: make([]metricdata.Metrics, 0, len(families))}
	now := time.Now()
	for i := range families {
		if f := &families[i]; len(f.Samples) > 0 {
			made.Metrics = append(made.Metrics, metricdata.Metrics{Name: f.Name, Description: f.Help, Data: p.dataOf(f, now)})
		}
	}
	return []metricdata.ScopeMetrics{made}, nil
}

// dataOf are the samples of a family.
func (p producer) dataOf(f *metrics.Family, now time.Time) metricdata.Aggregation {
	if f.Type == "histogram" {
		h := metricdata.Histogram[float64]{Temporality: metricdata.CumulativeTemporality}
		for i := range f.Samples {
			h.DataPoints = append(h.DataPoints, p.histogramOf(&f.Samples[i], now))
		}
		return h
	}
	points := make([]metricdata.DataPoint[float64], len(f.Samples))
	for i, s := range f.Samples {
		points[i] = metricdata.DataPoint[float64]{Attributes: attributesOf(s.Labels), StartTime: p.since, Time: now, Value: s.Value}
	}
	if f.Type == "counter" {
		return metricdata.Sum[float64]{Temporality: metricdata.CumulativeTemporality, IsMonotonic: true, DataPoints: points}
	}
	return metricdata.Gauge[float64]{DataPoints: points}
}

// histogramOf makes a histogram whose buckets are each for themselves.
func (p producer) histogramOf(s *metrics.Sample, now time.Time) metricdata.HistogramDataPoint[float64] {
	h := s.Histogram
	point := metricdata.HistogramDataPoint[float64]{Attributes: attributesOf(s.Labels), StartTime: p.since, Time: now, Count: h.Count, Sum: h.Sum}
	before := uint64(0)
	for _, b := range h.Buckets {
		point.Bounds, point.BucketCounts = append(point.Bounds, b.AtMost), append(point.BucketCounts, b.Count-before)
		before = b.Count
	}
	point.BucketCounts = append(point.BucketCounts, h.Count-before)
	return point
}

// attributesOf are labels, which are names and values in turn.
func attributesOf(labels []string) attribute.Set {
	list := make([]attribute.KeyValue, 0, len(labels)/2)
	for i := 0; i+1 < len(labels); i += 2 {
		list = append(list, attribute.String(labels[i], labels[i+1]))
	}
	return attribute.NewSet(list...)
}
