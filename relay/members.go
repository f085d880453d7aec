package relay

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// member is one of a JSON object: its name, decoded, and its value as it came.
type member struct {
	name  string
	value json.RawMessage
}

// Bounds of an event. The SDKs take 50 attributes.
const (
	maxMembers    = 128
	maxAttributes = 64
)

// membersOf takes an object apart. It is not ok if the text is no JSON object, if a name
// stands in it twice, in whatever case, or if there are more than most. Two readers could
// take such an object for two things.
func membersOf(body []byte, most int) (list []member, ok bool) {
	if !utf8.Valid(body) || !json.Valid(body) {
		return nil, false
	}
	return split(body, most)
}

// split is membersOf for a value that is valid JSON, so it need not look closely.
func split(value []byte, most int) (list []member, ok bool) {
	rest, ok := bytes.CutPrefix(bytes.TrimLeft(value, space), []byte{'{'})
	if !ok {
		return nil, false
	}
	list = make([]member, 0, 16)
	for {
		rest = bytes.TrimLeft(rest, space+",")
		if rest[0] == '}' {
			return list, true
		}
		end := quoted(rest)
		m := member{name: textOf(rest[:end])}
		rest = bytes.TrimLeft(rest[end:], space+":")
		end = ofValue(rest)
		m.value, rest = bytes.TrimRight(rest[:end:end], space), rest[end:]
		if len(list) == most || has(list, m.name) {
			return nil, false
		}
		list = append(list, m)
	}
}

const space = " \t\r\n"

// quoted is how long the string is that a text begins with.
func quoted(s []byte) int {
	end := 1
	for s[end] != '"' {
		if s[end] == '\\' {
			end++
		}
		end++
	}
	return end + 1
}

// ofValue is how long the value is that a text begins with, which goes on behind it.
func ofValue(s []byte) (end int) {
	for depth := 0; ; end++ {
		switch c := s[end]; c {
		case '"':
			end += quoted(s[end:]) - 1
		case '{', '[':
			depth++
		case '}', ']', ',':
			if depth == 0 {
				return end
			}
			if c != ',' {
				depth--
			}
		}
	}
}

func has(list []member, name string) bool {
	for i := range list {
		if len(list[i].name) == len(name) && strings.EqualFold(list[i].name, name) {
			return true
		}
	}
	return false
}

// text is the text of a member, "" if it is none.
func text(list []member, name string) string {
	for i := range list {
		if list[i].name == name {
			return textOf(list[i].value)
		}
	}
	return ""
}

// textOf is the text of a value, "" of what is none.
func textOf(raw json.RawMessage) (s string) {
	switch {
	case len(raw) < 2 || raw[0] != '"':
	case bytes.IndexByte(raw, '\\') < 0:
		return string(raw[1 : len(raw)-1])
	default:
		_ = json.Unmarshal(raw, &s) // it is valid
	}
	return s
}

// nameIn is the name that a value says, "" for none. What is no text is no name of a site.
func nameIn(raw json.RawMessage) string {
	if len(raw) > 0 && raw[0] != '"' && string(raw) != "null" {
		return string(raw)
	}
	return textOf(raw)
}

// valuesOf decodes members, without the two that are read apart.
func valuesOf(list []member) map[string]any {
	values := make(map[string]any, len(list))
	for i := range list {
		if name := list[i].name; name != "browser_id" && name != "ext" {
			var v any
			_ = json.Unmarshal(list[i].value, &v) // it is valid
			values[name] = v
		}
	}
	return values
}

// write writes members as an object has them between its braces.
func write(dst []byte, list []member) []byte {
	for i := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(appendText(dst, list[i].name), ':'), list[i].value...)
	}
	return dst
}
