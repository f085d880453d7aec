// Package fact says what goaltrack tells a report. There is one fact for each decision
// about a goal, one for each page that a person visited, and one when other rules are in
// force. There is also one for each browser ID and event that a contract with Sitecore
// counts. A tracker hands facts to the [Sink] in its Config.Report. Package report has
// one that counts them; a program may bring its own.
//
// The package depends on nothing, so a program without a report pays nothing for it.
package fact

import (
	"math"
	"time"
)

// Sink takes facts. Report is called by many goroutines at once: those of requests, of timers,
// and of delivery. It must not block, since a request may wait for it: a sink without room
// drops the fact, and counts what it dropped. It must not call the tracker, which may hold a
// lock of that request. A sink passes over kinds that it does not know.
//
// The texts of a fact may be parts of the request, and its lists belong to the caller.
// They are valid until Report returns, so a sink copies what it keeps.
type Sink interface {
	Report(f Fact)
}

// Kind says what a fact is about. The zero value is of no use.
type Kind uint8

const (
	// Decision is what became of one goal in one request.
	Decision Kind = iota + 1
	// Visit is a page that a person went to, whether a goal waits for it or not. A page
	// counts as a page view does: the answer is a page, and the visitor may be counted.
	Visit
	// RulesChanged says that other rules are in force. Only Time and Rules are set.
	RulesChanged
	// Spent is something that a contract with Sitecore counts: a browser ID or an event.
	// Only Time, Site, Zone and Reason are set. Reason is one of [IDMade], [IDGiven],
	// [EventSent] and [EventAgain].
	Spent
	// Shown says which variants a page showed that somebody went to. Its visit was told
	// before, or nobody saw it. Only Time, Site, Zone, Variants and Browser are set.
	Shown
)

// The reasons of a fact of the kind Spent.
const (
	// IDMade is a browser ID that the CDP made, and with it a profile.
	IDMade = "id_made"
	// IDGiven is one that a visitor, or an event of theirs, was given. It may have been
	// made earlier, also by another process.
	IDGiven = "id_given"
	// EventSent is a request with an event to the CDP, the first one of that event.
	EventSent = "event_sent"
	// EventAgain is each further request with the same event.
	EventAgain = "event_sent_again"
)

// Fired is the reason of a decision by which the goal counted.
const Fired = "fired"

// Fact is one thing that happened. What is not known is the zero value.
type Fact struct {
	Kind Kind
	// Time is when it happened. For what was held until the visitor agreed, that is
	// before the decision.
	Time time.Time
	// Site is the name of the site, and Zone the one in which its days begin.
	Site string
	Zone *time.Location
	// Goal is the name of the goal, "" for a visit.
	Goal string
	// Reason is Fired, or the name of the reason why it does not count. For a visit it
	// is Fired, or why the visitor may not be counted.
	Reason string
	// Uncountable says that the visitor may not be counted: no consent, an objection, a
	// machine. Such a fact has Kind, Time, Site, Zone, Goal and Reason, and nothing else.
	Uncountable bool

	// What follows is set if Reason is Fired, and the visitor has agreed to everything.

	// Page is the page on which it happened; for a form, the page that the form is on.
	// It is the route of the router, or the path of the rule, or the path without what
	// looks like an ID. It has no query.
	Page string
	// Source is utm_source, or the host of the other site that led here. Campaign is
	// utm_campaign. Both are those of this request, or of the session if they are known.
	Source, Campaign string
	// Tagged says that they are from the utm_ parameters of this request, so that what
	// the session came by before does not matter any more.
	Tagged bool
	// Language is the first language of the browser, as two letters: "DE".
	Language string
	// Device is "desktop", "mobile" or "tablet", as far as the browser says.
	Device string
	// Variants are those that this request shows or names, at most [MaxVariants].
	Variants []Variant
	// Before are those that the session was shown before, as the visitor's own cookie
	// says, at most [MaxVariants]. Only a goal that counts at most once a session has
	// them. A sink that knows the session needs none of them; they are for one that
	// another process told, or a former one.
	Before []Variant
	// Browser is the ID of the browser. A sink may count different ones by it; it must
	// not write it anywhere.
	Browser [16]byte

	// Value is what the goal is worth, and Data is what data: of its rule names, as it is
	// sent to the CDP. Both are set if Reason is Fired. Data may say something about the
	// visitor: hand it on only to those whom it is for, and write it nowhere else.
	Value Value
	Data  []Attribute
	// Private says that Value or Data may say who somebody is, or what they typed. The
	// rule takes them from a form, a query and the like, or the application gave them.
	// Whoever keeps them on a disk seals them there.
	Private bool
	// LedTo is the page to which an accepted form led, without query and IDs.
	LedTo string
	// NearMiss says in words how a goal nearly counted, "" if that is not worth telling.
	NearMiss string

	// Rules are the rules in force, for RulesChanged.
	Rules *Rules
}

