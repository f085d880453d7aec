package agent

import (
	"flag"
	"slices"
	"strings"
	"testing"
	"time"
)

var cost = flag.Bool("cost", false, "measure what a verdict costs")

// longest are agents that are made to cost: of the greatest length, with much of
// what is looked at.
var longest = []string{
	strings.Repeat("(", 512),
	strings.Repeat("a@b.", 128),
	strings.Repeat("a b/", 128),
	strings.Repeat("aB", 256),
	strings.Repeat("Compatible;(", 43),
	"nokia/1 " + strings.Repeat("midp ", 100),
	"a/1 (Windows) " + strings.Repeat("x.com/1.", 62),
	"Mozilla/5.0 (Linux; Android 9; " + strings.Repeat("headlesx ", 53),
	strings.Repeat("Google Check ", 39),
}

// TestSignKeepsNothing: a verdict takes no memory.
func TestSignKeepsNothing(t *testing.T) {
	for _, ua := range append(agentsIn(t, "testdata/people.txt"), longest...) {
		if n := testing.AllocsPerRun(200, func() { Sign(ua) }); n > 0 {
			t.Errorf("%v allocations: %s", n, ua)
		}
	}
}

// TestSignCost: a verdict costs no more than to look for a hundred words one after
// the other, which is how such lists are often held against an agent. On a machine
// of 2024 with nothing else to do that is four microseconds for a browser's.
// BenchmarkSign has the figures.
func TestSignCost(t *testing.T) {
	if !*cost {
		t.Skip("-cost was not given: what else runs on the machine would be measured, too")
	}
	absent := make([]string, 100)
	for i := range absent {
		absent[i] = string(rune('a'+i%26)) + "qzx"
	}
	search := func(ua string) (found bool) {
		for _, w := range absent {
			found = strings.Contains(ua, w) || found
		}
		return found
	}
	people := agentsIn(t, "testdata/people.txt")
	for name, agents := range map[string][]string{"people": people, "the longest": longest} {
		const pairs = 15
		var ratios []float64
		for range pairs {
			began := time.Now()
			for _, ua := range agents {
				Sign(ua)
			}
			sign := time.Since(began)
			began = time.Now()
			for _, ua := range agents {
				search(ua)
			}
			ratios = append(ratios, float64(sign)/float64(time.Since(began)))
		}
		slices.Sort(ratios)
		t.Logf("%s: %.2f", name, ratios[pairs/2])
		if ratios[pairs/2] > 1 {
			t.Errorf("%s: a verdict costs %.2f as much as a hundred searches", name, ratios[pairs/2])
		}
	}
}

// BenchmarkSign is a verdict that is not remembered.
func BenchmarkSign(b *testing.B) {
	for name, agents := range map[string][]string{"people": agentsIn(b, "testdata/people.txt"), "machines": agentsIn(b, "testdata/machines.txt"), "longest": longest} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				Sign(agents[i%len(agents)])
				i++
			}
		})
	}
}

// BenchmarkJudge is one that is.
func BenchmarkJudge(b *testing.B) {
	j := NewJudge([]string{"a*b"}, []string{"HeadlessChrome"})
	b.ReportAllocs()
	for b.Loop() {
		j.Of(chrome)
	}
}
