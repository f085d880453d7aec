package cdptest

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

// Fault is one way to misbehave, and when to do so. It is a value: its methods return a changed
// copy, so that a fault can be built once and used again. It is safe for concurrent use.
//
//   - [Status], [Body], [Garbage], [Redirect], [Delay], [Hang], [ResetBefore], [ResetAfter] and
//     [Normal] make one.
//   - [Fault.On], [Fault.If] and [Fault.Times] say for which requests.
//   - [Fault.After], [Fault.Header] and [Fault.RetryAfter] change the answer.
//   - [CDP.Fault] puts it to use.
type Fault struct {
	kinds  Kind
	when   []func(Request) bool
	times  int
	after  time.Duration
	header http.Header

	obeys bool   // the request is handled as usual, whatever is answered
	says  *reply // answered instead of the usual answer
	ends  ending
	blind bool // the body is not read first
}

type ending uint8

const (
	answers ending = iota
	hangs
	resets
)

// Normal answers as usual. It lets requests pass before the faults queued behind it:
// Normal().Times(2), Status(503).Times(1).
func Normal() Fault { return Fault{obeys: true} }

// Delay answers as usual, but the time d later. The request has its effect at once. A client
// that gives up before the answer has still created a browser ID or sent an event: that is why
// a time-out is ambiguous.
func Delay(d time.Duration) Fault { return Normal().After(d) }

// Status answers with this status and an error body like the CDP's own. The request has no
// effect. With a code of 2xx it is a [Body] that says OK and nothing more. A code outside 200 to
// 999 counts as 500, since no server can finish an answer with it.
func Status(code int) Fault {
	code = validStatus(code)
	if code < http.StatusMultipleChoices {
		return Body(code, `{"status":"OK","version":"`+apiVersion+`"}`)
	}
	rep := jsonReply(code, map[string]any{
		"status": statusWord(code), "version": apiVersion, "error_msg": "fault injected by cdptest", "moreInfo": "",
	})
	return Fault{says: &rep}
}

// Body answers with this status and body. The Content-Type is application/json if the body is
// JSON, otherwise text/plain. With a status of 2xx the request has its usual effect, and only
// the answer differs; otherwise it has none. Codes are as for [Status].
func Body(code int, body string) Fault {
	code = validStatus(code)
	contentType := "text/plain; charset=utf-8"
	if json.Valid([]byte(body)) {
		contentType = "application/json"
	}
	return Fault{
		obeys: code < http.StatusMultipleChoices,
		says:  &reply{status: code, header: http.Header{"Content-Type": {contentType}}, body: []byte(body)},
	}
}

// Garbage answers 200 with an HTML page, as a captive portal or a proxy does.
// The request has its usual effect.
func Garbage() Fault {
	return Body(http.StatusOK, "<!DOCTYPE html><title>Welcome</title><p>This is no JSON.").
		Header("Content-Type", "text/html; charset=utf-8")
}

// Redirect answers with this status and Location. The request has no effect.
// Codes are as for [Status].
func Redirect(code int, location string) Fault {
	return Body(max(code, http.StatusMultipleChoices), "").
		Header("Content-Type", "text/plain; charset=utf-8").Header("Location", location)
}

// Hang never answers. The connection stays open until the client leaves or [CDP.Close] is
// called. The request has no effect.
func Hang() Fault { return Fault{ends: hangs} }

// ResetBefore resets the connection before the body is read; with a [Fault.If], after that. The
// request has no effect.
func ResetBefore() Fault { return Fault{ends: resets, blind: true} }

// ResetAfter lets the request have its usual effect, and resets the connection instead of
// answering. So the event is taken in, and the client cannot know.
func ResetAfter() Fault { return Fault{obeys: true, ends: resets} }

func validStatus(code int) int {
	if code < http.StatusOK || code > 999 {
		return http.StatusInternalServerError
	}
	return code
}

// On limits f to these kinds of request. Default, and with 0: Creates | Shows | Sends.
func (f Fault) On(kinds Kind) Fault {
	f.kinds = kinds
	return f
}

