package cdp

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxMessage bounds Error.Message.
const maxMessage = 2 << 10

// An answer is what could be understood of a response. Everything is optional except the
// status.
type answer struct {
	status     int
	retryAfter time.Duration
	location   string
	brokeOff   bool // the body broke off
	body       []byte

	isJSON   bool
	word     string // the "status" of the JSON if that is a string
	code     float64
	message  string
	ref      string
	guest    string // customer_ref, or customer.ref
	hasError bool   // it has members that only failures have
}

// readAnswer reads at most maxAnswer bytes of the body. It does not fail: of a body that
// breaks off, it keeps what came.
func readAnswer(res *http.Response) answer {
	body, err := readBody(res)
	a := answer{
		status:   res.StatusCode,
		brokeOff: err != nil,
		body:     body,
	}
	if after := res.Header["Retry-After"]; len(after) > 0 {
		a.retryAfter = retryAfter(after[0], serverTime(res))
	}
	if location := res.Header["Location"]; len(location) > 0 {
		a.location = location[0]
	}
	a.parse()
	return a
}

// readBody reads to the end or to maxAnswer. If the length is known, it makes the room for
// the whole body at once.
func readBody(res *http.Response) ([]byte, error) {
	body := make([]byte, 0, min(max(res.ContentLength+1, 256), maxAnswer))
	for len(body) < maxAnswer {
		if len(body) == cap(body) {
			body = slices.Grow(body, len(body))
		}
		n, err := res.Body.Read(body[len(body):min(cap(body), maxAnswer)])
		body = body[:len(body)+n]
		if errors.Is(err, io.EOF) {
			return body, nil
		}
		if err != nil {
			return body, err
		}
	}
	return body, nil
}

// serverTime returns the present by the server's clock, as its Date header says. A date in
// Retry-After is by that clock. Ours may be wrong by more than the wait.
func serverTime(res *http.Response) time.Time {
	if now, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		return now
	}
	return time.Now()
}

// parse takes what it finds. It passes over what is missing or of another type. The CDP
// writes client_key in some answers and clientKey in others; we need neither. The Boxever
// library reads browserRef where ref is missing.
func (a *answer) parse() {
	object := bytes.TrimLeft(bytes.TrimPrefix(a.body, []byte("\uFEFF")), " \t\r\n")
	if len(object) == 0 || object[0] != '{' || !json.Valid(object) {
		return
	}
	a.isJSON = true
	var m members
	m.read(object)
	if a.word = stringOf(m.status); a.word == "" && json.Unmarshal(m.status, &a.code) != nil {
		a.code = 0
	}
	a.ref = either(stringOf(m.ref), stringOf(m.browserRef))
	if a.guest = stringOf(m.customerRef); a.guest == "" && len(m.customer) > 0 && m.customer[0] == '{' {
		var customer members
		customer.read(m.customer)
		a.guest = stringOf(customer.ref)
	}
	for _, explanation := range m.explanations {
		s := stringOf(explanation)
		a.hasError = a.hasError || s != ""
		a.message = either(a.message, s)
	}
}

// saysFailed reports whether the JSON of a 2xx reads like an error. That is a status that is
// not OK beside an explanation, or a status whose word says so.
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

// unknownBrowser reports whether the CDP itself says that it does not know a browser ID: by
// NOT_FOUND, as the Boxever library expects, or by an explanation about the browser
// reference.
func (a *answer) unknownBrowser() bool {
	return a.isJSON && (strings.EqualFold(strings.TrimSpace(a.word), "NOT_FOUND") ||
		a.hasError && strings.Contains(strings.ToLower(a.message), "browser"))
}

// outcome classifies the answer to an event. The status decides, also when the body broke
// off. Only a 404 needs its body, to tell whether it is the CDP's. Without the body the
// request is worth repeating, since a 404 never counted anything.
func (a *answer) outcome() Outcome {
	o := statusOutcome(a.status)
	switch {
	case o == Accepted && a.saysFailed():
		return EventBad
	case a.status == http.StatusNotFound && a.unknownBrowser():
		return BrowserUnknown
	case a.status == http.StatusNotFound && a.brokeOff:
		return NotProcessed
	}
	return o
}

// fail makes the error of an answer that was not accepted.
func (a *answer) fail(op string, o Outcome) *Error {
	return &Error{Op: op, Outcome: o, Status: a.status, RetryAfter: a.retryAfter, Message: a.explain()}
}

// browser turns the answer into a Browser, if its outcome is Accepted.
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

// explain returns the CDP's own words. Without these it returns where a redirect leads, or
// the beginning of the body.
func (a *answer) explain() string {
	switch {
	case a.message != "":
		return clean(a.message)
	case a.word != "":
		return clean(a.word)
	case a.status/100 == 3 && a.location != "":
		// The query is left out: it can repeat ours.
		if u, err := url.Parse(a.location); err == nil {
			return clean("redirect to " + (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String())
		}
	}
	return clean(string(a.body[:min(len(a.body), 2*maxMessage)]))
}

// isWord reports whether s needs no cleaning. The ref that comes with every event needs none.
func isWord(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7F {
			return false
		}
	}
	return len(s) <= maxMessage
}

// clean makes somebody else's text fit for one line of a log. Control and formatting
// characters become spaces, several spaces become one, and the text is cut at maxMessage
// bytes.
func clean(s string) string {
	if isWord(s) {
		return s
	}
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
