package cdp

import (
	"context"
	"errors"
	"math"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// An Outcome says what became of a request, as far as a sender has to know. The request is
// done, the event is at fault, the sender is at fault, or it may be sent again.
type Outcome int

// The outcomes. Only NotProcessed is surely safe to repeat: the stream API has no
// idempotency key. Sitecore documents few statuses ("Troubleshooting"); the others are read
// as RFC 9110 defines them.
const (
	// Accepted: a 2xx. Nothing is left to do. It does not promise that the event will
	// show: an event with a wrong point of sale is accepted, too.
	Accepted Outcome = iota

	// EventBad: this event will never be accepted. The answer is 400, 413, 415, 422 or a
	// 4xx not named below, or a 2xx whose JSON says that it failed. Or the event does
	// not validate.
	EventBad

	// BrowserUnknown: the CDP does not know the browser ID. The answer is a 404 whose
	// JSON says NOT_FOUND or speaks of the browser reference.
	BrowserUnknown

	// SenderBad: no event would be accepted as things are. The answer is 401, 402, 403,
	// a 404 that is not the CDP's, 405, 407, 421, 451, a redirect, 501 or 505.
	SenderBad

	// NotProcessed: the request was not sent, or the CDP said that it did not act on it.
	// The answer is 408, 425, 429 or 503. Or dialing, DNS or TLS failed (a certificate
	// that is not trusted, too), or the time was over before anything was written.
	NotProcessed

	// Unknown: the event may or may not have been counted. The answer is 500, 502, 504
	// or any other 5xx. Or there was a timeout, a reset or an early end after the request
	// was on its way.
	Unknown
)

// String returns the outcome in lower-case words: "accepted", "event bad",
// "browser unknown", "sender bad", "not processed", "unknown". For any other number it
// returns "outcome" and the number.
func (o Outcome) String() string {
	switch o {
	case Accepted:
		return "accepted"
	case EventBad:
		return "event bad"
	case BrowserUnknown:
		return "browser unknown"
	case SenderBad:
		return "sender bad"
	case NotProcessed:
		return "not processed"
	case Unknown:
		return "unknown"
	default:
		return "outcome " + strconv.Itoa(int(o))
	}
}

// An Error says why a request of a [Client] was not accepted. It holds neither the URL, which
// has the client key and with [GET] the event, nor the body sent.
type Error struct {
	// Op is "create browser", "show browser" or "send event".
	Op string

	// Outcome says what the error means. It is never Accepted.
	Outcome Outcome

	// Status is the HTTP status, or 0 if there was no answer.
	Status int

	// RetryAfter is how long the answer asks to wait, in seconds or by an HTTP date (RFC
	// 9110, section 10.2.3). It is 0 if the answer does not ask, or not readably. It can
	// be very long: bound it.
	RetryAfter time.Duration

	// Message is the CDP's own explanation, or the first bytes of an answer that is not
	// the CDP's. It is one line of valid UTF-8 with at most 2 KiB. Somebody else wrote
	// it: escape it where it is shown.
	Message string

	// Err is the cause, if there was no answer. If the context ended, its error is in
	// the chain of Err.
	Err error
}

// Error returns all members except RetryAfter in one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("cdp: " + e.Op + ": " + e.Outcome.String())
	if e.Status != 0 {
		b.WriteString(": status " + strconv.Itoa(e.Status))
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns Err, the cause.
func (e *Error) Unwrap() error { return e.Err }

// OutcomeOf returns the outcome that an error stands for:
//   - Accepted for nil
//   - the Outcome of an [*Error] in its chain
//   - EventBad for a [*FieldError], as [Event.Validate] returns
//   - Unknown for anything else
func OutcomeOf(err error) Outcome {
	if err == nil {
		return Accepted
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Outcome
	}
	if _, ok := errors.AsType[*FieldError](err); ok {
		return EventBad
	}
	return Unknown
}

// statusOutcome classifies a status without looking at the body.
func statusOutcome(status int) Outcome {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests,
		http.StatusServiceUnavailable:
		return NotProcessed
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden,
		http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusProxyAuthRequired,
		http.StatusMisdirectedRequest, http.StatusUnavailableForLegalReasons,
		http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return SenderBad
	}
	switch status / 100 {
	case 2:
		return Accepted
	case 3:
		return SenderBad
	case 4:
		return EventBad
	default:
		return Unknown
	}
}

// failed makes the error of a request that was not answered.
func failed(op string, err error, p *progress) *Error {
	// Transports that wrap a client return a *url.Error. Its URL has the client key, and
	// with GET the event.
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	outcome := Unknown
	switch {
	case p.traced.Load():
		if !p.started.Load() {
			outcome = NotProcessed
		}
	case neverDialed(err):
		// The caller's round tripper calls no hooks.
		outcome = NotProcessed
	}
	return &Error{Op: op, Outcome: outcome, Err: err}
}

// neverDialed reports whether err alone shows that there was no connection.
func neverDialed(err error) bool {
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return true
	}
	e, ok := errors.AsType[*net.OpError](err)
	return ok && e.Op == "dial"
}

// withContext puts the error of the caller's context into the chain of err, if the context
// has ended and err does not say so.
func withContext(ctx context.Context, err error) error {
	if cause := ctx.Err(); cause != nil && !errors.Is(err, cause) {
		return errors.Join(cause, err)
	}
	return err
}

// retryAfter reads a Retry-After (RFC 9110, section 10.2.3): seconds or a date. Anything
// else is 0, and so is a date that has passed.
func retryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	if header == "" {
		return 0
	}
	if n, err := strconv.ParseUint(header, 10, 63); err == nil {
		if n > math.MaxInt64/uint64(time.Second) {
			return math.MaxInt64
		}
		return time.Duration(n) * time.Second
	}
	if t, err := http.ParseTime(header); err == nil {
		return max(t.Sub(now), 0)
	}
	return 0
}
