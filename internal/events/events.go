// Package events makes the events of the CDP of what a goal sends. A live site and
// "goaltrack try" both make them here, so that they cannot differ.
package events

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/web"
	"github.com/goaltrack/goaltrack/rule"
)

// Most bounds an encoded event, in bytes.
const Most = 32 << 10

// Order is the type of an order's event. The CDP takes it only from a visitor it knows.
// Identity is that of the event that says who the visitor is.
const (
	Order    = "ORDER_CHECKOUT"
	Identity = "IDENTITY"
)

// Says is what a site says of its events and of those of its pages, by the settings of the
// site.
func Says(to cdp.Site, language, currency, channel string) rule.Base {
	b := rule.Base{Language: language, Currency: currency, Channel: channel}
	switch to := to.(type) {
	case cdp.Direct:
		b.PointOfSale = to.PointOfSale
	case cdp.Edge:
		b.PointOfSale = to.SiteName
	}
	return b
}

// on is what a site says of an event on a page. The event itself says nothing of the point of
// sale, unless a rule does: the site's own is added when the event is written.
func on(page string, says rule.Base) rule.Base {
	says.Page, says.PointOfSale = page, ""
	return says
}

// Of makes the event of a goal that fired on a page of a site, in e, which is empty: events
// are large to copy. What it lacks is noted. If the goal cannot be sent, the reason is not
// [rule.Fires]. An event that the CDP would not take is not valid.
func Of(e *cdp.Event, g *rule.Cause, x *rule.Exchange, page string, site rule.Base, note func(string)) (r rule.Reason, valid bool) {
	sent, r := g.Event(x, on(page, site))
	e.Type = sent.Type
	if r != rule.Fires {
		return r, false
	}
	for _, why := range sent.Lacks {
		note(why)
	}
	switch {
	case sent.Order != nil:
		*e = sent.Order.Event()
	case sent.Contact != nil:
		if *e, valid = contact(*sent.Contact, note); !valid {
			return rule.ReasonFieldMissing, false
		}
	default:
		e.Referrer, e.UTM, e.Fields = sent.Referrer, sent.UTM, sent.Fields
	}
	setBase(e, sent.Base)
	if sent.Order != nil && e.Validate() != nil {
		return rule.Fires, false
	}
	e.Ext = sent.Ext
	return rule.Fires, true
}

// contact makes an ADD_CONTACTS. What the CDP would not take of the person is left out, and
// noted. Names alone are taken as well.
func contact(who cdp.Identity, note func(string)) (e cdp.Event, ok bool) {
	person, whole, ok := takeable(Tidied(who))
	if !ok {
		who.Identifiers, who.Email = []cdp.Identifier{{ID: "none", Provider: "none"}}, ""
		person, whole, ok = takeable(Tidied(who))
		delete(person.Fields, "identifiers")
	}
	if !whole {
		note("identity_field_invalid")
	}
	e = cdp.Event{Type: "ADD_CONTACTS", Fields: map[string]any{"contact": []map[string]any{person.Fields}}}
	return e, ok && len(person.Fields) > 0
}

// Place fills in where an identity happened of which the handler has told, and writes it as the
// API of the site has it.
func Place(e *cdp.Event, x *rule.Exchange, page string, site rule.Base, to cdp.Site) {
	sent, _ := rule.Identity.Event(x, on(page, site))
	setBase(e, sent.Base)
	birthDate(e, to)
}

// setBase puts what all events have into e.
func setBase(e *cdp.Event, b rule.Base) {
	e.Page, e.Language, e.Currency, e.Channel, e.PointOfSale = b.Page, b.Language, b.Currency, b.Channel, b.PointOfSale
}

// IdentityOf makes the IDENTITY that goes before e, the event of a goal. It is nil if the rule or
// the request does not say who the visitor is, or not in a form that the CDP takes. What
// is left out is noted. An order without one is not ok, as it cannot be sent. If e is the
// IDENTITY itself, that is filled in, and there is no other. to is where the event goes.
func IdentityOf(g *rule.Cause, x *rule.Exchange, e *cdp.Event, to cdp.Site, note func(string)) (who *cdp.Event, ok bool) {
	if !g.Identifies() {
		return nil, true
	}
	return identity(g, x, e, to, note)
}

// identity is IdentityOf for a goal that identifies. It is a function of its own, because what it
// needs on the stack is cleared for each call.
func identity(g *rule.Cause, x *rule.Exchange, e *cdp.Event, to cdp.Site, note func(string)) (who *cdp.Event, ok bool) {
	read, _ := g.Identity(x)
	person, whole, known := takeable(Tidied(read))
	if !whole {
		note("identity_field_invalid")
	}
	switch {
	case known && e.Type == Identity:
		birthDate(&person, to)
		e.Fields = person.Fields
		return nil, true
	case known:
		person.Page, person.Language, person.Currency, person.Channel, person.PointOfSale = e.Page, e.Language, e.Currency, e.Channel, e.PointOfSale
		birthDate(&person, to)
		return &person, true
	case e.Type == Order, e.Type == Identity:
		return nil, false
	}
	note("identity_missing")
	return nil, true
}

