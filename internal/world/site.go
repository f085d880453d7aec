package world

import (
	"io"
	"net/http"
	"strings"
	"time"
)

// HTML answers with a page.
func HTML(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, "<!doctype html><p>A page.")
}

// Answer makes a handler that reads the form and gives one status and headers: a
// name, its value, and so on.
func Answer(status int, header ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
	})
}

// Shop answers as small sites do.
func Shop() http.Handler {
	mux := http.NewServeMux()
	page := func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<!doctype html><p>A page.") }
	mux.HandleFunc("GET /", page)
	mux.HandleFunc("POST /newsletter", func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.FormValue("email"), "@") {
			w.WriteHeader(http.StatusUnprocessableEntity)
			return
		}
		http.Redirect(w, r, "/welcome", http.StatusSeeOther)
	})
	mux.HandleFunc("POST /contact", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("topic") == "" {
			page(w, r)
			return
		}
		http.Redirect(w, r, "/thanks", http.StatusSeeOther)
	})
	mux.HandleFunc("POST /checkout", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("total") == "" {
			http.Redirect(w, r, "/checkout?declined=1", http.StatusSeeOther)
			return
		}
		http.Redirect(w, r, "/orders/A-1001", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /files/2026/eu/guide.pdf", func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "guide.pdf", time.Time{}, strings.NewReader(strings.Repeat("%PDF", 1000)))
	})
	return mux
}
