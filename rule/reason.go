package rule

// Reason is what the rules make of a goal in one exchange: that it fires, or why it
// does not. Its name is what [Reason.String] returns. The names are a public
// contract: they stand in snapshots and logs, and never change. The numbers may
// change with any version. docs/reasons.md has the names in words, together with those
// of what happens to a goal outside of the rules.
type Reason uint8

const (
	// Fires says that all that the rule asks for holds. Its name is "fired".
	Fires Reason = iota

	// ReasonNotNavigation is given to a visit if the browser does not show the
	// answer as a page, but uses it inside one: in a frame, or by a script. If
	// it should count, let the application raise it ([Goal.Code]).
	ReasonNotNavigation
	// ReasonCondition is given if a line of if: does not hold, or one of unless:
	// does. [Verdict.Reason] and [Miss.Describe] say which. Change that line.
	ReasonCondition
	// ReasonNotNow is given outside of from: and until:, and by [Set.Explain] to
	// what is paused. Change the dates, or the timezone: in which they are read.
	ReasonNotNow
	// ReasonPaused is given to a goal raised in code if its rule says status:
	// paused. Write status: live.
	ReasonPaused
	// ReasonOtherHost is given if the host is not one of hosts:. Add it there; a
	// host without *. does not include those below it.
	ReasonOtherHost
	// ReasonOtherEnv is given to a goal raised in code if env: does not name the
	// environment. Add it there.
	ReasonOtherEnv
	// ReasonOtherForm is given if the form has another name than the form: of submit:
	// says. See [Submit.Form] for the fields in which it would.
	ReasonOtherForm
	// ReasonStatus is given to a visit that was not answered with 200 or 304, and
	// to a download that was not answered with 200 or 206. Nothing was shown, so
	// nothing is to be written.
	ReasonStatus
	// ReasonNotHTML is given to a visit that was answered with something else
	// than a page. For a file, write download:.
	ReasonNotHTML
	// ReasonCriticalCH is given to a visit whose answer the browser throws away, to ask
	// again with a client hint that the answer needs (Critical-CH). The second request
	// counts. Nothing is to be written.
	ReasonCriticalCH
	// ReasonNotSuccessful is given to a form if the answer is not what success:
	// says. If the application did accept it, write the status or the page that
	// it answers with, such as success: 200 or success: redirect to /thanks.
	ReasonNotSuccessful
	// ReasonDoubtfulRedirect is given to a form that leads to the home page,
	// where some sites have their log-in. If it was accepted, write success:
	// redirect to /.
	ReasonDoubtfulRedirect
	// ReasonNotConfirmed is given to a form with success: confirmed if the
	// handler has not confirmed it. Call goaltrack's Tracker.Confirm there.
	ReasonNotConfirmed
	// ReasonRange is given to a download of a part of a file that is not its
	// beginning, and to a first look of under 1 KiB. The request for the
	// beginning counts. Nothing is to be written.
	ReasonRange
	// ReasonNotAFile is given to a download whose address ends as that of a file does, such
	// as .pdf. The answer was JSON, or HTML that the browser shows, such as a page to log in.
	// If that is the file, let the answer say Content-Disposition: attachment, or write if: {
	// response.type: text/html }.
	ReasonNotAFile
	// ReasonRouteUnknown is given if a condition looks at the route, and no
	// router tells it. Write a condition on the path.
	ReasonRouteUnknown
	// ReasonValueTooLong is given if a text is over 2 KiB in a condition or over
	// 1 KiB in an event, or if a number is over the max: of value:. Raise that,
	// or leave the text out.
	ReasonValueTooLong
	// ReasonValueMissing is given if a value or a total is no number or below 0,
	// if an order has no ID, and if what count: is for has no value. Read it from
	// where it is always set, such as $app.total.
	ReasonValueMissing
	// ReasonNotAfter is given if what after: names did not come before, in this
	// order and within that time. Explain of a [Set] never gives it, since an example
	// has no past; that of a [Session] does. Name the goals that come before, or allow more time with within:.
	ReasonNotAfter

	// ReasonFormUnread is given if the goal reads the body, and the handler did
	// not read that to its end. If it did, something in front of goaltrack had
	// read it: let goaltrack come first.
	ReasonFormUnread
	// ReasonFormTooLarge is given if JSON is over 64 KiB, or the fields of a form that
	// goals name, or over what goaltrack's Config.Forms says. Read the value with $app,
	// which the handler sets.
	ReasonFormTooLarge
	// ReasonFormOverBudget is given if there was no memory for the body, since
	// too many were under way. It says nothing about the rule.
	ReasonFormOverBudget
	// ReasonFormEncoded is given if the body is compressed. Read the values with
	// $app, which the handler sets.
	ReasonFormEncoded
	// ReasonFormNotAForm is given if the body is not of the kind that the goal
	// reads, or is broken. Write json.x for the members of JSON, and form.x for
	// the fields of a form.
	ReasonFormNotAForm
	// ReasonFormReadOutside is given if something outside of goaltrack had read
	// the body. Let goaltrack come first.
	ReasonFormReadOutside

	// ReasonAnswerUnreadable is given if the rule looks at a part of the answer
	// that could not be read. It is JSON that is broken, over 16 KiB, or
	// compressed in another way than gzip and deflate. Or it is a part of the
	// header that a 304 leaves out (RFC 9110, section 15.4.5). Let the handler set
	// the value, and write $app.
	ReasonAnswerUnreadable
	// ReasonNothingWritten is given if the handler wrote nothing, and what is
	// around it may have answered otherwise. See NothingWritten in goaltrack's
	// Config.
	ReasonNothingWritten

	// ReasonUnknownGoal is given to what a page's script reports if no goal has that
	// name. A page that somebody kept open is older than the rules, or the report is made
	// up. Nothing is to be written.
	ReasonUnknownGoal
	// ReasonNoPageGoal is given to what a page's script reports if the goal does not
	// happen in a page: its rule says visit:, submit: or the like. Nothing is to be
	// written.
	ReasonNoPageGoal
	// ReasonOtherPage is given to what happened on a page that on: does not fit. Write
	// its path there.
	ReasonOtherPage
	// ReasonCameBefore is given if a goal that not after: names came before in the
	// session. Explain never gives it. Nothing is to be written.
	ReasonCameBefore
	// ReasonFieldMissing is given if a field that the event cannot be without has no value
	// ([Goal.Fields]). Read it from where it is always set, such as $app.price.
	ReasonFieldMissing
	// ReasonFieldInvalid is given if such a field has a value that the CDP would not take,
	// such as a price that is no number.
	ReasonFieldInvalid

	// ReasonCartUnknownItem is given to a CONFIRM of an item that was not added in this
	// session, and to the CHECKOUT after it. The CDP would accept both, and the order would
	// fail. Explain never gives it. Let a goal send ADD for each item.
	ReasonCartUnknownItem

	// ReasonOtherSession is given if it is not the session of the visitor for which
	// session: is, or if nobody knows which it is. Explain of a [Set] never gives it.
	// Nothing is to be written.
	ReasonOtherSession
	// ReasonPastForgotten is given if after:, not after: or a condition on first. asks what
	// happened before, and the visit cookie had no room to keep that, or no rule asked for
	// it then. Explain of a [Set] never gives it. Name fewer goals there.
	ReasonPastForgotten

	// Reasons is how many there are, Fires among them. It is not a reason.
	Reasons

	// pending: nobody can say before the handler has returned, because the form
	// is not read or the type of the answer not known yet. It never leaves here.
	pending = Reasons
)

