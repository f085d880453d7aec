package cdp

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// The transport's bounds. The time for one attempt as a whole is
// [Options.Timeout]; it should stay above what the CDP itself may take, because
// giving up early turns slow answers into duplicates.
const (
	dialTimeout   = 3 * time.Second
	tlsTimeout    = 5 * time.Second
	headerTimeout = 8 * time.Second
	// Below the 60 s after which common load balancers cut idle
	// connections: fewer events meet a connection that is just closing.
	idleTimeout = 50 * time.Second
	// Without pings an HTTP/2 connection that died silently fails each
	// request until its timeout; the zero value means none.
	pingAfter   = 15 * time.Second
	pingTimeout = 10 * time.Second
	// An answer is about 150 bytes. What is not read costs the connection.
	maxAnswer = 64 << 10
)

// NewTransport returns the transport a [Client] uses, for conns connections to
// one host (at least 1), kept open when idle. It shares nothing with
// [http.DefaultTransport], which the host program may have changed, but honours
// the same proxy variables of the environment.
func NewTransport(conns int) *http.Transport {
	conns = max(conns, 1)
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    tlsTimeout,
		ResponseHeaderTimeout:  headerTimeout,
		IdleConnTimeout:        idleTimeout,
		MaxIdleConns:           conns,
		MaxIdleConnsPerHost:    conns, // the default of 2 redials under every burst
		MaxConnsPerHost:        conns,
		MaxResponseHeaderBytes: maxAnswer,
		DisableCompression:     true,
		ForceAttemptHTTP2:      true, // else off because of DialContext
		HTTP2: &http.HTTP2Config{
			SendPingTimeout: pingAfter,
			PingTimeout:     pingTimeout,
		},
	}
}

// errNotTwice ends a request that net/http was about to repeat.
var errNotTwice = errors.New("the connection broke after the request was sent")

// progress tells how far a request came. The transport may call the hooks from
// other goroutines, but has called those of one connection before it tries
// another or gives up.
type progress struct {
	stop    context.CancelCauseFunc // ends the request
	traced  atomic.Bool             // the round tripper calls hooks at all
	started atomic.Bool             // some of the request may have left
	wrote   atomic.Bool             // all of it has
	shared  atomic.Bool             // it went over HTTP/2
	conns   atomic.Int32            // connections asked for
	hooks   httptrace.ClientTrace
}

// maxConns is how many connections one request may take. A server that sends
// GOAWAY on each, because it shuts down, gets the request over a new one as fast
// as can be dialed: net/http does not pause.
const maxConns = 3

var errSentAway = errors.New("the server ends every connection")

// trace returns ctx with hooks that follow the request. They also stop what
// nobody asked for: when a kept HTTP/1 connection breaks, net/http sends a GET
// again although the server may have read it, which would count an event or
// make a guest twice. (A POST it repeats only if nothing was written; so does
// HTTP/2 with every request.) A body would stop it, too, but servers and
// proxies exist that refuse a GET with one.
func (p *progress) trace(ctx context.Context, hasBody bool) context.Context {
	start := func() { p.started.Store(true) }
	p.hooks = httptrace.ClientTrace{
		GetConn: func(string) {
			p.traced.Store(true)
			if p.shared.Load() { // of HTTP/2 only what was not processed is sent again
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
			p.shared.Store(isHTTP2(info.Conn))
			if p.wrote.Load() && !p.shared.Load() {
				p.stop(errNotTwice)
				_ = info.Conn.Close() // net/http writes before it looks at the context
			}
		},
		// Called when the whole header is in the connection's buffer. No
		// server can act on less than that, nor without the body.
		WroteHeaders: start,
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			p.started.Store(true)
			if info.Err == nil {
				p.wrote.Store(true)
			}
		},
	}
	if !hasBody {
		// The header is all there is, and HTTP/2 sends it before WroteHeaders.
		p.hooks.WroteHeaderField = func(string, []string) { start() }
	}
	return httptrace.WithClientTrace(ctx, &p.hooks)
}

// isHTTP2 reports whether others share the connection.
func isHTTP2(c net.Conn) bool {
	s, ok := c.(interface{ ConnectionState() tls.ConnectionState })
	return ok && s.ConnectionState().NegotiatedProtocol == "h2"
}
