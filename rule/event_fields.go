package rule

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/ext"
)

// givenEvent is the name of an event that the application made whole, in the data of a goal
// raised in code.
const givenEvent = "event"

// given is that event.
func (x *Exchange) given() (cdp.Event, bool) {
	e, ok := x.data[givenEvent].(cdp.Event)
	return e, ok
}

// take takes what the application said of the event. It wins over the site, and not over what
// the rule says.
func (e *Event) take(given *cdp.Event, site Base) {
	or := func(rule, site, given string) string {
		if rule != site {
			return rule
		}
		return cmp.Or(given, site)
	}
	e.Page, e.Language = or(e.Page, site.Page, given.Page), or(e.Language, site.Language, given.Language)
	e.Currency, e.Channel = or(e.Currency, site.Currency, given.Currency), or(e.Channel, site.Channel, given.Channel)
	e.PointOfSale = or(e.PointOfSale, site.PointOfSale, given.PointOfSale)
	e.Fields, e.Referrer, e.UTM = given.Fields, cmp.Or(given.Referrer, e.Referrer), given.UTM
	e.Ext = append(e.Ext, given.Ext...)
}

// addFields adds what a standard event says. Without a field that it needs, it is not sent.
func (g *goal) addFields(e *Event, x *Exchange) Reason {
	if len(g.fields) == 0 {
		return Fires
	}
	values, wrong := make(map[string]any, len(g.fields)), map[string]string{}
	for i := range g.fields {
		d := &g.fields[i]
		v, problem, r := d.read(x, g.decimal, &e.Base)
		switch {
		case r != Fires:
			x.fieldFault = d.name + ": is too long"
			return r
		case problem != "":
			wrong[d.name] = problem
		case v != nil:
			values[d.name] = v
		}
	}
	for {
		made := g.standard.build(g.typ, maps.Clone(values))
		tried := made
		tried.Ext = slices.Concat(e.Ext, made.Ext)
		faults := g.standard.faults(&tried)
		if len(faults) == 0 {
			e.Fields, e.Ext = made.Fields, tried.Ext
			break
		}
		for _, fault := range faults {
			_, there := values[fault.name]
			switch problem := wrong[fault.name]; {
			case fault.missing && problem == "":
				x.fieldFault = fault.name + ": has no value"
				return ReasonFieldMissing
			case fault.missing, !there:
				x.fieldFault = fault.name + ": " + cmp.Or(problem, fault.problem)
				return ReasonFieldInvalid
			}
			wrong[fault.name] = fault.problem
			delete(values, fault.name) // it may be optional
		}
	}
	if len(wrong) > 0 {
		e.lack(noteValueUnreadable)
	}
	return Fires
}

// read reads a field. problem says what is wrong with a value that is there.
func (d *sentField) read(x *Exchange, dec decimal, base *Base) (v any, problem string, r Reason) {
	switch {
	case d.value != nil:
		return d.value, "", Fires
	case d.from == source{}:
		return d.ifUnset(base), "", Fires
	case d.kind == fieldList:
		texts, ok, r := x.list(&d.from)
		switch {
		case r != Fires:
			return nil, "", r
		case !ok:
			return nil, "must be a list of texts", Fires
		case len(texts) == 0:
			return nil, "", Fires
		}
		return texts, "", Fires
	}
	v, typed := x.lookupTyped(&d.from)
	if !typed {
		text, _ := x.lookup(&d.from)
		if v = text; text == "" {
			v = nil
		}
	}
	if text, isText := v.(string); isText && len(text) > maxCollected || x.tooLong(&d.from) {
		return nil, "", ReasonValueTooLong
	}
	if v == nil || v == "" {
		return d.ifUnset(base), "", Fires
	}
	v, err := d.convert(v, x.decimalOf(&d.from, dec))
	if err != nil {
		return nil, err.Error(), Fires
	}
	return v, "", Fires
}

// ifUnset is what is sent of a field of which nothing is said, nil if nothing is.
func (d *eventField) ifUnset(base *Base) any {
	switch d.unset {
	case unsetNow:
		return cdp.FormatTime(time.Now())
	case unsetOne:
		return 1
	case unsetCurrency:
		if base.Currency != "" {
			return base.Currency
		}
	case unsetSubmitted:
		return cdp.FormSubmitted
	case unsetNothing:
	}
	return nil
}

// checkGiven reports what is wrong with an event that the application made whole, and whether
// one is missing.
func (c *Cause) checkGiven(data map[string]any) error {
	g := c.goal
	v, isThere := data[givenEvent]
	given, isEvent := v.(cdp.Event)
	whole := g.standard != nil && g.fieldsFromCode() && g.identity == nil && g.order == nil
	switch {
	case !isThere || !isEvent && g.standard == nil:
		if whole && (g.standard.takesFields() || slices.Contains([]string{eventWho, eventOrder, eventPeople}, g.typ)) {
			return fmt.Errorf("the rule says no fields: of the %s, so the data need the event under the name %q", g.typ, givenEvent)
		}
		return nil
	case !isEvent:
		return fmt.Errorf("%s is no cdp.Event", givenEvent)
	case given.Type != g.typ:
		return fmt.Errorf("the event is a %s, and the rule sends %s", given.Type, g.typ)
	case g.standard != nil && !whole:
		return fmt.Errorf("the rule says itself what is in the %s", g.typ)
	}
	for _, a := range given.Ext {
		if slices.Contains(ext.Reserved, a.Name) {
			return fmt.Errorf("%s is sent by goaltrack itself", a.Name)
		}
	}
	if n := len(given.Ext) + len(data) + len(g.data); n > ext.Max {
		return fmt.Errorf("%d attributes are more than %d", n, ext.Max)
	}
	return given.Validate()
}

// readsWhole reports whether a value that the application gives is there for a field, and no
// attribute: a list, a time, or a whole event.
func (g *goal) readsWhole(name string, v any) bool {
	if isScalar(v) {
		return false
	}
	if _, isEvent := v.(cdp.Event); isEvent {
		return name == givenEvent
	}
	reads := func(s *source) bool {
		return s.kind == sourceApp && (s.name == name || strings.HasPrefix(s.name, name+"."))
	}
	return g.order != nil && reads(&g.order.items) || slices.ContainsFunc(g.fields, func(d sentField) bool { return reads(&d.from) }) ||
		slices.ContainsFunc(g.identifiers(), func(h hashed) bool { return reads(&h.expires) })
}

// identifiers are those of the goal's people.
func (g *goal) identifiers() (list []hashed) {
	for _, i := range []*identity{g.identity, g.contact} {
		if i == nil {
			continue
		}
		list = append(list, i.email)
		for _, id := range i.ids {
			list = append(list, id.id)
		}
	}
	return list
}
