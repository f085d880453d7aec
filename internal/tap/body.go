package tap

import (
	"io"
	"net/http"

	"github.com/goaltrack/goaltrack/internal/scan"
)

// Body watches one request body, for whoever gives the handler its request. It
// never reads on its own account: see [Body.Start]. Its methods may be called
// while the body is read by another goroutine.
type Body struct {
	tee bodyTee // apart, since the body that a handler gets must not have the methods below
}

// Start prepares a copy of at most limit bytes of the body of r, which it leaves as
// it is. When it reports false the request is to go on untouched, and the outcome
// says why. A body that is not of these kinds is read by nobody.
func (b *Body) Start(r *http.Request, limit int, budget *Budget, kinds scan.Kinds) (scan.Outcome, bool) {
	return b.tee.start(r, limit, budget, kinds)
}

// Reader is the body for the handler's copy of the request.
func (b *Body) Reader() io.ReadCloser { return &b.tee }

// Started reports whether Start has reported true.
func (b *Body) Started() bool { return b.tee.body != nil }

// Snapshot returns the body at the moment the header is written, if it is
// complete by then. The bytes are only to be read, and only before Release.
func (b *Body) Snapshot() ([]byte, bool) { return b.tee.snapshot() }

// Seal ends the copying when the handler has returned. The bytes are there only
// with [scan.Complete], since half a form gives wrong values and not fewer. They are the
// caller's until Release.
func (b *Body) Seal() ([]byte, scan.Outcome) { return b.tee.seal() }

// Release forgets what was kept and returns it to the budget. It may be called more
// than once, and is what a deferred call wants.
func (b *Body) Release() { b.tee.release() }

// CopyBack hands on what a handler left on its copy of the request, for a
// deferred call. Without MultipartForm the server would not remove the uploads'
// temporary files (golang/go#58809); the rest is read by middleware further
// out. Path values have no way back: their fields are private to net/http.
func CopyBack(from, to *http.Request) {
	to.Form, to.PostForm, to.MultipartForm = from.Form, from.PostForm, from.MultipartForm
	to.Pattern = from.Pattern
}
