package compat

import (
	"net/http"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/goaltrack/goaltrack"
)

// TestChiUse uses chi's Use, which is right because chi's handlers write their
// answers themselves.
func TestChiUse(t *testing.T) {
	play(t, func(tracker *goaltrack.Tracker) http.Handler {
		r := chi.NewRouter()
		r.Use(tracker.Handler)
		r.Post("/api/signup", func(w http.ResponseWriter, r *http.Request) {
			if r.FormValue("email") == "" {
				http.Error(w, "bad", http.StatusBadRequest)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"ok":true}`))
		})
		r.Post("/contact", func(w http.ResponseWriter, r *http.Request) {
			if r.FormValue("email") == "" {
				http.Error(w, "bad", http.StatusUnprocessableEntity)
				return
			}
			http.Redirect(w, r, "/thanks", http.StatusSeeOther)
		})
		r.Get("/files/{name}", func(w http.ResponseWriter, r *http.Request) {
			if chi.URLParam(r, "name") != "a.pdf" {
				http.NotFound(w, r)
				return
			}
			_, _ = w.Write([]byte("%PDF"))
		})
		return r
	}, told)
}
