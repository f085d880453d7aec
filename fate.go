package goaltrack

// fate is how a decision about one goal in one request ended, or how the
// delivery of one event ended. Every decision and every event ends in exactly
// one, and the ledger counts them by the names below.
type fate uint8

const (
	fired fate = iota // the goal counted; its event was offered to the queue

	// The gate: this visitor or this kind of request is not counted.
	fateOptOut
	fateGPC
	fateHealthCheck
	fateEditor
	fateStaff
	fateConsentUnknown
	fateConsentRefused
	fateConsentExpired
	fateConsentHoldFull
	fatePrefetch
	fateBot
	fateNotNavigation

	// The rule did not hold.
	fateCondition
	fateNotNow
	fatePaused
	fateOtherHost
	fateOtherEnv
	fateOtherForm
	fateStatus
	fateNotHTML
	fateNotSuccessful
	fateDoubtfulRedirect
	fateNotConfirmed
	fateRejected
	fateRange
	fateRouteUnknown
	fateValueTooLong
	fateValueMissing

	// The form could not be read.
	fateFormUnread
	fateFormTooLarge
	fateFormOverBudget
	fateFormEncoded
	fateFormNotAForm
	fateFormReadOutside

	// The answer says nothing.
	fateAnswerUnreadable
	fateNothingWritten

	// The request did not end well.
	fatePanicked
	fateHijacked
	fateTimedOut
	fateClientGone

	// The goal held, but count: or after: did not.
	fateAlreadyCounted
	fateNotAfter

	// The goal held, and its rule says not to send it.
	fateDraft

	// The event could not be sent.
	fateNoIdentity
	fateNoBrowserID
	fateInsecure
	fateEventInvalid
	fateBeforeSend
	fateQueueFull
	fateDiskFull
	fateDiskFailed
	fateClosed

	// Nothing is decided yet: the event waits for the visitor's consent.
	fateHeld

	decisionFates // those above are fates of decisions

	// Deliveries.
	fateDelivered
	fateDead
	fateShutdown
	fateDamaged

	fateCount
)

// fateNames are the names used in snapshots, logs and the table in docs/operations.md.
var fateNames = [fateCount]string{
	fired:                "fired",
	fateOptOut:           "opt_out",
	fateGPC:              "gpc",
	fateHealthCheck:      "health_check",
	fateEditor:           "editor",
	fateStaff:            "staff",
	fateConsentUnknown:   "consent_unknown",
	fateConsentRefused:   "consent_refused",
	fateConsentExpired:   "consent_expired",
	fateConsentHoldFull:  "consent_hold_full",
	fatePrefetch:         "prefetch",
	fateBot:              "bot",
	fateNotNavigation:    "not_navigation",
	fateCondition:        "condition",
	fateNotNow:           "not_now",
	fatePaused:           "paused",
	fateOtherHost:        "other_host",
	fateOtherEnv:         "other_env",
	fateOtherForm:        "other_form",
	fateStatus:           "status",
	fateNotHTML:          "not_html",
	fateNotSuccessful:    "not_successful",
	fateDoubtfulRedirect: "doubtful_redirect",
	fateNotConfirmed:     "not_confirmed",
	fateRejected:         "rejected_by_handler",
	fateRange:            "range",
	fateRouteUnknown:     "route_unknown",
	fateValueTooLong:     "value_too_long",
	fateValueMissing:     "value_missing",
	fateFormUnread:       "form_unread",
	fateFormTooLarge:     "form_too_large",
	fateFormOverBudget:   "form_over_budget",
	fateFormEncoded:      "form_encoded",
	fateFormNotAForm:     "form_not_a_form",
	fateFormReadOutside:  "form_read_outside",
	fateAnswerUnreadable: "answer_unreadable",
	fateNothingWritten:   "nothing_written",
	fatePanicked:         "panicked",
	fateHijacked:         "hijacked",
	fateTimedOut:         "timed_out",
	fateClientGone:       "client_gone",
	fateAlreadyCounted:   "already_counted",
	fateNotAfter:         "not_after",
	fateDraft:            "draft",
	fateNoIdentity:       "no_identity",
	fateNoBrowserID:      "no_browser_id",
	fateInsecure:         "insecure",
	fateEventInvalid:     "event_invalid",
	fateBeforeSend:       "before_send",
	fateQueueFull:        "queue_full",
	fateDiskFull:         "disk_full",
	fateDiskFailed:       "disk_failed",
	fateClosed:           "closed",
	fateHeld:             "held",
	fateDelivered:        "delivered",
	fateDead:             "dead",
	fateShutdown:         "shutdown",
	fateDamaged:          "damaged",
}

func (f fate) String() string { return fateNames[f] }
