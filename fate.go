package goaltrack

import (
	"fmt"

	"github.com/goaltrack/goaltrack/internal/deliver"
	"github.com/goaltrack/goaltrack/queue"
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
	fateQueueFailed
	fateClosed

	// Nothing is decided yet: the event waits for the visitor's consent.
	fateHeld

	// The rule did not hold: see fateOf.
	fateOfRules
)

// decisionFates are the fates of decisions; those that follow are of deliveries.
const decisionFates = fateOfRules + fate(rule.Reasons) - 1

// Package internal/deliver writes these names itself. They stand here for the tests: no
// other fate may take one, and a version may not lose one.
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

// class is what fates have in common.
type class uint8

const (
	ofRequest class = iota // the rules, the handler or the answer, and all that is in no other class
	ofVisitor              // the visitor may not be counted
	ofNobody               // no visitor looks at the site
	ofSending              // there is no event that the CDP would take
	ofQueue                // the queue did not take the event
)

// allowed is what the gate and the cookies say if nothing speaks against counting so far.
const allowed = fired

// fateNames are the names used in snapshots, logs and docs/reasons.md. Those of the rules'
// fates are in package rule; they are of the class ofRequest.
var fateNames = [fateCount]struct {
	name  string
	class class
}{
	fired:               {"fired", ofRequest},
	fateOptOut:          {"opt_out", ofVisitor},
	fateGPC:             {"gpc", ofVisitor},
	fateHealthCheck:     {"health_check", ofNobody},
	fateEditor:          {"editor", ofNobody},
	fateStaff:           {"staff", ofNobody},
	fatePreview:         {"preview", ofVisitor},
	fateConsentUnknown:  {"consent_unknown", ofVisitor},
	fateConsentRefused:  {"consent_refused", ofVisitor},
	fateConsentExpired:  {"consent_expired", ofVisitor},
	fateConsentHoldFull: {"consent_hold_full", ofVisitor},
	fatePrefetch:        {"prefetch", ofNobody},
	fateBot:             {"bot", ofNobody},
	fateTooFast:         {"too_fast", ofRequest},
	fateRepeated:        {"repeated", ofRequest},
	fateRejected:        {"rejected_by_handler", ofRequest},
	fatePanicked:        {"panicked", ofRequest},
	fateHijacked:        {"hijacked", ofRequest},
	fateTimedOut:        {"timed_out", ofRequest},
	fateClientGone:      {"client_gone", ofRequest},
	fateAlreadyCounted:  {"already_counted", ofRequest},
	fateDraft:           {"draft", ofRequest},
	fateNoIdentity:      {"no_identity", ofSending},
	fateNoBrowserID:     {"no_browser_id", ofSending},
	fateNotABrowser:     {"not_a_browser", ofSending},
	fateVariantUnknown:  {"variant_unknown", ofRequest},
	fateViewTwice:       {"view_twice", ofRequest},
	fateFormTwice:       {"form_twice", ofRequest},
	fateInsecure:        {"insecure", ofSending},
	fateCookieDomain:    {"cookie_domain", ofSending},
	fateEventInvalid:    {"event_invalid", ofSending},
	fateBeforeSend:      {"before_send", ofSending},
	fateQueueFull:       {"queue_full", ofQueue},
	fateVisitorFull:     {"visitor_full", ofQueue},
	fateDiskFull:        {"disk_full", ofQueue},
	fateDiskFailed:      {"disk_failed", ofQueue},
	fateQueueFailed:     {"queue_failed", ofQueue},
	fateClosed:          {"closed", ofQueue},
	fateHeld:            {"held", ofRequest},
	fateDelivered:       {"delivered", ofRequest},
	fateDead:            {"dead", ofRequest},
	fateShutdown:        {"shutdown", ofRequest},
	fateDamaged:         {"damaged", ofRequest},
}

func (f fate) String() string {
	if r, ok := f.ofRules(); ok {
		return r.String()
	}
	return fateNames[f].name
}

func (f fate) class() class { return fateNames[f].class }

// classNamed is the class of the fate that has the name.
func classNamed(name string) class {
	for _, f := range fateNames {
		if f.name == name {
			return f.class
		}
	}
	return ofRequest
}

// uncountable reports whether the fate says that the visitor may not be counted at all.
func (f fate) uncountable() bool { return f.class() == ofVisitor || f.class() == ofNobody }

// refused makes an error of a fate. The gate's refusals are none: the visitor
// may not be counted, which is no fault of the caller.
func refused(f fate) error {
	if r, ok := f.ofRules(); ok && r.IsOfValue() {
		return fmt.Errorf("%w: %s", ErrRefused, f)
	}
	switch {
	case f == fateClosed:
		return fmt.Errorf("%w: %w", ErrRefused, ErrClosed)
	case f.class() == ofQueue:
		return fmt.Errorf("%w: %s: %w", ErrRefused, f, causeOf(f))
	case f.class() == ofSending:
		return fmt.Errorf("%w: %s", ErrRefused, f)
	}
	return nil
}

// causeOf is the error of which queueFate has made a fate.
func causeOf(f fate) error {
	switch f {
	case fateVisitorFull:
		return deliver.ErrVisitorFull
	case fateDiskFull:
		return queue.ErrDiskFull
	case fateDiskFailed:
		return queue.ErrDiskFailed
	}
	return queue.ErrFull
}
