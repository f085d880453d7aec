package page

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/goaltrack/goaltrack/internal/hostname"
	"github.com/goaltrack/goaltrack/internal/script"
	"github.com/goaltrack/goaltrack/internal/web"
)

// The bounds of a message.
const (
	mostBytes = 2 << 10
	mostData  = 20  // names in d
	mostName  = 40  // bytes of one
	mostValue = 200 // characters of a value
	mostGoal  = 100
	mostID    = 64
	leastID   = 8
	mostTime  = 10 * time.Second // for it to come
)

// The reasons why a message is not read. They are notes of the tracker's snapshot, and
// docs/operations.md says what to do about each.
const (
	noteMethod    = "page_method"
	noteCrossSite = "page_cross_site"
	noteNotJSON   = "page_not_json"
	noteTooLarge  = "page_too_large"
	noteUnread    = "page_unread"
	noteMalformed = "page_malformed"
)

// collect takes what a script tells. It always answers 204: a page cannot do anything
// about it, and whoever makes up messages learns nothing.
func (p *Page) collect(w http.ResponseWriter, r *http.Request) {
	m, refusal := p.read(w, r)
	if refusal == "" {
		p.tracker.Tell(w, r, m)
		return
	}
	p.tracker.Note(refusal)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
}

// read reads a message, or says why not. The order is by what a look at it costs.
func (p *Page) read(w http.ResponseWriter, r *http.Request) (m *script.Message, refusal string) {
	switch {
	case r.Method != http.MethodPost:
		return nil, noteMethod
	case !p.isOwn(r):
		return nil, noteCrossSite
	case !isJSON(r.Header):
		return nil, noteNotJSON
	case r.Body == nil:
		return nil, noteMalformed
	case r.ContentLength > mostBytes:
		p.leave(w, r)
		return nil, noteTooLarge
	}
	// A handler that reads without a limit of its own would hold a client that never sends
	// on. Where a deadline is not supported, the server's own holds.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(p.patience))
	room := rooms.Get().(*[mostBytes + 1]byte) //nolint:forcetypeassert // Nothing else is put there.
	defer rooms.Put(room)
	buf := room[:]
	if r.ContentLength >= 0 {
		buf = buf[:r.ContentLength+1]
	}
	n, err := io.ReadFull(r.Body, buf)
	switch {
	case err == nil:
		p.leave(w, r)
		return nil, noteTooLarge
	case err != io.EOF && err != io.ErrUnexpectedEOF:
		return nil, noteUnread
	}
	m, stamp := parse(buf[:n])
	if m == nil {
		return nil, noteMalformed
	}
	if m.Goal == "" {
		var first bool
		if m.Another, first = p.process.met(stamp, p.tracker.Host(r)); first {
			p.tracker.Several()
		}
		m.Elsewhere = m.Another || p.process.several.Load()
	}
	return m, ""
}

// leave ends the connection behind the answer, so that the rest of a body is no request.
// net/http reads what comes of it meanwhile, up to 256 KiB, and with a deadline: the client
// may never send on. With HTTP/2, only the stream ends: the connection may be that of a CDN,
// with other visitors on it.
func (p *Page) leave(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor < 2 {
		w.Header().Set("Connection", "close")
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(p.patience))
}

// rooms are where bodies are read. What is made of one keeps nothing of it.
var rooms = sync.Pool{New: func() any { return new([mostBytes + 1]byte) }}

// isOwn reports whether a page of the site sends the request. Browsers that do not say so
// in Sec-Fetch-Site name the page's origin (https://fetch.spec.whatwg.org/#origin-header).
func (p *Page) isOwn(r *http.Request) bool {
	if site, ok := web.First(r.Header["Sec-Fetch-Site"]); ok {
		return site == "same-origin"
	}
	origin, _ := web.First(r.Header["Origin"])
	_, host, ok := strings.Cut(origin, "://")
	return ok && hostname.SameOrigin(host, p.tracker.Host(r))
}

// isJSON reports whether the body is JSON by its type. A page of another site cannot send
// that without asking first, which is answered with no leave
// (https://fetch.spec.whatwg.org/#cors-safelisted-request-header).
func isJSON(h http.Header) bool {
	mime, _ := web.First(h["Content-Type"])
	mime, _, _ = strings.Cut(mime, ";")
	return strings.EqualFold(strings.TrimSpace(mime), "application/json")
}
