// Package ext names the attributes of an event's ext that goaltrack sends itself.
package ext

// The attributes of ext that goaltrack sends itself.
const (
	EventID      = "eventId"
	OccurredAt   = "occurredAt"
	GoalConfig   = "goalConfig"
	Late         = "late"
	GoalValue    = "goalValue"
	GoalCurrency = "goalCurrency"
)

// Reserved are all of them: no rule and no handler may set one.
var Reserved = []string{EventID, OccurredAt, GoalConfig, Late, GoalValue, GoalCurrency}

// Max leaves room among the CDP's 50 attributes for those goaltrack adds
// itself: eventId, occurredAt, goalConfig, late, goalValue and goalCurrency.
const Max = 50 - 6
