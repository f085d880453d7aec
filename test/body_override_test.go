package test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/mux"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/internal/world"
)

// TestMethodOverride: the middleware that reads a form's _method changes the
// request that goaltrack sees; some take the field away, too
// (https://pkg.go.dev/github.com/gorilla/handlers#HTTPMethodOverrideHandler,
// https://github.com/gobuffalo/buffalo/issues/1480).
func TestMethodOverride(t *testing.T) {
	for _, form := range outsideForms {
		for _, takesAway := range []bool{false, true} {
			w := world.Setup{
				Rules: "{version: 1, goals: [{goal: FORM_CHANGED, submit: {path: /form, method: PUT}, data: {topic: $form.topic}}, {goal: FORM_SENT, submit: /form}]}",
				Mount: func(tracker *goaltrack.Tracker) http.Handler {
					inside := tracker.Handler(http.RedirectHandler("/thanks", http.StatusSeeOther))
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						r.Method = r.FormValue("_method")
						if takesAway {
							r.Form.Del("_method")
							r.PostForm.Del("_method")
						}
						inside.ServeHTTP(w, r)
					})
				},
			}.Start(t)
			contentType, body := form("_method", "PUT", "topic", "sales")
			sendBody(w.Visitor().Meet(), contentType, body, false)
			w.Expect("FORM_CHANGED", "fired 1")
			w.Expect("FORM_SENT", "none")
			w.CDP.Expect(t, "FORM_CHANGED").With("topic", "sales").Once()
		}
	}
}

// TestRouterThatReads: on a router, the middleware that is used first reads first.
// What it takes from the marketer is said in words.
func TestRouterThatReads(t *testing.T) {
	reads := map[string]func(*http.Request){
		"parses": func(r *http.Request) { _ = r.FormValue("csrf") },
		"reads":  func(r *http.Request) { _, _ = r.Body.Read(make([]byte, 100)) },
	}
	for name, read := range reads {
		for _, first := range []bool{false, true} {
			w := world.Setup{Rules: "{version: 1, goals: [{goal: FORM_SENT, submit: /form, unless: {form.website: present}}]}", Mount: func(tracker *goaltrack.Tracker) http.Handler {
				router := mux.NewRouter()
				reader := func(next http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { read(r); next.ServeHTTP(w, r) })
				}
				if first {
					router.Use(tracker.Handler, reader)
				} else {
					router.Use(reader, tracker.Handler)
				}
				router.Handle("/form", reading(func(r *http.Request) { _ = r.FormValue("topic") }))
				return router
			}}.Start(t)
			w.Visitor().Meet().Post("/form", "topic=sales")
			want := "fired 1"
			if name == "reads" && !first {
				want = "form_read_outside 1"
			}
			w.Expect("FORM_SENT", want)
			if want == "fired 1" {
				continue
			}
			misses := w.Tracker.Snapshot().Goals[0].NearMisses
			if len(misses) != 1 || !strings.Contains(misses[0].What, "in front of goaltrack") {
				t.Errorf("near misses: %+v", misses)
			}
		}
	}
}
