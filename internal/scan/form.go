package scan

import (
	"bytes"
	"net/url"
	"slices"
	"strings"
)

const (
	maxFormValue  = 2 << 10 // bytes of one value; longer ones are reported, not cut
	maxFormValues = 1000    // values of one name
	textSize      = 16      // bytes of a text beside its letters
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
	name   string
	latin  string   // the name in windows-1252, "" if it is the same
	value  string   // the last one
	before []string // the others, in their order
	told   []int    // which of them are in UTF-8 already, since their part said what they were in
	state  fieldState
}

// known reports whether the field was met.
func (f *formField) known() bool { return f.state == fieldFound || f.state == fieldTooLong }

// Fields are the wanted fields of one form. Fields that nobody named, such as a
// password, are never decoded.
type Fields struct {
	fields  []formField
	missing int // wanted names not met so far
	lost    Doubt
	charset charset // of the values, which are bytes until the end
	ended   bool    // they are text
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

// Get returns the last value of a field, which is the one that Rails, PHP and
// Symfony take: a hidden field before a checkbox says what it is worth unticked. It
// reports false for a field that is absent, was not asked for, or is too long.
func (f Fields) Get(name string) (string, bool) {
	for i := range f.fields {
		if f.fields[i].name == name {
			return f.fields[i].value, f.fields[i].state == fieldFound
		}
	}
	return "", false
}

// Others returns the values of a field before its last.
func (f Fields) Others(name string) []string {
	for i := range f.fields {
		if f.fields[i].name == name {
			return f.fields[i].before
		}
	}
	return nil
}

// TooLong reports whether the field has a value longer than 2 KiB, or too many.
func (f Fields) TooLong(name string) bool {
	for i := range f.fields {
		if f.fields[i].name == name {
			return f.fields[i].state == fieldTooLong
		}
	}
	return false
}

// Form reads the wanted fields of a urlencoded or multipart body in one
// pass. A body of any other kind has no fields. The result does not refer to body.
func Form(contentType string, body []byte, want []string) Fields {
	switch KindOf(contentType) {
	case KindURLEncoded:
		var p Pairs
		p.begin(contentType, want)
		p.Write(body)
		return p.Fields()
	case KindMultipart:
		p := NewParts(contentType, want)
		p.Write(body)
		return p.Fields()
	case KindNone, KindJSON, KindText:
	}
	return newFields(want)
}

// Pick takes the wanted fields of a form that was parsed already. The same
// bounds apply as in Form.
func Pick(contentType string, values url.Values, want []string) Fields {
	f := newFields(want)
	if KindOf(contentType) == KindURLEncoded {
		f.charset = charsetIn(contentType)
	}
	for _, label := range values[charsetField] {
		f.declare(label)
	}
	for i := range f.fields {
		field := &f.fields[i]
		for _, v := range values[field.name] {
			f.set(i, v, false)
		}
		if field.latin != "" {
			for _, v := range values[field.latin] {
				f.set(i, v, false)
			}
		}
	}
	f.end()
	return f
}

func newFields(want []string) Fields {
	f := Fields{fields: make([]formField, len(want)), missing: len(want)}
	for i, name := range want {
		f.fields[i].name, f.fields[i].latin = name, inLatin1(name)
	}
	return f
}

// again forgets what was read, to read the same form once more.
func (f *Fields) again(c charset) {
	for i := range f.fields {
		field := &f.fields[i]
		*field = formField{name: field.name, latin: field.latin}
	}
	*f = Fields{fields: f.fields, missing: len(f.fields), charset: c}
}

// wantedKey returns the index of the field that an escaped key names, or -1.
// Keys of another length are not decoded.
func (f *Fields) wantedKey(key []byte) int {
	escapes := bytes.Count(key, []byte("%"))
	plain := escapes == 0 && bytes.IndexByte(key, '+') < 0
	is := func(name string) bool {
		switch {
		case len(name) != len(key)-2*escapes:
			return false
		case plain:
			return name == string(key)
		}
		text, ok := unescapeForm(key)
		return ok && text == name
	}
	for i := range f.fields {
		if field := &f.fields[i]; is(field.name) || field.latin != "" && is(field.latin) {
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

// set adds a value within bounds, and says whether it is told to be in UTF-8. It returns
// how many bytes are kept for it.
func (f *Fields) set(i int, value string, told bool) (kept int) {
	field := &f.fields[i]
	switch {
	case field.state == fieldTooLong:
		return 0
	case len(value) > maxFormValue || len(field.before)+1 >= maxFormValues:
		f.tooLong(i)
		return 0
	case field.state == fieldFound:
		field.before = append(field.before, field.value)
		kept = textSize
	}
	if told {
		field.told = append(field.told, len(field.before))
	}
	f.meet(i)
	field.value, field.state = value, fieldFound
	return kept + len(value)
}

// end makes text of the values, once it is known what their bytes are in.
func (f *Fields) end() {
	if f.ended {
		return
	}
	f.ended = true
	for i := range f.fields {
		field := &f.fields[i]
		for n := range field.before {
			field.before[n] = f.text(i, n, field.before[n])
		}
		if field.state == fieldFound {
			field.value = f.text(i, len(field.before), field.value)
		}
		if field.state == fieldFound && (isTooLong(field.value) || slices.ContainsFunc(field.before, isTooLong)) {
			f.tooLong(i)
		}
	}
}

func isTooLong(value string) bool { return len(value) > maxFormValue }

// text makes valid UTF-8 of a value. What is no text in it becomes U+FFFD.
func (f *Fields) text(field, n int, value string) string {
	if f.charset.reads() && !slices.Contains(f.fields[field].told, n) {
		return f.charset.decode(value)
	}
	return strings.ToValidUTF8(value, "\uFFFD")
}

// tooLong notes a value that nobody keeps. No other value of the name counts then.
func (f *Fields) tooLong(i int) {
	f.meet(i)
	f.fields[i] = formField{name: f.fields[i].name, latin: f.fields[i].latin, state: fieldTooLong}
}

// broken notes a value that nobody can decode, unless a good one follows.
func (f *Fields) broken(i int) {
	if field := &f.fields[i]; field.state != fieldTooLong {
		if field.known() {
			f.missing++
			field.before = append(field.before, field.value)
		}
		field.state = fieldBroken
	}
}

func (f *Fields) meet(i int) {
	if !f.fields[i].known() {
		f.missing--
	}
}
