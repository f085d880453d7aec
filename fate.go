package goaltrack

import (
	"fmt"

	"github.com/goaltrack/goaltrack/rule"
)

// A goal counts or not for many reasons. What the rules make of it is a reason;
// what became of it in the end, by the gate, the handler, count:, the queue or the
// delivery, is a fate. Each reason has a fate of the same name.

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
	fatePreview
	fateConsentUnknown
	fateConsentRefused
	fateConsentExpired
	fateConsentHoldFull
	fatePrefetch
	fateBot

	// The script of a page: it tells too much, or something for the second time.
	fateTooFast
	fateRepeated

	// The handler said so.
	fateRejected

	// The request did not end well.
	fatePanicked
	fateHijacked
	fateTimedOut
	fateClientGone

	// The goal held, but count: or after: did not.
	fateAlreadyCounted

	// The goal held, and its rule says not to send it.
	fateDraft

	// The event could not be sent.
	fateNoIdentity
	fateNoBrowserID
	fateNotABrowser
	fateVariantUnknown
	fateViewTwice
	fateFormTwice
	fateInsecure
	fateCookieDomain
	fateEventInvalid
	fateBeforeSend
	fateQueueFull
	fateVisitorFull
	fateDiskFull
	fateDiskFailed
	fateClosed

	// Nothing is decided yet: the event waits for the visitor's consent.
	fateHeld

	// The rule did not hold: see fateOf.
	fateOfRules
)

// decisionFates are the fates of decisions; those that follow are of deliveries.
const decisionFates = fateOfRules + fate(rule.Reasons) - 1

const (
	fateDelivered = decisionFates + iota
	fateDead
	fateShutdown
	fateDamaged

	fateCount
)

// fateOf is the fate of a goal by what the rules made of it.
func fateOf(r rule.Reason) fate {
	if r == rule.Fires {
		return fired
	}
	return fateOfRules + fate(r) - 1
}

// ofRules is the reason of which the fate is. ok is false if it is of none.
func (f fate) ofRules() (r rule.Reason, ok bool) {
	if fateOfRules <= f && f < decisionFates {
		return rule.Reason(f-fateOfRules) + 1, true
	}
	return 0, false
}

// fateNames are the names used in snapshots, logs and docs/reasons.md.
var fateNames = [...]string{
	fired:               "fired",
	fateOptOut:          "opt_out",
	fateGPC:             "gpc",
	fateHealthCheck:     "health_check",
	fateEditor:          "editor",
	fateStaff:           "staff",
	fatePreview:         "preview",
	fateConsentUnknown:  "consent_unknown",
	fateConsentRefused:  "consent_refused",
	fateConsentExpired:  "consent_expired",
	fateConsentHoldFull: "consent_hold_full",
	fatePrefetch:        "prefetch",
	fateBot:             "bot",
	fateTooFast:         "too_fast",
	fateRepeated:        "repeated",
	fateRejected:        "rejected_by_handler",
	fatePanicked:        "panicked",
	fateHijacked:        "hijacked",
	fateTimedOut:        "timed_out",
	fateClientGone:      "client_gone",
	fateAlreadyCounted:  "already_counted",
	fateDraft:           "draft",
	fateNoIdentity:      "no_identity",
	fateNoBrowserID:     "no_browser_id",
	fateNotABrowser:     "not_a_browser",
	fateVariantUnknown:  "variant_unknown",
	fateViewTwice:       "view_twice",
	fateFormTwice:       "form_twice",
	fateInsecure:        "insecure",
	fateCookieDomain:    "cookie_domain",
	fateEventInvalid:    "event_invalid",
	fateBeforeSend:      "before_send",
	fateQueueFull:       "queue_full",
	fateVisitorFull:     "visitor_full",
	fateDiskFull:        "disk_full",
	fateDiskFailed:      "disk_failed",
	fateClosed:          "closed",
	fateHeld:            "held",
	fateDelivered:       "delivered",
	fateDead:            "dead",
	fateShutdown:        "shutdown",
	fateDamaged:         "damaged",
}

func (f fate) String() string {
	if r, ok := f.ofRules(); ok {
		return r.String()
	}
	return fateNames[f]
}

// uncountable reports whether the fate says that the visitor may not be counted at all.
func (f fate) uncountable() bool { return fateOptOut <= f && f <= fateBot }

// refused makes an error of a fate. The gate's refusals are none: the visitor
// may not be counted, which is no fault of the caller.
func refused(f fate) error {
	if r, ok := f.ofRules(); ok && r.IsOfValue() {
		return fmt.Errorf("%w: %s", ErrRefused, f)
	}
	switch f {
	case fateClosed:
		return fmt.Errorf("%w: %w", ErrRefused, ErrClosed)
	case fateNoBrowserID, fateNotABrowser, fateInsecure, fateCookieDomain, fateEventInvalid, fateBeforeSend, fateQueueFull, fateVisitorFull, fateDiskFull, fateDiskFailed, fateNoIdentity:
		return fmt.Errorf("%w: %s", ErrRefused, f)
	}
	return nil
}
