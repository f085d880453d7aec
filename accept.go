package goaltrack

import (
	"net/http"

	"github.com/goaltrack/goaltrack/internal/scan"
	"github.com/goaltrack/goaltrack/internal/tap"
)

// AskReadable goes between [Tracker.Handler] and a reverse proxy, and nowhere
// else: tracker.Handler(tracker.AskReadable(proxy)). A browser accepts encodings
// that goaltrack cannot read, such as br, and the site behind a proxy then uses
// them. If a rule that may count in this request reads the body of the answer
// (response.json.x), the proxy gets a copy of the request whose Accept-Encoding
// has only those of the client's encodings that can be read: gzip, deflate and
// identity, with the weights the client gave them. A client that takes none of
// them keeps what it said, and the goal is lost as answer_unreadable. Every
// other request goes on as it came. It is safe for concurrent use.
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
	tr.mu.Lock()
	ended := tr.ended
	tr.mu.Unlock()
	return !ended && tr.answerRead
}
