package goaltrack

import (
	"net/http"

	"github.com/goaltrack/goaltrack/internal/fair"
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
		asked := tap.Lend(r.Context(), r)
		asked.Header = r.Header.Clone()
		asked.Header.Set("Accept-Encoding", accept)
		defer func() {
			asked.Header = r.Header // nobody outside asked for these encodings
			tap.CopyBack(r.Context(), asked, r)
		}()
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

// A request has one body, and each goal is judged by it alone: what another
// goal reads of it changes nothing. A goal that reads form. needs a form, and
// one that reads json. needs JSON. A goal that reads both takes either, and the
// fields of the other kind are then absent. A request without a body has no
// fields.

// watchForm tees the body of r if a goal that may count reads a body of its kind.
func (tr *tracked) watchForm(r *http.Request) {
	kinds, fields, answer := tr.x.Serve()
	if tr.answerRead = answer; kinds == (scan.Kinds{}) {
		return
	}
	if kinds.Form && tr.takeParsed(r) {
		return
	}
	if tr.body == nil {
		tr.body = new(tap.Body)
	}
	who := fair.Who{Visitor: tr.t.names.Visitor(tr.told.id), Network: tr.network()}
	if outcome, ok := tr.body.Start(r, tr.t.config.Forms.BodyBytes, &tr.t.forms, who, kinds, fields); ok {
		r.Body = tr.body.Reader()
	} else {
		tr.x.Body(outcome, scan.Kept{})
	}
}

// Something outside of goaltrack may have read the body already. It may be a
// middleware that looks for its CSRF token or a method override in the form
// (https://github.com/gorilla/csrf/issues/67). Others log bodies
// (https://github.com/labstack/echo/issues/2600). If the form was left parsed,
// the fields are taken from there. If not, nobody can say what the form held,
// and what nobody has seen is not absent.

// takeParsed takes the fields from a form that is parsed already. It reports false
// if there is none.
func (tr *tracked) takeParsed(r *http.Request) bool {
	form := tap.ParsedForm(r, scan.KindOf(r.Header.Get("Content-Type")))
	if form == nil {
		return false
	}
	tr.x.Parsed(form.Value, func() bool { return tap.IsWhole(r, form) })
	return true
}
