// Package bench compares goaltrack with the routers beside which it is often
// used. It is its own module, so that users of goaltrack do not import them.
package bench

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/gorilla/mux"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
)

// shapes are families of paths. template is that of the n-th rule. hit is a
// path that the n-th rule matches, and miss a path that no rule matches.
var shapes = []struct {
	name, template, hit, miss string
}{
	{"prefixes", "/section%d/{id}", "/section%d/x", "/elsewhere/x"},
	{"shared", "/api/v1/users/{id}/action%d", "/api/v1/users/x/action%d", "/api/v1/users/x/other"},
	{"wildcard", "/{lang}/page%d", "/de/page%d", "/de/other"},
}

var sizes = []int{10, 100, 1_000, 10_000}

// BenchmarkFind finds the rule or the route for two paths: one that the last of
// n matches, and one that none matches. The routers find the first match,
// goaltrack finds all matching rules. For goaltrack, the figure is that of the
// whole middleware around a handler that does nothing. The visitor is no bot. A
// condition of the rule then refuses the request, or the request is handed on.
func BenchmarkFind(b *testing.B) {
	for _, shape := range shapes {
		for _, n := range sizes {
			hit := httptest.NewRequest(http.MethodGet, fmt.Sprintf(shape.hit, n-1), nil)
			miss := httptest.NewRequest(http.MethodGet, shape.miss, nil)
			for _, router := range routers {
				find := router.make(b, shape.template, n)
				for what, r := range map[string]*http.Request{"hit": hit, "miss": miss} {
					b.Run(fmt.Sprintf("%s/%d/%s/%s", shape.name, n, what, router.name), func(b *testing.B) {
						b.ReportAllocs()
						for b.Loop() {
							find(r)
						}
					})
				}
			}
		}
	}
}

var routers = []struct {
	name string
	make func(b *testing.B, template string, n int) func(*http.Request)
}{
	{"goaltrack", newTracker},
	{"mux", newMux},
	{"ServeMux", newServeMux},
	{"chi", newChi},
}

func newTracker(b *testing.B, template string, n int) func(*http.Request) {
	goals := make([]goaltrack.Goal, n)
	for i := range goals {
		goals[i] = goaltrack.Goal{
			Name: fmt.Sprintf("GOAL_%d", i), Visit: fmt.Sprintf(template, i),
			If: goaltrack.Conditions{"query.never": "present"},
		}
	}
	rules, err := goaltrack.NewRules(goals...)
	if err != nil {
		b.Fatal(err)
	}
	tracker, err := goaltrack.New(goaltrack.Config{
		Sites:  []goaltrack.Site{{CDP: cdp.Direct{Region: cdp.EU, ClientKey: "key", PointOfSale: "shop"}}},
		Rules:  rules,
		DryRun: true,
	})
	if err != nil {
		b.Fatal(err)
	}
	handler := tracker.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	w := httptest.NewRecorder()
	return func(r *http.Request) { handler.ServeHTTP(w, r) }
}

func newMux(_ *testing.B, template string, n int) func(*http.Request) {
	router := mux.NewRouter()
	for i := range n {
		router.HandleFunc(fmt.Sprintf(template, i), func(http.ResponseWriter, *http.Request) {})
	}
	return func(r *http.Request) { router.Match(r, new(mux.RouteMatch)) }
}

func newServeMux(_ *testing.B, template string, n int) func(*http.Request) {
	router := http.NewServeMux()
	for i := range n {
		router.HandleFunc("GET "+fmt.Sprintf(template, i), func(http.ResponseWriter, *http.Request) {})
	}
	return func(r *http.Request) { router.Handler(r) }
}

func newChi(_ *testing.B, template string, n int) func(*http.Request) {
	router := chi.NewRouter()
	for i := range n {
		router.Get(fmt.Sprintf(template, i), func(http.ResponseWriter, *http.Request) {})
	}
	context := chi.NewRouteContext()
	return func(r *http.Request) {
		context.Reset()
		router.Match(context, r.Method, r.URL.Path)
	}
}
