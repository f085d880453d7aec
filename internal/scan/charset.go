package scan

import (
	"slices"
	"strings"
)

// charset is what the bytes of a form's values are in. A browser writes a form in the
// encoding of its page, and says which only if the form has a hidden field _charset_
// (https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#naming-form-controls:-the-name-attribute).
// Programs say it in the Content-Type.
type charset uint8

const (
	charsetUnknown charset = iota // taken for UTF-8
	charsetUTF8
	charsetLatin1 // windows-1252: in browsers, its names include those of ISO 8859-1
	charsetLatin9 // ISO 8859-15
	charsetOther  // one that is not read: what is not UTF-8 becomes U+FFFD
)

// charsetField is the field in which a browser says it.
const charsetField = "_charset_"

// declare takes what the form says, if nothing has been said before.
func (f *Fields) declare(label string) {
	if f.charset == charsetUnknown {
		f.charset = charsetOf(label)
	}
}

// charsetIn returns the charset of a Content-Type.
func charsetIn(contentType string) charset {
	_, params, _ := strings.Cut(contentType, ";")
	for params != "" {
		var param string
		param, params, _ = strings.Cut(params, ";")
		if name, value, _ := strings.Cut(param, "="); strings.EqualFold(strings.TrimSpace(name), "charset") {
			return charsetOf(strings.Trim(strings.TrimSpace(value), `"`))
		}
	}
	return charsetUnknown
}

// latin1Labels are the names of windows-1252 (https://encoding.spec.whatwg.org/#names-and-labels).
var latin1Labels = []string{
	"ansi_x3.4-1968", "ascii", "cp1252", "cp819", "csisolatin1", "ibm819", "iso-8859-1", "iso-ir-100", "iso8859-1", "iso88591",
	"iso_8859-1", "iso_8859-1:1987", "l1", "latin1", "us-ascii", "windows-1252", "x-cp1252",
}

// latin9Labels are the names of ISO 8859-15, in the same standard.
var latin9Labels = []string{"csisolatin9", "iso-8859-15", "iso8859-15", "iso885915", "iso_8859-15", "l9"}

func charsetOf(label string) charset {
	label = strings.TrimSpace(label)
	switch {
	case label == "":
		return charsetUnknown
	case strings.EqualFold(label, "utf-8") || strings.EqualFold(label, "utf8"):
		return charsetUTF8
	}
	switch named := func(l string) bool { return strings.EqualFold(label, l) }; {
	case slices.ContainsFunc(latin1Labels, named):
		return charsetLatin1
	case slices.ContainsFunc(latin9Labels, named):
		return charsetLatin9
	}
	return charsetOther
}

// latin1High are the characters of the bytes 0x80 to 0x9f
// (https://encoding.spec.whatwg.org/#index-windows-1252). All others are their own.
const latin1High = "\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f" +
	"\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178"

// latin1 are all 256 characters.
var latin1 = func() (all [256]rune) {
	for i := range all {
		all[i] = rune(i)
	}
	copy(all[0x80:], []rune(latin1High))
	return all
}()

// latin9 are those of ISO 8859-15, which has the euro and seven letters in places of signs
// (https://encoding.spec.whatwg.org/#index-iso-8859-15).
var latin9 = func() (all [256]rune) {
	for i := range all {
		all[i] = rune(i)
	}
	all[0xa4], all[0xa6], all[0xa8], all[0xb4] = '€', 'Š', 'š', 'Ž'
	all[0xb8], all[0xbc], all[0xbd], all[0xbe] = 'ž', 'Œ', 'œ', 'Ÿ'
	return all
}()

// reads reports whether bytes in the charset are read, which is done by decode.
func (c charset) reads() bool { return c == charsetLatin1 || c == charsetLatin9 }

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// decode makes UTF-8 of bytes in a charset that is read.
func (c charset) decode(s string) string {
	if isASCII(s) {
		return s
	}
	letters := &latin1
	if c == charsetLatin9 {
		letters = &latin9
	}
	var b strings.Builder
	b.Grow(2 * len(s))
	for i := range len(s) {
		b.WriteRune(letters[s[i]])
	}
	return b.String()
}

// inLatin1 writes a text in windows-1252. It is "" if the text cannot be written so, or
// is the same in UTF-8.
func inLatin1(s string) string {
	if isASCII(s) {
		return ""
	}
	var b strings.Builder
	for _, r := range s {
		i := 0
		for i < len(latin1) && latin1[i] != r {
			i++
		}
		if i == len(latin1) {
			return ""
		}
		b.WriteByte(byte(i))
	}
	return b.String()
}
