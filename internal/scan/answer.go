package scan

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// AnswerLimit is how many bytes of an answer are read, both as it was written
// and after it is unpacked.
const AnswerLimit = 16 << 10

// AnswerState says what is known of the JSON in an answer. What is not known is
// never taken for absent. An answer that nobody could read says neither that a
// form was accepted nor that it was refused.
type AnswerState uint8

// The states of an answer.
const (
	AnswerOpen   AnswerState = iota // the handler may still be writing
	answerKept                      // it is written; nobody has looked yet
	AnswerRead                      // it is an object of JSON and was read to its end
	answerOther                     // it has no body, or one that is no such object
	AnswerUnread                    // it may be JSON, and could not be read
)

// Answer is the JSON in the body of an answer. The body is kept while it is
// written, and read when somebody asks. A nil Answer knows nothing.
type Answer struct {
	state AnswerState
	why   string // it is not AnswerRead, in words
	tee   *Tee
	json  JSON
}

// Expect must be called with the header right before it is written. It returns
// a tee if the body may be JSON that can be read.
func (a *Answer) Expect(status int, h http.Header) *Tee {
	media := mediaType(h.Get("Content-Type"))
	codings, unknown := codingsOf(h["Content-Encoding"])
	isTyped := isJSON(media)
	length, err := strconv.Atoi(h.Get("Content-Length"))
	switch {
	case !HasBody(status):
		a.state, a.why = answerOther, noBody
	case !isTyped && !mayHoldJSON(media):
		a.state, a.why = answerOther, notJSON(media)
	case unknown != "":
		a.fail(media, fmt.Sprintf("the answer is compressed in a way that cannot be read (%.40s)", unknown))
	case isTyped && err == nil && length > AnswerLimit:
		a.fail(media, tooLong)
	default:
		a.tee = &Tee{media: media, codings: codings, length: -1, looks: !isTyped && len(codings) == 0}
		if err == nil {
			a.tee.length = length
		}
	}
	return a.tee
}

const (
	noBody   = "the answer has no body"
	tooLong  = "the answer is longer than 16 KiB"
	noObject = "the answer is JSON, but no object ({...})"
)

// fail notes that the answer could not be read. If its type is not JSON, the
// answer is taken for what its type says.
func (a *Answer) fail(media, why string) {
	a.state, a.why = AnswerUnread, why
	if media != "" && !isJSON(media) {
		a.state, a.why = answerOther, notJSON(media)
	}
}

func notJSON(media string) string {
	if media == "" {
		return "the answer is no JSON"
	}
	return fmt.Sprintf("the answer is %.60s, not JSON", media)
}

// End must be called when the handler has returned.
func (a *Answer) End() {
	if a != nil && a.state == AnswerOpen && a.tee != nil {
		a.state = answerKept
	}
}

// Look unpacks and checks what was kept, at the first call. It is called after
// the handler has returned, and works on at most 16 KiB.
func (a *Answer) Look() AnswerState {
	switch {
	case a == nil:
		return AnswerOpen
	case a.state != answerKept:
		return a.state
	}
	tee := a.tee
	if tee.failed {
		a.state, a.why = AnswerUnread, "the answer could not be looked at"
		return a.state
	}
	text, why := tee.text()
	doc := JSON{Text: text}
	switch {
	case why == "" && len(text) == 0 && !tee.other:
		a.state, a.why = answerOther, noBody
	case tee.other, why == "" && !isJSON(tee.media) && !beginsObject(text):
		a.state, a.why = answerOther, notJSON(tee.media)
	case why != "":
		a.fail(tee.media, why)
	case !doc.Valid():
		a.fail(tee.media, "the answer is no whole JSON document")
	case !doc.IsObject():
		a.state, a.why = answerOther, noObject // a list has no members that could be absent
	default:
		a.state, a.json = AnswerRead, doc
	}
	return a.state
}

// Why says in words why [Answer.Look] found no JSON, "" if it found some.
func (a *Answer) Why() string { return a.why }

// Member returns the value of a member of the answer; see [JSON.Member].
func (a *Answer) Member(name string) any {
	if a.Look() != AnswerRead {
		return nil
	}
	return a.json.Member(name)
}

// Given makes an answer with the given text, as if a handler had written it and
// packed it as the header says. Without a text, the body is "{}" if the type
// says that it is JSON.
func Given(status int, contentType string, header http.Header, text string) *Answer {
	a, h := new(Answer), header.Clone()
	if h == nil {
		h = http.Header{}
	}
	h.Set("Content-Type", contentType)
	media := mediaType(contentType)
	if text == "" && isJSON(media) {
		text = "{}"
	}
	switch tee := a.Expect(status, h); {
	case tee == nil:
	case text == "" && media != "": // a page
		a.state, a.why = answerOther, notJSON(media)
	default:
		tee.codings, tee.length = nil, -1
		Keep(tee, text)
		a.End()
	}
	return a
}

// HasBody reports whether an answer of that status has a body
// (RFC 9110, section 6.4.1).
func HasBody(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

// mayHoldJSON reports whether a body of that type may be JSON although the type
// does not say so. PHP's scripts send text/html unless told otherwise, and
// net/http takes JSON for text/plain. Such a body is read only if it is surely
// JSON: one object from its first byte to its last.
func mayHoldJSON(media string) bool {
	if media == "" {
		return true
	}
	kind, name, _ := strings.Cut(strings.ToLower(media), "/")
	return kind == "text" || kind == "application" && (name == "javascript" || name == "x-javascript")
}
