package tap

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestEventStream reads a server-sent event while the handler still runs.
func TestEventStream(t *testing.T) {
	flushes := map[string]func(http.ResponseWriter) error{
		"assertion":  func(w http.ResponseWriter) error { w.(http.Flusher).Flush(); return nil },
		"controller": func(w http.ResponseWriter) error { return http.NewResponseController(w).Flush() },
	}
	onTheWire(t, func(t *testing.T, p wireProto) {
		for name, flush := range flushes {
			t.Run(name, func(t *testing.T) {
				arrived := make(chan struct{})
				h, probes := probed(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Type", "text/event-stream")
					must(io.WriteString(w, "data: 1\n\n"))
					must(nil, flush(w))
					select {
					case <-arrived:
					case <-r.Context().Done():
					}
				}), false)
				srv := p.serve(t, h)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				req, _ := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL, http.NoBody)
				resp, err := srv.Client().Do(req)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				event := make([]byte, len("data: 1\n\n"))
				if _, err := io.ReadFull(resp.Body, event); err != nil {
					t.Fatal(err)
				}
				if len(probes) != 0 {
					t.Error("the handler had returned before the event came")
				}
				close(arrived)
				if got := <-probes; got.status != 200 || got.ctxErr != nil {
					t.Errorf("status %d, context %v", got.status, got.ctxErr)
				}
			})
		}
	})
}

// flushing is the writer of a middleware that passes flushes on, and leads to the rest.
type flushing struct {
	hidden
	http.Flusher
}

// TestHijack speaks another protocol over the connection, the way websocket
// libraries do, and finds that nothing of ours got in between.
func TestHijack(t *testing.T) {
	same := func(w http.ResponseWriter) http.ResponseWriter { return w }
	rows := []struct {
		name   string
		outer  func(http.ResponseWriter) http.ResponseWriter
		assert bool
	}{
		{"assertion", same, true},
		{"controller", same, false},
		{"assertion, like chi", newFHR, true},
		{"controller past a hidden Hijacker", func(w http.ResponseWriter) http.ResponseWriter { return hidden{w} }, false},
		{"controller past one that flushes alone", func(w http.ResponseWriter) http.ResponseWriter { return flushing{hidden{w}, w.(http.Flusher)} }, false},
	}
	for _, tt := range rows {
		t.Run("http1/"+tt.name, func(t *testing.T) {
			inner, probes := probed(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				hijack := http.NewResponseController(w).Hijack
				if tt.assert {
					hijack = w.(http.Hijacker).Hijack
				}
				conn, rw, err := hijack()
				must(nil, err)
				defer conn.Close()
				must(rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n"))
				must(nil, rw.Flush())
				line, err := rw.ReadString('\n')
				must(rw.WriteString(line))
				must(nil, errors.Join(err, rw.Flush()))
			}), false)
			srv := wireProto{}.serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				inner.ServeHTTP(tt.outer(w), r)
			}))
			conn, rd := wireDial(t, srv, "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n")
			must(io.WriteString(conn, "ping\n"))
			got, err := io.ReadAll(rd)
			const want = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\nping\n"
			if err != nil || string(got) != want {
				t.Errorf("client got %q, %v", got, err)
			}
			if p := <-probes; !p.hijacked || p.committed || p.status != 0 || p.hooks != nil {
				t.Errorf("hijacked %v, committed %v, status %d, hooks %v", p.hijacked, p.committed, p.status, p.hooks)
			}
		})
	}
	t.Run("http2/refused", func(t *testing.T) {
		h, probes := probed(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if _, _, err := http.NewResponseController(w).Hijack(); !errors.Is(err, http.ErrNotSupported) {
				t.Errorf("Hijack: %v", err)
			}
		}), false)
		if codes, _, _, err := wireGet(t, wireProto{h2: true}.serve(t, h), "GET"); err != nil || codes[0] != 200 {
			t.Error(codes, err)
		}
		if p := <-probes; p.hijacked || p.status != 200 {
			t.Errorf("hijacked %v, status %d", p.hijacked, p.status)
		}
	})
}

// transferSpy sits between net/http and the recorder and notes how the body
// came. It has the set of an HTTP/1 writer.
type transferSpy struct {
	fhr
	closeNotifier
	sources []io.Reader
	wrote   int // bytes by Write
}

func (s *transferSpy) Write(p []byte) (int, error) {
	s.wrote += len(p)
	return s.hidden.Write(p)
}

