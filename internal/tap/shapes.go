package tap

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// These are the shapes of a writer. A handler asks a writer by type assertion
// what it can do. So the wrapper must have the methods of the inner writer, no
// more and no fewer: callers panic on a false CloseNotify just as on a missing
// one. Each shape is a single pointer, so it costs nothing to turn it into an
// interface.
type (
	writerPlain struct{ *recorder }
	writerF     struct{ *recorder } // Flusher
	writerFH    struct{ *recorder } // Flusher, Hijacker
	writerFHR   struct{ *recorder } // Flusher, Hijacker, ReaderFrom: HTTP/1 behind common wrappers
	writerH1    struct{ *recorder } // Flusher, Hijacker, ReaderFrom, CloseNotifier
	writerH2    struct{ *recorder } // Flusher, Pusher, CloseNotifier
	hijackWatch struct{ *recorder } // Hijacker; only ever reached through Unwrap
)

// closeNotifier is http.CloseNotifier. It is deprecated, but other packages
// still assert it without a check (gin-gonic/gin#1366).
type closeNotifier = interface{ CloseNotify() <-chan bool }

// writer returns the recorder in the shape of the inner writer. If the shape
// lacks a method of the inner writer, Unwrap still reaches it.
func (rec *recorder) writer() http.ResponseWriter {
	switch rec.inner.(type) {
	case interface {
		http.Flusher
		http.Hijacker
		io.ReaderFrom
		closeNotifier
	}:
		rec.offersHijack = true
		return writerH1{rec}
	case interface {
		http.Flusher
		http.Pusher
		closeNotifier
	}:
		return writerH2{rec}
	case interface {
		http.Flusher
		http.Hijacker
		io.ReaderFrom
	}:
		rec.offersHijack = true
		return writerFHR{rec}
	case interface {
		http.Flusher
		http.Hijacker
	}:
		rec.offersHijack = true
		return writerFH{rec}
	case http.Flusher:
		return writerF{rec}
	}
	return writerPlain{rec}
}

func (w writerF) Flush()   { w.flush() }
func (w writerFH) Flush()  { w.flush() }
func (w writerFHR) Flush() { w.flush() }
func (w writerH1) Flush()  { w.flush() }
func (w writerH2) Flush()  { w.flush() }

func (w writerFH) Hijack() (net.Conn, *bufio.ReadWriter, error)    { return w.hijack() }
func (w writerFHR) Hijack() (net.Conn, *bufio.ReadWriter, error)   { return w.hijack() }
func (w writerH1) Hijack() (net.Conn, *bufio.ReadWriter, error)    { return w.hijack() }
func (w hijackWatch) Hijack() (net.Conn, *bufio.ReadWriter, error) { return w.hijack() }

func (w writerFHR) ReadFrom(src io.Reader) (int64, error) { return w.readFrom(src) }
func (w writerH1) ReadFrom(src io.Reader) (int64, error)  { return w.readFrom(src) }

func (w writerH1) CloseNotify() <-chan bool { return w.inner.(closeNotifier).CloseNotify() }
func (w writerH2) CloseNotify() <-chan bool { return w.inner.(closeNotifier).CloseNotify() }

func (w writerH2) Push(target string, opts *http.PushOptions) error {
	return w.inner.(http.Pusher).Push(target, opts)
}

// Unwrap ends the detour of [recorder.Unwrap].
func (w hijackWatch) Unwrap() http.ResponseWriter { return w.inner }