// If limits f to requests for which ok reports true. Several conditions must all hold. The
// request has no Status yet. Several goroutines may call ok at the same time, also for requests
// that another fault takes in the end.
func (f Fault) If(ok func(Request) bool) Fault {
	f.when = append(slices.Clone(f.when), ok)
	return f
}

// Times limits f to the first n requests that it suits. Default, and with n below 1: all.
func (f Fault) Times(n int) Fault {
	f.times = n
	return f
}

// After lets the time d pass between reading the request and acting on the connection. If the
// request has an effect, that comes before the pause. The pause ends when the client leaves.
// Default, and with a negative time: no pause.
func (f Fault) After(d time.Duration) Fault {
	f.after = d
	return f
}

// Header sets a header of the answer and replaces any value that it has.
func (f Fault) Header(name, value string) Fault {
	f.header = f.header.Clone()
	if f.header == nil {
		f.header = http.Header{}
	}
	f.header.Set(name, value)
	return f
}

// RetryAfter sets the header Retry-After to value: seconds or an HTTP date (RFC 9110, section
// 10.2.3). Any text is sent as it is.
func (f Fault) RetryAfter(value string) Fault { return f.Header("Retry-After", value) }

// play carries f out.
func (f Fault) play(x *exchange) {
	rep := reply{status: http.StatusInternalServerError}
	if f.obeys {
		rep = x.handle()
	}
	if f.says != nil {
		rep = *f.says
	}
	if !x.pause(f.after) {
		x.abort()
	}
	switch f.ends {
	case hangs:
		x.hang()
	case resets:
		x.reset()
	default:
		rep.header = rep.header.Clone() // f may be answering other requests right now
		for name, values := range f.header {
			if rep.header == nil {
				rep.header = http.Header{}
			}
			rep.header[name] = values
		}
		x.answer(rep)
	}
}

// armed is a fault in the queue.
type armed struct {
	Fault
	left int // how often it still applies, if times limits it
}

// suits reports whether the fault is for requests of this kind.
func (a *armed) suits(k Kind) bool {
	kinds := a.kinds
	if kinds == 0 {
		kinds = Creates | Shows | Sends
	}
	return kinds&k != 0
}

// Fault queues faults behind those that are queued already. Every request takes the first one
// that suits it. A fault that is used up leaves the queue. Requests without a fault are answered
// by the contract.
func (c *CDP) Fault(faults ...Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range faults {
		c.faults = append(c.faults, &armed{Fault: f, left: f.times})
	}
}

// ClearFaults empties the queue of faults. What a fault has begun goes on.
func (c *CDP) ClearFaults() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = nil
}

// faultUnread returns the fault for a request whose body must not be read, if there is one.
func (c *CDP) faultUnread(k Kind) (Fault, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range c.faults {
		if a.suits(k) {
			return a.Fault, a.blind && len(a.when) == 0 && c.claim(a)
		}
	}
	return Fault{}, false
}

// faultFor returns the fault for req, if there is one. Conditions are asked without the lock:
// they are the test's code and may ask the CDP something.
func (c *CDP) faultFor(req Request) (Fault, bool) {
	c.mu.Lock()
	queue := slices.Clone(c.faults)
	c.mu.Unlock()
	for _, a := range queue {
		if !a.suits(req.Kind) || slices.ContainsFunc(a.when, func(ok func(Request) bool) bool { return !ok(req) }) {
			continue
		}
		c.mu.Lock()
		mine := c.claim(a)
		c.mu.Unlock()
		if mine {
			return a.Fault, true
		}
	}
	return Fault{}, false
}

// claim uses a once, unless other requests have used it up meanwhile. mu is held.
func (c *CDP) claim(a *armed) bool {
	i := slices.Index(c.faults, a)
	if i < 0 {
		return false
	}
	if a.left--; a.left == 0 {
		c.faults = slices.Delete(c.faults, i, i+1)
	}
	return true
}
