package rule

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// identifierSchema is a value of identify:.
func identifierSchema() object {
	long := closed(object{"from": text(), "hash": object{"enum": []string{"sha256"}}, "expires": text()})
	return object{"anyOf": []any{object{"type": []string{"string", "boolean"}}, long}}
}

// fieldsSchema is fields:. [fieldsRules] says which names there may be.
func fieldsSchema() object {
	list := object{"type": "array", "items": text(), "minItems": 1, "maxItems": maxList}
	return object{"type": "object", "additionalProperties": object{"anyOf": []any{scalar(), list, object{"type": "object"}}}}
}

// fieldsRules say for each event of Sitecore's which fields it has, and what it needs, so
// that editors complete and mark them. The application may say in its code what a rule has
// to.
func fieldsRules() (rules []any) {
	has := func(keys ...string) object { return object{"required": keys} }
	with := []string{} // events of which fields: says something
	for _, typ := range slices.Sorted(maps.Keys(standardEvents)) {
		s := standardEvents[typ]
		if s.takesFields() {
			with = append(with, typ)
		}
		needs := s.needs(typ)
		if len(s.fields) > 0 {
			rules = append(rules, object{"if": sendsOneOf(typ), "then": object{"properties": object{"fields": s.schema(typ)}}})
		}
		said := object{"required": []string{"code"}} // elsewhere
		then := has("fields")
		switch {
		case typ == eventPeople:
			said, then = object{"not": object{}}, has("code")
		case typ == eventWho:
			then = has("identify")
		case typ == eventOrder:
			then = has("order")
		case typ == eventView:
			said, then = object{"not": object{}}, object{"not": object{"anyOf": []any{has("value"), has("submit"), has("download")}}}
		case !s.takesFields():
			continue
		case s.ext: // it may be said under data:, as it always could
			said = object{"anyOf": []any{said, object{"required": []string{"data"}, "properties": object{"data": has(needs...)}}}}
			fallthrough
		case len(needs) > 0:
			then["properties"] = object{"fields": has(needs...)}
		}
		rules = append(rules, object{"if": object{"allOf": []any{sendsOneOf(typ), object{"not": said}}}, "then": then})
	}
	return append(rules, object{
		"if":   object{"not": sendsOneOf(with...)},
		"then": object{"properties": object{"fields": object{"maxProperties": 0}}},
	})
}

func sendsOneOf(types ...string) object {
	return object{"properties": object{"sends": object{"enum": types}}, "required": []string{"sends"}}
}

// schema is what the fields of an event may be. [Load] tells which other values the CDP would
// not take.
func (s *standardEvent) schema(typ string) object {
	known := object{}
	for i := range s.fields {
		known[s.fields[i].name] = s.fields[i].schema(typ)
	}
	return closed(known)
}

// needs are the fields without which the CDP would not take the event.
func (s *standardEvent) needs(typ string) (names []string) {
	tried := map[string]any{}
	for i := range s.fields {
		if s.fields[i].unset != unsetNothing {
			tried[s.fields[i].name] = s.fields[i].sample()
		}
	}
	e := s.build(typ, tried)
	for _, fault := range s.faults(&e) {
		if fault.missing && s.field(fault.name) != nil {
			names = append(names, fault.name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (d *eventField) schema(typ string) object {
	about := fmt.Sprintf("%s of Sitecore's %s event: a fixed value or a $source.", d.name, typ)
	switch d.kind {
	case fieldWord:
		return described(object{"anyOf": []any{object{"enum": d.words}, texts(orSource("^(" + anyCase(d.words) + ")$"))}}, about)
	case fieldNumber:
		return described(object{"anyOf": []any{object{"type": "number"}, texts(orSource("[0-9]"))}}, about)
	case fieldList:
		return described(object{"anyOf": []any{text(), listOf(text())}}, about)
	case fieldText, fieldUpper, fieldMoment, fieldLocal:
	}
	return described(text(), about)
}

// anyCase matches words however they are written. A pattern of a schema has no flags.
func anyCase(words []string) string {
	var b strings.Builder
	for i, word := range words {
		if i > 0 {
			b.WriteByte('|')
		}
		for _, c := range word {
			if low, up := unicode.ToLower(c), unicode.ToUpper(c); low != up {
				fmt.Fprintf(&b, "[%c%c]", up, low)
			} else {
				b.WriteRune(c)
			}
		}
	}
	return b.String()
}

// secretsSchema marks the plainest names of secrets under data: and fields:, if the file
// allows no name at all.
func secretsSchema() object {
	plain := []string{"password", "passwd", "passwort", "kennwort", "pwd", "pin", "cvv", "cvc", "iban", "ssn", "secret", "token", "creditcard", "cardnumber", "motdepasse", "contrasena", "senha", "wachtwoord"}
	named := object{"additionalProperties": object{"not": texts(`^\$(query|form|json|cookie)\.(` + strings.Join(plain, "|") + `)$`)}}
	goal := object{"properties": object{"data": named, "fields": named}}
	return object{
		"if":   object{"not": object{"required": []string{"allow"}}},
		"then": object{"properties": object{"goals": object{"items": goal}}},
	}
}
