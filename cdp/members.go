package cdp

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// members are the members of an answer that we read, each as it stands there, nil if it is
// missing. Every event has an answer, so it is not decoded into a map.
type members struct {
	status, ref, browserRef, customerRef, customer []byte
	// explanations are error_msg, developerMessage, message, error and moreInfo; the
	// best comes first.
	explanations [5][]byte
}

// read takes its members from an object. The object must be valid JSON, so it need not look
// closely. Of two members with one name the last counts, as for encoding/json.
func (m *members) read(object []byte) {
	rest := bytes.TrimLeft(object[1:], jsonSpace)
	for rest[0] == '"' {
		end := stringEnd(rest)
		name := rest[1 : end-1]
		if bytes.IndexByte(name, '\\') >= 0 {
			name = []byte(stringOf(rest[:end]))
		}
		rest = bytes.TrimLeft(rest[end:], jsonSpace)
		rest = bytes.TrimLeft(rest[1:], jsonSpace) // behind the colon
		end = valueEnd(rest)
		if into := m.member(name); into != nil {
			*into = bytes.TrimRight(rest[:end], jsonSpace)
		}
		if rest = rest[end:]; rest[0] == '}' {
			return
		}
		rest = bytes.TrimLeft(rest[1:], jsonSpace) // behind the comma
	}
}

const jsonSpace = " \t\r\n"

// member returns where the member of that name is kept, nil if it is not read.
func (m *members) member(name []byte) *[]byte {
	switch string(name) {
	case "status":
		return &m.status
	case "ref":
		return &m.ref
	case "browserRef":
		return &m.browserRef
	case "customer_ref":
		return &m.customerRef
	case "customer":
		return &m.customer
	case "error_msg":
		return &m.explanations[0]
	case "developerMessage":
		return &m.explanations[1]
	case "message":
		return &m.explanations[2]
	case "error":
		return &m.explanations[3]
	case "moreInfo":
		return &m.explanations[4]
	}
	return nil
}

// stringEnd returns where the string at the beginning of s ends, behind its
// quotation mark.
func stringEnd(s []byte) int {
	for i := 1; ; i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
}

// valueEnd returns where the value at the beginning of s ends: at the comma or
// the brace that follows it.
func valueEnd(s []byte) int {
	depth := 0
	for i := 0; ; i++ {
		switch s[i] {
		case '"':
			i += stringEnd(s[i:]) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 {
				return i
			}
		case ',':
			if depth == 0 {
				return i
			}
		}
	}
}

// stringOf returns a value that is a string, "" for any other.
func stringOf(raw []byte) string {
	if len(raw) < 2 || raw[0] != '"' {
		return ""
	}
	if s := raw[1 : len(raw)-1]; bytes.IndexByte(s, '\\') < 0 && utf8.Valid(s) {
		return string(s) // nothing to unescape
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}
