package tap

import (
	"net/http"

	"github.com/goaltrack/goaltrack/internal/web"
)

// sniffLen is how many leading bytes net/http looks at when a response has no
// Content-Type (see [http.DetectContentType]).
const sniffLen = 512

// contentType is what the client was told, to be asked after the handler
// returned: the header as it stood when it was written, else what net/http
// detects, "" if neither is known. It is detected only with wantSniff.
func (rec *recorder) contentType() string {
	rec.endSniff()
	return rec.ctype
}

// detects reports whether net/http will detect the Content-Type.
func (rec *recorder) detects(h http.Header) bool {
	_, typed := h["Content-Type"]
	return !typed && h.Get("Content-Encoding") == "" && !rec.ownFraming(h)
}

// leadLen is enough to know HTML by. If a text begins as HTML, no more of it can
// change what net/http detects: the patterns of HTML are tried first.
const leadLen = 64

// beginsAsHTML reports, to the hook, that the answer is surely HTML although
// its header does not say so. False says nothing.
func (rec *recorder) beginsAsHTML() bool {
	lead := rec.lead[:min(len(rec.lead), leadLen)]
	if rec.leadText != "" {
		lead = []byte(rec.leadText[:min(len(rec.leadText), leadLen)])
	}
	return len(lead) > 0 && rec.detects(rec.inner.Header()) && web.IsHTML(http.DetectContentType(lead))
}

// ownFraming reports a Transfer-Encoding set by the handler, which turns
// detection off in HTTP/1 (and is dropped by HTTP/2, which has no Hijack).
func (rec *recorder) ownFraming(h http.Header) bool {
	return h.Get("Transfer-Encoding") != "" && rec.offersHijack
}

// sniffRoom is how many more bytes decide the Content-Type, at least one.
func (rec *recorder) sniffRoom() int { return sniffLen - len(rec.kept) }

// sniff takes part in what net/http will look at. A long first write is judged
// where it lies.
func (rec *recorder) sniff(p []byte) {
	if len(rec.kept) == 0 && len(p) >= sniffLen {
		rec.ctype = http.DetectContentType(p[:sniffLen])
		rec.sniffing = false
		return
	}
	p = p[:min(len(p), rec.sniffRoom())]
	rec.grow()
	rec.kept = append(rec.kept, p...)
	rec.sniffFull()
}

// keep is sniff for a string that is no longer than sniffRoom.
func (rec *recorder) keep(s string) {
	rec.grow()
	rec.kept = append(rec.kept, s...)
	rec.sniffFull()
}

func (rec *recorder) grow() {
	if rec.kept == nil {
		rec.kept = make([]byte, 0, sniffLen)
	}
}

func (rec *recorder) sniffFull() {
	if len(rec.kept) == sniffLen {
		rec.endSniff()
	}
}

// endSniff is reached when the header goes out (512 bytes, a flush, the end).
// A header that goes out ahead of any byte has no Content-Type.
func (rec *recorder) endSniff() {
	if !rec.sniffing {
		return
	}
	rec.sniffing = false
	if len(rec.kept) > 0 {
		rec.ctype = http.DetectContentType(rec.kept)
		rec.kept = nil
	}
}
