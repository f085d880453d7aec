package test

import (
	"net/http"
	"testing"

	"github.com/gorilla/mux"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/internal/world"
)

// TestEncodedSlash: %2F means what the router that answers makes of it, wherever
// goaltrack is mounted (https://github.com/gorilla/mux/issues/639).
func TestEncodedSlash(t *testing.T) {
	const rules = `
version: 1
goals:
  - { goal: ONE, visit: "/docs/{id}", data: { id: $path.id } }
  - { goal: TWO, visit: "/docs/{dir}/{id}", data: { id: $path.id } }
  - { goal: SENT, submit: "/docs/{id}" }
`
	page := http.HandlerFunc(world.HTML)
	back := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.EscapedPath()+"?error=1", http.StatusSeeOther)
	})
	serveMux := func(inner func(http.Handler) http.Handler) http.Handler {
		m := http.NewServeMux()
		m.Handle("GET /docs/{id}", inner(page))
		m.Handle("GET /docs/{dir}/{id}", inner(page))
		m.Handle("POST /docs/{id}", inner(back))
		return m
	}
	gorilla := func(m *mux.Router, inner func(http.Handler) http.Handler) http.Handler {
		m.Handle("/docs/{id}", inner(back)).Methods(http.MethodPost)
		m.Handle("/docs/{id}", inner(page))
		m.Handle("/docs/{dir}/{id}", inner(page))
		return m
	}
	plain := func(h http.Handler) http.Handler { return h }
	wrapped := func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(w, r) })
	}
	for name, c := range map[string]struct {
		mount func(*goaltrack.Tracker) http.Handler
		path  string
		one   string
		two   string
		id    string
		note  uint64
	}{
		"around a ServeMux":  {func(t *goaltrack.Tracker) http.Handler { return t.Handler(serveMux(plain)) }, "/docs/a%2Fb", "fired 1", "none", "a/b", 0},
		"inside a ServeMux":  {func(t *goaltrack.Tracker) http.Handler { return serveMux(t.Handler) }, "/docs/a%2fb", "fired 1", "none", "a/b", 0},
		"around gorilla/mux": {func(t *goaltrack.Tracker) http.Handler { return t.Handler(gorilla(mux.NewRouter(), plain)) }, "/docs/a%2Fb", "none", "fired 1", "b", 0},
		"inside gorilla/mux": {func(t *goaltrack.Tracker) http.Handler { return gorilla(mux.NewRouter(), t.Handler) }, "/docs/a%2Fb", "none", "fired 1", "b", 0},
		"around gorilla/mux, encoded": {func(t *goaltrack.Tracker) http.Handler {
			return t.Handler(gorilla(mux.NewRouter().UseEncodedPath(), plain))
		}, "/docs/a%2Fb", "fired 1", "none", "a/b", 0},
		"inside gorilla/mux, encoded":          {func(t *goaltrack.Tracker) http.Handler { return gorilla(mux.NewRouter().UseEncodedPath(), t.Handler) }, "/docs/a%2Fb", "fired 1", "none", "a/b", 0},
		"a router that nobody knows":           {func(t *goaltrack.Tracker) http.Handler { return t.Handler(wrapped(serveMux(plain))) }, "/docs/a%2Fb", "none", "fired 1", "b", 0},
		"and a goal that only it would see":    {func(t *goaltrack.Tracker) http.Handler { return t.Handler(wrapped(serveMux(plain))) }, "/docs/a%2Fb%2Fc", "none", "none", "", 1},
		"a slash that is none":                 {func(t *goaltrack.Tracker) http.Handler { return t.Handler(serveMux(plain)) }, "/docs/a%252Fb", "fired 1", "none", "a%2Fb", 0},
		"two segments with one":                {func(t *goaltrack.Tracker) http.Handler { return t.Handler(serveMux(plain)) }, "/docs/x/a%2Fb", "none", "fired 1", "a/b", 0},
		"another character that is written so": {func(t *goaltrack.Tracker) http.Handler { return t.Handler(serveMux(plain)) }, "/docs/a%28b", "fired 1", "none", "a(b", 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := world.Setup{Rules: rules, Mount: c.mount}.Start(t)
			v := w.Visitor().Meet()
			v.Get(c.path)
			v.Post(c.path, "a=b")
			w.Done()
			if one, two := w.Fates("ONE"), w.Fates("TWO"); one != c.one || two != c.two || w.Note("encoded_slash") < c.note || c.note == 0 && w.Note("encoded_slash") > 1 {
				t.Errorf("ONE %s, TWO %s, %d notes; want %s, %s, %d", one, two, w.Note("encoded_slash"), c.one, c.two, c.note)
			}
			if got := w.Fates("SENT"); got != "none" && got != "not_successful 1" {
				t.Errorf("a form that was sent back: %s", got)
			}
			for _, e := range w.CDP.Events() {
				if id := e.Ext["id"]; id != nil && id != c.id {
					t.Errorf("%s has the id %q, want %q", e.Type, id, c.id)
				}
			}
		})
	}
}
