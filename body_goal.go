package goaltrack

import (
	"net/http"
	"slices"
)

// A request has one body, and each goal is judged by it alone: what another
// goal reads of it changes nothing. A goal that reads form. needs a form, one
// that reads json. needs JSON, and one that reads both takes either, of which
// the fields of the other are then absent. A request without a body has no
// field of any kind.

// bodyKinds are the kinds of body that something reads.
type bodyKinds struct{ form, json bool }

func (k bodyKinds) has(kind formKind) bool {
	switch kind {
	case formKindURLEncoded, formKindMultipart:
		return k.form
	case formKindJSON:
		return k.json
	case formKindNone:
	}
	return false
}

// missed says in words what a body is not.
func (k bodyKinds) missed() string {
	switch {
	case !k.json:
		return "no form"
	case !k.form:
		return "no JSON"
	}
	return "neither a form nor JSON"
}

// bodies are the kinds of body that the goal reads.
func (n *needs) bodies() bodyKinds { return bodyKinds{form: len(n.form) > 0, json: n.json} }

// readsBody reports whether the goal needs the body of a submit.
func (t *trigger) readsBody() bool {
	return t.kind == triggerSubmit && t.goal.needs.bodies() != bodyKinds{}
}

// bodyFate is what became of the body for this goal: fired if it was read,
// pending while the handler has not read it all, and otherwise why not.
func (t *trigger) bodyFate(x *exchange) fate {
	switch {
	case !t.readsBody():
		return fired
	case x.formKind == formKindNone:
		return x.formFate
	case !t.goal.needs.bodies().has(x.formKind):
		if x.formKind == formKindJSON {
			return fateFormNotAForm
		}
		return fired // a form has no members, whatever becomes of it; see understands
	case x.formFate != fired || x.formKind == formKindJSON:
		return x.formFate
	}
	return x.form.unknown(t.wantedFields(x))
}

// wantedFields are the fields that the goal reads. Of those in which a form says
// what it calls itself, one that says it is enough.
func (t *trigger) wantedFields(x *exchange) []string {
	names := t.goal.needs.form
	if t.form == "" || !t.named(x) {
		return names
	}
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(formNameFields, name) })
}

// understands reports whether the body can have what the goal reads of it. Of a
// form nobody can say which members of JSON it lacks, nor of JSON that is broken.
func (t *trigger) understands(x *exchange) bool {
	switch {
	case !t.readsBody() || x.formKind == formKindNone:
		return true
	case x.formKind == formKindJSON:
		return x.json.valid()
	}
	return len(t.goal.needs.form) > 0
}

// watchForm tees the body of r if an open candidate reads a body of its kind.
func (tr *tracked) watchForm(r *http.Request) {
	var kinds bodyKinds
	for _, c := range tr.candidates {
		if c.early == fired && c.trigger.readsBody() {
			own := c.trigger.goal.needs.bodies()
			kinds.form, kinds.json = kinds.form || own.form, kinds.json || own.json
		}
	}
	if kinds == (bodyKinds{}) {
		return
	}
	tr.formType = r.Header.Get("Content-Type")
	if kinds.form && tr.takeParsed(r) {
		return
	}
	fate, ok := tr.tee.start(r, defaultFormLimit, &tr.t.forms, kinds)
	if fate != formNoBody {
		tr.x.formKind = formKindOf(tr.formType)
	}
	if ok {
		r.Body = &tr.tee
	} else {
		tr.x.formFate = formFates[fate]
	}
}

// formFates are the fates of goals by what became of the form.
var formFates = [...]fate{
	formComplete:   fired,
	formNoBody:     fired, // an empty form, of which no field is present
	formUnread:     fateFormUnread,
	formTooLarge:   fateFormTooLarge,
	formOverBudget: fateFormOverBudget,
	formEncoded:    fateFormEncoded,
	formNotAForm:   fateFormNotAForm,

	formReadOutside: fateFormReadOutside,
}

// readForm takes over the fields that open candidates name.
func (tr *tracked) readForm(body []byte) {
	tr.x.formFate = fired
	if tr.x.formKind == formKindJSON {
		tr.x.json.text = body
		return
	}
	tr.x.form = scanForm(tr.formType, body, tr.formNames())
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