func (s *transferSpy) ReadFrom(src io.Reader) (int64, error) {
	s.sources = append(s.sources, src)
	return s.ReaderFrom.ReadFrom(src)
}

// TestSendfile checks that net/http is given the file itself, for only then
// does it ask the kernel to send it.
func TestSendfile(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<12)
	name := filepath.Join(t.TempDir(), "brochure.pdf")
	must(nil, os.WriteFile(name, content, 0o600))
	rows := []struct {
		name   string
		sniffs bool
		lead   int // bytes that may come by Write
		do     func(w http.ResponseWriter, r *http.Request, f *os.File)
	}{
		{"ServeContent", true, 0, func(w http.ResponseWriter, r *http.Request, f *os.File) {
			http.ServeContent(w, r, "brochure.pdf", time.Time{}, f)
		}},
		{"ReadFrom after WriteHeader", true, 0, func(w http.ResponseWriter, _ *http.Request, f *os.File) {
			w.Header().Set("Content-Type", "application/pdf")
			reply(w, 200)
			must(w.(io.ReaderFrom).ReadFrom(f))
		}},
		{"ReadFrom with Content-Type", true, sniffLen, func(w http.ResponseWriter, _ *http.Request, f *os.File) {
			w.Header().Set("Content-Type", "application/pdf")
			must(w.(io.ReaderFrom).ReadFrom(f))
		}},
		{"ReadFrom without Content-Type", true, sniffLen, func(w http.ResponseWriter, _ *http.Request, f *os.File) {
			must(w.(io.ReaderFrom).ReadFrom(f))
		}},
		{"ReadFrom without Content-Type, not sniffing", false, 0, func(w http.ResponseWriter, _ *http.Request, f *os.File) {
			reply(w, 200)
			must(w.(io.ReaderFrom).ReadFrom(f))
		}},
	}
	for _, tt := range rows {
		t.Run(tt.name, func(t *testing.T) {
			f, err := os.Open(name)
			must(nil, err)
			defer f.Close()
			var spy *transferSpy
			h, _ := probed(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { tt.do(w, r, f) }), tt.sniffs)
			srv := wireProto{}.serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				spy = &transferSpy{fhr: newFHR(w).(fhr), closeNotifier: w.(closeNotifier)}
				h.ServeHTTP(spy, r)
			}))
			_, _, resp, err := wireGet(t, srv, "GET")
			if err != nil {
				t.Fatal(err)
			}
			if body, _ := io.ReadAll(resp.Body); !bytes.Equal(body, content) {
				t.Errorf("client got %d bytes, want %d", len(body), len(content))
			}
			if len(spy.sources) != 1 || spy.wrote != tt.lead {
				t.Fatalf("%d calls of ReadFrom, %d bytes by Write; want 1, %d", len(spy.sources), spy.wrote, tt.lead)
			}
			src := spy.sources[0]
			if limited, ok := src.(*io.LimitedReader); ok { // of io.CopyN in ServeContent
				src = limited.R
			}
			if src != f {
				t.Errorf("ReadFrom got a %T, not the file", src)
			}
		})
	}
}

// TestControllerReachesServer checks that deadlines and full duplex act.
func TestControllerReachesServer(t *testing.T) {
	past := func() time.Time { return time.Now().Add(-time.Second) }
	actions := map[string]func(w http.ResponseWriter, r *http.Request) error{
		"SetReadDeadline": func(w http.ResponseWriter, r *http.Request) error {
			must(nil, http.NewResponseController(w).SetReadDeadline(past()))
			_, err := io.ReadAll(r.Body) // the client never ends it
			if err == nil {
				return errors.New("the read did not fail")
			}
			return nil
		},
		"SetWriteDeadline": func(w http.ResponseWriter, _ *http.Request) error {
			rc := http.NewResponseController(w)
			must(nil, errors.Join(rc.EnableFullDuplex(), rc.SetWriteDeadline(past())))
			for range 1 << 12 {
				if _, err := w.Write(make([]byte, 1<<14)); err != nil {
					return nil
				}
			}
			return errors.New("64 MiB were written past the deadline")
		},
		"EnableFullDuplex": func(w http.ResponseWriter, r *http.Request) error {
			rc := http.NewResponseController(w)
			must(nil, rc.EnableFullDuplex())
			must(nil, rc.Flush())        // without full duplex HTTP/1 would first consume the body
			_, err := io.ReadAll(r.Body) // which ends when the client has the header
			return err
		},
	}
	onTheWire(t, func(t *testing.T, p wireProto) {
		for name, act := range actions {
			t.Run(name, func(t *testing.T) {
				result := make(chan error, 1)
				h, _ := probed(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					result <- act(w, r)
				}), false)
				srv := p.serve(t, h)
				body, send := io.Pipe() // open until the handler is done or has answered
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				context.AfterFunc(ctx, func() { send.Close() })
				go func() {
					req, _ := http.NewRequestWithContext(ctx, http.MethodPost, srv.URL, body)
					if resp, err := srv.Client().Transport.RoundTrip(req); err == nil {
						send.Close()
						io.Copy(io.Discard, resp.Body)
						resp.Body.Close()
					}
				}()
				select {
				case err := <-result:
					if err != nil {
						t.Error(err)
					}
				case <-ctx.Done():
					t.Error("the handler hangs")
				}
			})
		}
	})
}

