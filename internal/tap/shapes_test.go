package tap

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// hidden is the most common wrapper there is: it embeds the interface, so it
// has nothing to assert, and leads on by Unwrap.
type hidden struct{ http.ResponseWriter }

func (w hidden) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// fhr is a wrapper with the set chi gives to HTTP/1.
type fhr struct {
	hidden
	http.Flusher
	http.Hijacker
	io.ReaderFrom
}

func newFHR(w http.ResponseWriter) http.ResponseWriter {
	return fhr{hidden{w}, w.(http.Flusher), w.(http.Hijacker), w.(io.ReaderFrom)}
}

// offered names what a handler can assert that it may also lack.
func offered(w http.ResponseWriter) string {
	var set []string
	add := func(name string, ok bool) {
		if ok {
			set = append(set, name)
		}
	}
	_, ok := w.(http.Flusher)
	add("Flush", ok)
	_, ok = w.(interface{ FlushError() error })
	add("FlushError", ok)
	_, ok = w.(http.Hijacker)
	add("Hijack", ok)
	_, ok = w.(io.ReaderFrom)
	add("ReadFrom", ok)
	_, ok = w.(closeNotifier)
	add("CloseNotify", ok)
	_, ok = w.(http.Pusher)
	add("Push", ok)
	_, ok = w.(interface{ SetReadDeadline(time.Time) error })
	add("SetReadDeadline", ok)
	_, ok = w.(interface{ SetWriteDeadline(time.Time) error })
	add("SetWriteDeadline", ok)
	_, ok = w.(interface{ EnableFullDuplex() error })
	add("EnableFullDuplex", ok)
	return strings.Join(set, " ")
}

// TestInterfaceSet looks at live writers, and at common wrappers of them, before and
// after wrapping, once and twice.
func TestInterfaceSet(t *testing.T) {
	onTheWire(t, func(t *testing.T, p wireProto) {
		for name, base := range map[string]func(http.ResponseWriter) http.ResponseWriter{
			"raw":    func(w http.ResponseWriter) http.ResponseWriter { return w },
			"hidden": func(w http.ResponseWriter) http.ResponseWriter { return hidden{w} },
			"like chi": func(w http.ResponseWriter) http.ResponseWriter {
				if p.h2 {
					return w
				}
				return newFHR(w)
			},
			"Flusher alone": func(w http.ResponseWriter) http.ResponseWriter {
				return struct {
					http.ResponseWriter
					http.Flusher
				}{w, w.(http.Flusher)}
			},
		} {
			t.Run(name, func(t *testing.T) {
				var bare, once, twice string
				srv := p.serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					inner := base(w)
					a, b := &probe{}, &probe{}
					a.init(inner, nil, a)
					b.init(a.writer(), nil, b)
					bare, once, twice = offered(inner), offered(a.writer()), offered(b.writer())
				}))
				if _, _, _, err := wireGet(t, srv, "GET"); err != nil {
					t.Fatal(err)
				}
				if once != bare || twice != bare {
					t.Errorf("bare %q, wrapped %q, wrapped twice %q", bare, once, twice)
				}
			})
		}
	})
}

// anyWriter has every optional method, and notes which is called. The shapes are made
// of it.
type anyWriter struct{ called string }

func (w *anyWriter) Header() http.Header         { return http.Header{} }
func (w *anyWriter) WriteHeader(int)             {}
func (w *anyWriter) Write(p []byte) (int, error) { return len(p), nil }
func (w *anyWriter) Flush()                      { w.called += " Flush" }
func (w *anyWriter) FlushError() error           { w.called += " FlushError"; return errAny }
func (w *anyWriter) CloseNotify() <-chan bool    { w.called += " CloseNotify"; return anyNotice }
func (w *anyWriter) ReadFrom(io.Reader) (int64, error) {
	w.called += " ReadFrom"
	return 7, errAny
}

func (w *anyWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.called += " Hijack"
	return nil, nil, errAny
}

func (w *anyWriter) Push(target string, _ *http.PushOptions) error {
	w.called += " Push " + target
	return errAny
}

var (
	errAny    = errors.New("any")
	anyNotice = make(chan bool)
)