// takeable makes the event of an identity. It leaves out what the CDP would not
// take, so that a country in words does not cost the whole. If something is
// left out, whole is false. If no identifier is left, ok is false.
func takeable(who cdp.Identity) (e cdp.Event, whole, ok bool) {
	e = who.Event()
	err := e.Validate()
	switch {
	case err == nil:
		return e, true, true
	case len(e.Fields) == 0:
		return e, true, false // there is nothing that could be left out
	}
	for _, one := range unwrap(err) {
		fault, isField := errors.AsType[*cdp.FieldError](one)
		switch {
		case !isField:
			return e, false, false
		case fault.Field == "email": // then it names nobody either
			who.Identifiers = slices.DeleteFunc(who.Identifiers, func(i cdp.Identifier) bool { return i.ID == who.Email })
			if len(who.Identifiers) == 0 {
				return e, false, false
			}
			e.Fields["identifiers"] = who.Identifiers
		}
		name, _, _ := strings.Cut(fault.Field, "[")
		if name != "identifiers" {
			delete(e.Fields, name)
		}
	}
	return e, false, e.Validate() == nil
}

// unwrap takes errors.Join apart.
func unwrap(err error) []error {
	if all, ok := err.(interface{ Unwrap() []error }); ok {
		return all.Unwrap()
	}
	return []error{err}
}

// Tidied copies an identity and writes it in the form in which the CDP compares
// it: case and spaces must not make two people of one.
func Tidied(who cdp.Identity) cdp.Identity {
	who.Identifiers, who.Street, who.Ext = slices.Clone(who.Identifiers), slices.Clone(who.Street), slices.Clone(who.Ext)
	who.Email = web.FoldEmail(who.Email)
	for i := range who.Identifiers {
		if id := &who.Identifiers[i].ID; who.Email != "" && web.FoldEmail(*id) == who.Email {
			*id = who.Email
		}
	}
	who.Gender, who.Country = strings.ToLower(who.Gender), strings.ToUpper(who.Country)
	return who
}

// birthDate writes the date of birth as the API of a site has it. The CDP's
// documentation, Engage and the Cloud SDK want a time behind it, the Content SDK
// none.
func birthDate(e *cdp.Event, to cdp.Site) {
	dob, ok := e.Fields["dob"].(string)
	const date = len("2006-01-02")
	if edge, isEdge := to.(cdp.Edge); !ok || len(dob) < date {
		return
	} else if isEdge && edge.ContextHeader {
		dob = dob[:date]
	} else if len(dob) == date {
		dob += "T00:00"
	}
	e.Fields["dob"] = dob
}

// Detach makes an event of texts of its own, which do not keep a request's header or body in
// memory. What others hold of the event stays as it is.
func Detach(e *cdp.Event) {
	for _, text := range []*string{&e.Page, &e.Referrer, &e.Language, &e.Currency, &e.Channel, &e.PointOfSale} {
		*text = strings.Clone(*text)
	}
	for _, attrs := range []*cdp.Ext{(*cdp.Ext)(&e.UTM), &e.Ext} {
		*attrs = slices.Clone(*attrs)
		for i, a := range *attrs {
			(*attrs)[i] = cdp.Attr{Name: strings.Clone(a.Name), Value: detached(a.Value)}
		}
	}
	e.Fields = maps.Clone(e.Fields)
	for name, v := range e.Fields {
		e.Fields[name] = detached(v)
	}
}

// detached is a value of an event with texts of its own.
func detached(v any) any {
	switch v := v.(type) {
	case string:
		return strings.Clone(v)
	case []string:
		return each(v, strings.Clone)
	case []cdp.Identifier:
		return each(v, func(i cdp.Identifier) cdp.Identifier {
			return cdp.Identifier{ID: strings.Clone(i.ID), Provider: strings.Clone(i.Provider), ExpiryDate: strings.Clone(i.ExpiryDate)}
		})
	case []any:
		return each(v, detached)
	case []map[string]any:
		return each(v, func(m map[string]any) map[string]any { return detached(m).(map[string]any) })
	case map[string]any:
		m := make(map[string]any, len(v))
		for name, one := range v {
			m[name] = detached(one)
		}
		return m
	}
	return v
}

func each[T any](list []T, of func(T) T) []T {
	list = slices.Clone(list)
	for i, v := range list {
		list[i] = of(v)
	}
	return list
}
