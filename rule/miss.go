package rule

// Miss is why a goal whose path and method matched did not count, as far
// as it can be put right in the rule file.
type Miss struct {
	reason Reason
	status int
	failed string // the condition that did not hold, in words
	refusal
}

// Missed is the near miss of a goal that met that reason. ok is false if it is not
// worth showing to whoever wrote the rule.
func (x *Exchange) Missed(r Reason) (m Miss, ok bool) {
	switch r {
	case reasonCondition:
		m.failed = "a condition does not hold"
		if x.failed != nil {
			m.failed = x.failed.failure
		}
	case reasonAnswerUnreadable:
		m.failed = x.unreadWhy
	case reasonNotSuccessful, reasonDoubtfulRedirect:
		m.status, m.refusal = x.status, x.refusal
	case reasonStatus:
		m.status = x.status
	case ReasonNotAfter, reasonNotHTML, reasonNotConfirmed, reasonRange, reasonRouteUnknown, reasonNothingWritten, reasonValueTooLong,
		reasonValueMissing, reasonFormUnread, reasonFormTooLarge, reasonFormEncoded, reasonFormNotAForm, reasonFormReadOutside, reasonOtherForm:
	default:
		return m, false
	}
	m.reason = r
	return m, true
}

// Describe puts a near miss in words.
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
	if m.reason == reasonNotSuccessful && m.status == 200 {
		hint = "if that means the form was accepted, write success: 200"
	}
	return what, hint
}
