package rule

import (
	"net/url"
	"slices"

	"github.com/goaltrack/goaltrack/internal/scan"
)

// formNames are the fields of a form that goals name, each once.
func (x *Exchange) formNames() []string {
	if w := &x.wants; w.unsorted {
		slices.Sort(w.form)
		w.form, w.unsorted = slices.Compact(w.form), false
	}
	return x.wants.form
}

// Parsed takes the fields from a form that somebody else has parsed, in place of
// [Exchange.Body]. whole is asked, if it matters, whether that was the whole body. Fields
// that are not there then have no value, and otherwise goals that read them do not
// count ([ReasonFormReadOutside]).
func (x *Exchange) Parsed(form url.Values, whole func() bool) {
	x.bodyReason, x.form = Fires, scan.Pick(x.bodyType, form, x.formNames())
	if !x.form.Complete() && !whole() {
		x.form.ReadOutside()
	}
}

// Body is told what became of the body, and what was kept of it if all of it was
// read. The bytes may not be changed any more. What it was told before stays.
func (x *Exchange) Body(o scan.Outcome, kept scan.Kept) {
	if x.bodyReason != pending {
		return
	}
	x.bodyReason = outcomeReasons[o]
	switch {
	case o == scan.NoBody:
		x.bodyKind = scan.KindNone
	case o != scan.Complete:
	case isJSONKind(x.bodyKind):
		x.takeJSON(kept.Text)
	default:
		x.form = kept.Form
	}
}

// isJSONKind reports whether a body is JSON, or may turn out to be.
func isJSONKind(k scan.Kind) bool { return k == scan.KindJSON || k == scan.KindText }

// takeJSON takes a body that is JSON by its type, or plain text. Of that, what is not
// surely an object is taken for text, which no goal reads.
func (x *Exchange) takeJSON(text []byte) {
	switch {
	case x.bodyKind == scan.KindJSON:
	case scan.IsObject(text):
		x.bodyKind = scan.KindJSON
	default:
		x.bodyKind, x.bodyReason = scan.KindNone, ReasonFormNotAForm
		return
	}
	x.json = &scan.JSON{Text: text}
}

// outcomeReasons are the reasons of goals by what became of the body.
var outcomeReasons = [...]Reason{
	scan.Complete:    Fires,
	scan.NoBody:      Fires, // an empty form, of which no field is present
	scan.Unread:      ReasonFormUnread,
	scan.TooLarge:    ReasonFormTooLarge,
	scan.OverBudget:  ReasonFormOverBudget,
	scan.Encoded:     ReasonFormEncoded,
	scan.NotAForm:    ReasonFormNotAForm,
	scan.ReadOutside: ReasonFormReadOutside,
}
