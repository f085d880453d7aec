package compat

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/NYTimes/gziphandler"
	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/gorilla/handlers"
	"github.com/gorilla/websocket"
	"github.com/klauspost/compress/gzhttp"
	"github.com/labstack/echo/v4"
	"github.com/urfave/negroni/v3"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
)

// wrapping is a middleware that gives handlers another writer.
type wrapping struct {
	name string
	wrap func(http.Handler) http.Handler
}

// wrappings are what people put around handlers. Each has its own mind about which methods
// a writer has.
func wrappings() []wrapping {
	quiet := log.New(io.Discard, "", 0)
	discard := func(io.Writer, handlers.LogFormatterParams) {}
	return []wrapping{
		{"nothing", func(next http.Handler) http.Handler { return next }},
		{"gzhttp", func(next http.Handler) http.Handler { return gzhttp.GzipHandler(next) }},
		{"gziphandler", gziphandler.GzipHandler},
		{"negroni", func(next http.Handler) http.Handler {
			n := negroni.New()
			n.UseHandler(next)
			return n
		}},
		{"chi Logger", middleware.RequestLogger(&middleware.DefaultLogFormatter{Logger: quiet})},
		{"chi Compress", middleware.Compress(5)},
		{"chi Throttle and Timeout", func(next http.Handler) http.Handler {
			return middleware.Throttle(100)(middleware.Timeout(time.Minute)(next))
		}},
		{"gorilla LoggingHandler", func(next http.Handler) http.Handler {
			return handlers.CustomLoggingHandler(io.Discard, next, discard)
		}},
		{"gorilla CompressHandler", handlers.CompressHandler},
		{"echo", func(next http.Handler) http.Handler {
			e := echo.New()
			e.Any("/*", echo.WrapHandler(next))
			return e
		}},
		{"gin", func(next http.Handler) http.Handler {
			g := gin.New()
			g.Any("/*path", gin.WrapH(next))
			return g
		}},
		{"http.TimeoutHandler", func(next http.Handler) http.Handler { return http.TimeoutHandler(next, time.Minute, "late") }},
	}
}

// offers names what a handler can assert of its writer, and what a controller says.
func offers(w http.ResponseWriter) string {
	var set []string
	add := func(name string, ok bool) {
		if ok {
			set = append(set, name)
		}
	}
	_, ok := w.(http.Flusher)
	add("Flusher", ok)
	_, ok = w.(interface{ FlushError() error })
	add("FlushError", ok)
	_, ok = w.(http.Hijacker)
	add("Hijacker", ok)
	_, ok = w.(io.ReaderFrom)
	add("ReaderFrom", ok)
	_, ok = w.(interface{ CloseNotify() <-chan bool })
	add("CloseNotifier", ok)
	_, ok = w.(http.Pusher)
	add("Pusher", ok)
	_, ok = w.(interface{ SetReadDeadline(time.Time) error })
	add("SetReadDeadline", ok)
	_, ok = w.(interface{ SetWriteDeadline(time.Time) error })
	add("SetWriteDeadline", ok)
	_, ok = w.(interface{ EnableFullDuplex() error })
	add("EnableFullDuplex", ok)
	control := http.NewResponseController(w)
	in := time.Now().Add(time.Minute)
	for name, err := range map[string]error{
		"control.SetReadDeadline": control.SetReadDeadline(in), "control.SetWriteDeadline": control.SetWriteDeadline(in),
		"control.EnableFullDuplex": control.EnableFullDuplex(),
	} {
		add(fmt.Sprint(name, " ", err), true)
	}
	slices.Sort(set)
	return strings.Join(set, ", ")
}

// applications are handlers that need something of their writer.
func applications(file string) map[string]http.Handler {
	streaming := gin.New()
	streaming.GET("/*path", func(c *gin.Context) {
		n := 0
		c.Stream(func(w io.Writer) bool {
			n++
			_, _ = fmt.Fprintf(w, "step %d\n", n)
			return n < 3
		})
	})
	upgrader := websocket.Upgrader{}
	return map[string]http.Handler{
		"offers": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, offers(w))
		}),
		"flush": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			err := http.NewResponseController(w).Flush()
			_, _ = fmt.Fprint(w, "flushed: ", err)
		}),
		"push": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			pusher, ok := w.(http.Pusher)
			w.Header().Set("Content-Type", "text/html")
			if ok {
				_, _ = fmt.Fprint(w, "pushed: ", pusher.Push("/style.css", nil))
			}
		}),
		"gin's Stream": streaming,
		"a file":       http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, file) }),
		"websocket": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			conn, err := upgrader.Upgrade(w, r, nil)
			if err != nil {
				return // it has answered
			}
			defer func() { _ = conn.Close() }()
			kind, text, err := conn.ReadMessage()
			if err == nil {
				_ = conn.WriteMessage(kind, append([]byte("echo: "), text...))
			}
		}),
	}
}

