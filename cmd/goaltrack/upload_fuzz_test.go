package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
)

// FuzzFraming sends any bytes at all to the proxy, in two pieces. The site must
// see no request that it does not see behind a httputil.ReverseProxy that reads
// every body to its end before it answers, as net/http does by default.
func FuzzFraming(f *testing.F) {
	for _, method := range []string{"GET", "POST", "body"} {
		inside := smuggled[method]
		for _, path := range []string{"/newsletter", "/elsewhere", "/refuse-length", "/refuse-chunked", "/echo"} {
			head := browserHead("POST " + path + " HTTP/1.1")
			chunked := head + "Transfer-Encoding: chunked\r\n\r\n"
			for _, name := range slices.Sorted(maps.Keys(malformed)) {
				f.Add([]byte(chunked+malformed[name]+inside), uint16(len(chunked)))
			}
			f.Add([]byte(chunked+"1f4\r\n"+strings.Repeat("x", 100)+inside), uint16(len(chunked)+100))
			f.Add([]byte(chunked+"3\r\na=1\r\n0\r\nX-Sum: 1\r\n\r\n"+inside), uint16(len(chunked)+5))
			f.Add([]byte(head+"Content-Length: 6\r\n\r\na=1a=1"+inside), uint16(len(head)+24))
			f.Add([]byte(head+"Content-Length: 6\r\nExpect: 100-continue\r\n\r\na=1a=1"+inside), uint16(len(head)+45))
			f.Add([]byte(strings.Replace(head, "1.1", "1.0", 1)+"Connection: keep-alive\r\nContent-Length: 6\r\n\r\na=1"+inside), uint16(len(head)+50))
			f.Add([]byte(head+"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"+inside), uint16(0))
			f.Add([]byte(inside+inside+chunked+"0\r\n\r\n"+inside), uint16(len(inside)))
		}
	}
	f.Fuzz(func(t *testing.T, wire []byte, at uint16) {
		pause := min(int(at), len(wire))
		synctest.Test(t, func(t *testing.T) {
			site, all := &asked{}, &asked{}
			answers := converse(t, site, wire, pause, goaltrackProxy)
			// A site that reads everything hides nothing that is a request.
			expected := converse(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				all.note(r)
				_, _ = io.Copy(io.Discard, r.Body)
			}), wire, pause, plainProxy)
			for _, request := range all.all() {
				site.forget(request)
			}
			if more := site.all(); len(more) > 0 {
				t.Errorf("%q, %q: the site was asked for %q too; the answers are\n%q\notherwise\n%q",
					wire[:pause], wire[pause:], more, answers, expected)
			}
		})
	})
}

// TestStalledUpload: a client that stops in the middle of its upload holds the
// connection no longer than it is given to finish, and its answer not at all.
func TestStalledUpload(t *testing.T) {
	for name, test := range map[string]struct {
		framing string
		want    time.Duration
		stopped bool // or none, if a read was stopped: behind one net/http does not read on
	}{
		"length":                   {"HTTP/1.1\r\nContent-Length: 500\r\n\r\nxxx", leaveWithin, false},
		"chunked":                  {"HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1f4\r\nxxx", leaveWithin, true},
		"waiting for 100":          {"HTTP/1.1\r\nContent-Length: 500\r\nExpect: 100-continue\r\n\r\n", leaveWithin, false},
		"HTTP/1.0":                 {"HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 500\r\n\r\nxxx", 0, false},
		"length, far from its end": {"HTTP/1.1\r\nContent-Length: 5000000\r\n\r\nxxx", 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				front, transport := inFrontInMemory(t, &asked{}, goaltrackProxy)
				defer transport.CloseIdleConnections()
				conn, err := front.dial(t.Context(), "", "")
				if err != nil {
					t.Fatal(err)
				}
				send(t, conn, strings.Replace("POST /refuse-chunked "+test.framing, "\r\n", "\r\nHost: "+host+"\r\n", 1))
				began, r := time.Now(), bufio.NewReader(conn)
				if got := readAnswer(t, r); got.status != http.StatusUnauthorized || got.body != "sign in" || !got.close || got.err != nil {
					t.Errorf("%+v", got)
				}
				answered := time.Since(began)
				if more := answers(t, r); len(more) > 0 {
					t.Errorf("then %+v", more)
				}
				// net/http waits half a second before it closes a connection of which it has closed its side.
				ended := time.Since(began) - time.Second/2
				if answered > time.Second/2 || ended != test.want && (!test.stopped || ended != 0) {
					t.Errorf("answered after %v, ended after %v, want %v", answered, ended, test.want)
				}
			})
		})
	}
}

