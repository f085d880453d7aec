package goaltrack

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
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

// answerBody is the body of an answer as rules see it. There is one only if a
// rule looks into it.
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

// member returns what the answer says under a name; see [jsonBody.member].
func (a *answerBody) member(name string) any {
	if a.look() != answerRead {
		return nil
	}
	return a.json.member(name)
}

// hasBody reports whether an answer of that status has a body
// (RFC 9110, section 6.4.1).
func hasBody(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

// mediaType is a Content-Type without its parameters.
func mediaType(contentType string) string {
	media, _, _ := strings.Cut(contentType, ";")
	return strings.TrimSpace(media)
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

// answerTee keeps the beginning of an answer's body while it is written.
type answerTee struct {
	media   string
	codings []coding // in the order in which they were applied
	length  int      // Content-Length; -1 when unknown
	looks   bool     // the first byte tells whether it is JSON
	kept    []byte
	over    bool // there was more
	other   bool // it is no JSON
}

// keepAnswer keeps bytes that were written.
func keepAnswer[T []byte | string](a *answerTee, p T) {
	if !a.wants() {
		return
	}
	room := answerLimit - len(a.kept)
	a.over = len(p) > room
	a.kept = append(a.kept, p[:min(len(p), room)]...)
	if begin := trimJSON(a.kept); a.looks && len(begin) > 0 && !bytes.HasPrefix(byteOrderMark, a.kept) {
		a.looks, a.other = false, !beginsObject(begin)
	}
	if !a.wants() {
		a.kept = nil
	}
}

// wants reports whether bytes still to come matter.
func (a *answerTee) wants() bool { return a != nil && !a.over && !a.other }

func beginsObject(text []byte) bool { return len(text) > 0 && text[0] == '{' }

// text is the whole body, unpacked. why says in words what kept it from being
// read.
func (a *answerTee) text() (text []byte, why string) {
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

var byteOrderMark = []byte("\xef\xbb\xbf")

// trimJSON cuts off what may stand before a JSON document: blanks, and the byte
// order mark that some editors put before a script (RFC 8259, section 8.1).
func trimJSON(text []byte) []byte {
	return bytes.TrimLeft(bytes.TrimPrefix(text, byteOrderMark), " \t\r\n")
}

// sees reports whether the answer tells a source: fires if it does, even if the
// value is not there.
func (x *exchange) sees(s *source) reason {
	switch {
	case !s.ofAnswer():
		return fires
	case x.unanswered:
		return reasonNothingWritten
	case s.kind == sourceResponseJSON:
		switch x.answer.look() {
		case answerRead:
			return fires
		case answerOpen:
			return pending
		}
		return x.unreadable(x.answer.why)
	case s.ofType():
		switch {
		case !x.typeKnown:
			return pending
		case x.contentType == "" && (x.bodied || x.status == http.StatusNotModified):
			return x.unreadable("the answer does not say of what type it is")
		}
	case x.status == http.StatusNotModified && x.responseHeader[s.name] == nil:
		// RFC 9110, section 15.4.5: most of the header is left out.
		return x.unreadable("a 304 does not tell all of the header")
	}
	return fires
}

func (x *exchange) unreadable(why string) reason {
	x.unreadWhy = why
	return reasonAnswerUnreadable
}

// ofAnswer reports whether the source is a part of the answer.
func (s *source) ofAnswer() bool {
	return s.kind == sourceResponseJSON || s.kind == sourceResponseHeader || s.kind == sourceResponseType
}

// ofType reports whether the source is the answer's Content-Type, which net/http
// may yet detect.
func (s *source) ofType() bool {
	return s.kind == sourceResponseType || s.kind == sourceResponseHeader && s.name == "Content-Type"
}

// judgeData reports whether what the goal sends of the answer's JSON is known.
// If there is no JSON, it is known not to be there.
func (x *exchange) judgeData(n *needs) reason {
	if !n.answerJSON || x.blind || x.unanswered {
		return fires
	}
	switch x.answer.look() {
	case answerOpen:
		return pending
	case answerUnread:
		return x.unreadable(x.answer.why)
	}
	return fires
}

// judgeAnswer tests the conditions of success:. They hold only for an answer
// that is no failure: 2xx, or a redirect that is a success.
func (s *success) judgeAnswer(x *exchange, pages *failurePages) reason {
	untold := x.blind && x.location == "" && isRedirect(x.status)
	if x.status/100 != 2 && !untold && !s.namesRedirect(x) {
		f := x.judgeRedirect(pages, s.leaves)
		x.refusal = refusal{} // the rule says what to write
		if f != fires && (f != reasonDoubtfulRedirect || s.onlyAbsent()) {
			return f
		}
	}
	verdict := fires
	x.failed = nil
	for i := range s.answer {
		switch f := s.answer[i].holds(x); f {
		case fires:
		case pending:
			verdict = pending
		case reasonCondition:
			return reasonNotSuccessful
		default:
			return f
		}
	}
	return verdict
}

// onlyAbsent reports whether success: is content with what is not there.
func (s *success) onlyAbsent() bool {
	return !slices.ContainsFunc(s.answer, func(c condition) bool { return !c.test.absent })
}

// namesRedirect reports whether success: speaks of a header that only the
// accepted form's redirect has: the Location itself, or where that does not lead
// to a page of this site another: a payment page that is named, or the X-Action-Redirect of a Next.js
// server action, which is a 303 without Location
// (https://github.com/vercel/next.js/issues/74026).
func (s *success) namesRedirect(x *exchange) bool {
	if !isRedirect(x.status) {
		return false
	}
	_, _, here := x.redirectTarget()
	for i := range s.answer {
		c := &s.answer[i]
		if c.from.kind != sourceResponseHeader || c.test.absent || x.responseHeader[c.from.name] == nil {
			continue
		}
		switch isLocation := c.from.name == "Location"; {
		case isLocation && !c.test.present, !isLocation && !here: // any redirect has a Location
			return true
		}
	}
	return false
}
