package scan

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// JSON is a JSON document from which callers ask for some members. It is
// decoded once, when the first member is asked for. Later changes of Text have
// no effect. A nil *JSON is no JSON, without members.
type JSON struct {
	Text    []byte
	decoded bool
	broken  bool // the text is no JSON
	root    any
}

// Valid reports whether the body is JSON. If it is not, nobody can say which
// members it lacks.
func (j *JSON) Valid() bool {
	if j == nil {
		return false
	}
	j.decode()
	return !j.broken
}

func (j *JSON) decode() {
	if j.decoded {
		return
	}
	j.decoded = true
	d := json.NewDecoder(bytes.NewReader(trimJSON(j.Text)))
	d.UseNumber() // an order number may have more digits than a float64
	err := d.Decode(&j.root)
	if _, more := d.Token(); err != nil || !errors.Is(more, io.EOF) {
		j.root, j.broken = nil, true
	}
}

// Member returns the value at a path of names such as "user.plan", nil if there
// is none. A whole number is an int64. It is a text if an int64 would overflow
// or a float64 would change it. Other numbers are float64.
func (j *JSON) Member(path string) any {
	if j == nil {
		return nil
	}
	j.decode()
	v := j.root
	for path != "" {
		object, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		var name string
		name, path, _ = strings.Cut(path, ".")
		v = object[name]
	}
	if n, ok := v.(json.Number); ok {
		return plainNumber(n)
	}
	return v
}

// IsObject reports whether the body is an object of JSON. PHP writes one without members as
// an empty list. If it is none, nobody can say which members it lacks.
func (j *JSON) IsObject() bool {
	if j == nil {
		return false
	}
	j.decode()
	switch root := j.root.(type) {
	case map[string]any:
		return true
	case []any:
		return len(root) == 0
	}
	return false
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// trimJSON cuts off what may stand before a JSON document: blanks, and the byte
// order mark that some editors write (RFC 8259, section 8.1).
func trimJSON(text []byte) []byte {
	return bytes.TrimLeft(bytes.TrimPrefix(text, byteOrderMark), " \t\r\n")
}

// IsWhole reports whether a text is exactly one JSON object or list.
func IsWhole(text []byte) bool {
	text = trimJSON(text)
	return len(text) > 0 && (text[0] == '{' || text[0] == '[') && json.Valid(text)
}

// IsObject reports whether a text surely is JSON: an object from its first byte to its
// last. Scripts send it as plain text, by fetch without a header and by sendBeacon.
func IsObject(text []byte) bool {
	text = trimJSON(text)
	return beginsObject(text) && json.Valid(text)
}

// maxExact is the largest number below which a float64 can hold every whole
// number.
const maxExact = 1 << 53

func plainNumber(n json.Number) any {
	if i, err := n.Int64(); err == nil && -maxExact <= i && i <= maxExact {
		return i
	}
	if f, err := n.Float64(); err == nil && strings.ContainsAny(n.String(), ".eE") {
		return f
	}
	return n.String()
}
