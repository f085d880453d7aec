package tap

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// wireProto starts live servers that speak one version of HTTP.
type wireProto struct {
	name string
	h2   bool
}

// onTheWire runs a test on HTTP/1.1 and on HTTP/2.
func onTheWire(t *testing.T, run func(t *testing.T, p wireProto)) {
	t.Helper()
	for _, p := range []wireProto{{"http1", false}, {"http2", true}} {
		t.Run(p.name, func(t *testing.T) { run(t, p) })
	}
}

func (p wireProto) serve(t testing.TB, h http.Handler) *httptest.Server {
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	if p.h2 {
		srv.EnableHTTP2 = true
		srv.StartTLS()
	} else {
		srv.Start()
	}
	t.Cleanup(srv.Close)
	return srv
}

// dial opens a plain connection that gives up after a while.
func wireDial(t *testing.T, srv *httptest.Server, request string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	return conn, bufio.NewReader(conn)
}

// probe stands where the tracker will: a per-request struct that owns the
// recorder and is its hook, which adds a cookie.
type probe struct {
	recorder
	sniffs bool
	hooks  []int
	faults []any
	ctxErr error
}

func (p *probe) BeforeHeader(status int) {
	p.hooks = append(p.hooks, status)
	p.inner.Header().Add("Set-Cookie", "gt=1")
	p.wantSniff = p.sniffs
}

func (p *probe) Fault(fault any) { p.faults = append(p.faults, fault) }

// probed wraps h as the tracker will and hands every probe over when done.
func probed(h http.Handler, sniffs bool) (http.Handler, <-chan *probe) {
	probes := make(chan *probe, 16)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := &probe{sniffs: sniffs}
		p.init(w, r, p)
		defer func() { p.ctxErr = r.Context().Err(); probes <- p }()
		h.ServeHTTP(p.writer(), r)
		p.finish()
	}), probes
}

// wireGet sends one request and collects what came back, 1xx included.
func wireGet(t *testing.T, srv *httptest.Server, method string) (codes []int, early []textproto.MIMEHeader, resp *http.Response, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			codes, early = append(codes, code), append(early, h)
			return nil
		},
	})
	req, _ := http.NewRequestWithContext(ctx, method, srv.URL, http.NoBody)
	resp, err = srv.Client().Transport.RoundTrip(req)
	if err != nil {
		return codes, early, nil, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return append(codes, resp.StatusCode), early, resp, err
}

func must(_ any, err error) {
	if err != nil {
		panic(err)
	}
}

// reply keeps the status codes of the tables as they look on the wire.
func reply(w http.ResponseWriter, code int) { w.WriteHeader(code) }

