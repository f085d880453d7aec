package main

import (
	"bufio"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// newProxy returns a handler that passes every request to the site at target,
// and its answer back. Method, request target, status, end-to-end headers,
// trailers and bodies pass unchanged in both directions and are never held
// back. Only the X-Forwarded headers and hop-by-hop headers (RFC 9110, section
// 7.6.1) differ. If the site cannot be reached, the answer is 502, and the log
// has a line. The limits may change while it runs.
//
// An answer that begins during the upload needs mindUploads outside the proxy.
// Without it, net/http first reads the rest of the upload.
func newProxy(limits *limitsInForce, transport http.RoundTripper, target *url.URL, logger *slog.Logger) http.Handler {
	trouble := &limitedLog{logger: logger, every: 10 * time.Second}
	proxy := &httputil.ReverseProxy{
		Rewrite:    func(pr *httputil.ProxyRequest) { rewrite(pr, target) },
		Transport:  answerTimeout{transport, limits},
		BufferPool: newBuffers(),
		ErrorLog:   log.New(brokenAnswers{trouble}, "", 0),
		// ReverseProxy already flushes event streams and answers of unknown
		// length at once. This is for the others: an answer that announces its
		// length and then trickles must not wait for a full buffer.
		FlushInterval: 100 * time.Millisecond,
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
				tooLarge(w)
				return
			}
			if r.Context().Err() == nil { // else the visitor left, which is no trouble
				args := []any{"method", r.Method, "error", withoutQuotes(err.Error())}
				if advice := adviceOn(err); advice != "" {
					args = append(args, "advice", advice)
				}
				trouble.warn("the site did not answer", args...)
			}
			status, text := answerStatus(err)
			http.Error(w, text, status)
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &verbatim{ResponseWriter: w, http10: !r.ProtoAtLeast(1, 1), closes: w.Header().Get("Connection") == "close", upload: uploadOf(r)}
		switch {
		case isRefused(r.Method):
			refuseMethod(v, r)
			return
		case !limits.Load().bound(v, r):
			return
		}
		defer leaveQuietly(w, r)
		r, done := outlive(r, v)
		defer done()
		proxy.ServeHTTP(v, r)
	})
}

// leaveQuietly is deferred around the proxy, which panics with ErrAbortHandler
// if the visitor leaves in the middle of an answer. That is no fault of the
// site: a browser's PDF viewer leaves the first request of every file that it
// shows. A client that has only closed its own side still reads. It must not be
// told that this was all of the answer, because net/http cannot write its end
// any more.
func leaveQuietly(w http.ResponseWriter, r *http.Request) {
	p := recover()
	if p != nil && (p != http.ErrAbortHandler || r.Context().Err() == nil) { //nolint:errorlint // As net/http compares it.
		panic(p)
	}
	if p != nil {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Unix(1, 0))
	}
}

// rewrite addresses a request to the site and says on whose behalf it comes.
func rewrite(pr *httputil.ProxyRequest, target *url.URL) {
	in, out := pr.In, pr.Out
	// ReverseProxy drops query parameters that Go cannot parse, such as a;b.
	// Only the site knows what they mean, so the query goes on as it came.
	out.URL.RawQuery = withoutBlanks(in.URL.RawQuery)
	pr.SetURL(target)
	keepPath(in, out, target)
	out.Host = in.Host // the site must see, and link to, its public name
	keepHTTP1(out.Header)

	// Clone copied the map of trailers. Their values arrive only after the
	// body, in the map of the original.
	out.Trailer = in.Trailer

	// By RFC 7239, section 4, and by custom, each proxy adds the address that
	// called it to X-Forwarded-For and keeps the earlier ones. Addresses that a
	// visitor invented pass, too. So a site that is reached without a proxy in
	// front must not trust these headers.
	out.Header["X-Forwarded-For"] = in.Header["X-Forwarded-For"]
	if _, _, err := net.SplitHostPort(in.RemoteAddr); err == nil {
		pr.SetXForwarded()
	} else { // a Unix socket has no address, for which SetXForwarded would remove the header
		said := out.Header["X-Forwarded-For"]
		pr.SetXForwarded()
		out.Header["X-Forwarded-For"] = said
	}
	for _, name := range []string{"Forwarded", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		if said := in.Header[name]; len(said) > 0 {
			out.Header[name] = said
		}
	}
}

