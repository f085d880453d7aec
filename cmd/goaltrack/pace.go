package main

import (
	"context"
	"net"
	"net/http"
	"time"
)

// A bound for a whole answer would cut a big export that somebody takes over a slow line, and
// http.Server.WriteTimeout is such a bound. A bound for each piece lets them have it all. Who
// takes nothing loses the connection, and sees that the answer is not whole: it lacks its last
// chunk (RFC 9112, section 8).

// pace is how fast an answer has to be taken: in pieces, each within a time.
type pace struct{ within time.Duration }

// A piece is small, and so is what the system keeps of a connection. Whoever reads slowly
// makes room for a part of that at a time, and the next piece waits for the room.
const (
	pieceSize  = 16 << 10
	sendBuffer = 64 << 10
)

// around lets the answers of next be taken in pieces. The server has a WriteTimeout, so that
// the next request of a connection has a new deadline.
func (p pace) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&paced{w, http.NewResponseController(w), p}, r)
	})
}

// paced is a writer with a deadline for each piece.
type paced struct {
	http.ResponseWriter

	control *http.ResponseController
	pace    pace
}

// Write implements [http.ResponseWriter].
func (w *paced) Write(b []byte) (n int, err error) {
	for {
		piece := b[n:min(len(b), n+pieceSize)]
		_ = w.control.SetWriteDeadline(time.Now().Add(w.pace.within)) // a writer that has none has no connection
		wrote, err := w.ResponseWriter.Write(piece)
		if n += wrote; err != nil || n >= len(b) {
			return n, err
		}
	}
}

// Unwrap is for [http.ResponseController].
func (w *paced) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// keepLittle makes a connection keep little of what it sends. It is for
// http.Server.ConnContext.
func keepLittle(ctx context.Context, c net.Conn) context.Context {
	if c, ok := c.(interface{ SetWriteBuffer(bytes int) error }); ok {
		_ = c.SetWriteBuffer(sendBuffer) // it is only slower to see who reads slowly
	}
	return ctx
}
