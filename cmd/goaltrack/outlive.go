package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// How long what a visitor has begun goes on without them. Tests set more.
var (
	// outliveGrace is how long a form may take after its sender has left.
	outliveGrace = 30 * time.Second
	// halfClosedGrace is how long a client that has closed its side waits for more of
	// its answer. From outside it cannot be told apart from one that has left.
	halfClosedGrace = 10 * time.Second
)

// outlive lets a form be processed although its sender has left, as it would be
// without a proxy. A double click leaves the first request behind, and its order is
// accepted all the same. A client that has only closed its own side gets its
// answer, too, as long as the answer goes on. Other requests end with their visitor.
func outlive(r *http.Request, w *verbatim) (*http.Request, func()) {
	if upgradeOf(r.Header) != "" {
		return r, func() {}
	}
	var left func(ctx context.Context, end func()) // what happens when the visitor has left
	conn := visitorOf(r)
	switch r.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		left = func(ctx context.Context, end func()) {
			timer := time.AfterFunc(outliveGrace, end)
			context.AfterFunc(ctx, func() { timer.Stop() })
		}
	default:
		if conn == nil {
			return r, func() {}
		}
		left = func(ctx context.Context, end func()) {
			if !conn.halfClosed.Load() {
				end()
				return
			}
			w.whileItGoesOn(ctx, conn.grace, end)
		}
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	stop := context.AfterFunc(r.Context(), func() { left(ctx, cancel) })
	stopCut := func() bool { return true }
	if cut, ok := r.Context().Value(cutKey{}).(context.Context); ok {
		stopCut = context.AfterFunc(cut, cancel)
	}
	return r.WithContext(ctx), func() { stop(); stopCut(); cancel() }
}

// cutKey is for a context that ends when no request may go on, whoever waits for it.
type cutKey struct{}

// whileItGoesOn calls end when nothing was written for so long.
func (v *verbatim) whileItGoesOn(ctx context.Context, grace time.Duration, end func()) {
	ticker := time.NewTicker(grace)
	defer ticker.Stop()
	for writes := v.writes.Load(); ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := v.writes.Load()
		if now == writes {
			end()
			return
		}
		writes = now
	}
}

// visitorConn is a connection that knows whether its client has closed its side in order.
// net/http ends the request's context in either case.
type visitorConn struct {
	net.Conn
	grace      time.Duration // of a client that has closed its side
	halfClosed atomic.Bool
}

// Read notes the end.
func (v *visitorConn) Read(p []byte) (int, error) {
	n, err := v.Conn.Read(p)
	if errors.Is(err, io.EOF) {
		v.halfClosed.Store(true)
	}
	return n, err
}

// ReadFrom keeps the way by which the kernel copies.
func (v *visitorConn) ReadFrom(r io.Reader) (int64, error) { return io.Copy(v.Conn, r) }

// CloseWrite is what net/http ends a connection with whose client still sends.
func (v *visitorConn) CloseWrite() error { return closeWrite(v.Conn) }

func closeWrite(c net.Conn) error {
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// visitorListener is a listener whose connections are visitors.
type visitorListener struct {
	net.Listener
	grace time.Duration
}

// Accept implements [net.Listener].
func (n visitorListener) Accept() (net.Conn, error) {
	conn, err := n.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &visitorConn{Conn: conn, grace: n.grace}, nil
}

type visitorKey struct{}

// visitorContext is for http.Server.ConnContext.
func visitorContext(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, visitorKey{}, conn)
}

// visitorOf returns the connection of a request, nil if it has none of its own, or one that is
// encrypted: to close one's side of TLS is to leave.
func visitorOf(r *http.Request) *visitorConn {
	if r.ProtoMajor != 1 {
		return nil
	}
	v, _ := r.Context().Value(visitorKey{}).(*visitorConn)
	return v
}

// bufferedConn is a connection of which something was read already.
type bufferedConn struct {
	net.Conn
	buffered io.Reader
}

// Read reads that first.
func (b *bufferedConn) Read(p []byte) (int, error) {
	if b.buffered != nil {
		if n, err := b.buffered.Read(p); err == nil {
			return n, nil
		}
		b.buffered = nil
	}
	return b.Conn.Read(p)
}

// CloseWrite closes one side, if the connection can.
func (b *bufferedConn) CloseWrite() error { return closeWrite(b.Conn) }
