package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
)

// limits bound what the proxy waits for and passes on. They may change while it runs.
type limits struct {
	answerTime time.Duration // until the site begins to answer; 0 for no bound
	bodyBytes  int64         // of a request; 0 for no bound
}

func limitsOf(v *settings.Values) *limits {
	return &limits{answerTime: v.Time("answer-timeout"), bodyBytes: int64(v.Number("max-body"))}
}

// limitsInForce are the limits at present.
type limitsInForce = atomic.Pointer[limits]

func newLimits(l *limits) *limitsInForce {
	c := &limitsInForce{}
	c.Store(l)
	return c
}

// isRefused reports whether a method is refused by the proxy itself. CONNECT would
// ask it for a tunnel (RFC 9110, section 9.3.6), and TRACE would show cookies to
// scripts (section 9.3.8). No resource behind this proxy has them, so that the answer is
// 501 (section 15.6.2). Sites may read methods in any case.
func isRefused(method string) bool {
	return strings.EqualFold(method, http.MethodTrace) || strings.EqualFold(method, http.MethodConnect)
}

// refuseMethod answers such a request. The connection ends with it: what follows was
// perhaps meant for the tunnel.
func refuseMethod(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor == 1 { // in HTTP/2 the connection is not this request's alone
		w.Header().Set("Connection", "close")
	}
	http.Error(w, "501 Not Implemented: this proxy does not pass on TRACE and CONNECT.", http.StatusNotImplemented)
}

// bound holds a request to the limit on bodies. It reports whether the request may go on.
func (l *limits) bound(w http.ResponseWriter, r *http.Request) bool {
	if l.bodyBytes == 0 || r.ContentLength == 0 {
		return true
	}
	if r.ContentLength > l.bodyBytes {
		tooLarge(w)
		return false
	}
	r.Body = http.MaxBytesReader(w, r.Body, l.bodyBytes)
	return true
}

func tooLarge(w http.ResponseWriter) {
	http.Error(w, "413 Content Too Large: this proxy does not pass on a body of that size.", http.StatusRequestEntityTooLarge)
}

// errNoAnswer is what a request ends with that the site left without an answer.
var errNoAnswer = errors.New("the site has not begun to answer in time")

// answerStatus is what the visitor is told of a request that the site did not answer.
func answerStatus(err error) (status int, text string) {
	if errors.Is(err, errNoAnswer) {
		return http.StatusGatewayTimeout, "504 Gateway Timeout: the site behind this proxy did not answer in time."
	}
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return http.StatusGatewayTimeout, "504 Gateway Timeout: the site behind this proxy could not be reached in time."
	}
	return http.StatusBadGateway, "502 Bad Gateway: the site behind this proxy did not answer."
}

// answerTimeout is a transport that gives a request up for which the site does nothing.
// http.Transport.ResponseHeaderTimeout would begin only when the whole request is
// sent, which is never if the site does not read it.
type answerTimeout struct {
	http.RoundTripper
	limits *limitsInForce
}

// RoundTrip implements [http.RoundTripper].
func (t answerTimeout) RoundTrip(r *http.Request) (*http.Response, error) {
	patience := t.limits.Load().answerTime
	if patience == 0 || r.Header.Get("Upgrade") != "" {
		return t.RoundTripper.RoundTrip(r)
	}
	ctx, cancel := context.WithCancelCause(r.Context()) // ends with the request's own
	w := startIdleTimer(patience, cancel)
	r = r.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		Got1xxResponse: func(int, textproto.MIMEHeader) error { w.restart(); return nil }, // such as 102 Processing
	}))
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = &timedBody{r.Body, w}
	}
	res, err := t.RoundTripper.RoundTrip(r)
	if !w.end() {
		if err == nil {
			_ = res.Body.Close()
		}
		return nil, errNoAnswer
	}
	return res, err
}

// idleTimer measures the time in which the site does nothing. It does not run while the
// visitor is the one who is waited for.
type idleTimer struct {
	patience time.Duration
	timer    *time.Timer

	mu             sync.Mutex
	ended, expired bool
}

// startIdleTimer starts the time. When it is over, stop is called.
func startIdleTimer(patience time.Duration, stop context.CancelCauseFunc) *idleTimer {
	w := &idleTimer{patience: patience}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = time.AfterFunc(patience, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if !w.ended {
			w.expired = true
			stop(errNoAnswer)
		}
	})
	return w
}

// pause stops the time until restart is called.
func (w *idleTimer) pause() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer.Stop()
}

// restart is called when something has happened.
func (w *idleTimer) restart() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.ended && !w.expired {
		w.timer.Reset(w.patience)
	}
}

// end stops the time for good, and reports whether there was some left.
func (w *idleTimer) end() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	w.timer.Stop()
	return !w.expired
}

// timedBody is a body on its way from the visitor to the site.
type timedBody struct {
	io.ReadCloser
	idle *idleTimer
}

// Read waits for the visitor. That the transport reads on shows that the site takes
// what was sent.
func (s *timedBody) Read(p []byte) (int, error) {
	s.idle.pause()
	defer s.idle.restart()
	return s.ReadCloser.Read(p)
}
