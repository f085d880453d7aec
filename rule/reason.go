package rule

// Reason is what the rules make of a goal in one exchange: it fires, it cannot
// be judged yet, or why it does not fire. Its names are a public contract: they
// stand in snapshots, logs and the table in docs/operations.md, and never change.
type Reason uint8

const (
	// Fires says that all that the rule asks for holds.
	Fires Reason = iota

	// The rule did not hold.
	reasonNotNavigation
	reasonCondition
	reasonNotNow
	reasonPaused
	reasonOtherHost
	reasonOtherEnv
	reasonOtherForm
	reasonStatus
	reasonNotHTML
	reasonNotSuccessful
	reasonDoubtfulRedirect
	reasonNotConfirmed
	reasonRange
	reasonRouteUnknown
	reasonValueTooLong
	reasonValueMissing
	// ReasonNotAfter says that what after: names did not come before.
	ReasonNotAfter

	// The form could not be read.
	reasonFormUnread
	reasonFormTooLarge
	reasonFormOverBudget
	reasonFormEncoded
	reasonFormNotAForm
	reasonFormReadOutside

	// The answer says nothing.
	reasonAnswerUnreadable
	reasonNothingWritten

	// Reasons is how many there are, fires among them.
	Reasons

	// pending: nobody can say before the handler has returned, because the form
	// is not read or the type of the answer not known yet. It never leaves here.
	pending = Reasons
)

var reasonNames = [Reasons]string{
	Fires:                  "fired",
	reasonNotNavigation:    "not_navigation",
	reasonCondition:        "condition",
	reasonNotNow:           "not_now",
	reasonPaused:           "paused",
	reasonOtherHost:        "other_host",
	reasonOtherEnv:         "other_env",
	reasonOtherForm:        "other_form",
	reasonStatus:           "status",
	reasonNotHTML:          "not_html",
	reasonNotSuccessful:    "not_successful",
	reasonDoubtfulRedirect: "doubtful_redirect",
	reasonNotConfirmed:     "not_confirmed",
	reasonRange:            "range",
	reasonRouteUnknown:     "route_unknown",
	reasonValueTooLong:     "value_too_long",
	reasonValueMissing:     "value_missing",
	ReasonNotAfter:         "not_after",
	reasonFormUnread:       "form_unread",
	reasonFormTooLarge:     "form_too_large",
	reasonFormOverBudget:   "form_over_budget",
	reasonFormEncoded:      "form_encoded",
	reasonFormNotAForm:     "form_not_a_form",
	reasonFormReadOutside:  "form_read_outside",
	reasonAnswerUnreadable: "answer_unreadable",
	reasonNothingWritten:   "nothing_written",
}

// String is the name under which the reason is counted.
func (r Reason) String() string {
	if r == pending {
		return "pending"
	}
	return reasonNames[r]
}

// IsOfValue reports that a value is missing or not one, which the application may
// still mend.
func (r Reason) IsOfValue() bool { return r == reasonValueMissing || r == reasonValueTooLong }