var reasonNames = [Reasons]string{
	Fires:                  "fired",
	ReasonNotNavigation:    "not_navigation",
	ReasonCondition:        "condition",
	ReasonNotNow:           "not_now",
	ReasonPaused:           "paused",
	ReasonOtherHost:        "other_host",
	ReasonOtherEnv:         "other_env",
	ReasonOtherForm:        "other_form",
	ReasonStatus:           "status",
	ReasonNotHTML:          "not_html",
	ReasonCriticalCH:       "critical_ch",
	ReasonNotSuccessful:    "not_successful",
	ReasonDoubtfulRedirect: "doubtful_redirect",
	ReasonNotConfirmed:     "not_confirmed",
	ReasonRange:            "range",
	ReasonNotAFile:         "not_a_file",
	ReasonRouteUnknown:     "route_unknown",
	ReasonValueTooLong:     "value_too_long",
	ReasonValueMissing:     "value_missing",
	ReasonNotAfter:         "not_after",
	ReasonFormUnread:       "form_unread",
	ReasonFormTooLarge:     "form_too_large",
	ReasonFormOverBudget:   "form_over_budget",
	ReasonFormEncoded:      "form_encoded",
	ReasonFormNotAForm:     "form_not_a_form",
	ReasonFormReadOutside:  "form_read_outside",
	ReasonAnswerUnreadable: "answer_unreadable",
	ReasonNothingWritten:   "nothing_written",
	ReasonUnknownGoal:      "unknown_goal",
	ReasonNoPageGoal:       "no_page_goal",
	ReasonOtherPage:        "other_page",
	ReasonCameBefore:       "came_before",
	ReasonFieldMissing:     "field_missing",
	ReasonFieldInvalid:     "field_invalid",
	ReasonCartUnknownItem:  "cart_unknown_item",
	ReasonPastForgotten:    "past_forgotten",
	ReasonOtherSession:     "other_session",
}

// String is the reason's name, such as "doubtful_redirect". That of a value which
// is no reason is "pending".
func (r Reason) String() string {
	if r >= Reasons {
		return "pending"
	}
	return reasonNames[r]
}

// IsOfValue reports whether a value is missing or not one, which the application may
// still mend before the handler returns: [ReasonValueMissing], [ReasonValueTooLong],
// [ReasonFieldMissing], [ReasonFieldInvalid].
func (r Reason) IsOfValue() bool {
	return r == ReasonValueMissing || r == ReasonValueTooLong || r == ReasonFieldMissing || r == ReasonFieldInvalid
}
