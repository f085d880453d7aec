// Package ext names the attributes of an event's ext that goaltrack itself
// sends.
package ext

// These attributes of ext are sent by goaltrack itself.
const (
	EventID      = "eventId"
	OccurredAt   = "occurredAt"
	GoalConfig   = "goalConfig"
	Late         = "late"
	GoalValue    = "goalValue"
	GoalCurrency = "goalCurrency"
	GoalFrom     = "goalFrom"
)

// FromPage is what GoalFrom says of what happened in a page: a script there tells it, and
// anybody can make that up for themselves.
const FromPage = "page"

// Reserved are all of these names: no rule and no handler may set one.
var Reserved = []string{EventID, OccurredAt, GoalConfig, Late, GoalValue, GoalCurrency, GoalFrom}

// Max is how many attributes a rule and a handler may set. The CDP takes 50,
// and goaltrack needs room for its own: eventId, occurredAt, goalConfig, late,
// goalValue and goalCurrency. What happens in a page has one less, for goalFrom.
const Max = 50 - 6
