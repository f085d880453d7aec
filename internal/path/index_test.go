package path

import (
	"fmt"
	"math"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// FuzzIndexAgreesWithNaive: finding in the tree is the same as trying every
// template. The templates are one a line.
func FuzzIndexAgreesWithNaive(f *testing.F) {
	f.Add("/a\n/{x}\n/*\n/**", "/a")
	f.Add("/a/{x}\n/a/{y}\n/{z}/b\n/a/b\n/A/B/", "/a/b")
	f.Add("/a/{n:[0-9]+}\n/a/{m:[0-9]+}/c\n/a/{w:\\w+}\n/a/**", "/a/1/")
	f.Add("/{l}/x/**\n/de/x/*\n/de/**/z\n/**/{f}.pdf", "/de/x/z")
	f.Add("/\n//\n/a//b", "//")
	f.Fuzz(func(t *testing.T, text, path string) {
		if len(path) > MaxLength || strings.ContainsRune(text, '\ufffd') {
			return
		}
		var templates []Template
		for line := range strings.Lines(text) {
			if tpl, err := Parse(strings.TrimSuffix(line, "\n")); err == nil {
				templates = append(templates, tpl)
			}
		}
		var got, want []string
		got = newIndex(templates...).Find(http.MethodGet, path, nil)
		for i := range templates {
			if wholeOf(t, templates[i].Text).MatchString(path) {
				want = append(want, templates[i].Text)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("on %q: found %q, want %q", path, got, want)
		}
	})
}

// indexShapes are the ways in which many goals may be spread over a site. Each
// makes the i-th template and a path for it, and a path that nothing matches.
var indexShapes = []struct {
	name     string
	template func(i int) string
	hit      func(i int) string
	miss     string
}{
	{
		"prefixes",
		func(i int) string { return fmt.Sprintf("/section%d/{id:[0-9]+}", i) },
		func(i int) string { return fmt.Sprintf("/section%d/4711", i) },
		"/elsewhere/4711",
	},
	{
		"prefix",
		func(i int) string { return fmt.Sprintf("/shop/v1/{id}/action%d", i) },
		func(i int) string { return fmt.Sprintf("/shop/v1/sku-42/action%d", i) },
		"/shop/v1/sku-42/nothing",
	},
	{
		"wildcard",
		func(i int) string { return fmt.Sprintf("/{lang}/page%d", i) },
		func(i int) string { return fmt.Sprintf("/de/page%d", i) },
		"/de/nothing",
	},
	{
		"tails",
		func(i int) string { return fmt.Sprintf("/files%d/**/{file}.pdf", i) },
		func(i int) string { return fmt.Sprintf("/files%d/a/b.pdf", i) },
		"/assets/a/b.pdf",
	},
}

// manyTemplates makes an index of n goals.
func manyTemplates(tb testing.TB, template func(int) string, n int) *Index[*Template] {
	tb.Helper()
	ix := new(Index[*Template])
	for i := range n {
		tpl, err := Parse(template(i))
		if err != nil {
			tb.Fatal(err)
		}
		ix.Add(http.MethodGet, &tpl, &tpl)
	}
	return ix
}

func BenchmarkIndexFind(b *testing.B) {
	for _, shape := range indexShapes {
		for _, n := range []int{10, 100, 1_000, 10_000} {
			ix := manyTemplates(b, shape.template, n)
			for i, paths := range [][]string{hits(shape.hit, n), {shape.miss}} {
				name := []string{"hit", "miss"}[i]
				b.Run(fmt.Sprintf("%s/%s/%d", shape.name, name, n), func(b *testing.B) {
					b.ReportAllocs()
					var found [8]*Template
					i := 0
					for b.Loop() {
						ix.Find(http.MethodGet, paths[i], found[:0])
						if i++; i == len(paths) {
							i = 0
						}
					}
				})
			}
		}
	}
}

// TestIndexCost: looking up a path costs no allocation, and hardly more with
// two thousand goals than with ten. The hits go round the goals, so that the
// processor's caches do not flatter the large index. Nor does it take much
// memory, since templates of equal shape share their regular expressions.
func TestIndexCost(t *testing.T) {
	const n = 2_000
	for _, shape := range indexShapes {
		before := heap()
		many := manyTemplates(t, shape.template, n)
		used := heap() - before
		t.Logf("%-8s %.1f MB for %d goals", shape.name, float64(used)/1e6, n)
		if used > 2_000*n || len(many.regexps) > 1 {
			t.Errorf("%s: %d templates take %d bytes and %d regular expressions", shape.name, n, used, len(many.regexps))
		}
		few := manyTemplates(t, shape.template, 10)
		fewHits, manyHits, miss := hits(shape.hit, 10), hits(shape.hit, n), []string{shape.miss}
		var found [8]*Template
		for _, path := range manyHits {
			if got := many.Find(http.MethodGet, path, found[:0]); len(got) != 1 {
				t.Fatalf("%s: %d found", path, len(got))
			}
		}
		for _, path := range []string{manyHits[1], shape.miss} {
			if allocs := testing.AllocsPerRun(100, func() { many.Find(http.MethodGet, path, found[:0]) }); allocs != 0 {
				t.Errorf("%s: %v allocations", path, allocs)
			}
		}
		for _, c := range []struct {
			name      string
			few, many []string
		}{{"hit", fewHits, manyHits}, {"miss", miss, miss}} {
			ofFew, ofMany := findTimes(few, c.few, many, c.many)
			t.Logf("%-8s %-4s %5v with 10 goals, %5v with %d", shape.name, c.name, ofFew, ofMany, n)
			if ofMany > 4*ofFew {
				t.Errorf("%s, %s: 10 goals take %v, %d take %v", shape.name, c.name, ofFew, n, ofMany)
			}
		}
	}
}

// hits are paths of goals spread evenly over all n.
func hits(path func(int) string, n int) []string {
	paths := make([]string, 0, 100)
	for i := range cap(paths) {
		paths = append(paths, path(i*7919%n))
	}
	return paths
}

// findTimes are the shortest of several measurements of each index by turns, since
// other work on the machine can only add to them.
func findTimes(few *Index[*Template], fewPaths []string, many *Index[*Template], manyPaths []string) (ofFew, ofMany time.Duration) {
	const runs = 1_000
	var found [8]*Template
	once := func(ix *Index[*Template], paths []string) time.Duration {
		start := time.Now()
		for i := range runs {
			ix.Find(http.MethodGet, paths[i%len(paths)], found[:0])
		}
		return time.Since(start) / runs
	}
	ofFew, ofMany = math.MaxInt64, math.MaxInt64
	for range 15 {
		ofFew, ofMany = min(ofFew, once(few, fewPaths)), min(ofMany, once(many, manyPaths))
	}
	return ofFew, ofMany
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
