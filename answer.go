package goaltrack

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// answerLimit bounds the part of an answer that is kept for a goal that looks
// into it: as it was written, and as it is when it is unpacked.
const answerLimit = 16 << 10

// answerState says what is known of the JSON in an answer. What is not known is
// never taken for what is not there: an answer that nobody could read says
// neither that a form was accepted nor that it was refused.
type answerState uint8

const (
	answerOpen   answerState = iota // the handler may still be writing
	answerKept                      // it is written; nobody has looked yet
	answerRead                      // it is JSON and was read to its end
	answerOther                     // it has no body, or one that is no JSON
	answerUnread                    // it may be JSON, and could not be read
)

// answerBody is the JSON in the body of an answer, which is kept while it is
// written and read when somebody looks. A nil one tells nothing.
type answerBody struct {
	state answerState
	why   string // it is not answerRead, in words
	tee   *answerTee
	json  jsonBody
}

// expect is told the header right before it is written. It returns a tee if the
// body may be JSON that can be read.
func (a *answerBody) expect(status int, h http.Header) *answerTee {
	media := mediaType(h.Get("Content-Type"))
	codings, unknown := codingsOf(h["Content-Encoding"])
	isTyped := isJSON(media)
	length, err := strconv.Atoi(h.Get("Content-Length"))
	switch {
	case !hasBody(status):
		a.state, a.why = answerOther, noBody
	case !isTyped && !mayHoldJSON(media):
		a.state, a.why = answerOther, notJSON(media)
	case unknown != "":
		a.fail(media, fmt.Sprintf("the answer is compressed in a way that cannot be read (%.40s)", unknown))
	case isTyped && err == nil && length > answerLimit:
		a.fail(media, tooLong)
	default:
		a.tee = &answerTee{media: media, codings: codings, length: -1, looks: !isTyped && len(codings) == 0}
		if err == nil {
			a.tee.length = length
		}
	}
	return a.tee
}

const (
	noBody  = "the answer has no body"
	tooLong = "the answer is longer than 16 KiB"
)

// fail notes that the answer could not be read. If its type is another than
// JSON, that is what it is taken for.
func (a *answerBody) fail(media, why string) {
	a.state, a.why = answerUnread, why
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

// end is told that the handler has returned.
func (a *answerBody) end() {
	if a != nil && a.state == answerOpen && a.tee != nil {
		a.state = answerKept
	}
}

// look unpacks and checks what was kept, when the first rule asks for it. That
// is after the handler has returned, and takes no longer than 16 KiB take.
func (a *answerBody) look() answerState {
	switch {
	case a == nil:
		return answerOpen
	case a.state != answerKept:
		return a.state
	}
	tee := a.tee
	text, why := tee.text()
	doc := jsonBody{text: text}
	switch {
	case why == "" && len(text) == 0 && !tee.other:
		a.state, a.why = answerOther, noBody
	case tee.other, why == "" && !isJSON(tee.media) && !beginsObject(text):
		a.state, a.why = answerOther, notJSON(tee.media)
	case why != "":
		a.fail(tee.media, why)
	case !doc.valid():
		a.fail(tee.media, "the answer is no whole JSON document")
	default:
		a.state, a.json = answerRead, doc
	}
	return a.state
}

// Why says in words what kept look from finding JSON, "" if nothing did.
func (a *answerBody) Why() string { return a.why }

// member returns what the answer says under a name; see [jsonBody.member].
func (a *answerBody) member(name string) any {
	if a.look() != answerRead {
		return nil
	}
	return a.json.member(name)
}

// givenAnswer is an answer that holds a text, "{}" if there is none and the type
// says that it is JSON, as if a handler had written it and packed it as the header
// says.
func givenAnswer(status int, contentType string, header http.Header, text string) *answerBody {
	a, h := new(answerBody), header.Clone()
	if h == nil {
		h = http.Header{}
	}
	h.Set("Content-Type", contentType)
	media := mediaType(contentType)
	if text == "" && isJSON(media) {
		text = "{}"
	}
	switch tee := a.expect(status, h); {
	case tee == nil:
	case text == "" && media != "": // a page
		a.state, a.why = answerOther, notJSON(media)
	default:
		tee.codings, tee.length = nil, -1
		keepAnswer(tee, text)
		a.end()
	}
	return a
}

// hasBody reports whether an answer of that status has a body
// (RFC 9110, section 6.4.1).
func hasBody(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

// mayHoldJSON reports whether JSON is found under a type that does not say so.
// PHP's scripts send text/html unless told otherwise, and net/http takes JSON
// for text/plain. Such a body is read only if it surely is JSON: an object, from
// its first byte to its last.
func mayHoldJSON(media string) bool {
	if media == "" {
		return true
	}
	kind, name, _ := strings.Cut(strings.ToLower(media), "/")
	return kind == "text" || kind == "application" && (name == "javascript" || name == "x-javascript")
}
