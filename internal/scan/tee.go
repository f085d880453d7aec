package scan

import (
	"bytes"
	"slices"
)

// Tee keeps the beginning of an answer's body while it is written; see [Keep].
// A nil Tee keeps nothing.
type Tee struct {
	media   string
	codings []coding // in the order in which they were applied
	length  int      // Content-Length; -1 when unknown
	looks   bool     // the first byte tells whether it is JSON
	kept    []byte
	over    bool // there was more
	other   bool // it is no JSON
	begins  bool // the beginning is enough
	failed  bool // nobody can say what it holds
}

// Beginning makes a tee that keeps the beginning of any answer.
func Beginning() *Tee { return &Tee{begins: true} }

// Begun returns what a tee of [Beginning] has kept. It belongs to the tee.
func (a *Tee) Begun() []byte { return a.kept }

// Keep keeps bytes that the handler writes.
func Keep[T []byte | string](a *Tee, p T) {
	if !a.Wants() {
		return
	}
	room := AnswerLimit - len(a.kept)
	a.over = len(p) > room
	a.kept = append(a.kept, p[:min(len(p), room)]...)
	if begin := trimJSON(a.kept); a.looks && len(begin) > 0 && !bytes.HasPrefix(byteOrderMark, a.kept) {
		a.looks, a.other = false, !beginsObject(begin)
	}
	if !a.Wants() && !a.begins {
		a.kept = nil
	}
}

// Fail gives up what was kept. What the answer holds is not known then.
func (a *Tee) Fail() {
	if a != nil {
		a.kept, a.over, a.failed = nil, true, true
	}
}

// Wants reports whether later bytes still matter.
func (a *Tee) Wants() bool { return a != nil && !a.over && !a.other }

func beginsObject(text []byte) bool { return len(text) > 0 && text[0] == '{' }

// text returns the whole body, unpacked. why says in words why it could not be
// read.
func (a *Tee) text() (text []byte, why string) {
	switch {
	case a.over:
		return nil, tooLong
	case a.length >= 0 && a.length != len(a.kept):
		return nil, "the answer is cut off"
	case len(a.kept) == 0: // nothing at all, however it was to be compressed
		return nil, ""
	}
	text = a.kept
	for _, c := range slices.Backward(a.codings) { // the last was applied on top
		if text, why = c.unpack(text); why != "" {
			return nil, why
		}
	}
	return trimJSON(text), ""
}
