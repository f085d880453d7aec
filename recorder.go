package goaltrack

import (
	"net/http"

	"github.com/goaltrack/goaltrack/internal/scan"
)

// recording watches one answer, for whoever gives the handler its writer, and changes
// nothing about it but what the hook does to the header.
//
// It is a field of a per-request struct, not an allocation of its own, and is
// not pooled, because a goroutine of the handler may outlive the request. Like
// the writer it wraps it must not be used from two goroutines at once.
type recording struct {
	rec recorder // apart, since a handler's writer must not have the methods below
}

// Init points it at w. It must be called before anything else.
func (r *recording) Init(w http.ResponseWriter, hook headerHook) { r.rec.init(w, hook) }

// Writer is what the handler gets: it can do what w can.
func (r *recording) Writer() http.ResponseWriter { return r.rec.writer() }

// Header is the header of the answer.
func (r *recording) Header() http.Header { return r.rec.inner.Header() }

// Sniff, called by the hook, asks for [recording.ContentType] to be known even if
// the handler sets none.
func (r *recording) Sniff() { r.rec.wantSniff = true }

// BeginsAsHTML reports, to the hook, that the answer is surely HTML although
// its header does not say so. False says nothing.
func (r *recording) BeginsAsHTML() bool { return r.rec.beginsAsHTML() }

// Keep, called by the hook, gives a copy of the body to a tee. It may be nil.
func (r *recording) Keep(tee *scan.Tee) { r.rec.answer = tee }

// Begun reports whether an answer has begun, or the handler has taken the connection.
func (r *recording) Begun() bool { return r.rec.hooked || r.rec.hijacked }

// Hijacked reports that the connection is the handler's: there is no answer.
func (r *recording) Hijacked() bool { return r.rec.hijacked }

// HasBody reports whether the answer has a body so far.
func (r *recording) HasBody() bool { return r.rec.wrote }

// IsServers reports whether the writer is that of a server, which answers 200 if
// nothing is written.
func (r *recording) IsServers() bool { return isServers(r.rec.inner) }

// Mute lets the hook be told nothing any more.
func (r *recording) Mute() { r.rec.hooked = true }

// Finish is called after the handler returned normally. If nothing was written
// net/http is about to send an empty 200, which is a response like any other.
func (r *recording) Finish() { r.rec.finish() }

// ContentType is what the client was told, to be asked after the handler
// returned: the header as it stood when it was written, else what net/http
// detects, "" if neither is known. It is detected only with [recording.Sniff].
func (r *recording) ContentType() string { return r.rec.contentType() }
