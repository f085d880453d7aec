package scan

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"slices"
	"strings"
)

const (
	maxFormValue = 2 << 10 // bytes of one value; longer ones are reported, not cut
	maxFormParts = 1000    // parts of one multipart body
)

// fieldState says what a form holds under a name.
type fieldState uint8

const (
	fieldAbsent fieldState = iota
	fieldFound
	fieldTooLong
	fieldBroken // it is there, in an encoding that nobody can undo
)

type formField struct {
	name, value string
	state       fieldState
}

// known reports whether the field was met.
func (f *formField) known() bool { return f.state == fieldFound || f.state == fieldTooLong }

// Fields are the wanted fields of one form. Fields that nobody named, such as a
// password, are never decoded.
type Fields struct {
	fields  []formField
	missing int // wanted names not met so far
	lost    Doubt
}

// Doubt says why it is not known what a form has in a field. Either the field
// was not met, or its encoding is broken. A field in doubt is not taken for
// absent.
type Doubt uint8

// What can be in doubt.
const (
	NoDoubt          Doubt = iota // the field is there, or it is absent
	DoubtBroken                   // the form is cut off or broken
	DoubtTooLarge                 // it has more parts than are read
	DoubtReadOutside              // something else had read it, and may have left out a part
)

// Doubt returns the reason why one of these fields is not known, or [NoDoubt]
// if all are known.
func (f *Fields) Doubt(names []string) Doubt {
	for i := range f.fields {
		if field := &f.fields[i]; slices.Contains(names, field.name) {
			switch {
			case field.state == fieldBroken:
				return DoubtBroken
			case field.state == fieldAbsent && f.lost != NoDoubt:
				return f.lost
			}
		}
	}
	return NoDoubt
}

// Complete reports whether every wanted field was met.
func (f *Fields) Complete() bool { return f.missing == 0 }

// ReadOutside notes that something else has read a part of the form, which is
// missing here.
func (f *Fields) ReadOutside() { f.lost = DoubtReadOutside }

// Get returns the first value of a field. It reports false for a field that is
// absent, was not asked for, or is too long.
func (f Fields) Get(name string) (string, bool) {
	for i := range f.fields {
		if f.fields[i].name == name {
			return f.fields[i].value, f.fields[i].state == fieldFound
		}
	}
	return "", false
}

// TooLong reports whether the field is there but longer than 2 KiB.
func (f Fields) TooLong(name string) bool {
	for i := range f.fields {
		if f.fields[i].name == name {
			return f.fields[i].state == fieldTooLong
		}
	}
	return false
}

// Form reads the wanted fields of a urlencoded or multipart body in one
// pass. The first value of a name wins, as in [url.Values.Get]. A body of any
// other kind has no fields. The result does not refer to body.
func Form(contentType string, body []byte, want []string) Fields {
	f := newFields(want)
	switch KindOf(contentType) {
	case KindURLEncoded:
		f.scanURLEncoded(body)
	case KindMultipart:
		f.scanMultipart(contentType, body)
	case KindNone, KindJSON:
	}
	return f
}

// Pick takes the wanted fields of a form that was parsed already. The same
// bounds apply as in Form.
func Pick(values url.Values, want []string) Fields {
	f := newFields(want)
	for i, name := range want {
		if v := values[name]; len(v) > 0 {
			f.set(i, v[0])
		}
	}
	return f
}

func newFields(want []string) Fields {
	f := Fields{fields: make([]formField, len(want)), missing: len(want)}
	for i, name := range want {
		f.fields[i].name = name
	}
	return f
}

// scanURLEncoded follows [url.ParseQuery], which skips a pair with a semicolon
// or an invalid escape and goes on with the next.
func (f *Fields) scanURLEncoded(body []byte) {
	var pair []byte
	for len(body) > 0 && f.missing > 0 {
		pair, body, _ = bytes.Cut(body, []byte("&"))
		key, value, _ := bytes.Cut(pair, []byte("="))
		i := f.wantedKey(key)
		if len(pair) == 0 || i < 0 {
			continue
		}
		if text, ok := unescapeForm(value); ok && bytes.IndexByte(pair, ';') < 0 {
			f.set(i, text)
		} else {
			f.fields[i].state = fieldBroken // to Go it is absent, to PHP it is not
		}
	}
}

// wantedKey returns the index of the missing field that an escaped key names,
// or -1. Keys of another length are not decoded.
func (f *Fields) wantedKey(key []byte) int {
	escapes := bytes.Count(key, []byte("%"))
	plain := escapes == 0 && bytes.IndexByte(key, '+') < 0
	for i := range f.fields {
		field := &f.fields[i]
		if field.known() || len(field.name) != len(key)-2*escapes {
			continue
		}
		if plain {
			if field.name == string(key) {
				return i
			}
			continue
		}
		if text, ok := unescapeForm(key); ok && text == field.name {
			return i
		}
	}
	return -1
}

// unescapeForm decodes one key or value; false means an invalid escape.
func unescapeForm(b []byte) (string, bool) {
	text, err := url.QueryUnescape(string(b))
	return text, err == nil
}

// scanMultipart stops at the first fault; what came before it stands.
func (f *Fields) scanMultipart(contentType string, body []byte) {
	f.lost = DoubtBroken
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil || params["boundary"] == "" {
		return
	}
	parts := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for n := 0; f.missing > 0; n++ {
		part, err := parts.NextPart()
		switch {
		case errors.Is(err, io.EOF) && bytes.Contains(body, LastBoundary(contentType)):
			f.lost = NoDoubt // the end is the form's own, not that of a part cut in its header
			return
		case err != nil:
			return
		case n == maxFormParts:
			f.lost = DoubtTooLarge
			return
		}
		i := f.wantedPart(part)
		if i < 0 {
			continue
		}
		value, err := io.ReadAll(io.LimitReader(part, maxFormValue+1))
		if err != nil {
			return
		}
		f.set(i, string(value))
	}
}

// LastBoundary returns the text that ends a multipart body, nil if the
// Content-Type has no boundary.
func LastBoundary(contentType string) []byte {
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil || params["boundary"] == "" {
		return nil
	}
	return []byte("--" + params["boundary"] + "--")
}

// wantedPart returns the index of the missing field that a part holds, or -1. A
// file upload is not a value.
func (f *Fields) wantedPart(part *multipart.Part) int {
	name := part.FormName()
	if name == "" || part.FileName() != "" {
		return -1
	}
	for i := range f.fields {
		if !f.fields[i].known() && f.fields[i].name == name {
			return i
		}
	}
	return -1
}

// set stores a value as valid UTF-8, if it is within bounds.
func (f *Fields) set(i int, value string) {
	f.missing--
	value = strings.ToValidUTF8(value, "\uFFFD")
	if len(value) > maxFormValue {
		f.fields[i].state = fieldTooLong
		return
	}
	f.fields[i].value, f.fields[i].state = value, fieldFound
}
