package rule

import (
	"slices"

	"github.com/goaltrack/goaltrack/internal/scan"
)

// bodies are the kinds of body that the goal reads.
func (n *needs) bodies() scan.Kinds { return scan.Kinds{Form: len(n.form) > 0, JSON: n.json} }

// missed says in words what a body is not that the goal cannot read.
func (n *needs) missed() string {
	switch k := n.bodies(); {
	case !k.JSON:
		return "no form"
	case !k.Form:
		return "no JSON"
	}
	return "neither a form nor JSON"
}

// readsBody reports whether the goal needs the body of a submit.
func (t *Cause) readsBody() bool {
	return t.kind == triggerSubmit && t.goal.needs.bodies() != scan.Kinds{}
}

// bodyFate is what became of the body for this goal: fires if it was read,
// pending while the handler has not read it all, and otherwise why not.
func (t *Cause) bodyFate(x *Exchange) Reason {
	switch {
	case !t.readsBody():
		return Fires
	case x.formKind == scan.KindNone:
		return x.formFate
	case !t.goal.needs.bodies().Has(x.formKind):
		if x.formKind == scan.KindJSON {
			return reasonFormNotAForm
		}
		return Fires // a form has no members, whatever becomes of it; see understands
	case x.formFate != Fires || x.formKind == scan.KindJSON:
		return x.formFate
	}
	return doubtReasons[x.form.Doubt(t.wantedFields(x))]
}

// wantedFields are the fields that the goal reads. Of those in which a form says
// what it calls itself, one that says it is enough.
func (t *Cause) wantedFields(x *Exchange) []string {
	names := t.goal.needs.form
	if t.form == "" || !t.named(x) {
		return names
	}
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(formNameFields, name) })
}

// understands reports whether the body can have what the goal reads of it. Of a
// form nobody can say which members of JSON it lacks, nor of JSON that is broken.
func (t *Cause) understands(x *Exchange) bool {
	switch {
	case !t.readsBody() || x.formKind == scan.KindNone:
		return true
	case x.formKind == scan.KindJSON:
		return x.json.Valid()
	}
	return len(t.goal.needs.form) > 0
}

// doubtReasons are the reasons of goals by what is in doubt about a field they read.
var doubtReasons = [...]Reason{
	scan.NoDoubt:          Fires,
	scan.DoubtBroken:      reasonFormNotAForm,
	scan.DoubtTooLarge:    reasonFormTooLarge,
	scan.DoubtReadOutside: reasonFormReadOutside,
}
