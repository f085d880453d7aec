package rule

import (
	"net/http"
	"slices"

	"github.com/goaltrack/goaltrack/internal/scan"
	"github.com/goaltrack/goaltrack/internal/web"
)

// sees reports whether the answer tells a source: fires if it does, even if the
// value is not there.
func (x *Exchange) sees(s *source) Reason {
	switch {
	case !s.ofAnswer():
		return Fires
	case x.unanswered:
		return reasonNothingWritten
	case s.kind == sourceResponseJSON:
		switch x.answer.Look() {
		case scan.AnswerRead:
			return Fires
		case scan.AnswerOpen:
			return pending
		}
		return x.unreadable(x.answer.Why())
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
	return Fires
}

func (x *Exchange) unreadable(why string) Reason {
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
func (x *Exchange) judgeData(n *needs) Reason {
	if !n.answerJSON || x.blind || x.unanswered {
		return Fires
	}
	switch x.answer.Look() {
	case scan.AnswerOpen:
		return pending
	case scan.AnswerUnread:
		return x.unreadable(x.answer.Why())
	}
	return Fires
}

// judgeAnswer tests the conditions of success:. They hold only for an answer
// that is no failure: 2xx, or a redirect that is a success.
func (s *success) judgeAnswer(x *Exchange, pages *failurePages) Reason {
	untold := x.blind && x.location == "" && web.IsRedirect(x.status)
	if x.status/100 != 2 && !untold && !s.namesRedirect(x) {
		f := x.judgeRedirect(pages, s.leaves)
		x.refusal = refusal{} // the rule says what to write
		if f != Fires && (f != reasonDoubtfulRedirect || s.onlyAbsent()) {
			return f
		}
	}
	verdict := Fires
	x.failed = nil
	for i := range s.answer {
		switch f := s.answer[i].holds(x); f {
		case Fires:
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
func (s *success) namesRedirect(x *Exchange) bool {
	if !web.IsRedirect(x.status) {
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