// TestEarlyHints checks that a 103 has the handler's headers and not ours.
func TestEarlyHints(t *testing.T) {
	onTheWire(t, func(t *testing.T, p wireProto) {
		h, probes := probed(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", "</style.css>; rel=preload")
			reply(w, 103)
		}), false)
		codes, early, resp, err := wireGet(t, p.serve(t, h), "GET")
		if err != nil || !slices.Equal(codes, []int{103, 200}) {
			t.Fatal(codes, err)
		}
		if early[0].Get("Link") == "" || early[0].Get("Set-Cookie") != "" {
			t.Errorf("103 came with %v", early[0])
		}
		if resp.Header.Get("Set-Cookie") == "" {
			t.Error("the empty 200 came without what the hook adds")
		}
		<-probes
	})
}

// TestPanicPasses checks that the very value of a panic reaches the outside,
// and that nothing is finished on the way.
func TestPanicPasses(t *testing.T) {
	onTheWire(t, func(t *testing.T, p wireProto) {
		for _, value := range []any{errors.New("boom"), "boom", http.ErrAbortHandler} {
			h, probes := probed(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(value) }), false)
			outside := make(chan any, 1)
			srv := p.serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer func() {
					v := recover()
					outside <- v
					panic(v)
				}()
				h.ServeHTTP(w, r)
			}))
			if codes, _, _, err := wireGet(t, srv, "GET"); err == nil {
				t.Errorf("client got %v, want a cut connection", codes)
			}
			if v := <-outside; v != value {
				t.Errorf("outside recovered %v, want %v", v, value)
			}
			if p := <-probes; p.status != 0 || p.committed || p.hooks != nil {
				t.Errorf("status %d, committed %v, hooks %v", p.status, p.committed, p.hooks)
			}
		}
	})
}

// TestTimeoutHandlerOutside: the client has a 503 we cannot see, so the
// request's context is the only sign.
func TestTimeoutHandlerOutside(t *testing.T) {
	onTheWire(t, func(t *testing.T, p wireProto) {
		answered := make(chan struct{})
		h, probes := probed(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			<-answered
			if _, err := io.WriteString(w, "too late"); !errors.Is(err, http.ErrHandlerTimeout) {
				t.Errorf("Write: %v", err)
			}
		}), false)
		codes, _, resp, err := wireGet(t, p.serve(t, http.TimeoutHandler(h, time.Millisecond, "late")), "GET")
		close(answered)
		if err != nil || !slices.Equal(codes, []int{503}) || resp.Header.Get("Set-Cookie") != "" {
			t.Errorf("client got %v, %v", codes, err)
		}
		if p := <-probes; p.status != 200 || !errors.Is(p.ctxErr, context.DeadlineExceeded) {
			t.Errorf("status %d, context %v", p.status, p.ctxErr)
		}
	})
}

// TestFlushUnsupported: a writer that cannot flush commits nothing, so the
// handler is free to answer otherwise, and the hook waits.
func TestFlushUnsupported(t *testing.T) {
	onTheWire(t, func(t *testing.T, p wireProto) {
		inner, probes := probed(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if err := http.NewResponseController(w).Flush(); !errors.Is(err, http.ErrNotSupported) {
				t.Errorf("Flush: %v", err)
			}
			reply(w, 404)
		}), false)
		outer, _ := probed(inner, false) // a recorder in a recorder has FlushError in any case
		codes, _, _, err := wireGet(t, p.serve(t, http.TimeoutHandler(outer, time.Minute, "")), "GET")
		if got := <-probes; err != nil || codes[0] != 404 || got.status != 404 || !slices.Equal(got.hooks, []int{404}) {
			t.Errorf("client got %v, %v; status %d, hooks %v", codes, err, got.status, got.hooks)
		}
	})
}
