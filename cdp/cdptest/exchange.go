package cdptest

import (
	"crypto/tls"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"time"
)

// maxBody is the largest body read, in bytes. The real limit is not published; an event has a
// few hundred.
const maxBody = 1 << 20

// exchange is one request on its way through the stand-in.
type exchange struct {
	c       *CDP
	w       http.ResponseWriter
	r       *http.Request
	call    *call
	req     *Request // what is recorded of it; from then on c.mu guards it
	bodyErr error
}

// ServeHTTP answers one request: by a fault if one applies, else by the contract. At "/" and
// "/events.json" it serves the list of what arrived. To a browser that asks whether a page's
// script may call, it says yes.
//
// A fault may drop the connection. If ServeHTTP cannot take the connection over (HTTP/2, a
// recorder), it panics with [http.ErrAbortHandler], as net/http provides.
func (c *CDP) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if c.servePage(w, r) || serveCORS(w, r) {
		return
	}
	x := &exchange{c: c, w: w, r: r, call: route(r.URL)}
	x.req = &Request{
		Time: time.Now(), Kind: x.call.kind, Method: r.Method, URL: r.URL.RequestURI(), Header: r.Header.Clone(),
	}
	fault, ok := c.faultUnread(x.call.kind)
	if !ok {
		x.readBody()
		fault, ok = c.faultFor(*x.req)
	}
	x.record()
	if !ok {
		fault = Normal()
	}
	fault.play(x)
}

func (x *exchange) readBody() {
	if x.r.Body == nil { // only of a request that no server made
		return
	}
	// MaxBytesReader also makes the server close the connection. So the rest of a body that
	// is too large is not taken for the next request.
	body, err := io.ReadAll(http.MaxBytesReader(x.w, x.r.Body, maxBody))
	if len(body) > 0 {
		x.req.Body = body
	}
	x.bodyErr = err
}

func (x *exchange) record() {
	x.c.mu.Lock()
	defer x.c.mu.Unlock()
	x.c.requests.push(x.req)
}

// refused notes why the request was refused, for Requests and for messages of failed tests.
func (x *exchange) refused(reason string) {
	x.c.mu.Lock()
	defer x.c.mu.Unlock()
	x.req.Refusal = reason
}

// answer writes rep. The record is complete before the client can see the answer.
func (x *exchange) answer(rep reply) {
	x.c.mu.Lock()
	x.req.Status = rep.status
	x.c.mu.Unlock()
	h := x.w.Header()
	maps.Copy(h, rep.header)
	h.Set("X-Content-Type-Options", "nosniff")
	x.w.WriteHeader(rep.status)
	// An error does not matter: the client has left, or the status allows no body.
	_, _ = x.w.Write(rep.body)
}

// pause waits for d. It reports whether the answer is still wanted: not if the client has left
// or the CDP is closed.
func (x *exchange) pause(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-x.r.Context().Done():
	case <-x.c.closed:
	}
	return false
}

// hang waits until the client leaves or the CDP is closed, and drops the connection.
func (x *exchange) hang() {
	select {
	case <-x.r.Context().Done():
	case <-x.c.closed:
	}
	x.abort()
}

// abort drops the connection without an answer, in a way the server does not log.
func (x *exchange) abort() {
	panic(http.ErrAbortHandler)
}

// reset makes the client see "connection reset by peer". With a linger time of 0, closing sends
// RST and not FIN (socket(7), SO_LINGER).
func (x *exchange) reset() {
	conn, _, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		x.abort()
	}
	plain := conn
	if secure, ok := conn.(*tls.Conn); ok {
		plain = secure.NetConn() // closing the TLS layer would say goodbye first
	}
	if tcp, ok := plain.(*net.TCPConn); ok {
		err = tcp.SetLinger(0)
	}
	if err = errors.Join(err, plain.Close()); err != nil {
		x.abort()
	}
}
