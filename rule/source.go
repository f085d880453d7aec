package rule

import (
	"errors"
	"fmt"
	"maps"
	"net/textproto"
	"slices"
	"strings"
	"unicode"

	urlpath "github.com/goaltrack/goaltrack/internal/path"

	"github.com/goaltrack/goaltrack/internal/web"
)

// source is where a rule reads a value: the left side of a condition, or a
// $source in data, value and the base fields of an event.
type source struct {
	kind sourceKind
	name string
	text string // for sourceLiteral
	// ofVisit: a $utm.x or $referrer is that of the session's first page. In a
	// condition it is that of the request.
	ofVisit bool
}

type sourceKind uint8

const (
	sourceLiteral sourceKind = iota
	sourcePath               // a variable of the trigger's path template
	sourceQuery
	sourceHeader
	sourceCookie
	sourceForm
	sourceJSON           // a member of the request's JSON body, "a.b"
	sourceRedirect       // a variable of the success rule's target
	sourceResponseHeader // a header of the response
	sourceResponseJSON   // a member of the answer's JSON body
	sourceApp            // set by the handler with Tracker.Set
	sourceUTM            // a utm_ parameter of the address
	sourceReferrer       // the other site the visitor came from

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
	"json":            sourceJSON,
	"response.header": sourceResponseHeader,
	"response.json":   sourceResponseJSON,
	"app":             sourceApp,
	"utm":             sourceUTM,
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
	if len(s) > maxCollected {
		return source{}, fmt.Errorf("the text is longer than %d bytes", maxCollected)
	}
	if strings.HasPrefix(s, "$$") || !strings.HasPrefix(s, "$") {
		return source{text: strings.TrimPrefix(s, "$")}, nil
	}
	src, err := parseSourceName(s[1:], "$")
	src.ofVisit = src.kind == sourceUTM || src.kind == sourceReferrer
	if a, ok := errors.AsType[*advice](err); ok {
		a.message = s + ": " + a.message
		if a.hint == sourceHint {
			a.hint += "; a text that begins with a dollar sign is written $" + s
		}
	}
	return src, err
}

// parseSourceName reads "kind.name". sign stands before it where it is written.
func parseSourceName(s, sign string) (source, error) {
	if s == "referrer" {
		return source{kind: sourceReferrer}, nil
	}
	word, name, _ := strings.Cut(s, ".")
	if word == "response" { // response.header.x, response.json.a.b
		var part string
		part, name, _ = strings.Cut(name, ".")
		word += "." + part
	}
	kind, ok := sourceKinds[word]
	switch {
	case !ok:
		hint := sourceHint
		if near := nearest(word, slices.Sorted(maps.Keys(sourceKinds))); near != "" {
			hint = "did you mean " + sign + near + "." + name + "?"
		}
		return source{}, &advice{"unknown source", hint}
	case name == "":
		return source{}, &advice{"a source needs a name", "for example " + sign + word + ".email"}
	}
	src := source{kind: kind, name: name}
	return src, src.allowed()
}

const sourceHint = "sources are path.x query.x form.x json.x header.x cookie.x redirect.x response.header.x response.json.x app.x utm.x referrer"

// allowed refuses what must never leave a request: credentials by header, and
// fields whose name says they are secret.
func (s *source) allowed() error {
	switch s.kind {
	case sourceHeader, sourceResponseHeader:
		s.name = textproto.CanonicalMIMEHeaderKey(s.name)
		switch {
		case slices.Contains(forbiddenHeaders, s.name):
			return fmt.Errorf("the header %s holds credentials and is never read", s.name)
		case !web.ValidToken(s.name):
			return fmt.Errorf("%q is not the name of a header", s.name)
		case s.name == "Host" && s.kind == sourceHeader:
			return &advice{"the host is no header to net/http", "if: { host: www.example.com }"}
		}
	case sourceCookie:
		if !web.ValidToken(s.name) {
			return fmt.Errorf("%q is not the name of a cookie", s.name)
		}
	}
	switch s.kind {
	case sourceForm, sourceJSON, sourceQuery, sourceHeader, sourceResponseHeader, sourceResponseJSON, sourceCookie:
		if w := secretWord(s.name); w != "" {
			return fmt.Errorf("%q looks like a secret (%s) and is never read", s.name, w)
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

// secretCompounds are secrets that people write in one word, in two or as a part
// of one: credit-card, apiKey, userpassword.
var secretCompounds = []string{
	"password", "passwort", "passwd", "creditcard", "cardnumber", "apikey", "sessionid",
	"accesstoken", "authtoken", "csrftoken", "refreshtoken",
}

// secretWord returns the word of name that says it is a secret, or "".
func secretWord(name string) string {
	for _, w := range words(name) {
		if slices.Contains(secretWords, w) {
			return w
		}
	}
	joined := strings.Join(words(name), "")
	for _, w := range secretCompounds {
		if strings.Contains(joined, w) {
			return w
		}
	}
	return ""
}

// words cuts a name at everything that is no letter and at humps: "userPin" and
// "user_pin2" are user, pin; "PINCode" is pin, code.
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
		case start >= 0 && unicode.IsUpper(r) && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])):
			flush(i)
			start = i
		case start < 0:
			start = i
		}
	}
	flush(len(runes))
	return out
}

// maxInput bounds what is compared or sent from a request: a longer value fails
// its condition, so that no visitor can make a regular expression slow.
const maxInput = urlpath.MaxLength

// maxCollected bounds a value that goes into an event.
const maxCollected = 1 << 10
