package events

import (
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/ext"
	"github.com/goaltrack/goaltrack/rule"
)

// Connected makes the event that goes behind e, the event of a goal, for FuseIT's CDP4S. That
// connector counts no others as goals (https://fuseit.atlassian.net/wiki/x/xQBfgg, "Goals").
// It needs a value, and adds the values up, so that a goal without one has 0. It is nil if
// the rule file does not ask for it.
func Connected(g *rule.Cause, e *cdp.Event) *cdp.Event {
	if !g.Connected() {
		return nil
	}
	return &cdp.Event{
		Type: rule.ConnectorGoal, Channel: e.Channel, PointOfSale: e.PointOfSale, Language: e.Language, Currency: e.Currency, Page: e.Page,
		Fields: map[string]any{"extGoal": map[string]any{"name": g.Name(), "value": worth(e)}},
	}
}

// worth is the value of a goal, or the price of its order; 0 if it has neither.
func worth(e *cdp.Event) any {
	for _, a := range e.Ext {
		if a.Name == ext.GoalValue {
			return a.Value
		}
	}
	if order, ok := e.Fields["order"].(map[string]any); ok && order["price"] != nil {
		return order["price"]
	}
	return 0
}
