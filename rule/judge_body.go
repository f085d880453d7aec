package rule

import (
	"slices"

	"github.com/goaltrack/goaltrack/internal/scan"
)

// bodies are the kinds of body that the goal reads.
func (n *needs) bodies() scan.Kinds { return scan.Kinds{Form: len(n.form) > 0, JSON: n.json} }

// readsBody reports whether the goal needs the body of a submit.
func (c *Cause) readsBody() bool {
	return c.kind == causeSubmit && c.goal.needs.bodies() != scan.Kinds{}
}

// judgeBody judges what became of the body for this goal: Fires if it was read,
// pending while the handler has not read it all, and otherwise a reason.
func (c *Cause) judgeBody(x *Exchange) Reason {
	switch {
	case !c.readsBody():
		return Fires
	case x.bodyKind == scan.KindNone:
		return x.bodyReason
	case !c.goal.needs.bodies().Has(x.bodyKind):
		if isJSONKind(x.bodyKind) {
			return ReasonFormNotAForm
		}
		return Fires // a form has no members, whatever becomes of it; see bodyFits
	case c.doesWithout(x):
		return Fires
	case x.bodyReason != Fires || isJSONKind(x.bodyKind):
		return x.bodyReason
	}
	return doubtReasons[x.form.Doubt(c.wantedFields(x))]
}

// doesWithout reports whether the goal counts although the body could not be read,
// since nothing but its event's values stood there.
func (c *Cause) doesWithout(x *Exchange) bool {
	switch x.bodyReason {
	case ReasonFormTooLarge, ReasonFormOverBudget, ReasonFormEncoded, ReasonFormReadOutside:
	default:
		return false
	}
	must := &c.goal.needs.must
	if isJSONKind(x.bodyKind) {
		return !must.json
	}
	return len(must.form) == 0
}

// lacks is the name of the reason why an event may have less than its rule says, ""
// if it has all.
func (c *Cause) lacks(x *Exchange) string {
	switch r := x.bodyReason; {
	case !c.readsBody() || !c.goal.needs.bodies().Has(x.bodyKind) || r == pending:
		return ""
	case r != Fires:
		return r.String()
	case isJSONKind(x.bodyKind):
		return ""
	}
	if r := doubtReasons[x.form.Doubt(c.goal.needs.form)]; r != Fires && c.form == "" {
		return r.String()
	}
	return ""
}

// wantedFields are the fields that the goal cannot do without. A form may say in several
// fields what it calls itself: one of them is enough.
func (c *Cause) wantedFields(x *Exchange) []string {
	names := c.goal.needs.must.form
	if c.form == "" || !c.callsItself(x) {
		return names
	}
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(formNameFields, name) })
}

// bodyFits reports whether the body can have what the goal reads of it. Nobody can
// say which members of JSON a form lacks, or a list, or JSON that is broken.
func (c *Cause) bodyFits(x *Exchange) bool {
	switch {
	case !c.readsBody() || x.bodyKind == scan.KindNone:
		return true
	case isJSONKind(x.bodyKind):
		return x.bodyReason != Fires || x.json.IsObject() // see doesWithout
	}
	return len(c.goal.needs.form) > 0
}

// doubtReasons are the reasons of goals by what is in doubt about a field they read.
var doubtReasons = [...]Reason{
	scan.NoDoubt:          Fires,
	scan.DoubtBroken:      ReasonFormNotAForm,
	scan.DoubtTooLarge:    ReasonFormTooLarge,
	scan.DoubtReadOutside: ReasonFormReadOutside,
}

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
