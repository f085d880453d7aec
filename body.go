package goaltrack

import (
	"io"
	"net/http"

	"github.com/goaltrack/goaltrack/internal/scan"
)

// bodyWatch watches one request body, for whoever gives the handler its request. It
// never reads on its own account: see [bodyWatch.Start]. Its methods may be called
// while the body is read by another goroutine.
type bodyWatch struct {
	tee bodyTee // apart, since the body that a handler gets must not have the methods below
}

// Start prepares a copy of at most limit bytes of the body of r, which it leaves as
// it is. When it reports false the request is to go on untouched, and the outcome
// says why. A body that is not of these kinds is read by nobody.
func (b *bodyWatch) Start(r *http.Request, limit int, budget *formBudget, kinds scan.Kinds) (teeFate, bool) {
	return b.tee.start(r, limit, budget, kinds)
}

// Reader is the body for the handler's copy of the request.
func (b *bodyWatch) Reader() io.ReadCloser { return &b.tee }

// Started reports whether Start has reported true.
func (b *bodyWatch) Started() bool { return b.tee.body != nil }

// Snapshot returns the body at the moment the header is written, if it is
// complete by then. The bytes are only to be read, and only before Release.
func (b *bodyWatch) Snapshot() ([]byte, bool) { return b.tee.snapshot() }

// Seal ends the recording when the handler has returned. The bytes are there only
// with formComplete, and are the caller's until Release.
func (b *bodyWatch) Seal() ([]byte, teeFate) { return b.tee.seal() }

// Release forgets what was kept and returns it to the budget. It may be called more
// than once, and is what a deferred call wants.
func (b *bodyWatch) Release() { b.tee.release() }

// teeFate says what became of the attempt to see a form.
type teeFate uint8

const (
	formUnread      teeFate = iota // the handler did not read all of it, so it did not process it
	formComplete                   // every byte was read by the handler and kept
	formTooLarge                   // over the limit of one body
	formOverBudget                 // over the limit of all bodies at once
	formEncoded                    // it has a Content-Encoding, so the bytes are not a form yet
	formNotAForm                   // its Content-Type is none of ours
	formNoBody                     // the request has no body
	formReadOutside                // something outside of goaltrack had read it, or a part of it
)

var teeFateWords = [...]string{
	formUnread:     "form_unread",
	formComplete:   "form_complete",
	formTooLarge:   "form_too_large",
	formOverBudget: "form_over_budget",
	formEncoded:    "form_encoded",
	formNotAForm:   "form_not_a_form",
	formNoBody:     "form_no_body",

	formReadOutside: "form_read_outside",
}

// String returns the word used in counts and reasons.
func (f teeFate) String() string {
	if int(f) < len(teeFateWords) {
		return teeFateWords[f]
	}
	return "form_unknown"
}

// copyBack hands on what a handler left on its copy of the request, for a
// deferred call. Without MultipartForm the server would not remove the uploads'
// temporary files (golang/go#58809); the rest is read by middleware further
// out. Path values have no way back: their fields are private to net/http.
func copyBack(from, to *http.Request) {
	to.Form, to.PostForm, to.MultipartForm = from.Form, from.PostForm, from.MultipartForm
	to.Pattern = from.Pattern
}
