package goaltrack

import "slices"

// bodies are the kinds of body that the goal reads.
func (n *needs) bodies() bodyKinds { return bodyKinds{form: len(n.form) > 0, json: n.json} }

// missed says in words what a body is not that the goal cannot read.
func (n *needs) missed() string {
	switch k := n.bodies(); {
	case !k.json:
		return "no form"
	case !k.form:
		return "no JSON"
	}
	return "neither a form nor JSON"
}

// readsBody reports whether the goal needs the body of a submit.
func (t *trigger) readsBody() bool {
	return t.kind == triggerSubmit && t.goal.needs.bodies() != bodyKinds{}
}

// bodyFate is what became of the body for this goal: fires if it was read,
// pending while the handler has not read it all, and otherwise why not.
func (t *trigger) bodyFate(x *exchange) reason {
	switch {
	case !t.readsBody():
		return fires
	case x.formKind == formKindNone:
		return x.formFate
	case !t.goal.needs.bodies().has(x.formKind):
		if x.formKind == formKindJSON {
			return reasonFormNotAForm
		}
		return fires // a form has no members, whatever becomes of it; see understands
	case x.formFate != fires || x.formKind == formKindJSON:
		return x.formFate
	}
	return doubtReasons[x.form.doubt(t.wantedFields(x))]
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

// doubtReasons are the reasons of goals by what is in doubt about a field they read.
var doubtReasons = [...]reason{
	noDoubt:          fires,
	doubtBroken:      reasonFormNotAForm,
	doubtTooLarge:    reasonFormTooLarge,
	doubtReadOutside: reasonFormReadOutside,
}