// goaltrackProxy is what the command runs, for a tenant to which nothing is sent.
func goaltrackProxy(t *testing.T, target *url.URL, transport http.RoundTripper) http.Handler {
	t.Helper()
	parsed, err := goaltrack.ParseRules([]byte(rules))
	if err != nil {
		t.Fatal(err)
	}
	logger := slog.New(slog.DiscardHandler)
	tracker, err := goaltrack.New(goaltrack.Config{
		Sites: []goaltrack.Site{{CDP: cdp.Direct{Region: cdp.EU, ClientKey: "key", PointOfSale: "shop"}}}, Rules: parsed, DryRun: true, Logger: logger,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = tracker.Close(context.Background()) })
	return mindUploads(tracker.Handler(newProxy(usualLimits(), transport, target, logger)))
}

// plainProxy reads a body before it asks the site. If the site answered earlier, net/http
// would read the body under a lock for which the transport waits, and so fake time would
// stand still.
func plainProxy(_ *testing.T, target *url.URL, transport http.RoundTripper) http.Handler {
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(pr *httputil.ProxyRequest) { rewrite(pr, target) },
		Transport: transport,
		ErrorLog:  slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil { // the site hears of the request all the same
			ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
			defer cancel()
			r = r.WithContext(ctx)
			r.TransferEncoding, r.ContentLength = nil, int64(len(body))
		}
		r.Body, r.Trailer = io.NopCloser(bytes.NewReader(body)), nil // no name that the transport refuses
		proxy.ServeHTTP(w, r)
	})
}

// converse sends a text over one connection to a proxy in front of a site, with
// a pause, and returns the answers. It does not wait for them; it hangs up when
// nothing more can happen.
func converse(t *testing.T, site http.Handler, text []byte, pause int,
	proxy func(*testing.T, *url.URL, http.RoundTripper) http.Handler,
) []byte {
	t.Helper()
	front, transport := inFrontInMemory(t, site, proxy)
	defer transport.CloseIdleConnections()
	conn, err := front.dial(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	var answers bytes.Buffer
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(&answers, conn) })
	both.Go(func() {
		_, _ = conn.Write(text[:pause])
		time.Sleep(2 * time.Second) // longer than the transport waits for a 100 Continue
		_, _ = conn.Write(text[pause:])
	})
	time.Sleep(20 * time.Second) // longer than anything is waited for while the client is there
	_ = conn.Close()
	both.Wait()
	time.Sleep(time.Minute) // what outlives a client
	return answers.Bytes()
}

// inFrontInMemory starts a proxy in front of a site.
func inFrontInMemory(t *testing.T, site http.Handler, proxy func(*testing.T, *url.URL, http.RoundTripper) http.Handler) (*memory, *http.Transport) {
	t.Helper()
	back := inMemory(t, site)
	transport := newTransport()
	transport.DialContext = back.dial
	return inMemory(t, proxy(t, &url.URL{Scheme: "http", Host: host}, transport)), transport
}

// memory listens to connections that exist in memory only, so that synctest
// knows when nothing more happens on them.
type memory struct {
	conns  chan net.Conn
	closed chan struct{}
	close  func()
}

// inMemory starts a server with the proxy's settings, until the test ends.
func inMemory(t *testing.T, handler http.Handler) *memory {
	t.Helper()
	m := &memory{conns: make(chan net.Conn), closed: make(chan struct{})}
	m.close = sync.OnceFunc(func() { close(m.closed) })
	server := newServer(handler, slog.New(slog.DiscardHandler))
	go func() { _ = server.Serve(m) }()
	t.Cleanup(func() { _ = server.Close() })
	return m
}

func (m *memory) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case m.conns <- theirs:
		return ours, nil
	case <-m.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements [net.Listener].
func (m *memory) Accept() (net.Conn, error) {
	select {
	case conn := <-m.conns:
		return conn, nil
	case <-m.closed:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (m *memory) Close() error {
	m.close()
	return nil
}

// Addr implements [net.Listener].
func (m *memory) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
