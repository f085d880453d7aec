package rule

// Miss is why a goal whose path and method matched did not count, as far as it can be
// put right in the rule file. Misses are compared with ==: equal ones are described
// alike.
type Miss struct {
	reason Reason
	status int
	failed string // the condition that did not hold, in words
	refusal
}

// Missed is the near miss of a goal that was judged last and got that reason. Not ok is
// what is not worth showing to those who wrote the rule.
func (x *Exchange) Missed(r Reason) (m Miss, ok bool) {
	switch r {
	case ReasonCondition:
		m.failed = "a condition does not hold"
		if x.failed != nil {
			m.failed = x.failed.failure
		}
	case ReasonAnswerUnreadable:
		m.failed = x.unreadWhy
	case ReasonFieldMissing, ReasonFieldInvalid:
		m.failed = "a field of the event cannot be sent"
		if x.fieldFault != "" {
			m.failed += ": " + x.fieldFault
		}
	case ReasonNotSuccessful, ReasonDoubtfulRedirect:
		m.status = x.status
		if x.refusal != nil {
			m.refusal = *x.refusal
		}
	case ReasonStatus:
		m.status = x.status
	case ReasonNotAfter, ReasonCartUnknownItem, ReasonCameBefore, ReasonPastForgotten, ReasonOtherSession, ReasonNotHTML, ReasonNotConfirmed, ReasonRange, ReasonNotAFile, ReasonRouteUnknown, ReasonNothingWritten, ReasonValueTooLong,
		ReasonValueMissing, ReasonFormUnread, ReasonFormTooLarge, ReasonFormEncoded, ReasonFormNotAForm, ReasonFormReadOutside, ReasonOtherForm:
	default:
		return m, false
	}
	m.reason = r
	return m, true
}

// Describe puts a near miss of a goal in words. hint says what to write, "" if nothing
// can be said of that.
func (m Miss) Describe(c *Cause) (what, hint string) {
	if m.failed != "" {
		return m.failed, ""
	}
	if what, hint = m.inWords(""); what != "" {
		x := Exchange{status: m.status, location: m.to}
		return "answered " + x.answered() + "; " + what, hint
	}
	x := Exchange{status: m.status}
	what = c.why(m.reason, &x)
	if m.reason == ReasonNotSuccessful && m.status == 200 {
		hint = "if that means the form was accepted, write success: 200"
	}
	return what, hint
}
