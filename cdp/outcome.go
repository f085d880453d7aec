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

// An Outcome says what became of a request, in the terms a sender has to decide
// in: is it done, is the event at fault, are we, or shall it be tried again.
type Outcome int

// The outcomes. Only NotProcessed is surely safe to repeat: the stream API has
// no idempotency key.
const (
	// Accepted: a 2xx. Nothing to do. It does not promise that the event
	// will show: a wrong point of sale is accepted, too.
	Accepted Outcome = iota

	// EventBad: this event will never be accepted. 400, 413, 415, 422 and
	// every 4xx not named below; an event that does not validate; a 2xx whose
	// JSON says that it failed.
	EventBad

	// BrowserUnknown: the CDP does not know the browser ID. A 404 whose JSON
	// says NOT_FOUND or speaks of the browser reference.
	BrowserUnknown

	// SenderBad: no event would be accepted as things are. 401, 402, 403, a
	// 404 that is not the CDP's, 405, 407, 421, 451, every redirect, 501, 505.
	SenderBad

	// NotProcessed: the request was not sent, or the CDP said that it did
	// not act on it. Dialing, DNS, TLS (a certificate that is not trusted,
	// too), 408, 425, 429, 503, or given up before anything was written.
	NotProcessed

	// Unknown: the event may have been counted or not. A timeout, a reset or
	// an early end after the request was on its way, 500, 502, 504, every
	// other 5xx.
	Unknown
)

// String returns the outcome in lower-case words: "accepted", "event bad",
// "browser unknown", "sender bad", "not processed", "unknown".
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

// An Error is what a [Client] returns when a request was not accepted. It holds
// neither the URL (which has the client key, and with [GET] the event) nor the
// body sent.
type Error struct {
	// Op is "create browser", "show browser" or "send event".
	Op string

	// Outcome is never Accepted.
	Outcome Outcome

	// Status is the HTTP status, 0 if there was no answer.
	Status int

	// RetryAfter is how long the answer asks to wait, from seconds or an
	// HTTP date; 0 if it does not, or nothing that can be read. It can be
	// very long: bound it.
	RetryAfter time.Duration

	// Message is the CDP's own explanation, or the first bytes of an answer
	// that is not the CDP's; at most 2 KiB, one line, valid UTF-8. It is
	// somebody else's text: escape it where it is shown.
	Message string

	// Err is the cause if there was no answer; the context's error is in its
	// chain when the context ended.
	Err error
}

// Error returns all but RetryAfter in one line.
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

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// OutcomeOf returns the outcome an error stands for: Accepted for nil, that of
// an [*Error] in the chain, EventBad for a fault of [Event.Validate], Unknown
// for anything else.
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
	// The URL in a *url.Error, which transports that wrap a client return, has
	// the client key, and with GET the event.
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
		// A round tripper of the caller's that calls no hooks.
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

// withContext puts the caller's context error into the chain of err if it has
// ended and err does not say so.
func withContext(ctx context.Context, err error) error {
	if cause := ctx.Err(); cause != nil && !errors.Is(err, cause) {
		return errors.Join(cause, err)
	}
	return err
}

// retryAfter reads RFC 9110 section 10.2.3: seconds or a date. Anything else,
// and a date that has passed, is 0.
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
