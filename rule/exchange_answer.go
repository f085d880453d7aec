package rule

import (
	"net/http"

	"github.com/goaltrack/goaltrack/internal/scan"
)

// sees reports whether the answer tells a source: fires if it does, even if the
// value is not there.
func (x *Exchange) sees(s *source) Reason {
	switch {
	case !s.ofAnswer():
		return Fires
	case x.unanswered:
		return ReasonNothingWritten
	case s.kind == sourceResponseJSON:
		switch x.answer.Look() {
		case scan.AnswerRead:
			return Fires
		case scan.AnswerOpen:
			return pending
		default:
			return x.unreadable(x.answer.Why())
		}
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
	return ReasonAnswerUnreadable
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
	default:
		return Fires
	}
}
