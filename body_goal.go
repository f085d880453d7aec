package goaltrack

import (
	"net/http"

	"github.com/goaltrack/goaltrack/internal/scan"
	"github.com/goaltrack/goaltrack/internal/tap"
)

// A request has one body, and each goal is judged by it alone: what another
// goal reads of it changes nothing. A goal that reads form. needs a form, one
// that reads json. needs JSON, and one that reads both takes either, of which
// the fields of the other are then absent. A request without a body has no
// field of any kind.

// watchForm tees the body of r if a goal that may count reads a body of its kind.
func (tr *tracked) watchForm(r *http.Request) {
	var kinds scan.Kinds
	if kinds, tr.answerRead = tr.x.Serve(); kinds == (scan.Kinds{}) {
		return
	}
	if kinds.Form && tr.takeParsed(r) {
		return
	}
	tee := &tr.told.seldomLocked().tee
	if outcome, ok := tee.Start(r, scan.BodyLimit, &tr.t.forms, kinds); ok {
		r.Body = tee.Reader()
	} else {
		tr.x.Body(outcome, nil)
	}
}

// Something outside of goaltrack may have read the body already: a middleware
// that looks for its CSRF token or a method override in the form, or that logs
// bodies (https://github.com/gorilla/csrf/issues/67,
// https://github.com/labstack/echo/issues/2600). If it left the form parsed, the
// fields are taken from there. If not, nobody can say what the form held, and
// what nobody has seen is not absent.

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

// bodyBudget is how many bytes are kept of all bodies at once.
const bodyBudget = 32 << 20
