// Package announce makes an event for each goal, by which a CDP gets to know the goals before
// a visitor reaches them. Sitecore offers an event type in its lists once it has seen one.
package announce

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/plan"
	"github.com/goaltrack/goaltrack/internal/ext"
	"github.com/goaltrack/goaltrack/rule"
)

// Event is one to send.
type Event struct {
	Goal, Type string
	Ext        cdp.Ext
	// Fields stand beside the type.
	Fields map[string]any
	// Without are the attributes that are left out, since nobody knows their type. The CDP
	// takes no more of an attribute once its type has changed (doc.sitecore.com, "Send
	// additional event data").
	Without []string
}

// Skipped is a goal that needs none, or may have none.
type Skipped struct{ Goal, Why string }

// From is what the attribute goalFrom says of such an event.
const From = "announce"

// page is what they say they happened on.
const page = "goaltrack-announce"

// Site is what has to be known of the site.
type Site struct {
	// Env is its environment, Currency its own, for values of goals that name none.
	Env, Currency string
	// Connected says that FuseIT's CDP4S counts the goals, by events of their own.
	Connected bool
}

// Of makes the events, in the order of the file.
func Of(goals []plan.Goal, site Site) (list []Event, skipped []Skipped) {
	for i := range goals {
		g := &goals[i]
		main := &g.Events[len(g.Events)-1]
		switch {
		case g.Status != "live":
			skipped = append(skipped, Skipped{g.Name, "it is " + g.Status})
		case len(g.Env) > 0 && !slices.Contains(g.Env, site.Env):
			skipped = append(skipped, Skipped{g.Name, "it counts only in " + strings.Join(g.Env, ", ") + ", and --env " + says(site.Env)})
		case cdp.Reserved(main.Type):
			skipped = append(skipped, Skipped{g.Name, main.Type + " is an event of Sitecore's own, which the CDP knows"})
		default:
			list = append(list, eventOf(g.Name, main, site.Currency))
		}
	}
	if site.Connected && len(list) > 0 {
		list = append(list, connector)
	}
	return list, skipped
}

// connector is one event for all goals, since they share its type. CDP4S adds up what it
// finds under a name, so it has that of no goal.
var connector = Event{
	Goal: rule.ConnectorGoal, Type: rule.ConnectorGoal, Ext: cdp.Ext{{Name: ext.GoalFrom, Value: From}},
	Fields: map[string]any{"extGoal": map[string]any{"name": "goaltrack-announce", "value": 0}},
}

func says(env string) string {
	if env == "" {
		return "names none"
	}
	return "is " + env
}

func eventOf(goal string, from *plan.Event, currency string) Event {
	e := Event{Goal: goal, Type: from.Type}
	for _, a := range from.Attributes {
		value := a.Value
		switch {
		case value != nil:
		case a.Name == ext.GoalCurrency:
			if value = currency; currency == "" {
				value = nil
			}
		case a.Type == "text":
			value = "test"
		case a.Type == "number":
			value = 1.0
		case a.Type == "bool":
			value = true
		}
		if value == nil {
			e.Without = append(e.Without, a.Name)
			continue
		}
		e.Ext = append(e.Ext, cdp.Attr{Name: a.Name, Value: value})
	}
	e.Ext = append(e.Ext, cdp.Attr{Name: ext.GoalFrom, Value: From})
	return e
}

// String is the event in a line, for those who are asked before it leaves.
func (e *Event) String() string {
	var words []string
	for _, a := range e.Ext {
		if text, ok := a.Value.(string); ok {
			words = append(words, fmt.Sprintf("%s=%q", a.Name, text))
		} else {
			words = append(words, fmt.Sprintf("%s=%v", a.Name, a.Value))
		}
	}
	return e.Type + "  " + strings.Join(words, "  ")
}

// On makes the event of a guest of the CDP. base says who that is, and has the site's
// language, currency and channel.
func (e *Event) On(base cdp.Event) *cdp.Event {
	base.Type, base.Ext, base.Page, base.Fields = e.Type, e.Ext, page, e.Fields
	return &base
}
