// Package prometheus shows goaltrack's metrics to programs that use Prometheus' client
// library (github.com/prometheus/client_golang), beside their own.
//
//	m := metrics.New(metrics.Options{})
//	tracker, err := goaltrack.New(goaltrack.Config{Report: m, ...})
//	...
//	m.Watch(tracker.Snapshot)
//	registry.MustRegister(prometheus.New(m))
//
// The names, labels and values are those of package metrics, which is a handler of its own
// for programs without that library.
package prometheus

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/goaltrack/goaltrack/metrics"
)

// New makes a collector of metrics. It is safe for concurrent use, and reads what is
// there each time it is asked. One collector of the same metrics belongs to one registry:
// two trackers need labels to tell them apart (prometheus.WrapRegistererWith).
func New(m *metrics.Metrics) prometheus.Collector { return collector{m} }

type collector struct{ metrics *metrics.Metrics }

// Describe implements [prometheus.Collector]. It describes nothing, since a metric without
// samples has no labels yet: the collector is unchecked, as the library calls that.
func (collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements [prometheus.Collector].
func (c collector) Collect(to chan<- prometheus.Metric) {
	for _, f := range c.metrics.Families() {
		for _, s := range f.Samples {
			names, values := labelsOf(s.Labels)
			desc := prometheus.NewDesc(f.Name, f.Help, names, nil)
			one, err := metricOf(desc, f.Type, &s, values)
			if err != nil {
				one = prometheus.NewInvalidMetric(desc, err)
			}
			to <- one
		}
	}
}

// metricOf makes a metric of a sample.
func metricOf(desc *prometheus.Desc, kind string, s *metrics.Sample, labels []string) (prometheus.Metric, error) {
	if h := s.Histogram; h != nil {
		buckets := make(map[float64]uint64, len(h.Buckets))
		for _, b := range h.Buckets {
			buckets[b.AtMost] = b.Count
		}
		return prometheus.NewConstHistogram(desc, h.Count, h.Sum, buckets, labels...)
	}
	if kind == "counter" {
		return prometheus.NewConstMetric(desc, prometheus.CounterValue, s.Value, labels...)
	}
	return prometheus.NewConstMetric(desc, prometheus.GaugeValue, s.Value, labels...)
}

// labelsOf parts labels, which are names and values in turn.
func labelsOf(labels []string) (names, values []string) {
	for i := 0; i+1 < len(labels); i += 2 {
		names, values = append(names, labels[i]), append(values, labels[i+1])
	}
	return names, values
}