// pageTracker is a tracker for which each page counts, so that it watches each answer.
func pageTracker(t *testing.T) *goaltrack.Tracker {
	t.Helper()
	parsed, err := goaltrack.ParseRules([]byte("version: 1\ngoals:\n  - { goal: SEEN, visit: /** }\n  - { goal: SENT, submit: /**, if: { form.topic: tea } }\n"))
	if err != nil {
		t.Fatal(err)
	}
	stand := cdptest.NewServer(t, cdptest.Options{})
	stand.Know(known)
	tracker, err := goaltrack.New(goaltrack.Config{
		Sites: []goaltrack.Site{{CDP: stand.Direct()}}, Rules: parsed, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if account, err := tracker.Close(ctx); err != nil || !account.Balanced() {
			t.Errorf("%v\n%v", err, account)
		}
	})
	return tracker
}

// TestWriters puts goaltrack between each two of what people put around handlers. What the
// handler finds, and what the client gets, is the same without goaltrack.
func TestWriters(t *testing.T) {
	gin.SetMode(gin.ReleaseMode)
	file := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(file, []byte("<!doctype html>"+strings.Repeat("tea ", 20_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	tracker := pageTracker(t)
	for _, h2 := range []bool{false, true} {
		server := &replaceable{}
		address, client := server.start(t, h2)
		for name, application := range applications(file) {
			for _, outer := range wrappings() {
				for _, inner := range wrappings() {
					if h2 && name == "websocket" {
						continue
					}
					server.handler = outer.wrap(inner.wrap(application))
					bare := fetch(t, client, address, name)
					server.handler = outer.wrap(tracker.Handler(inner.wrap(application)))
					if got := fetch(t, client, address, name); got != bare {
						t.Errorf("HTTP/2 %v, %s in %s in goaltrack in %s:\n%.600s\nwithout goaltrack\n%.600s", h2, name, inner.name, outer.name, got, bare)
					}
				}
			}
		}
	}
	if goals := tracker.Snapshot().Goals; goals[0].Fired < 1000 || goals[0].NotFired["hijacked"] < 50 {
		t.Errorf("goaltrack has seen %+v", goals)
	}
}

// replaceable is a server whose handler a test changes between requests.
type replaceable struct{ handler http.Handler }

func (s *replaceable) start(t *testing.T, h2 bool) (string, *http.Client) {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	if server.EnableHTTP2 = h2; h2 {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return server.URL, server.Client()
}

// fetch asks for a page as Chrome does, or opens a websocket, and tells all that came.
func fetch(t *testing.T, client *http.Client, address, name string) string {
	t.Helper()
	header := http.Header{
		"User-Agent": {chrome}, "Accept": {"text/html,*/*;q=0.8"}, "Accept-Encoding": {"gzip"},
		"Cookie": {"bid_" + cdptest.TestClientKey + "=" + known},
	}
	if name == "websocket" {
		return talk(t, "ws"+strings.TrimPrefix(address, "http"), header)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	res, err := client.Transport.RoundTrip(r)
	if err != nil {
		return "no answer"
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	res.Header.Del("Date")
	res.Header.Del("Last-Modified")
	return fmt.Sprint(res.Status, res.Header, res.TransferEncoding, res.ContentLength, string(body), err)
}

// talk sends one message over a websocket, and tells what came back.
func talk(t *testing.T, address string, header http.Header) string {
	t.Helper()
	conn, res, err := websocket.DefaultDialer.DialContext(t.Context(), address, header)
	if err != nil {
		if res == nil || !errors.Is(err, websocket.ErrBadHandshake) {
			return "no answer"
		}
		body, _ := io.ReadAll(res.Body)
		return fmt.Sprint(res.Status, string(body))
	}
	defer func() { _ = conn.Close() }()
	err = conn.WriteMessage(websocket.TextMessage, []byte("tea"))
	_, text, readErr := conn.ReadMessage()
	return fmt.Sprint(res.Status, err, string(text), readErr)
}