// Attribute is a name and a value of what a goal sends along: a text, a number or a bool.
type Attribute struct {
	Name  string
	Value any
}

// Variant is the version of a part of a page that a visitor was shown.
type Variant struct {
	// Component is the part, "page" for the whole page.
	Component string
	// Name is that of the version, such as "B" or "default".
	Name string
}

// MaxVariants bounds the variants of one fact, and of a session.
const MaxVariants = 4

// Value is what a goal is worth.
type Value struct {
	// Known says that the goal has a value, which may be 0.
	Known bool
	// Minor is the value in the smallest unit of the currency, such as cents, or in
	// hundredths of points. It is between -MaxMinor and MaxMinor.
	Minor int64
	// Currency is an ISO 4217 code, or "" for points.
	Currency string
}

// MaxMinor bounds a value, so that sums of very many do not overflow.
const MaxMinor = 1e12

// ValueOf makes a Value of an amount in whole units. What is no number is no value.
func ValueOf(amount float64, currency string) Value {
	if math.IsNaN(amount) {
		return Value{}
	}
	minor := math.Round(amount * math.Pow10(Digits(currency)))
	return Value{Known: true, Minor: int64(max(-MaxMinor, min(MaxMinor, minor))), Currency: currency}
}

// Amount is the value in whole units, 0 if it is not known.
func (v Value) Amount() float64 { return float64(v.Minor) / math.Pow10(Digits(v.Currency)) }

// Digits is how many digits the amounts of a currency have after the point, by ISO
// 4217. Points and unknown currencies have two.
func Digits(currency string) int {
	switch currency {
	case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF":
		return 0
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return 3
	case "CLF", "UYW":
		return 4
	}
	return 2
}

// Rules are the rules in force, as far as a report shows them.
type Rules struct {
	// Hash is their fingerprint, "" for rules made in Go.
	Hash string
	// Goals are in the order of the file.
	Goals []Goal
}

// Goal is one goal of the rules.
type Goal struct {
	Name string `json:"name"`
	// Label is the name for people, "" if the rule has none.
	Label string `json:"label,omitempty"`
	// Status is "live", "draft" or "paused".
	Status string `json:"status,omitempty"`
	// Sentence is the rule in plain English, "" if whoever stored it did not know it yet.
	Sentence string `json:"sentence,omitempty"`
	// Expect is how often it counts in a day if all is well, 0 if nothing is expected.
	Expect int `json:"expect,omitempty"`
	// From and Until bound the time in which something is expected; the latter is the
	// first moment in which it is not any more. A zero time is no bound.
	From  time.Time `json:"from,omitzero"`
	Until time.Time `json:"until,omitzero"`
	// After are the goals that come before it, in order.
	After []string `json:"after,omitempty"`
	// Asks are goals that have to have happened so often before it, or in such a time, in
	// no order.
	Asks []Asked `json:"asks,omitempty"`
	// Renamed are the names that it had before, the oldest first. What counted under them
	// is its own.
	Renamed []string `json:"renamed,omitempty"`
}

// Asked says how a goal has to have happened before another one.
type Asked struct {
	Goal string `json:"goal"`
	// Says is how often and in which time, in words: "3 times in the same session".
	Says string `json:"says"`
}