// keepPath sends the path as the visitor wrote it. A parsed URL is escaped anew
// when it is sent. A site that signs or compares its URLs can tell /a|b from
// /a%7Cb.
func keepPath(in, out *http.Request, target *url.URL) {
	path, _, _ := strings.Cut(withoutBlanks(in.RequestURI), "?")
	if path == "*" { // OPTIONS *, RFC 9110 section 9.3.7
		out.URL.Opaque = path
		return
	}
	if !strings.HasPrefix(path, "/") {
		return // the absolute form, which only clients of a forward proxy send
	}
	path = strings.TrimSuffix(target.EscapedPath(), "/") + path
	// An opaque URL of two slashes would be read as a host.
	if path != out.URL.EscapedPath() && !strings.HasPrefix(path, "//") {
		out.URL.Opaque = path
	}
}

// withoutBlanks escapes the blanks in a target, which HTTP/2 lets a client send. In a
// request line the target would end there, and the version follow (RFC 9112, section 3).
func withoutBlanks(target string) string { return strings.ReplaceAll(target, " ", "%20") }

// continueWithin is how long a site may think about whether it wants an upload, whose visitor
// waits for that. Only tests change it.
var continueWithin = time.Second

// newTransport returns the transport to the site. It speaks HTTP/1.1, which
// carries upgrades and trailers alike. It goes straight to the site, whatever
// HTTP_PROXY says.
func newTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		DialContext:         dialer.DialContext,
		TLSHandshakeTimeout: 10 * time.Second,
		// Otherwise the transport asks for gzip on its own and unpacks it.
		DisableCompression: true,
		// With it, the site can refuse an upload before it is sent (RFC 9110,
		// section 10.1.1). If the site says nothing, it gets the body.
		ExpectContinueTimeout: continueWithin,
		MaxIdleConns:          256,
		MaxIdleConnsPerHost:   256,
		// This is shorter than what common servers keep (gunicorn 2 s, Node 5
		// s). A POST on a connection that the site just closed cannot be sent
		// again and would be a 502.
		IdleConnTimeout: time.Second,
	}
}

// verbatim keeps net/http from adding to the site's answer.
type verbatim struct {
	http.ResponseWriter
	http10 bool
	closes bool    // somebody outside has said so of the connection
	upload *upload // nil without a body
	writes atomic.Int64
}

// WriteHeader sends the status the site sent.
func (v *verbatim) WriteHeader(status int) {
	if status == http.StatusContinue {
		return // net/http says it itself when the body is asked for; twice would be once too often
	}
	if status < 200 && status != http.StatusSwitchingProtocols {
		if !v.http10 { // RFC 9110 section 15.2: HTTP/1.0 does not know them
			v.ResponseWriter.WriteHeader(status)
		}
		return
	}
	// An absent type stays absent: without an entry, net/http guesses one. It
	// also adds a missing Date, as RFC 9110, section 6.6.1, asks of a proxy.
	header := v.Header()
	if _, ok := header["Content-Type"]; !ok {
		header["Content-Type"] = nil
	}
	if status == http.StatusNoContent {
		header.Del("Content-Length") // RFC 9110, section 8.6; in HTTP/2, clients take it for a broken answer
	}
	if v.closes { // ReverseProxy clears the header after an answer of 1xx
		header.Set("Connection", "close")
	}
	if status != http.StatusSwitchingProtocols {
		v.upload.answer(v.ResponseWriter)
	}
	v.ResponseWriter.WriteHeader(status)
}

// Write counts what is written, so that it shows whether an answer goes on.
func (v *verbatim) Write(p []byte) (int, error) {
	v.writes.Add(1)
	return v.ResponseWriter.Write(p)
}

// Hijack gives the connection away with what the visitor has sent on it already, right
// behind the request. ReverseProxy would leave that in the reader.
func (v *verbatim) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(v.ResponseWriter).Hijack()
	if err == nil && buffered.Reader.Buffered() > 0 {
		conn = &bufferedConn{conn, io.LimitReader(buffered.Reader, int64(buffered.Reader.Buffered()))}
	}
	return conn, buffered, err
}

// Unwrap lets http.ResponseController reach flush, hijack and the rest.
func (v *verbatim) Unwrap() http.ResponseWriter { return v.ResponseWriter }

// buffers are the 32 KiB buffers for copying answers, which are used again.
type buffers struct{ pool sync.Pool }

func newBuffers() *buffers {
	return &buffers{pool: sync.Pool{New: func() any { return new([32 << 10]byte) }}}
}

// Get returns a buffer.
func (b *buffers) Get() []byte { return b.pool.Get().(*[32 << 10]byte)[:] }

// Put takes back a buffer that Get returned.
func (b *buffers) Put(buf []byte) { b.pool.Put((*[32 << 10]byte)(buf)) }
