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

// text writes Prometheus' text format, version 0.0.4.
type text struct{ b *bytes.Buffer }

// family begins a family of samples.
func (t *text) family(name, kind, help string) {
	fmt.Fprintf(t.b, "# HELP %s%s %s\n# TYPE %s%s %s\n", prefix, name, help, prefix, name, kind)
}

var escaped = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

// sample writes one line. Labels are names and values in turn.
func (t *text) sample(name string, value float64, labels ...string) {
	t.b.WriteString(prefix + name)
	for i := 0; i+1 < len(labels); i += 2 {
		t.b.WriteByte("{,"[min(i, 1)])
		fmt.Fprintf(t.b, `%s="%s"`, labels[i], escaped.Replace(strings.ToValidUTF8(labels[i+1], "\uFFFD")))
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
