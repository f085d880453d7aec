package test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/internal/world"
)

// odd2Request is what a client of HTTP/2 does.
type odd2Request struct {
	method, contentType, body string
	header                    http.Header
	unsized                   bool        // the length is not told
	trailer                   http.Header // announced
	leaves                    bool        // RST_STREAM, as soon as the answer has begun, or after a while
}

var odd2Requests = map[string]odd2Request{
	"GET":               {method: http.MethodGet},
	"HEAD":              {method: http.MethodHead},
	"a range":           {method: http.MethodGet, header: http.Header{"Range": {"bytes=0-9"}}},
	"a form":            {method: http.MethodPost, contentType: "application/x-www-form-urlencoded", body: "x=y&a=1"},
	"JSON":              {method: http.MethodPut, contentType: "application/json", body: `{"x":"y"}`},
	"a form, expecting": {method: http.MethodPost, contentType: "application/x-www-form-urlencoded", body: "x=y", header: http.Header{"Expect": {"100-continue"}}},
	"no length":         {method: http.MethodPost, contentType: "application/x-www-form-urlencoded", body: "x=y", unsized: true},
	"trailers":          {method: http.MethodPost, contentType: "application/x-www-form-urlencoded", body: "x=y", unsized: true, trailer: http.Header{"X-Sum": {"1"}}},
	"a large body":      {method: http.MethodPost, contentType: "application/x-www-form-urlencoded", body: strings.Repeat("x=y&", 50_000)},
	"leaving":           {method: http.MethodGet, leaves: true},
	"a form, leaving":   {method: http.MethodPost, contentType: "application/x-www-form-urlencoded", body: "x=y", leaves: true},
}

// TestOddHTTP2 is TestOddHTTP for HTTP/2.
func TestOddHTTP2(t *testing.T) {
	t.Parallel()
	for name, request := range odd2Requests {
		t.Run(name, func(t *testing.T) {
			eachOddHandler(t, func(t *testing.T, handler oddHandler, around func(http.Handler) http.Handler) string {
				return odd2Exchange(t, request, handler, around)
			})
		})
	}
}

var serverError = regexp.MustCompile(`(?m)^http2: server connection error from .*\n`)

// odd2Exchange sends a request to a server of its own, and tells all that can be seen.
func odd2Exchange(t *testing.T, request odd2Request, handler oddHandler, around func(http.Handler) http.Handler) string {
	t.Helper()
	var mu sync.Mutex
	var told, logged bytes.Buffer
	tell := func(what ...any) {
		mu.Lock()
		defer mu.Unlock()
		_, _ = fmt.Fprintln(&told, what...)
	}
	site := around(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler(w, r, tell) }))
	speaks := &http.Protocols{}
	speaks.SetUnencryptedHTTP2(true)
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
		ErrorLog:  log.New(&logged, "", 0),
		Protocols: speaks,
	}
	ours, theirs := net.Pipe()
	listener := &single{conn: theirs, closed: make(chan struct{})}
	go func() { _ = server.Serve(listener) }()
	transport := &http.Transport{
		Protocols: speaks, DisableCompression: true, ExpectContinueTimeout: time.Hour,
		DialContext: func(context.Context, string, string) (net.Conn, error) { return ours, nil },
	}
	seen := request.send(t, transport)
	<-time.After(2 * time.Second) // for a handler that waits for whether its client leaves
	transport.CloseIdleConnections()
	_ = server.Close()
	synctest.Wait()
	text := serverError.ReplaceAllString(logged.String(), "") // of trailers behind an answer: it depends on which is faster
	return fmt.Sprintf("%s\n%s\n%s", seen, told.String(), stack.ReplaceAllString(text, "$1"))
}

// send sends the request and tells what came back.
func (q odd2Request) send(t *testing.T, transport *http.Transport) string {
	t.Helper()
	ctx, leave := context.WithTimeout(t.Context(), 20*time.Second)
	defer leave()
	var seen bytes.Buffer
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
		_, _ = fmt.Fprintln(&seen, code, h)
		return nil
	}})
	var body io.Reader = http.NoBody
	if q.body != "" {
		body = strings.NewReader(q.body)
	}
	if q.unsized {
		body = io.MultiReader(body)
	}
	r, err := http.NewRequestWithContext(ctx, q.method, "http://shop.example/a?b=c", body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"User-Agent": {world.Chrome}, "Accept": {"text/html"}, "Cookie": {"bid_key=11111111-2222-4333-8444-555555555555"}}
	maps.Copy(r.Header, q.header)
	if q.contentType != "" {
		r.Header.Set("Content-Type", q.contentType)
	}
	r.Trailer = q.trailer
	if q.leaves {
		go func() {
			<-time.After(500 * time.Millisecond)
			leave()
		}()
	}
	res, err := transport.RoundTrip(r)
	if err != nil {
		return seen.String() + err.Error()
	}
	defer func() { _ = res.Body.Close() }()
	all, err := io.ReadAll(res.Body)
	res.Header.Del("Date")
	return fmt.Sprint(seen.String(), res.Status, res.Header, res.ContentLength, string(all), err, res.Trailer)
}
