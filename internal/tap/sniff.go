package tap

import (
	"net/http"

	"github.com/goaltrack/goaltrack/internal/web"
)

// sniffLen is how many leading bytes net/http looks at when a response has no
// Content-Type (see [http.DetectContentType]).
const sniffLen = 512

// contentType returns the type that the client was told. It is called after the
// handler returned. It is the header's value when it was written, or else what
// net/http detects, or "" if neither is known. It is detected only with
// wantSniff.
func (rec *recorder) contentType() string {
	rec.endSniff()
	return rec.ctype
}

// detects reports whether net/http will detect the Content-Type.
func (rec *recorder) detects(h http.Header) bool {
	_, typed := h["Content-Type"]
	coding, _ := web.First(h["Content-Encoding"])
	return !typed && coding == "" && !rec.ownFraming(h)
}

// leadLen is how many bytes are enough to recognise HTML, and nearly everything else that
// begins in a way of its own. If a text does, the rest cannot change what net/http
// detects, because it tries these patterns in turn.
const leadLen = 64

// beginsAs is for the hook. It returns the type that net/http will surely detect, as the
// header does not say it, and "" if that is not known yet.
func (rec *recorder) beginsAs() string {
	n := max(len(rec.lead), len(rec.leadText))
	if n == 0 || !rec.detects(rec.inner.Header()) {
		return ""
	}
	kind := http.DetectContentType(rec.leadOf(min(n, leadLen)))
	if kind != anyText && kind != anyBytes {
		return kind
	}
	if n < sniffLen {
		return "" // what follows may change it
	}
	return http.DetectContentType(rec.leadOf(sniffLen))
}

// These are what net/http detects where nothing else fits.
const (
	anyText  = "text/plain; charset=utf-8"
	anyBytes = "application/octet-stream"
)

// leadOf is the beginning of what is about to be written.
func (rec *recorder) leadOf(n int) []byte {
	if rec.leadText != "" {
		return []byte(rec.leadText[:n])
	}
	return rec.lead[:n]
}

// ownFraming reports whether the handler set a Transfer-Encoding. That turns
// detection off in HTTP/1. HTTP/2 drops the header, and has no Hijack.
func (rec *recorder) ownFraming(h http.Header) bool {
	return h.Get("Transfer-Encoding") != "" && rec.offers&canHijack != 0
}

// sniffRoom returns how many more bytes decide the Content-Type, at least one.
func (rec *recorder) sniffRoom() int { return sniffLen - len(rec.kept) }

// sniff keeps the bytes that net/http will look at. It judges a long first
// write without a copy.
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

// keep is sniff for a string that is not longer than sniffRoom.
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

// endSniff runs when the header goes out: after 512 bytes, at a flush, or at
// the end. A header that goes out before any byte has no Content-Type.
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
