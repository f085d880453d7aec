package rule

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
)

// sentField is a field of a standard event, compiled.
type sentField struct {
	*eventField

	from  source
	value any // what a literal is sent as
}

// compileStandard compiles sends: for the standard events, and fields:.
func (g *goal) compileStandard(f *faults) {
	s := standardEvents[g.Sends]
	if s == nil {
		if len(g.Fields) > 0 {
			hint := "what a custom event says stands under data:; sends: may be " + strings.Join(sendableTypes(), ", ")
			if meant := didYouMean(g.Sends, sendableTypes()); meant != "" {
				hint = meant
			}
			f.hint("fields", "fields: is for the standard events of sends:", hint)
		}
		return
	}
	g.standard = s
	switch {
	case g.Sends == eventView && !g.happensBy(causeVisit, causeCode):
		f.hint("sends", "a VIEW is a page that was seen, so its trigger is visit: or code:", "")
	case g.Sends == eventWho && g.Identify == nil && !g.Code:
		f.hint("sends", "an IDENTITY says who the visitor is", "add identify:, such as identify: { email: $app.email }")
	case g.Sends == eventOrder && g.Order == (Order{}) && !g.Code:
		f.hint("sends", "an ORDER_CHECKOUT needs order:", "order: { id: $redirect.orderId, total: $app.total, payment: Card }")
	case g.Sends == eventPeople && !g.Code:
		f.hint("sends", "ADD_CONSUMERS is about other people, so only the application sends it", "code: true, and Trigger with cdp.Consumers")
	case g.Sends == eventPeople:
		f.warn("sends", "the CDP makes a guest of every consumer, also of people who never visited the site", "send it only of people who know")
	}
	if g.Sends == eventView && g.value.set {
		f.hint("value", "a VIEW has no value", "")
	}
	switch {
	case !s.takesFields():
		if len(g.Fields) > 0 {
			f.hint("fields", g.Sends+" has no fields:", "")
		}
	case s.person:
		g.compileContact(f)
	default:
		g.compileFields(f)
	}
}

// fieldUnset reports whether a field of the event is what is sent if the rule does not name it.
func (g *goal) fieldUnset(as fieldDefault) bool {
	return slices.ContainsFunc(g.fields, func(d sentField) bool { return d.unset == as && d.value == nil && d.from == source{} })
}

// happensBy reports whether every trigger is of one of those kinds.
func (g *goal) happensBy(kinds ...causeKind) bool {
	return !slices.ContainsFunc(g.causes, func(c Cause) bool { return !slices.Contains(kinds, c.kind) })
}

// fieldsFromCode reports whether the application makes the whole event, with a builder of
// package cdp.
func (g *goal) fieldsFromCode() bool { return g.Code && len(g.Fields) == 0 }

// compileContact compiles the person of an ADD_CONTACTS.
func (g *goal) compileContact(f *faults) {
	switch {
	case g.fieldsFromCode():
	case len(g.Fields) == 0:
		f.hint("sends", g.Sends+" needs fields:", g.standard.example)
	default:
		g.contact = g.compilePerson("fields", g.Fields, f)
		if !g.contact.identifies() {
			f.warn("fields", "a contact without an e-mail address or an ID names nobody in data model 2.1", "fields: { email: $app.email }")
		}
	}
}

// compileFields compiles the fields of any other event. A literal that the CDP would not
// take, and a field that is missing, are faults here.
func (g *goal) compileFields(f *faults) {
	s := g.standard
	inData := map[string]any{} // a FORM may say it under data:, as it always could
	for name, v := range g.Data {
		if s.ext && s.field(name) != nil {
			inData[name] = v
		}
	}
	if len(g.Fields)+len(inData) == 0 {
		if !g.Code {
			f.hint("sends", g.Sends+" needs fields:", s.example)
		}
		return
	}
	tried := make(map[string]any, len(s.fields))
	for _, name := range slices.Sorted(maps.Keys(g.Fields)) {
		if inData[name] != nil {
			f.hint("fields."+name, name+": stands under data: as well", "")
			continue
		}
		g.compileField(name, g.Fields[name], tried, f)
	}
	for i := range s.fields {
		switch d := &s.fields[i]; {
		case inData[d.name] != nil:
			tried[d.name] = g.dataSample(d, inData[d.name])
		case g.Fields[d.name] == nil && d.unset != unsetNothing:
			tried[d.name] = d.sample()
			g.fields = append(g.fields, sentField{eventField: d})
		}
	}
	e := s.build(g.Sends, tried)
	for _, fault := range s.faults(&e) {
		if fault.missing {
			f.hint("fields", fmt.Sprintf("%s needs %s:%s", g.Sends, fault.name, strings.TrimPrefix(fault.problem, "is required")), s.example)
			continue
		}
		f.hint("fields."+fault.name, fault.name+": "+fault.problem, "")
	}
}

