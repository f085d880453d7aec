package main

import (
	"net/http"
	"sync"
	"time"
)

// concurrencyLimit bounds how many pages are made at the same time. A page asks a database,
// so many at once would take processor and memory from what the proxy is for. Requests that
// only ask whether it runs, or read metrics, do not come by here.
type concurrencyLimit struct {
	places chan struct{}
	wait   time.Duration // for a place
}

// The bounds of the pages of --admin.
const (
	mostPages    = 8  // are made
	mostReaders  = 32 // are under way: made, or taken by who asked
	mostProfiles = 2
	pageWait     = 5 * time.Second
	pageTake     = 30 * time.Second // for a reader to send all of a request, and to take a piece of the answer
)

func newConcurrencyLimit(most int) *concurrencyLimit {
	return &concurrencyLimit{make(chan struct{}, most), pageWait}
}

// around lets so many requests in at once. Others wait a little, and get 503 then. How long a
// reader may keep a place who takes nothing, the server bounds.
func (c *concurrencyLimit) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		leave, ok := c.enter(w, r)
		if !ok {
			return
		}
		defer leave()
		next.ServeHTTP(w, r)
	})
}

// making is around, but a request leaves its place when its answer is made, which is at the
// first byte. So readers who take theirs slowly do not keep others out.
func (c *concurrencyLimit) making(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		leave, ok := c.enter(w, r)
		if !ok {
			return
		}
		leave = sync.OnceFunc(leave)
		defer leave()
		if r.Method == http.MethodPost {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(pageTake)) // of a body
		}
		next.ServeHTTP(&telling{w, leave}, r)
	})
}

// telling is a writer that tells when it gets the first byte.
type telling struct {
	http.ResponseWriter

	begin func()
}

// Write implements [http.ResponseWriter].
func (b *telling) Write(p []byte) (int, error) {
	b.begin()
	return b.ResponseWriter.Write(p)
}

// Unwrap is for [http.ResponseController].
func (b *telling) Unwrap() http.ResponseWriter { return b.ResponseWriter }

// enter takes a place. It answers the request if there is none.
func (c *concurrencyLimit) enter(w http.ResponseWriter, r *http.Request) (leave func(), ok bool) {
	select {
	case c.places <- struct{}{}:
	default:
		timer := time.NewTimer(c.wait)
		defer timer.Stop()
		select {
		case c.places <- struct{}{}:
		case <-r.Context().Done():
			return nil, false
		case <-timer.C:
			w.Header().Set("Retry-After", "5")
			w.Header().Set("Cache-Control", "no-store")
			http.Error(w, "too many pages are asked for at once, try again", http.StatusServiceUnavailable)
			return nil, false
		}
	}
	return func() { <-c.places }, true
}

// bounded bounds the pages of --admin: how many are made at once, how many are under way, and
// how slowly each may be taken.
func bounded(pages http.Handler) http.Handler {
	return newConcurrencyLimit(mostReaders).around(pace{pageTake}.around(newConcurrencyLimit(mostPages).making(pages)))
}
