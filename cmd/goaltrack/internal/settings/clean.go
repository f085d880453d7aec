package settings

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// clean cuts invisible characters off both ends of a value. The error says what
// is wrong with the rest. It never shows the value, which may be a secret.
//
// A newline at the end comes from "echo SECRET | base64"
// (https://github.com/kubernetes/kubernetes/issues/23404). A carriage return
// comes from a file of Windows, and quotes come from "docker run --env-file"
// (https://github.com/docker/cli/issues/3630). Such a value looks right in
// every listing, and never equals what it is compared with.
func clean(text string, path bool) (string, error) {
	text = trim(text)
	if at, ok := quoted(text); ok {
		return "", fmt.Errorf("the value has quotes at both ends (%s): write it without", at)
	}
	for i, r := range text {
		if _, size := utf8.DecodeRuneInString(text[i:]); r == utf8.RuneError && size == 1 {
			if path {
				continue // the name of a file may be any bytes
			}
			return "", errors.New("the value is not in UTF-8")
		}
		if what := unseen(r, path); what != "" {
			return "", fmt.Errorf("the value has %s in it (%U)", what, r)
		}
	}
	return text, nil
}

// trim cuts blanks of every kind off both ends, and invisible characters such
// as a byte-order mark.
func trim(text string) string {
	return strings.TrimFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) })
}

// quotes maps each opening quote to its closing one.
var quotes = map[rune]string{
	'"': `"`, '\'': "'", '`': "`", '“': "”", '”': "”", '„': "“”", '‘': "’", '’': "’", '‚': "‘’", '«': "»", '»': "«", '‹': "›", '›': "‹",
}

// quoted reports whether a text has quotes at both ends, and which.
func quoted(text string) (at string, ok bool) {
	first, size := utf8.DecodeRuneInString(text)
	last, end := utf8.DecodeLastRuneInString(text)
	if len(text) < size+end || !strings.ContainsRune(quotes[first], last) || quotes[first] == "" {
		return "", false
	}
	return string(first) + string(last), true
}

// unseen names a character that nobody means to write. Names of files may
// contain joiners and blanks of every kind.
func unseen(r rune, path bool) string {
	switch {
	case r == '\n' || r == '\r' || r == '\u0085' || r == '\u2028' || r == '\u2029':
		return "a line break"
	case unicode.IsControl(r):
		return "a control character"
	case path:
	case unicode.Is(unicode.Cf, r):
		return "a character that cannot be seen"
	case r != ' ' && unicode.IsSpace(r):
		return "a blank that is no space"
	}
	return ""
}