// dataSample is what data: sends as a field: the literal, or a sample of what a request has.
func (g *goal) dataSample(d *eventField, v any) any {
	if i := slices.IndexFunc(g.data, func(f field) bool { return f.name == d.name }); i >= 0 && g.data[i].from.kind != sourceLiteral {
		return d.sample()
	}
	return v
}

// compileField compiles one field, and says in tried what would be sent of it.
func (g *goal) compileField(name string, v any, tried map[string]any, f *faults) {
	at := "fields." + name
	d := g.standard.field(name)
	if d == nil {
		names := g.standard.names()
		hint := "fields are " + strings.Join(names, ", ")
		if near := nearest(name, names); near != "" {
			hint = "did you mean " + near + ":?"
			tried[near] = g.standard.field(near).sample()
		}
		f.hint(at, fmt.Sprintf("%s has no field %s:", g.Sends, name), hint)
		return
	}
	tried[name] = d.sample() // also of what is wrong, so that it is told once
	field := sentField{eventField: d}
	switch v := v.(type) {
	case []any:
		texts, ok := textsOf(v)
		switch {
		case d.kind != fieldList:
			f.hint(at, name+": a list is not expected here", "")
			return
		case !ok || len(v) == 0 || len(v) > maxList:
			f.hint(at, fmt.Sprintf("%s: must be a list of 1 to %d texts", name, maxList), "")
			return
		}
		field.value = texts
	case string:
		var err error
		if field.from, err = parseSource(v); err != nil {
			f.add(at, err)
			return
		}
		g.reads(at, &field.from, f)
	}
	if field.from.kind == sourceLiteral && field.value == nil {
		var err error
		if _, isText := v.(string); isText {
			v = field.from.text
		}
		if field.value, err = d.convert(v, g.decimal); err != nil {
			text, _ := v.(string)
			f.hint(at, name+": "+err.Error(), didYouMeanWord(text, d.words))
			return
		}
	}
	if field.value != nil {
		tried[name] = field.value
	}
	g.fields = append(g.fields, field)
}

// sample is a value that the CDP would take, in the place of one that only a request has.
func (d *eventField) sample() any {
	switch d.kind {
	case fieldNumber:
		return 1
	case fieldWord:
		return d.words[0]
	case fieldMoment:
		return "2026-01-01T00:00:00.000Z"
	case fieldLocal:
		return "2026-01-01T00:00"
	case fieldList:
		return []string{"X"}
	case fieldUpper:
		if strings.HasPrefix(strings.ToLower(d.name), "originalc") || d.name == "currency" {
			return "EUR"
		}
		return "XXX"
	case fieldText:
	}
	return "x"
}

// convert turns a value into what the field is sent as.
func (d *eventField) convert(v any, dec decimal) (any, error) {
	switch v := v.(type) {
	case time.Time:
		if d.kind == fieldLocal {
			return v.Format("2006-01-02T15:04"), nil
		}
		return cdp.FormatTime(v), nil
	case bool, nil:
		return nil, errors.New("must be a text or a number")
	}
	if d.kind == fieldNumber {
		return fieldNumberOf(v, dec)
	}
	text, ok := textOf(v)
	if text = strings.TrimSpace(cleanText(text)); !ok || text == "" {
		return nil, errors.New("must be a text that is not blank")
	}
	switch d.kind {
	case fieldUpper:
		return strings.ToUpper(text), nil
	case fieldWord:
		for _, word := range d.words {
			if strings.EqualFold(word, text) {
				return word, nil
			}
		}
		return nil, fmt.Errorf("must be one of %s", strings.Join(d.words, ", "))
	case fieldMoment:
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return nil, errors.New("must be a time, such as 2026-11-23T10:15:30Z")
		}
		return cdp.FormatTime(t), nil
	case fieldList:
		return []string{text}, nil
	case fieldText, fieldLocal, fieldNumber:
	}
	return text, nil
}

func fieldNumberOf(v any, dec decimal) (any, error) {
	made, ok := asNumber.convert(v, dec)
	if !ok {
		return nil, errors.New("must be a number")
	}
	if text, _ := textOf(made); strings.HasPrefix(text, "-") {
		return nil, errors.New("must not be negative")
	}
	return made, nil
}
