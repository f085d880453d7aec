package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// leaveWithin is how long a visitor may go on sending a body that was answered
// before its end. It is shorter than what --request-grace is
// if not given, so that nobody's rest of an
// upload makes a shutdown look cut short.
const leaveWithin = 3 * time.Second

// upload is a request body that knows whether it was read to its end.
//
// What is left of a body must never be read as the next request: RFC 9112,
// section 9.3 has a server read all of it or close the connection. net/http
// does so by reading the rest before it answers. An answer that begins while
// the upload runs cannot wait for that. Such an answer says "Connection: close"
// (section 9.6), and the connection ends with it.
type upload struct {
	io.ReadCloser

	ended   atomic.Bool // io.EOF came: all of the body is read, and its framing was right
	closing bool        // the answer said so; only for the handler's goroutine

	mu     sync.Mutex // held while reading
	closed bool
}

type uploadKey struct{}

// mindUploads returns a handler that sees to it that a proxy inside can begin an
// answer while the upload runs. It belongs outside of all other handlers: what
// they decide after the answer must not find the connection closed.
func mindUploads(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength == 0 { // no body
			next.ServeHTTP(w, r)
			return
		}
		u := &upload{ReadCloser: r.Body}
		// An answer that was cut, or that may have no end but that of the
		// connection (HTTP/1.0), must not wait for the visitor.
		patient := false
		defer func() {
			p := recover()
			cut := p == http.ErrAbortHandler && u.closing //nolint:errorlint // As net/http compares it.
			if cut {
				cutShort(w)
			}
			u.leave(w, patient)
			if p != nil && !cut {
				panic(p)
			}
		}()
		// net/http knows its own bodies by type, so the request that it gave
		// us keeps the one it has (golang/go#63152).
		r = r.WithContext(context.WithValue(r.Context(), uploadKey{}, u))
		r.Body = u
		next.ServeHTTP(w, r)
		patient = r.ProtoAtLeast(1, 1)
	})
}

// uploadOf returns what mindUploads made of the request's body; nil if it has none.
func uploadOf(r *http.Request) *upload {
	if r.ContentLength == 0 {
		return nil
	}
	u, _ := r.Context().Value(uploadKey{}).(*upload)
	return u
}

// Read notes the end of the body. The body of net/http returns io.EOF with the
// last byte of a Content-Length, and behind the trailers of a chunked body.
func (u *upload) Read(p []byte) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return 0, http.ErrBodyReadAfterClose
	}
	n, err := u.ReadCloser.Read(p)
	if err == io.EOF { // as io.Copy: only a bare EOF ends a stream
		u.ended.Store(true)
	}
	return n, err
}

// answer is called when the header is about to be written. Behind a body that is
// at its end the connection goes on, and net/http looks once more whether it is
// (full duplex would turn that off). Behind any other the connection ends, and
// the header says so; now net/http may leave the rest for the site.
// HTTP/2 needs none of this and does not support EnableFullDuplex.
func (u *upload) answer(w http.ResponseWriter) {
	if u == nil || u.ended.Load() || http.NewResponseController(w).EnableFullDuplex() != nil {
		return
	}
	w.Header().Set("Connection", "close")
	u.closing = true
}

// cutShort sends what has come of an answer whose end will not come. It stands in
// for the panic with which a handler asks for that: behind one, net/http closes
// the connection at once, and the reset that the rest of the upload causes can
// take with it what the visitor has not read yet. Behind a write that failed,
// net/http writes no end of the answer, so that the visitor sees that it was cut.
func cutShort(w http.ResponseWriter) {
	control := http.NewResponseController(w)
	_ = control.Flush()
	_ = control.SetWriteDeadline(time.Unix(1, 0))
}

// leave is called when the request is over. What it does is for the visitor who
// is still sending; that the connection is closed is certain already. If it
// were closed at once, the reset that a late byte causes could overtake the
// answer (RFC 9112, section 9.6).
func (u *upload) leave(w http.ResponseWriter, patient bool) {
	if !u.closing {
		return
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Unix(1, 0)) // ends a read that http.Transport has left behind
	u.mu.Lock()
	u.closed = true
	u.mu.Unlock()

	if patient {
		// net/http reads up to 256 KiB more, without a deadline of its own.
		_ = control.SetReadDeadline(time.Now().Add(leaveWithin))
	}
	// A limit that is reached makes net/http close its side and wait half a
	// second for the visitor's. There is no other way to ask for this.
	_, _ = http.MaxBytesReader(w, io.NopCloser(strings.NewReader("x")), 0).Read(make([]byte, 1))
}
