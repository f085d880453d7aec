package cdp

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxMessage bounds Error.Message.
const maxMessage = 2 << 10

// An answer is what could be understood of a response. All of it is optional:
// a status alone is an answer.
type answer struct {
	status     int
	retryAfter time.Duration
	location   string
	cut        bool // the body broke off
	body       []byte

	isJSON   bool
	word     string // the "status" of the JSON if that is a string
	code     float64
	message  string
	ref      string
	guest    string // customer_ref, or customer.ref
	hasError bool   // it has members that only failures have
}

// readAnswer reads at most maxAnswer bytes of the body. It does not fail: a
// body that breaks off is one that could be read less far.
func readAnswer(res *http.Response) answer {
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	a := answer{
		status:     res.StatusCode,
		retryAfter: retryAfter(res.Header.Get("Retry-After"), time.Now()),
		location:   res.Header.Get("Location"),
		cut:        err != nil,
		body:       body,
	}
	a.parse()
	return a
}

// parse takes what it finds and minds nothing that is missing or of another
// type. The CDP writes client_key in some answers and clientKey in others; we
// need neither. The Boxever library reads browserRef where ref is missing.
func (a *answer) parse() {
	var m map[string]json.RawMessage
	if json.Unmarshal(bytes.TrimPrefix(a.body, []byte("\uFEFF")), &m) != nil || m == nil {
		return
	}
	a.isJSON = true
	if a.word = stringIn(m, "status"); a.word == "" && json.Unmarshal(m["status"], &a.code) != nil {
		a.code = 0
	}
	a.ref = either(stringIn(m, "ref"), stringIn(m, "browserRef"))
	a.guest = stringIn(m, "customer_ref")
	var customer map[string]json.RawMessage
	if raw := m["customer"]; a.guest == "" && len(raw) > 0 && json.Unmarshal(raw, &customer) == nil {
		a.guest = stringIn(customer, "ref")
	}
	for _, name := range []string{"error_msg", "developerMessage", "message", "error", "moreInfo"} {
		s := stringIn(m, name)
		a.hasError = a.hasError || s != ""
		a.message = either(a.message, s)
	}
}

// stringIn returns a member that is a string. Most answers lack most members,
// and to fail at decoding nothing would cost as much as decoding something.
func stringIn(m map[string]json.RawMessage, name string) string {
	raw := m[name]
	if len(raw) < 2 || raw[0] != '"' {
		return ""
	}
	if text := raw[1 : len(raw)-1]; bytes.IndexByte(text, '\\') < 0 && utf8.Valid(text) {
		return string(text) // nothing to unescape; the decoder has checked the rest
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// saysFailed reports whether the JSON of a 2xx reads like an error: a status
// that is not OK together with an explanation, or one whose word says it.
func (a *answer) saysFailed() bool {
	if a.code >= 400 {
		return true
	}
	word := strings.ToUpper(strings.TrimSpace(a.word))
	if word == "" || word == "OK" {
		return false
	}
	if a.hasError {
		return true
	}
	for _, bad := range []string{"ERROR", "FAIL", "NOT_FOUND", "BAD", "INVALID", "UNAUTHORIZED", "FORBIDDEN", "DENIED", "REJECT"} {
		if strings.Contains(word, bad) {
			return true
		}
	}
	return false
}

// unknownBrowser reports whether it is the CDP that speaks, and of a browser
// ID it does not know: NOT_FOUND, as the Boxever library expects it, or an
// explanation about the browser reference.
func (a *answer) unknownBrowser() bool {
	return a.isJSON && (strings.EqualFold(strings.TrimSpace(a.word), "NOT_FOUND") ||
		a.hasError && strings.Contains(strings.ToLower(a.message), "browser"))
}

// outcome classifies the answer to an event. The status decides, also when the
// body broke off; a 404 alone needs its body to tell whose it is. Without it
// the request is worth repeating, since no 404 has counted anything.
func (a *answer) outcome() Outcome {
	o := statusOutcome(a.status)
	switch {
	case o == Accepted && a.saysFailed():
		return EventBad
	case a.status == http.StatusNotFound && a.unknownBrowser():
		return BrowserUnknown
	case a.status == http.StatusNotFound && a.cut:
		return NotProcessed
	}
	return o
}

// fail makes the error of an answer that was not accepted.
func (a *answer) fail(op string, o Outcome) *Error {
	return &Error{Op: op, Outcome: o, Status: a.status, RetryAfter: a.retryAfter, Message: a.explain()}
}

// browser turns the answer into a Browser if its outcome is Accepted.
func (a *answer) browser(op string, o Outcome) (Browser, error) {
	if o != Accepted {
		return Browser{}, a.fail(op, o)
	}
	if !ValidBrowserID(a.ref) {
		e := a.fail(op, Unknown)
		e.Err = errors.New("the answer has no browser ID")
		return Browser{}, e
	}
	return Browser{ID: a.ref, Guest: a.guest}, nil
}

// explain returns the CDP's own words, else where a redirect leads, else the
// beginning of the body.
func (a *answer) explain() string {
	switch {
	case a.message != "":
		return clean(a.message)
	case a.word != "":
		return clean(a.word)
	case a.status/100 == 3 && a.location != "":
		// Without its query, which can repeat ours.
		if u, err := url.Parse(a.location); err == nil {
			return clean("redirect to " + (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String())
		}
	}
	return clean(string(a.body[:min(len(a.body), 2*maxMessage)]))
}

// clean makes foreign text fit for one line of a log: control and formatting
// characters become spaces, runs of space one, and it ends at maxMessage bytes.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsSpace(r) || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > maxMessage {
		s = cut(s, maxMessage-len("…"))
	}
	return s
}
