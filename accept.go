package goaltrack

import (
	"net/http"

	"github.com/goaltrack/goaltrack/internal/scan"
	"github.com/goaltrack/goaltrack/internal/tap"
)

// AskReadable wraps a reverse proxy inside [Tracker.Handler], and belongs
// nowhere else: tracker.Handler(tracker.AskReadable(proxy)). It makes the site
// behind the proxy answer in an encoding that goaltrack can read. Without it, a
// browser also accepts others, such as br, and the site uses them.
//
// It changes a request only if a rule that may count reads the body of the
// answer (response.json.x). The proxy then gets a copy of the request. Its
// Accept-Encoding keeps gzip, deflate and identity, as far as the client
// accepts them, with the client's weights. If the client accepts none of them,
// the request stays as it came, and the goal is lost as answer_unreadable. It
// is safe for concurrent use.
func (t *Tracker) AskReadable(proxy http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tr := t.trackedOf(r)
		if tr == nil || !tr.readsAnswer() {
			proxy.ServeHTTP(w, r)
			return
		}
		accept, changed := scan.Readable(r.Header["Accept-Encoding"])
		if !changed {
			proxy.ServeHTTP(w, r)
			return
		}
		asked := r.WithContext(r.Context())
		asked.Header = r.Header.Clone()
		asked.Header.Set("Accept-Encoding", accept)
		defer tap.CopyBack(asked, r)
		proxy.ServeHTTP(w, asked)
	})
}

// readsAnswer reports whether a candidate that may yet count reads the body of
// the answer.
func (tr *tracked) readsAnswer() bool {
	tl := &tr.told
	tl.mu.Lock()
	ended := tl.ended
	tl.mu.Unlock()
	return !ended && tr.answerRead
}
