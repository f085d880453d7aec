package main

import (
	"net/http"
	"time"
)

// concurrencyLimit bounds how many pages are made at the same time. A page asks a database, so many at
// once would take processor and memory from what the proxy is for. Who only looks whether it
// runs, and who reads metrics, does not come by here.
type concurrencyLimit struct {
	places chan struct{}
	wait   time.Duration // for a place
}

// The bounds of the pages of --admin.
const (
	mostPages    = 8
	mostProfiles = 2
	pageWait     = 5 * time.Second
	pageTake     = 30 * time.Second // for a reader to send all of a request, and to take the answer
)

func newConcurrencyLimit(most int) *concurrencyLimit {
	return &concurrencyLimit{make(chan struct{}, most), pageWait}
}

// around lets so many requests in at once. Others wait a little, and get 503 then. How long a
// reader may keep a place who takes nothing, the server bounds.
func (c *concurrencyLimit) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case c.places <- struct{}{}:
		default:
			timer := time.NewTimer(c.wait)
			defer timer.Stop()
			select {
			case c.places <- struct{}{}:
			case <-r.Context().Done():
				return
			case <-timer.C:
				w.Header().Set("Retry-After", "5")
				w.Header().Set("Cache-Control", "no-store")
				http.Error(w, "too many pages are asked for at once, try again", http.StatusServiceUnavailable)
				return
			}
		}
		defer func() { <-c.places }()
		if r.Method == http.MethodPost {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(pageTake)) // of a body
		}
		next.ServeHTTP(w, r)
	})
}
