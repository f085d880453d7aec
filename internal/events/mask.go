package events

import (
	"maps"
	"slices"

	"github.com/goaltrack/goaltrack/cdp"
)

// Masked stands for what a person wrote.
const Masked = "***"

// Mask hides who is named in an event: in an IDENTITY, or among the people of an
// ADD_CONTACTS. Which values there are, and the names of their providers, stay to be seen.
// What the fields held before is not changed.
func Mask(e *cdp.Event) {
	e.Fields = maps.Clone(e.Fields)
	if e.Type == Identity {
		maskPerson(e.Fields)
	}
	if people, ok := e.Fields["contact"].([]any); ok { // as a script wrote it
		hidden := make([]any, len(people))
		for i, one := range people {
			fields, _ := one.(map[string]any)
			fields = maps.Clone(fields)
			maskPerson(fields)
			hidden[i] = fields
		}
		e.Fields["contact"] = hidden
	}
	if people, ok := e.Fields["contact"].([]map[string]any); ok {
		hidden := make([]map[string]any, len(people))
		for i, fields := range people {
			hidden[i] = maps.Clone(fields)
			maskPerson(hidden[i])
		}
		e.Fields["contact"] = hidden
	}
}

// maskPerson puts *** in place of every value.
func maskPerson(fields map[string]any) {
	for name, v := range fields {
		switch v := v.(type) {
		case []cdp.Identifier:
			hidden := slices.Clone(v)
			for i := range hidden {
				hidden[i].ID = Masked
			}
			fields[name] = hidden
		case []string:
			fields[name] = []string{Masked}
		default:
			fields[name] = Masked
		}
	}
}
