package goaltrack

import (
	"net/http"
	"slices"

	"github.com/goaltrack/goaltrack/internal/scan"
	"github.com/goaltrack/goaltrack/internal/tap"
)

// A request has one body, and each goal is judged by it alone: what another
// goal reads of it changes nothing. A goal that reads form. needs a form, one
// that reads json. needs JSON, and one that reads both takes either, of which
// the fields of the other are then absent. A request without a body has no
// field of any kind.

// watchForm tees the body of r if an open candidate reads a body of its kind.
func (tr *tracked) watchForm(r *http.Request) {
	var kinds scan.Kinds
	for _, c := range tr.candidates {
		if c.early == fired && c.trigger.readsBody() {
			own := c.trigger.goal.needs.bodies()
			kinds.Form, kinds.JSON = kinds.Form || own.Form, kinds.JSON || own.JSON
		}
	}
	if kinds == (scan.Kinds{}) {
		return
	}
	tr.formType = r.Header.Get("Content-Type")
	if kinds.Form && tr.takeParsed(r) {
		return
	}
	fate, ok := tr.tee.Start(r, scan.BodyLimit, &tr.t.forms, kinds)
	if fate != tap.NoBody {
		tr.x.formKind = scan.KindOf(tr.formType)
	}
	if ok {
		r.Body = tr.tee.Reader()
	} else {
		tr.x.formFate = formFates[fate]
	}
}

// Something outside of goaltrack may have read the body already: a middleware
// that looks for its CSRF token or a method override in the form, or that logs
// bodies (https://github.com/gorilla/csrf/issues/67,
// https://github.com/labstack/echo/issues/2600). If it left the form parsed, the
// fields are taken from there. If not, nobody can say what the form held, and
// what nobody has seen is not absent.

// takeParsed takes the fields that open candidates name from a form that is
// parsed already. It reports false if there is none.
func (tr *tracked) takeParsed(r *http.Request) bool {
	kind := scan.KindOf(tr.formType)
	form := tap.ParsedForm(r, kind)
	if form == nil {
		return false
	}
	x := &tr.x
	x.formKind, x.formFate, x.form = kind, fires, scan.Pick(form.Value, tr.formNames())
	if !x.form.Complete() && !tap.IsWhole(r, form) {
		x.form.ReadOutside()
	}
	return true
}

// bodyBudget is how many bytes are kept of all bodies at once.
const bodyBudget = 32 << 20

// formFates are the fates of goals by what became of the form.
var formFates = [...]reason{
	tap.Complete:   fires,
	tap.NoBody:     fires, // an empty form, of which no field is present
	tap.Unread:     reasonFormUnread,
	tap.TooLarge:   reasonFormTooLarge,
	tap.OverBudget: reasonFormOverBudget,
	tap.Encoded:    reasonFormEncoded,
	tap.NotAForm:   reasonFormNotAForm,

	tap.ReadOutside: reasonFormReadOutside,
}

// readForm takes over the fields that open candidates name.
func (tr *tracked) readForm(body []byte) {
	tr.x.formFate = fires
	if tr.x.formKind == scan.KindJSON {
		tr.x.json.Text = body
		return
	}
	tr.x.form = scan.Form(tr.formType, body, tr.formNames())
}

// formNames are the fields that open candidates name, each once.
func (tr *tracked) formNames() (want []string) {
	several := false
	for _, c := range tr.candidates {
		switch {
		case c.early != fired || !c.trigger.readsBody():
		case want == nil:
			want = c.trigger.goal.needs.form
		default:
			want, several = append(slices.Clip(want), c.trigger.goal.needs.form...), true
		}
	}
	if several {
		slices.Sort(want)
		want = slices.Compact(want)
	}
	return want
}
