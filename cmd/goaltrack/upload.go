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
// before its end. It is shorter than the default of --request-grace. Otherwise
// the rest of an upload would make a shutdown look cut short.
const leaveWithin = 3 * time.Second

// upload is a request body that knows whether it was read to its end.
//
// The rest of a body must never be read as the next request. RFC 9112, section
// 9.3, has a server read all of it or close the connection, and net/http reads the
// rest before it answers. An answer that begins during the upload cannot wait for
// that. Such an answer says "Connection: close" (section 9.6), and the connection
// ends with it.
//
// In HTTP/2 each request has a stream of its own. There the end of the connection would
// only take the visitor's other requests with it.
type upload struct {
	io.ReadCloser

	ended   atomic.Bool // io.EOF came: all of the body is read, and its framing was right
	closing bool        // the answer said so; only for the handler's goroutine

	mu     sync.Mutex // held while reading
	closed bool
}

type uploadKey struct{}

// mindUploads returns a handler that lets a proxy inside begin an answer during
// the upload. It belongs outside all other handlers: what they decide after the
// answer must not find the connection closed.
func mindUploads(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength == 0 || r.ProtoMajor != 1 { // no body, or nobody can take it for a request
			next.ServeHTTP(w, r)
			return
		}
		u := &upload{ReadCloser: r.Body}
		// Two kinds of answers must not wait for the visitor: one that was cut,
		// and one that may end only with the connection (HTTP/1.0).
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
		// net/http knows its own bodies by type, so the request that it gave us
		// keeps its body (https://go.dev/issue/63152).
		r = r.WithContext(context.WithValue(r.Context(), uploadKey{}, u))
		r.Body = u
		next.ServeHTTP(w, r)
		patient = r.ProtoAtLeast(1, 1)
	})
}

// uploadOf returns the upload that mindUploads made of the request's body, nil
// if there is none.
func uploadOf(r *http.Request) *upload {
	if r.ContentLength == 0 {
		return nil
	}
	u, _ := r.Context().Value(uploadKey{}).(*upload)
	return u
}

// Read notes the end of the body. The body of net/http returns io.EOF with the
// last byte of a Content-Length, and after the trailers of a chunked body.
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

// answer is called when the header is about to be written. If the body is at
// its end, the connection goes on. net/http checks that once more, which full
// duplex would turn off. Otherwise the connection ends, and the header says so;
// net/http may then leave the rest for the site.
func (u *upload) answer(w http.ResponseWriter) {
	if u == nil || u.ended.Load() || http.NewResponseController(w).EnableFullDuplex() != nil {
		return
	}
	w.Header().Set("Connection", "close")
	u.closing = true
}

// cutShort sends what there is of an answer whose end will not come. It
// replaces the panic with which a handler asks for that. After a panic,
// net/http closes the connection at once. The rest of the upload then causes a
// reset, which can destroy what the visitor has not read yet. After a write
// that failed, net/http writes no end of the answer, so the visitor sees that
// it was cut.
func cutShort(w http.ResponseWriter) {
	control := http.NewResponseController(w)
	_ = control.Flush()
	_ = control.SetWriteDeadline(time.Unix(1, 0))
}

// leave is called when the request is over. It is for a visitor who is still
// sending; the connection will be closed in any case. If it were closed at
// once, a late byte would cause a reset, which could overtake the answer (RFC
// 9112, section 9.6).
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
	// When a limit is reached, net/http closes its side and waits half a second
	// for the visitor's. There is no other way to ask for this.
	_, _ = http.MaxBytesReader(w, io.NopCloser(strings.NewReader("x")), 0).Read(make([]byte, 1))
}
