// Package plan makes the tracking plan of a rule file: which events a site sends, when, with
// which attributes, and who uses them. Teams keep such a table by hand, and it is right until
// the next change.
package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/goaltrack/goaltrack/internal/ext"
	"github.com/goaltrack/goaltrack/rule"
)

// Goal is a goal with what it sends.
type Goal struct {
	Name, Label, Owner, Note string
	// Status is "live", "draft" or "paused".
	Status string
	// When says in words when it counts.
	When string
	// Consent is the consent that it needs.
	Consent string
	UsedBy  []string
	// Env are the environments in which it counts, none for all.
	Env []string
	// Events are in the order in which they leave.
	Events []Event
	// Counts and Ignores are the examples of the file.
	Counts, Ignores []string
}

// Event is one that a goal sends.
type Event struct {
	Type       string
	Attributes []Attribute
}

// Attribute is one value of an event.
type Attribute struct {
	Name string
	// Type is "text", "number", "bool", or "as given" by the application.
	Type string
	// From is a $source, or "fixed".
	From string
	// Value is the value that the first example of the goal gives, or the fixed one, nil if
	// there is none. Example is its text.
	Value   any
	Example string
}

// Of makes the plan of rules.
func Of(rules *rule.Set) []Goal {
	definitions := rules.Definitions()
	list := make([]Goal, 0, len(definitions))
	for i := range definitions {
		g := &definitions[i]
		list = append(list, Goal{
			Name: g.Name, Label: g.Label, Owner: g.Owner, Note: g.Note,
			Status: cmp.Or(g.Status, "live"), When: g.Sentence(), Consent: cmp.Or(g.Consent, "required"), UsedBy: g.UsedBy, Env: g.Env,
			Events: eventsOf(g, given(rules, g)), Counts: g.Examples.Counts, Ignores: g.Examples.Ignores,
		})
	}
	return list
}

// given is what the first example by which the goal counts gives its event. Without one,
// it is nothing.
func given(rules *rule.Set, g *rule.Goal) rule.Verdict {
	for _, line := range g.Examples.Counts {
		example, err := rule.ParseExample(line)
		if err != nil {
			continue
		}
		for _, v := range rules.Explain(example) {
			if v.Goal == g.Name && v.Fired {
				return v
			}
		}
	}
	return rule.Verdict{}
}

func eventsOf(g *rule.Goal, v rule.Verdict) (list []Event) {
	if len(g.Identify) > 0 {
		who := Event{Type: "IDENTITY"}
		for _, name := range slices.Sorted(maps.Keys(g.Identify)) {
			if name != "verified" { // which says that the values are proven
				who.Attributes = append(who.Attributes, Attribute{Name: name, Type: "text", From: fmt.Sprint(g.Identify[name])})
			}
		}
		list = append(list, who)
	}
	main := Event{Type: cmp.Or(g.Sends, g.Name)}
	if g.Order.ID != "" {
		main.Type = "ORDER_CHECKOUT"
		for _, a := range []struct{ name, kind, from string }{
			{"id", "text", g.Order.ID},
			{"total", "number", g.Order.Total},
			{"currency", "text", cmp.Or(g.Order.Currency, g.Currency)},
			{"payment", "text", g.Order.Payment},
			{"card", "text", g.Order.Card},
			{"items", "as given", g.Order.Items},
		} {
			if a.from != "" {
				main.Attributes = append(main.Attributes, attribute(a.name, a.kind, a.from, nil))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(g.Data)) {
		kind, from := "", g.Data[name]
		if as, ok := from.(rule.DataFrom); ok {
			kind, from = as.As, as.From
		}
		main.Attributes = append(main.Attributes, attribute(name, kind, from, v.Data[name]))
	}
	main.Attributes = append(main.Attributes, worth(g, v.Value)...)
	return append(list, main)
}

// attribute says where a value comes from, and what it can be.
func attribute(name, kind string, from, example any) Attribute {
	a := Attribute{Name: name, Type: kind, From: "fixed"}
	text, isText := from.(string)
	switch {
	case isText && strings.HasPrefix(text, "$$"):
		example = text[1:]
	case isText && strings.HasPrefix(text, "$"):
		a.From = text
		if kind == "" && example == nil {
			a.Type = typeOf(text)
		}
	default:
		example = from
	}
	if example == nil {
		return a
	}
	a.Value, a.Example = example, fmt.Sprint(example)
	if a.Type != "" {
		return a
	}
	switch example.(type) {
	case string:
		a.Type = "text"
	case bool:
		a.Type = "bool"
	default:
		a.Type = "number"
	}
	return a
}

// typeOf is the type of a source without an example.
func typeOf(source string) string {
	for _, given := range []string{"$app.", "$json.", "$response.json.", "$event."} {
		if strings.HasPrefix(source, given) {
			return "as given"
		}
	}
	return "text"
}

// worth are the attributes by which goaltrack sends a value.
func worth(g *rule.Goal, example any) (list []Attribute) {
	if g.Value == (rule.Value{}) {
		return nil
	}
	var from any = g.Value.Amount
	if g.Value.From != "" {
		from = g.Value.From
	}
	list = append(list, attribute(ext.GoalValue, "number", from, example))
	switch currency := cmp.Or(g.Value.Currency, g.Currency); currency {
	case "none":
	case "":
		list = append(list, Attribute{Name: ext.GoalCurrency, Type: "text", From: "the site's currency"})
	default:
		list = append(list, attribute(ext.GoalCurrency, "text", currency, nil))
	}
	return list
}
