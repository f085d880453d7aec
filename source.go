package goaltrack

import (
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"unicode"
)

// source is where a rule reads a value: the left side of a condition, or a
// $source in data, value and the base fields of an event.
type source struct {
	kind sourceKind
	name string
	text string // for sourceLiteral
}

type sourceKind uint8

const (
	sourceLiteral sourceKind = iota
	sourcePath               // a variable of the trigger's path template
	sourceQuery
	sourceHeader
	sourceCookie
	sourceForm
	sourceRedirect       // a variable of the success rule's target
	sourceResponseHeader // a header of the response
	sourceApp            // set by the handler with Tracker.Set

	// These stand only on the left of a condition, without a name.
	sourceWholePath
	sourceHost
	sourceRoute
	sourceResponseType
)

// sourceKinds are the words before the dot. A $source may use those of the
// first group; a condition may use them all but path.x and redirect.x, which
// are matched by the templates themselves.
var sourceKinds = map[string]sourceKind{
	"path":            sourcePath,
	"query":           sourceQuery,
	"header":          sourceHeader,
	"cookie":          sourceCookie,
	"form":            sourceForm,
	"redirect":        sourceRedirect,
	"response.header": sourceResponseHeader,
	"app":             sourceApp,
}

var bareSources = map[string]sourceKind{
	"path":          sourceWholePath,
	"host":          sourceHost,
	"route":         sourceRoute,
	"response.type": sourceResponseType,
}

// parseSource reads "$kind.name". Any other text is a literal; "$$" at the
// beginning stands for one dollar sign.
func parseSource(s string) (source, error) {
	if !strings.HasPrefix(s, "$") {
		return source{text: s}, nil
	}
	if strings.HasPrefix(s, "$$") {
		return source{text: s[1:]}, nil
	}
	src, err := parseSourceName(s[1:])
	if err != nil {
		return src, fmt.Errorf("%q: %w; for a text that begins with a dollar sign write $$", s, err)
	}
	return src, nil
}

func parseSourceName(s string) (source, error) {
	i := strings.LastIndexByte(s, '.')
	if strings.HasPrefix(s, "response.header.") {
		i = len("response.header")
	} else if j := strings.IndexByte(s, '.'); j >= 0 {
		i = j
	}
	if i < 0 {
		return source{}, fmt.Errorf("no name after the source; sources are %s", sourceWords)
	}
	kind, ok := sourceKinds[s[:i]]
	if !ok {
		return source{}, fmt.Errorf("unknown source; sources are %s", sourceWords)
	}
	src := source{kind: kind, name: s[i+1:]}
	if src.name == "" {
		return src, fmt.Errorf("no name after %q", s[:i+1])
	}
	return src, src.allowed()
}

const sourceWords = "$path.x $query.x $form.x $header.x $cookie.x $redirect.x $response.header.x $app.x"

// allowed refuses what must never leave a request: credentials by header, and
// fields whose name says they are secret.
func (s *source) allowed() error {
	switch s.kind {
	case sourceHeader, sourceResponseHeader:
		s.name = textproto.CanonicalMIMEHeaderKey(s.name)
		if slices.Contains(forbiddenHeaders, s.name) {
			return fmt.Errorf("the header %s holds credentials and is never read", s.name)
		}
	case sourceCookie:
		if !validToken(s.name) {
			return fmt.Errorf("%q is not a cookie name", s.name)
		}
	}
	switch s.kind {
	case sourceForm, sourceQuery, sourceHeader, sourceResponseHeader, sourceCookie:
		if w := secretWord(s.name); w != "" {
			return fmt.Errorf("%q looks like a secret (%q) and is never read", s.name, w)
		}
	}
	return nil
}

var forbiddenHeaders = []string{"Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie"}

// secretWords are names of fields that hold secrets. They match whole words, so
// that "pin" is found in user_pin and cardPin, not in shipping.
var secretWords = []string{
	"password", "passwd", "passwort", "pwd", "passphrase", "secret", "token", "csrf", "xsrf", "jwt",
	"otp", "totp", "pin", "cvv", "cvc", "cvn", "csc", "iban", "ssn", "cc", "card", "cardnumber",
	"creditcard", "apikey", "sessionid",
}

// secretWord returns the word of name that says it is a secret, or "".
func secretWord(name string) string {
	for _, w := range words(name) {
		if slices.Contains(secretWords, w) {
			return w
		}
	}
	// Two words that are one secret: credit-card, api_key.
	joined := strings.Join(words(name), "")
	for _, w := range []string{"password", "creditcard", "cardnumber", "apikey", "sessionid"} {
		if strings.Contains(joined, w) {
			return w
		}
	}
	return ""
}

// words cuts a name at everything that is no letter and at humps: "userPin" and
// "user_pin2" are user, pin.
func words(name string) []string {
	var out []string
	start := -1
	runes := []rune(name)
	flush := func(end int) {
		if start >= 0 {
			out = append(out, strings.ToLower(string(runes[start:end])))
		}
		start = -1
	}
	for i, r := range runes {
		switch {
		case !unicode.IsLetter(r):
			flush(i)
		case start >= 0 && unicode.IsUpper(r) && unicode.IsLower(runes[i-1]):
			flush(i)
			start = i
		case start < 0:
			start = i
		}
	}
	flush(len(runes))
	return out
}

// validToken reports whether s may be the name of a cookie or a header
// (RFC 9110, section 5.6.2).
func validToken(s string) bool {
	if s == "" {
		return false
	}
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return true
}

// maxInput bounds what is compared or sent from a request: a longer value fails
// its condition, so that no visitor can make a regular expression slow.
const maxInput = 2 << 10

// maxCollected bounds a value that goes into an event.
const maxCollected = 1 << 10

var errTooLong = errors.New("value too long")

// cookieValue returns the first cookie of that exact name in the header, as
// Sitecore's scripts read it: cut at semicolons, no decoding. It allocates
// nothing, unlike http.Request.Cookie.
func cookieValue(h http.Header, name string, accept func(string) bool) string {
	for _, line := range h["Cookie"] {
		for line != "" {
			var pair string
			pair, line, _ = strings.Cut(line, ";")
			k, v, ok := strings.Cut(strings.TrimLeft(pair, " \t"), "=")
			if ok && k == name && (accept == nil || accept(v)) {
				return v
			}
		}
	}
	return ""
}
