// Package tap watches what passes between a server and a handler: the answer as it is
// written ([Recorder]) and the request's body as it is read ([Body]). It changes
// neither. It reads nothing on its own account, writes nothing, and holds nothing
// back; the handler's writer can do what the server's can, no more and no less.
//
// What it keeps is bounded: 512 bytes of an answer whose type is not said, and of
// bodies what their limit and a [Budget] of all of them allow. It knows no rules.
package tap

import (
	"net/http"

	"github.com/goaltrack/goaltrack/internal/scan"
)

// Recorder watches one answer, for whoever gives the handler its writer, and changes
// nothing about it but what the hook does to the header.
//
// It is a field of a per-request struct, not an allocation of its own, and is
// not pooled, because a goroutine of the handler may outlive the request. Like
// the writer it wraps it must not be used from two goroutines at once.
type Recorder struct {
	rec recorder // apart, since a handler's writer must not have the methods below
}

// Init points it at w. It must be called before anything else.
func (r *Recorder) Init(w http.ResponseWriter, hook Hook) { r.rec.init(w, hook) }

// Writer is what the handler gets: it can do what w can.
func (r *Recorder) Writer() http.ResponseWriter { return r.rec.writer() }

// Header is the header of the answer.
func (r *Recorder) Header() http.Header { return r.rec.inner.Header() }

// Sniff asks for [Recorder.ContentType] to be known even if the handler sets none.
// The hook calls it.
func (r *Recorder) Sniff() { r.rec.wantSniff = true }

// BeginsAsHTML reports, to the hook, that the answer is surely HTML although
// its header does not say so. False says nothing.
func (r *Recorder) BeginsAsHTML() bool { return r.rec.beginsAsHTML() }

// Keep gives a copy of the body to a tee, which may be nil. The hook calls it.
func (r *Recorder) Keep(tee *scan.Tee) { r.rec.answer = tee }

// Begun reports whether an answer has begun, or the handler has taken the connection.
func (r *Recorder) Begun() bool { return r.rec.hooked || r.rec.hijacked }

// Hijacked reports that the connection is the handler's: there is no answer.
func (r *Recorder) Hijacked() bool { return r.rec.hijacked }

// HasBody reports whether the answer has a body so far.
func (r *Recorder) HasBody() bool { return r.rec.wrote }

// IsServers reports whether the writer is that of a server, which answers 200 if
// nothing is written.
func (r *Recorder) IsServers() bool { return isServers(r.rec.inner) }

// Mute lets the hook be told nothing any more.
func (r *Recorder) Mute() { r.rec.hooked = true }

// Finish is called after the handler returned normally. If nothing was written
// net/http is about to send an empty 200, which is a response like any other.
func (r *Recorder) Finish() { r.rec.finish() }

// ContentType is what the client was told, to be asked after the handler
// returned: the header as it stood when it was written, else what net/http
// detects, "" if neither is known. It is detected only with [Recorder.Sniff].
func (r *Recorder) ContentType() string { return r.rec.contentType() }
