package tap

import (
	"io"
	"net/http"

	"github.com/goaltrack/goaltrack/internal/fair"
	"github.com/goaltrack/goaltrack/internal/scan"
)

// Body watches one request body. It is for the code that gives the handler its
// request. It never reads by itself: see [Body.Start]. Another goroutine may
// read the body while its methods are called.
type Body struct {
	tee bodyTee // apart, since the body that a handler gets must not have the methods below
}

// Start prepares a copy of at most limit bytes of the body of r, which it does
// not change. If it returns false, the request must go on untouched, and the
// outcome says why. A body of other kinds is not copied. Of a form of any length,
// only the fields are copied. The argument who says who sends it.
func (b *Body) Start(r *http.Request, limit int, budget *Budget, who fair.Who, kinds scan.Kinds, fields []string) (scan.Outcome, bool) {
	return b.tee.start(r, limit, budget, who, kinds, fields)
}

// Reader returns the body for the handler's copy of the request.
func (b *Body) Reader() io.ReadCloser { return &b.tee }

// Started reports whether Start has returned true.
func (b *Body) Started() bool { return b.tee.body != nil }

// Snapshot is called when the header is written. It returns the body if that is
// complete by then. Callers only read the bytes, and only before Release.
func (b *Body) Snapshot() (scan.Kept, bool) { return b.tee.snapshot() }

// Seal ends the copying when the handler has returned. There are bytes only
// with [scan.Complete], because half a form gives wrong values, not fewer
// values. The caller may use them until Release.
func (b *Body) Seal() (scan.Kept, scan.Outcome) { return b.tee.seal() }

// Release forgets what was kept and returns it to the budget. It may be called
// more than once, so it can be deferred.
func (b *Body) Release() { b.tee.release() }
