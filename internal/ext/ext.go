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
)

// Reserved are all of these names: no rule and no handler may set one.
var Reserved = []string{EventID, OccurredAt, GoalConfig, Late, GoalValue, GoalCurrency}

// Max is how many attributes a rule and a handler may set. The CDP takes 50,
// and goaltrack needs room for its own: eventId, occurredAt, goalConfig, late,
// goalValue and goalCurrency.
const Max = 50 - 6