// TestRecordedStatus compares what was recorded with what a client saw.
func TestRecordedStatus(t *testing.T) {
	broken := func() io.Reader { return iotest.ErrReader(errors.New("disk gone")) }
	late := func(w http.ResponseWriter) { reply(w, 500) }
	type row struct {
		name     string
		do       func(w http.ResponseWriter, r *http.Request)
		wire     []int // nil: the connection was cut
		status   int
		hooks    []int
		method   string
		h1Only   bool
		hijacked bool
	}
	rows := []row{
		{name: "nothing", do: func(http.ResponseWriter, *http.Request) {}, wire: []int{200}, status: 200, hooks: []int{200}},
		{
			name: "103 then 404", do: func(w http.ResponseWriter, _ *http.Request) { reply(w, 103); reply(w, 404) },
			wire: []int{103, 404}, status: 404, hooks: []int{404},
		},
		{
			name: "103 twice then nothing", do: func(w http.ResponseWriter, _ *http.Request) { reply(w, 103); reply(w, 103) },
			wire: []int{103, 103, 200}, status: 200, hooks: []int{200},
		},
		{
			name: "400 then 500", do: func(w http.ResponseWriter, _ *http.Request) { reply(w, 400); late(w) },
			wire: []int{400}, status: 400, hooks: []int{400},
		},
		{
			name: "Write then 500", do: func(w http.ResponseWriter, _ *http.Request) { must(w.Write([]byte("x"))); late(w) },
			wire: []int{200}, status: 200, hooks: []int{200},
		},
		{
			name: "empty Write then 500", do: func(w http.ResponseWriter, _ *http.Request) { must(w.Write(nil)); late(w) },
			wire: []int{200}, status: 200, hooks: []int{200},
		},
		{
			name: "WriteString then 500", do: func(w http.ResponseWriter, _ *http.Request) { must(io.WriteString(w, "x")); late(w) },
			wire: []int{200}, status: 200, hooks: []int{200},
		},
		{
			name: "Flush then 500", do: func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush(); late(w) },
			wire: []int{200}, status: 200, hooks: []int{200},
		},
		{name: "controller Flush then 500", do: func(w http.ResponseWriter, _ *http.Request) {
			must(nil, http.NewResponseController(w).Flush())
			late(w)
		}, wire: []int{200}, status: 200, hooks: []int{200}},
		{name: "Copy then 500", do: func(w http.ResponseWriter, _ *http.Request) {
			must(io.Copy(w, io.LimitReader(strings.NewReader("hello"), 5)))
			late(w)
		}, wire: []int{200}, status: 200, hooks: []int{200}},
		{name: "Copy of a broken source then 500", do: func(w http.ResponseWriter, _ *http.Request) {
			if n, err := io.Copy(w, broken()); n != 0 || err == nil {
				panic("the source was to fail")
			}
			late(w)
		}, wire: []int{500}, status: 500, hooks: []int{500}},
		{name: "Copy of an empty source then 404", do: func(w http.ResponseWriter, _ *http.Request) {
			must(io.Copy(w, io.LimitReader(strings.NewReader("x"), 0)))
			reply(w, 404)
		}, wire: []int{404}, status: 404, hooks: []int{404}},
		{name: "invalid code recovered then 500", do: func(w http.ResponseWriter, _ *http.Request) {
			for _, code := range []int{0, 99, 1000} {
				func() {
					defer func() {
						if recover() == nil {
							panic("net/http was to refuse the code")
						}
					}()
					w.WriteHeader(code)
				}()
			}
			late(w)
		}, wire: []int{500}, status: 500, hooks: []int{500}},
		{name: "panic before writing", do: func(http.ResponseWriter, *http.Request) { panic("boom") }},
		{name: "panic after WriteHeader and Flush", do: func(w http.ResponseWriter, _ *http.Request) {
			reply(w, 201)
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, wire: nil, status: 201, hooks: []int{201}},
		{name: "TimeoutHandler inside", do: func(w http.ResponseWriter, r *http.Request) {
			given := make(chan struct{}) // up: whoever returns earlier may be taken for an answer in time
			http.TimeoutHandler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-given }), time.Millisecond, "late").ServeHTTP(w, r)
			close(given)
		}, wire: []int{503}, status: 503, hooks: []int{503}},
		{
			name: "HEAD", method: "HEAD", do: func(w http.ResponseWriter, _ *http.Request) { must(w.Write([]byte("12345"))) },
			wire: []int{200}, status: 200, hooks: []int{200},
		},
		{name: "304 then Write", do: func(w http.ResponseWriter, _ *http.Request) {
			reply(w, 304)
			if _, err := w.Write([]byte("x")); !errors.Is(err, http.ErrBodyNotAllowed) {
				panic(err)
			}
		}, wire: []int{304}, status: 304, hooks: []int{304}},
		{
			name: "204", do: func(w http.ResponseWriter, _ *http.Request) { reply(w, 204) },
			wire: []int{204}, status: 204, hooks: []int{204},
		},
		{
			name: "redirect", do: func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/thanks", http.StatusSeeOther) },
			wire: []int{303}, status: 303, hooks: []int{303},
		},
		{
			name: "101 is final", h1Only: true, do: func(w http.ResponseWriter, _ *http.Request) { reply(w, 101) },
			wire: []int{101}, status: 101, hooks: []int{101},
		},
		{name: "hijack with its own answer", h1Only: true, hijacked: true, do: func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			must(nil, err)
			must(io.WriteString(conn, "HTTP/1.1 418 I'm a teapot\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
			late(w) // net/http logs and ignores it
			must(nil, conn.Close())
		}, wire: []int{418}},
	}
	onTheWire(t, func(t *testing.T, p wireProto) {
		for _, tt := range rows {
			if p.h2 && tt.h1Only {
				continue
			}
			t.Run(tt.name, func(t *testing.T) {
				h, probes := probed(http.HandlerFunc(tt.do), false)
				method := "GET"
				if tt.method != "" {
					method = tt.method
				}
				codes, _, resp, err := wireGet(t, p.serve(t, h), method)
				if cut := err != nil; cut != (tt.wire == nil) {
					t.Fatalf("client got %v, %v", codes, err)
				}
				if tt.wire != nil && !slices.Equal(codes, tt.wire) {
					t.Errorf("on the wire %v, want %v", codes, tt.wire)
				}
				got := <-probes
				if got.status != tt.status || got.committed != (tt.status != 0) || got.hijacked != tt.hijacked || !slices.Equal(got.hooks, tt.hooks) {
					t.Errorf("recorded %d (committed %v, hijacked %v), hooks %v; want %d, %v",
						got.status, got.committed, got.hijacked, got.hooks, tt.status, tt.hooks)
				}
				if err == nil && !tt.hijacked && !slices.Equal(resp.Header.Values("Set-Cookie"), []string{"gt=1"}) {
					t.Errorf("the hook's cookie arrived as %q", resp.Header.Values("Set-Cookie"))
				}
			})
		}
	})
}

// pickyWriter refuses what net/http would accept.
type pickyWriter struct{ http.ResponseWriter }

func (w pickyWriter) WriteHeader(code int) {
	if code > 599 {
		panic("no such status")
	}
	w.ResponseWriter.WriteHeader(code)
}

// TestStatusRefused: a status counts when the inner writer has taken it.
func TestStatusRefused(t *testing.T) {
	p := &probe{}
	p.init(pickyWriter{httptest.NewRecorder()}, nil, p)
	func() {
		defer func() { _ = recover() }()
		reply(p.writer(), 600)
	}()
	if p.status != 0 || p.committed {
		t.Errorf("recorded the refused %d", p.status)
	}
	reply(p.writer(), 500)
	if p.finish(); p.status != 500 || !p.committed {
		t.Errorf("recorded %d, want 500", p.status)
	}
}
