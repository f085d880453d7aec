package test

import (
	"io"
	"net/http"
	"sync"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/internal/world"
)

// watcher watches every browser that has its cookie, and keeps what it saw.
type watcher struct {
	mu   sync.Mutex
	seen []fact.Seen
}

func (w *watcher) Cookie() string                  { return "watched" }
func (w *watcher) Watch(string) fact.Watcher       { return w }
func (w *watcher) Answered(string, string, string) {}
func (w *watcher) Dry() bool                       { return false }
func (w *watcher) Sends(fact.Sent)                 {}
func (w *watcher) Saw(s fact.Seen) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, s)
}

// TestPreviewShowsTheLocationThatWasSent: whoever watches is shown where an answer led, and
// nothing that stood in its header before or after that.
func TestPreviewShowsTheLocationThatWasSent(t *testing.T) {
	lead := func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Location", "/thanks?a=b") }
	for _, test := range []struct {
		name    string
		around  func(http.Handler) http.Handler
		handler http.HandlerFunc
		status  int
		want    string
	}{
		{"redirect", own, func(w http.ResponseWriter, r *http.Request) { lead(w, r); w.WriteHeader(http.StatusSeeOther) }, 303, "/thanks"},
		{"nothing written, by net/http", own, lead, 200, "/thanks"},
		{"nothing written, in a framework", framework(422), func(w http.ResponseWriter, r *http.Request) {
			lead(w, r)
		}, 0, ""},
		{"later than the answer", own, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "text")
			lead(w, r)
		}, 200, ""},
		{"changed after the answer", own, func(w http.ResponseWriter, r *http.Request) {
			lead(w, r)
			w.WriteHeader(http.StatusSeeOther)
			w.Header().Set("Location", "/other")
		}, 303, "/thanks"},
		{"panic", own, func(w http.ResponseWriter, r *http.Request) { lead(w, r); panic(http.ErrAbortHandler) }, 0, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			watch := new(watcher)
			w := world.Setup{Rules: nothingRules, Mount: func(tracker *goaltrack.Tracker) http.Handler {
				return test.around(tracker.Handler(test.handler))
			}, Config: func(c *goaltrack.Config, _ *cdptest.Server) { c.Preview = watch }}.Start(t)
			v := w.Visitor().Meet()
			req := v.Request(http.MethodPost, "/form", http.NoBody, "Cookie", "watched=yes")
			if resp, err := w.Site.Client().Transport.RoundTrip(req); err == nil {
				_ = resp.Body.Close()
			} else if test.name != "panic" {
				t.Fatal(err)
			}
			w.Site.Close() // which waits for the handler
			if len(watch.seen) != 1 || watch.seen[0].Status != test.status || watch.seen[0].Location != test.want {
				t.Errorf("seen %+v, want status %d and location %q", watch.seen, test.status, test.want)
			}
		})
	}
}
