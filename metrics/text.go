package metrics

import (
	"bytes"
	"cmp"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/fact"
)

// The types of families.
const (
	counter   = "counter"
	gauge     = "gauge"
	histogram = "histogram"
)

// prefix is what all names begin with.
const prefix = "goaltrack_"

// Family is a metric: its samples differ in their labels. It is for whoever shows metrics
// in another way than [Metrics.ServeHTTP] does.
type Family struct {
	// Name begins with goaltrack_, and Help says in a sentence what is counted.
	Name, Help string
	// Type is "counter", "gauge" or "histogram".
	Type    string
	Samples []Sample
}

// Sample is a value of a metric.
type Sample struct {
	// Labels are names and values in turn. The names are the same in all samples.
	Labels []string
	Value  float64
	// Histogram is set in place of Value for a histogram.
	Histogram *Histogram
}

// Histogram is how often something took how long.
type Histogram struct {
	Count uint64  // how often
	Sum   float64 // how long together, in seconds
	// Buckets say how many took at most so many seconds, each with all before it.
	Buckets []Bucket
}

// Bucket is one of them.
type Bucket struct {
	AtMost float64 // seconds
	Count  uint64
}

// gathered are the families as they are made.
type gathered struct{ families []Family }

// family begins a family of samples.
func (g *gathered) family(name, kind, help string) {
	g.families = append(g.families, Family{Name: prefix + name, Help: help, Type: kind})
}

// sample adds one to the family that was begun last, whose name it says again.
func (g *gathered) sample(_ string, value float64, labels ...string) {
	g.add(Sample{Labels: labels, Value: value})
}

func (g *gathered) add(s Sample) {
	for i := 1; i < len(s.Labels); i += 2 {
		s.Labels[i] = strings.ToValidUTF8(s.Labels[i], "\uFFFD")
	}
	last := &g.families[len(g.families)-1]
	last.Samples = append(last.Samples, s)
}

var escaped = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

// text writes Prometheus' text format, version 0.0.4.
type text struct{ b *bytes.Buffer }

// family writes a family.
func (t *text) family(f *Family) {
	fmt.Fprintf(t.b, "# HELP %s %s\n# TYPE %s %s\n", f.Name, f.Help, f.Name, f.Type)
	for _, s := range f.Samples {
		h := s.Histogram
		if h == nil {
			t.line(f.Name, s.Value, s.Labels...)
			continue
		}
		for _, b := range h.Buckets {
			t.line(f.Name+"_bucket", float64(b.Count), append(slices.Clone(s.Labels), "le", strconv.FormatFloat(b.AtMost, 'g', -1, 64))...)
		}
		t.line(f.Name+"_bucket", float64(h.Count), append(slices.Clone(s.Labels), "le", "+Inf")...)
		t.line(f.Name+"_sum", h.Sum, s.Labels...)
		t.line(f.Name+"_count", float64(h.Count), s.Labels...)
	}
}

// line writes one sample. Labels are names and values in turn.
func (t *text) line(name string, value float64, labels ...string) {
	t.b.WriteString(name)
	for i := 0; i+1 < len(labels); i += 2 {
		t.b.WriteByte("{,"[min(i, 1)])
		fmt.Fprintf(t.b, `%s="%s"`, labels[i], escaped.Replace(labels[i+1]))
	}
	if len(labels) > 0 {
		t.b.WriteByte('}')
	}
	t.b.WriteString(" " + strconv.FormatFloat(value, 'g', -1, 64) + "\n")
}

// ordered goes through counts in the order of their names, so that two readings can be
// compared.
func ordered[K comparable, V any](counts map[K]V) iter.Seq2[K, V] {
	keys := slices.SortedFunc(maps.Keys(counts), func(a, b K) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return func(yield func(K, V) bool) {
		for _, k := range keys {
			if !yield(k, counts[k]) {
				return
			}
		}
	}
}

func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}

// inUnits is a sum in whole units.
func inUnits(minor int64, currency string) float64 {
	return float64(minor) / math.Pow10(fact.Digits(currency))
}
