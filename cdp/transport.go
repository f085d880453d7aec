package cdp

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
)

// The transport's bounds. The time for one attempt as a whole is [Options.Timeout]. It should
// stay above what the CDP itself may take: whoever gives up early turns slow answers into
// duplicates.
const (
	dialTimeout   = 3 * time.Second
	tlsTimeout    = 5 * time.Second
	headerTimeout = 8 * time.Second
	// Common load balancers cut idle connections after 60 s. With less than that, fewer
	// events meet a connection that is just closing.
	idleTimeout = 50 * time.Second
	// net/http sends no pings by default. Without them, an HTTP/2 connection that died
	// silently fails each request until its timeout.
	pingAfter   = 15 * time.Second
	pingTimeout = 10 * time.Second
	// An answer has about 150 bytes. If the body is longer than this, the connection is
	// not used again.
	maxAnswer = 64 << 10
)

// NewTransport returns the transport that a [Client] uses by default. It makes at most conns
// connections to one host and keeps them open when they are idle; a number below one counts as
// one. It shares nothing with [http.DefaultTransport], which the host program may have changed,
// but it honours the same proxy variables of the environment. It is safe for concurrent use.
func NewTransport(conns int) *http.Transport {
	conns = max(conns, 1)
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		OnProxyConnectResponse: tunnelled,
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    tlsTimeout,
		ResponseHeaderTimeout:  headerTimeout,
		IdleConnTimeout:        idleTimeout,
		MaxIdleConns:           conns,
		MaxIdleConnsPerHost:    conns, // with the default of 2, every burst dials again
		MaxConnsPerHost:        conns,
		MaxResponseHeaderBytes: maxAnswer,
		DisableCompression:     true,
		ForceAttemptHTTP2:      true, // a DialContext turns HTTP/2 off otherwise
		HTTP2: &http.HTTP2Config{
			SendPingTimeout: pingAfter,
			PingTimeout:     pingTimeout,
		},
	}
}

// ErrProxyAuth is part of the error of a request that never left, because the outgoing proxy
// of HTTPS_PROXY asks for a user and a password (RFC 9110, section 15.5.8).
var ErrProxyAuth = errors.New("the outgoing proxy of HTTPS_PROXY asks for a user and a password (407)")

// tunnelled says in words why a proxy gives no tunnel. net/http tells only what the status says.
func tunnelled(_ context.Context, _ *url.URL, _ *http.Request, res *http.Response) error {
	if res.StatusCode == http.StatusProxyAuthRequired {
		return ErrProxyAuth
	}
	return nil
}

// errNotTwice ends a request that net/http was about to repeat.
var errNotTwice = errors.New("the connection broke after the request was sent")

// progress says how far a request came. The transport may call the hooks from other
// goroutines. It has called those of one connection before it tries another one or gives up.
type progress struct {
	stop    context.CancelCauseFunc // ends the request
	traced  atomic.Bool             // the round tripper calls hooks at all
	started atomic.Bool             // some of the request may have left
	wrote   atomic.Bool             // all of it has
	http2   atomic.Bool             // it went over HTTP/2
	conns   atomic.Int32            // connections asked for
	hooks   httptrace.ClientTrace
}

// maxConns is how many connections one request may take. A server that shuts down sends GOAWAY
// on each of them. Then net/http dials a new one at once, without a pause.
const maxConns = 3

var errSentAway = errors.New("the server ends every connection")

// trace returns ctx with hooks that follow the request.
//
// The hooks also stop what nobody asked for. When a kept HTTP/1 connection breaks, net/http
// sends a GET again although the server may have read it. That would count an event or make a
// guest twice. It repeats a POST only if nothing of it was written, and with HTTP/2 that is so
// for every request. A body would stop it, too, but some servers and proxies refuse a GET with
// a body.
func (p *progress) trace(ctx context.Context, hasBody bool) context.Context {
	start := func() { p.started.Store(true) }
	p.hooks = httptrace.ClientTrace{
		GetConn: func(string) {
			p.traced.Store(true)
			if p.http2.Load() { // HTTP/2 sends again only what was not processed
				p.wrote.Store(false)
			}
			if !p.wrote.Load() {
				p.started.Store(false)
			}
			if p.conns.Add(1) > maxConns {
				p.stop(errSentAway)
			}
		},
		GotConn: func(info httptrace.GotConnInfo) {
			p.http2.Store(isHTTP2(info.Conn))
			if p.wrote.Load() && !p.http2.Load() {
				p.stop(errNotTwice)
				_ = info.Conn.Close() // net/http writes before it looks at the context
			}
		},
		// It is called when the whole header is in the connection's buffer. No
		// server can act on less than that, or without the body.
		WroteHeaders: start,
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			p.started.Store(true)
			if info.Err == nil {
				p.wrote.Store(true)
			}
		},
	}
	if !hasBody {
		// There is only a header, and HTTP/2 sends it before WroteHeaders.
		p.hooks.WroteHeaderField = func(string, []string) { start() }
	}
	return httptrace.WithClientTrace(ctx, &p.hooks)
}

// isHTTP2 reports whether other requests share the connection.
func isHTTP2(c net.Conn) bool {
	s, ok := c.(interface{ ConnectionState() tls.ConnectionState })
	return ok && s.ConnectionState().NegotiatedProtocol == "h2"
}