// use calls every method that a handler finds, and tells what came back.
func use(w http.ResponseWriter) (got string) {
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
		got += " flushed"
	}
	if f, ok := w.(flushErrorer); ok {
		got += " flushed " + f.FlushError().Error()
	}
	if h, ok := w.(http.Hijacker); ok {
		_, _, err := h.Hijack()
		got += " hijacked " + err.Error()
	}
	if r, ok := w.(io.ReaderFrom); ok {
		w.WriteHeader(http.StatusOK)
		n, err := r.ReadFrom(nil)
		got += fmt.Sprint(" read ", n, err)
	}
	if c, ok := w.(closeNotifier); ok {
		got += fmt.Sprint(" notified ", c.CloseNotify() == anyNotice)
	}
	if p, ok := w.(http.Pusher); ok {
		got += " pushed " + p.Push("/a", nil).Error()
	}
	return got
}

// TestEveryShape makes an inner writer of each of the 64 sets of methods. A handler
// finds the same set, and a call of a method is a call of the inner writer's.
func TestEveryShape(t *testing.T) {
	seen := map[string]bool{}
	for s := range shape(64) {
		source, want := new(anyWriter), new(anyWriter)
		outer := &probe{}
		outer.init(source, nil, outer)
		inner := outer.shaped(s) // a writer of this shape
		rec := &probe{}
		rec.init(inner, nil, rec)
		wrapped := rec.writer()
		if offered(wrapped) != offered(inner) {
			t.Errorf("shape %06b: bare %q, wrapped %q", s, offered(inner), offered(wrapped))
		}
		seen[offered(inner)] = true

		direct := &probe{}
		direct.init(want, nil, direct)
		bare, got := use(direct.shaped(s)), use(wrapped)
		if got != bare || source.called != want.called {
			t.Errorf("shape %06b: bare %q by%s, wrapped %q by%s", s, bare, want.called, got, source.called)
		}
		if p := testing.AllocsPerRun(1000, func() { _ = rec.writer() }); p != 0 {
			t.Errorf("shape %06b: %v allocations", s, p)
		}
	}
	if len(seen) != 64 {
		t.Errorf("%d different shapes", len(seen))
	}
}

// TestFlushBehindUnwrap: the writer outside cannot flush, and leads to one that can. The
// recorder sees the flush all the same.
func TestFlushBehindUnwrap(t *testing.T) {
	onTheWire(t, func(t *testing.T, p wireProto) {
		inner, probes := probed(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			must(nil, http.NewResponseController(w).Flush())
			reply(w, 404) // too late
		}), false)
		outer, outside := probed(inner, false)
		srv := p.serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { outer.ServeHTTP(hidden{w}, r) }))
		codes, _, _, err := wireGet(t, srv, "GET")
		for _, got := range []*probe{<-probes, <-outside} {
			if err != nil || codes[0] != 200 || got.status != 200 || !slices.Equal(got.hooks, []int{200}) {
				t.Errorf("client got %v, %v; status %d, hooks %v", codes, err, got.status, got.hooks)
			}
		}
	})
}

// TestHandlersGetNoMore checks that a handler gets the methods of a writer and
// of a body and no others. A handler may ask for others, such as Status or
// Keep, and mean something else.
func TestHandlersGetNoMore(t *testing.T) {
	writer := []string{
		"CloseNotify", "Flush", "FlushError", "Header", "Hijack", "Push", "ReadFrom", "Unwrap", "Write", "WriteHeader", "WriteString",
		"SetReadDeadline", "SetWriteDeadline", "EnableFullDuplex",
	}
	may := map[any][]string{
		serverHTTP1{}: writer, serverHTTP2{}: writer, watchF{}: writer, watchH{}: writer, watchFH{}: writer,
		new(Body).Reader(): {"Close", "Read", "Reread"},
	}
	for s := range shape(64) {
		may[new(recorder).shaped(s)] = writer
	}
	for given, may := range may {
		given := reflect.TypeOf(given)
		for m := range given.Methods() {
			if name := m.Name; !slices.Contains(may, name) {
				t.Errorf("%s has %s", given, name)
			}
		}
	}
}
