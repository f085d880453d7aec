package tap

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"time"
)

//go:generate go run shapes_gen.go

// shape says which of the optional methods a writer has. A handler asks for them by type
// assertion, so the wrapper must have those of the inner writer, no more and no fewer.
// Callers panic on a false CloseNotify as on a missing one
// (https://github.com/gin-gonic/gin/issues/1366). There is a type for each of the 64
// shapes (shapes_all.go). Each is a single pointer, so it costs nothing to turn it into
// an interface.
type shape uint8

const (
	canFlush shape = 1 << iota
	canFlushError
	canHijack
	canReadFrom
	canCloseNotify
	canPush

	ofHTTP1 = canFlush | canFlushError | canHijack | canReadFrom | canCloseNotify
	ofHTTP2 = canFlush | canFlushError | canCloseNotify | canPush
)

type (
	// closeNotifier is http.CloseNotifier. It is deprecated, but other packages
	// still assert it without a check.
	closeNotifier = interface{ CloseNotify() <-chan bool }
	flushErrorer  = interface{ FlushError() error }
	unwrapper     = interface{ Unwrap() http.ResponseWriter }
	// controlled are the other methods that http.ResponseController looks for.
	// It also finds them through Unwrap. The writers of net/http's own servers
	// have all three, so those two shapes have them as well.
	controlled = interface {
		SetReadDeadline(deadline time.Time) error
		SetWriteDeadline(deadline time.Time) error
		EnableFullDuplex() error
	}
)

// shapeOf asks a writer what it can do.
func shapeOf(w http.ResponseWriter) (s shape) {
	switch w.(type) { // the two that nearly every request has, in one step
	case interface {
		http.Flusher
		flushErrorer
		http.Hijacker
		io.ReaderFrom
		closeNotifier
	}:
		s = ofHTTP1
	case interface {
		http.Flusher
		flushErrorer
		closeNotifier
		http.Pusher
	}:
		s = ofHTTP2
	}
	add := func(method shape, has bool) {
		if has {
			s |= method
		}
	}
	if s&canFlush == 0 {
		_, has := w.(http.Flusher)
		add(canFlush, has)
		_, has = w.(flushErrorer)
		add(canFlushError, has)
		_, has = w.(closeNotifier)
		add(canCloseNotify, has)
	}
	if s&canHijack == 0 {
		_, has := w.(http.Hijacker)
		add(canHijack, has)
		_, has = w.(io.ReaderFrom)
		add(canReadFrom, has)
	}
	if s&canPush == 0 {
		_, has := w.(http.Pusher)
		add(canPush, has)
	}
	return s
}

// writer returns the recorder in the shape of the inner writer.
func (rec *recorder) writer() http.ResponseWriter {
	rec.offers = shapeOf(rec.inner)
	if rec.offers == ofHTTP1 || rec.offers == ofHTTP2 {
		if _, ok := rec.inner.(controlled); ok {
			if rec.offers == ofHTTP1 {
				return serverHTTP1{writerFEHRC{writerFEHR{writerFEH{writerFE{writerF{writer{rec}}}}}}}
			}
			return serverHTTP2{writerFECP{writerFEC{writerFE{writerF{writer{rec}}}}}}
		}
	}
	return rec.shaped(rec.offers)
}

// These are the shapes of net/http's own writers.
type (
	serverHTTP1 struct{ writerFEHRC }
	serverHTTP2 struct{ writerFECP }
)

func (w serverHTTP1) SetReadDeadline(t time.Time) error { return w.controlled().SetReadDeadline(t) }

func (w serverHTTP1) SetWriteDeadline(t time.Time) error { return w.controlled().SetWriteDeadline(t) }

func (w serverHTTP1) EnableFullDuplex() error { return w.controlled().EnableFullDuplex() }

func (w serverHTTP2) SetReadDeadline(t time.Time) error { return w.controlled().SetReadDeadline(t) }

func (w serverHTTP2) SetWriteDeadline(t time.Time) error { return w.controlled().SetWriteDeadline(t) }

func (w serverHTTP2) EnableFullDuplex() error { return w.controlled().EnableFullDuplex() }

func (rec *recorder) controlled() controlled { return rec.inner.(controlled) }

// flush is Flush in the shapes that have it.
func (rec *recorder) flush() { _ = rec.flushError() }

// closeNotify and push are CloseNotify and Push in the shapes that have them.
func (rec *recorder) closeNotify() <-chan bool { return rec.inner.(closeNotifier).CloseNotify() }

func (rec *recorder) push(target string, opts *http.PushOptions) error {
	return rec.inner.(http.Pusher).Push(target, opts)
}

// These stand between a shape and the inner writer on the way of Unwrap, for what a
// writer further in can do although the inner writer cannot. Without them
// http.ResponseController would reach that writer behind the recorder's back.
type (
	watch   struct{ *recorder }
	watchF  struct{ watch } // flushes
	watchH  struct{ watch } // hijacks
	watchFH struct{ watchF }
)

// Unwrap ends the detour.
func (w watch) Unwrap() http.ResponseWriter { return w.inner }

func (w watchF) Flush()                                        { w.flush() }
func (w watchF) FlushError() error                             { return w.flushError() }
func (w watchH) Hijack() (net.Conn, *bufio.ReadWriter, error)  { return w.hijack() }
func (w watchFH) Hijack() (net.Conn, *bufio.ReadWriter, error) { return w.hijack() }

// Unwrap lets [http.ResponseController] reach deadlines, full duplex and whatever
// later versions add.
func (rec *recorder) Unwrap() http.ResponseWriter {
	further := reaches(rec.inner)
	flushes := further&canFlush != 0 && rec.offers&(canFlush|canFlushError) == 0
	hijacks := further&^rec.offers&canHijack != 0
	switch {
	case flushes && hijacks:
		return watchFH{watchF{watch{rec}}}
	case flushes:
		return watchF{watch{rec}}
	case hijacks:
		return watchH{watch{rec}}
	}
	return rec.inner
}

// reaches returns whether a flush and a hijack find a writer that can do it. It looks
// where [http.ResponseController] looks.
func reaches(w http.ResponseWriter) (s shape) {
	for {
		if _, ok := w.(http.Flusher); ok {
			s |= canFlush
		}
		if _, ok := w.(flushErrorer); ok {
			s |= canFlush
		}
		if _, ok := w.(http.Hijacker); ok {
			s |= canHijack
		}
		further, ok := w.(unwrapper)
		if !ok || s == canFlush|canHijack {
			return s
		}
		w = further.Unwrap()
	}
}
