package events

import (
	"maps"
	"slices"
	"strings"

	"github.com/goaltrack/goaltrack/cdp"
)

// Masked stands for what a person wrote.
const Masked = "***"

// people are the fields that name persons in events that are no IDENTITY: those of
// ADD_CONTACTS and ADD_CONSUMERS.
var people = []string{"contact", "consumer"}

// Mask hides who is named in an event: in an IDENTITY with its attributes, or among the people
// of an ADD_CONTACTS or ADD_CONSUMERS. A script may have written the event, in any form. Which
// values there are, and the names of their providers, stay to be seen. What the event held
// before is not changed.
func Mask(e *cdp.Event) {
	who := IsIdentity(e.Type)
	e.Fields = maps.Clone(e.Fields)
	for name, v := range e.Fields {
		if who || slices.ContainsFunc(people, func(p string) bool { return strings.EqualFold(p, name) }) {
			e.Fields[name] = masked(v)
		}
	}
	if who {
		e.Ext = slices.Clone(e.Ext)
		for i := range e.Ext {
			e.Ext[i].Value = Masked
		}
	}
}

// IsIdentity reports whether the CDP may take an event for an IDENTITY. Nothing public says
// how closely it looks at the letters, and in capitals, a Turkish i without a dot is an I.
func IsIdentity(typ string) bool {
	typ = strings.TrimSpace(typ)
	return strings.EqualFold(typ, Identity) || strings.ToUpper(typ) == Identity
}

// masked is a value with *** in place of every text, number and boolean in it.
func masked(v any) any {
	switch v := v.(type) {
	case []cdp.Identifier:
		hidden := slices.Clone(v)
		for i := range hidden {
			hidden[i].ID = Masked
		}
		return hidden
	case map[string]any:
		return maskedPerson(v)
	case []map[string]any:
		hidden := make([]map[string]any, len(v))
		for i, one := range v {
			hidden[i] = maskedPerson(one)
		}
		return hidden
	case []any:
		hidden := make([]any, len(v))
		for i, one := range v {
			hidden[i] = masked(one)
		}
		return hidden
	case []string:
		return []string{Masked}
	}
	return Masked
}

func maskedPerson(fields map[string]any) map[string]any {
	hidden := make(map[string]any, len(fields))
	for name, v := range fields {
		if _, isText := v.(string); !isText || name != "provider" {
			v = masked(v)
		}
		hidden[name] = v
	}
	return hidden
}
