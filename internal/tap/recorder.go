// Package tap watches what passes between a server and a handler: the answer as
// it is written ([Recorder]), and the request's body as it is read ([Body]). It
// changes neither. It reads and writes nothing by itself, and holds nothing
// back. The handler's writer can do exactly what the server's writer can do.
//
// recorder.go and body.go have what others call. Of an answer, writer.go notes what
// happens. shapes.go gives the handler a writer with the server's own interfaces;
// shapes_gen.go writes each combination of these (shapes_all.go). server.go tells the
// server's writers from others', and sniff.go finds the type as net/http will. Of a
// body, tee.go copies what is read, outside.go finds what was read before, and
// budget.go bounds all copies together. complaint.go logs misuse as net/http does,
// and request.go lends a handler a copy of a request.
//
// What it keeps is bounded. Of an answer it keeps 512 bytes if the type is not
// given. Of bodies it keeps what their limit allows, and a [Budget] for all of
// them. It knows nothing of rules.
package tap

import (
	"net/http"

	"github.com/goaltrack/goaltrack/internal/scan"
)

// Recorder watches one answer. It is for the code that gives the handler its
// writer. Only the hook may change the answer's header.
//
// It is a field of a struct made for each request, not an allocation of its
// own. It is not pooled, because a goroutine of the handler may outlive the
// request. Two goroutines must not use it at once, as with the writer that it
// wraps.
type Recorder struct {
	rec recorder // apart, since a handler's writer must not have the methods below
}

// Init makes it watch w, the answer to a request. Call it before any other
// method.
func (r *Recorder) Init(w http.ResponseWriter, request *http.Request, hook Hook) {
	r.rec.init(w, request, hook)
}

// Writer returns the writer for the handler. It can do what w can do.
func (r *Recorder) Writer() http.ResponseWriter { return r.rec.writer() }

// Header returns the header of the answer.
func (r *Recorder) Header() http.Header { return r.rec.inner.Header() }

// Sniff makes [Recorder.ContentType] known even if the handler sets none. The
// hook calls it.
func (r *Recorder) Sniff() { r.rec.wantSniff = true }

// BeginsAs is for the hook. It returns the type that net/http will surely detect, if the
// header does not say it. "" means that it is not known yet.
func (r *Recorder) BeginsAs() string { return r.rec.beginsAs() }

// Keep copies the body to a tee, which may be nil. The hook calls it.
func (r *Recorder) Keep(tee *scan.Tee) { r.rec.answer = tee }

// Begun reports whether an answer has surely begun, or the handler has taken over the
// connection. It has begun if the status is decided. It is also taken for begun if the hook
// has run, as that comes right before the call that begins it. Only a flush may then have
// sent nothing.
func (r *Recorder) Begun() bool {
	return r.rec.hijacked || r.rec.committed || r.rec.hooked && !r.rec.flushed
}

// Disputed reports whether nobody here can say which status the client got. It is so if
// the handler flushed a writer that is not a server's, and then named another status. A
// flush sends 200, if it sends anything. It is so, too, if a write was refused as too late.
func (r *Recorder) Disputed() bool { return r.rec.disputed }

// Hijacked reports whether the handler has taken over the connection. Then
// there is no answer.
func (r *Recorder) Hijacked() bool { return r.rec.hijacked }

// HasBody reports whether the answer has had a body so far.
func (r *Recorder) HasBody() bool { return r.rec.wrote }

// IsServers reports whether the writer is a server's own, which answers 200 if
// nothing is written.
func (r *Recorder) IsServers() bool { return isServers(r.rec.inner) }

// Mute makes sure that the hook is not called any more. It says nothing of the answer.
func (r *Recorder) Mute() { r.rec.muted = true }

// Finish must be called after the handler returned normally. If nothing was
// written, net/http is about to send an empty 200, and the hook is told so.
func (r *Recorder) Finish() { r.rec.finish() }

// ContentType returns the type that the client was told. Call it after the
// handler returned. It is the header's value when it was written, or else what
// net/http detects, or "" if neither is known. It is detected only with
// [Recorder.Sniff].
func (r *Recorder) ContentType() string { return r.rec.contentType() }
