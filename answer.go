package goaltrack

import "net/http"

// answerLimit bounds the part of an answer that is kept for a goal that looks
// into it.
const answerLimit = 16 << 10

// answerTee keeps the beginning of an answer's body while it is written.
type answerTee struct {
	kept []byte
	over bool // there was more
}

func (a *answerTee) keep(p []byte) {
	if room := answerLimit - len(a.kept); len(p) > room {
		p, a.over = p[:room], true
	}
	a.kept = append(a.kept, p...)
}

// body returns the whole body, nil if it was longer than answerLimit.
func (a *answerTee) body() []byte {
	if a.over {
		return nil
	}
	return a.kept
}

// isPlainJSON reports whether an answer with that header is JSON that can be
// read as it is written.
func isPlainJSON(h http.Header) bool {
	return formKindOf(h.Get("Content-Type")) == formKindJSON && h.Get("Content-Encoding") == ""
}
