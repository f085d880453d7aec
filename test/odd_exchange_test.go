package test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/world"
)

// TestOddHTTP sends odd requests to odd handlers. What comes over the wire, what the handler
// finds, and what net/http logs, is the same with goaltrack.
func TestOddHTTP(t *testing.T) {
	t.Parallel()
	for name, request := range oddRequests {
		t.Run(name, func(t *testing.T) {
			eachOddHandler(t, func(t *testing.T, handler oddHandler, around func(http.Handler) http.Handler) string {
				return oddExchange(t, request, handler, around)
			})
		})
	}
}

// eachOddHandler compares what an exchange shows without goaltrack, and in one or two
// trackers' Handler.
func eachOddHandler(t *testing.T, exchange func(*testing.T, oddHandler, func(http.Handler) http.Handler) string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		tracker, other := oddTracker(t), oddTracker(t)
		for name, handler := range oddHandlers {
			bare := exchange(t, handler, func(h http.Handler) http.Handler { return h })
			for times, around := range []func(http.Handler) http.Handler{
				tracker.Handler,
				func(h http.Handler) http.Handler { return other.Handler(tracker.Handler(h)) },
			} {
				if testing.Short() && times > 0 {
					break
				}
				if got := exchange(t, handler, around); got != bare {
					t.Errorf("%d, what %s:\n%.1500s\nwithout goaltrack\n%.1500s", times, name, got, bare)
				}
			}
		}
	})
}

// oddTracker is a tracker that watches each page, form, file and JSON answer.
func oddTracker(t *testing.T) *goaltrack.Tracker {
	t.Helper()
	tracker, err := goaltrack.New(goaltrack.Config{
		Sites: []goaltrack.Site{{CDP: cdp.Direct{BaseURL: "http://127.0.0.1:9", ClientKey: "key", PointOfSale: "shop"}}},
		Rules: world.MustParse(t, `
version: 1
goals:
  - { goal: SEEN, visit: /** }
  - { goal: SENT, submit: /**, success: { response.json.ok: true }, if: { form.x: y } }
  - { goal: POSTED, submit: /**, success: { response.json.ok: true }, if: { json.x: y } }
  - { goal: GOT, download: /** }
`),
		Logger: slog.New(slog.DiscardHandler), Cookie: goaltrack.Cookie{Warm: -1},
		Delivery: goaltrack.Delivery{HTTPClient: &http.Client{Transport: takesAll{}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if account, err := world.Close(tracker); err != nil || !account.Balanced() {
			t.Error(err, account)
		}
	})
	return tracker
}

// takesAll is a CDP that takes everything.
type takesAll struct{}

func (takesAll) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	return &http.Response{
		StatusCode: http.StatusCreated, ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(`{"status":"OK"}`)),
	}, nil
}

var (
	changes  = regexp.MustCompile(`(?m)^Date: .*\r\n`)
	boundary = regexp.MustCompile(`[0-9a-f]{60}`)
	stack    = regexp.MustCompile(`(?s)(panic serving \S+: \w+).*`)
)

// oddExchange sends a request and another one behind it to a server of its own, and tells
// all that can be seen.
func oddExchange(t *testing.T, request string, handler oddHandler, around func(http.Handler) http.Handler) string {
	t.Helper()
	var mu sync.Mutex
	var told, logged bytes.Buffer
	tell := func(what ...any) {
		mu.Lock()
		defer mu.Unlock()
		_, _ = fmt.Fprintln(&told, what...)
	}
	site := around(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/end" {
			tell("the next request")
			return
		}
		handler(w, r, tell)
	}))
	ours, theirs := net.Pipe()
	done := make(chan struct{})
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				p := recover()
				tell("outside", r.Method, r.URL, r.Form, r.PostForm, r.Pattern, r.Trailer, p)
				if p != nil {
					panic(p)
				}
			}()
			site.ServeHTTP(w, r)
		}),
		ErrorLog: log.New(&logged, "", 0),
		ConnState: func(_ net.Conn, s http.ConnState) {
			if s == http.StateClosed || s == http.StateHijacked {
				close(done)
			}
		},
	}
	if !strings.Contains(request, "Length: 30\r\n") && !strings.HasSuffix(request, "9\r\nx=y") { // else it ends there
		request += "GET /end HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n"
	}
	listener := &single{conn: &ending{theirs, int64(len(request))}, closed: make(chan struct{})}
	go func() { _ = server.Serve(listener) }()
	go func() { _, _ = io.WriteString(ours, request) }()
	answer, err := io.ReadAll(bufio.NewReader(ours))
	_ = ours.Close()
	<-done
	_ = server.Close()
	synctest.Wait()
	text := changes.ReplaceAllString(string(answer), "")
	text = boundary.ReplaceAllString(text, "BOUNDARY")
	return fmt.Sprintf("%s\nerror %v\n%s\n%s", text, err, told.String(), stack.ReplaceAllString(logged.String(), "$1"))
}

// ending is a connection whose other side ends after so many bytes, and still listens.
type ending struct {
	net.Conn
	left int64
}

func (e *ending) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n, err := e.Conn.Read(p[:min(int64(len(p)), e.left)])
	e.left -= int64(n)
	return n, err
}

// single is a listener with one connection.
type single struct {
	conn   net.Conn
	closed chan struct{}
	once   sync.Once
}

func (s *single) Accept() (net.Conn, error) {
	if conn := s.conn; conn != nil {
		s.conn = nil
		return conn, nil
	}
	<-s.closed
	return nil, net.ErrClosed
}

func (s *single) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

func (s *single) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
