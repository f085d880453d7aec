package rule

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v4"
)

// textKeys are the keys of a goal that are plain texts, and where they go.
var textKeys = map[string]func(*Goal) *string{
	"goal":             func(g *Goal) *string { return &g.Name },
	"label":            func(g *Goal) *string { return &g.Label },
	"note":             func(g *Goal) *string { return &g.Note },
	"owner":            func(g *Goal) *string { return &g.Owner },
	"sends":            func(g *Goal) *string { return &g.Sends },
	"page":             func(g *Goal) *string { return &g.Page },
	"status":           func(g *Goal) *string { return &g.Status },
	"from":             func(g *Goal) *string { return &g.From },
	"until":            func(g *Goal) *string { return &g.Until },
	"decimal":          func(g *Goal) *string { return &g.Decimal },
	"timezone":         func(g *Goal) *string { return &g.Timezone },
	"count":            func(g *Goal) *string { return &g.Count },
	"session":          func(g *Goal) *string { return &g.Session },
	"within":           func(g *Goal) *string { return &g.Within },
	"consent":          func(g *Goal) *string { return &g.Consent },
	"late":             func(g *Goal) *string { return &g.Late },
	"expect":           func(g *Goal) *string { return &g.Expect },
	"bots":             func(g *Goal) *string { return &g.Bots },
	"identityProvider": func(g *Goal) *string { return &g.IdentityProvider },
	"language":         func(g *Goal) *string { return &g.Language },
	"currency":         func(g *Goal) *string { return &g.Currency },
	"channel":          func(g *Goal) *string { return &g.Channel },
	"pos":              func(g *Goal) *string { return &g.PointOfSale },
}

// listKeys are the keys of a goal that are one text or a list of texts.
var listKeys = map[string]func(*Goal) *[]string{
	"env":     func(g *Goal) *[]string { return &g.Env },
	"hosts":   func(g *Goal) *[]string { return &g.Hosts },
	"renamed": func(g *Goal) *[]string { return &g.Renamed },
	"used by": func(g *Goal) *[]string { return &g.UsedBy },
}

// triggerKeys say what a visitor does: in a goal, or in an alternative.
var triggerKeys = []string{"visit", "submit", "download", "code", "click", "seen", "played", "started", "read", "stay", "event", "on"}

var goalKeys = slices.Sorted(slices.Values(slices.Concat(
	slices.Collect(maps.Keys(textKeys)), slices.Collect(maps.Keys(listKeys)), triggerKeys,
	[]string{"any", "success", "if", "unless", "value", "data", "fields", "identify", "forget", "order", "examples", "after", "not after"},
)))

func (l *loader) goal(n *yaml.Node) {
	var g Goal
	at := places{"": n}
	l.name = nameOf(n)
	before := l.met
	l.pairs(n, "a goal", "- goal: NAME", goalKeys, func(key string, v *yaml.Node) {
		at[key] = v
		switch {
		case textKeys[key] != nil:
			*textKeys[key](&g) = l.text(v, key)
		case listKeys[key] != nil:
			*listKeys[key](&g) = l.texts(v, key, at)
		case slices.Contains(triggerKeys, key):
			own := g.trigger()
			l.trigger(&own, key, v, key, at)
			g.setTrigger(&own)
		default:
			l.goalKey(&g, key, v, at)
		}
	})
	// What is wrong with a goal may be its name or its trigger. One fault is
	// enough for that, and stand-ins keep it from being reported again.
	if l.met > before || l.isMended(n.Line) || l.hasRefused(n) {
		if !g.hasTrigger() {
			g.Submit.Path = "/"
		}
		if at["goal"] != nil || n.Kind != yaml.MappingNode {
			g.Name = cmp.Or(g.Name, "UNNAMED_"+strconv.Itoa(len(l.goals)))
		}
	}
	l.goals = append(l.goals, g)
	l.places = append(l.places, at)
	l.name = ""
}

// hasTrigger reports whether anything says when the goal happens.
func (g *Goal) hasTrigger() bool {
	own := g.trigger()
	own.On = ""
	return own != (Trigger{}) || len(g.Any) > 0
}

// trigger is the goal's own trigger.
func (g *Goal) trigger() Trigger {
	return Trigger{
		Visit: g.Visit, Submit: g.Submit, Download: g.Download, Code: g.Code, Click: g.Click, Seen: g.Seen,
		Played: g.Played, Started: g.Started, Read: g.Read, Stay: g.Stay, Event: g.Event, On: g.On,
	}
}

func (g *Goal) setTrigger(t *Trigger) {
	g.Visit, g.Submit, g.Download, g.Code, g.Click, g.Seen = t.Visit, t.Submit, t.Download, t.Code, t.Click, t.Seen
	g.Played, g.Started, g.Read, g.Stay, g.Event, g.On = t.Played, t.Started, t.Read, t.Stay, t.Event, t.On
}

// goalKey reads the keys of a goal that have a form of their own.
func (l *loader) goalKey(g *Goal, key string, v *yaml.Node, at places) {
	switch key {
	case "any":
		g.Any = l.any(v, at)
	case "success":
		if v.Kind == yaml.MappingNode {
			g.SuccessIf = l.conditions(v, key, at)
		} else {
			g.Success = l.text(v, key)
		}
	case "if":
		g.If = l.conditions(v, key, at)
	case "unless":
		g.Unless = l.conditions(v, key, at)
	case "value":
		g.Value = l.value(v)
	case "data":
		g.Data = make(map[string]any)
		l.pairs(v, "data:", "topic: $form.topic", nil, func(name string, v *yaml.Node) {
			at["data."+name] = v
			g.Data[name] = l.dataValue(v, name)
		})
	case "identify":
		g.Identify = make(map[string]any)
		l.pairs(v, "identify:", "email: $form.email", nil, func(name string, v *yaml.Node) {
			at["identify."+name] = v
			g.Identify[name] = l.identifier(v, name)
		})
	case "after":
		g.After, g.AfterEach = l.past(v, key, at)
	case "not after":
		g.NotAfter, g.NotAfterEach = l.past(v, key, at)
	case "fields":
		g.Fields = l.fields(v, at)
	case "forget":
		if g.Forget = v.Value == "true"; !g.Forget {
			l.fault(v, "forget: is expected to be true", "leave it out if the visitor stays the same")
		}
	case "order":
		g.Order = l.order(v, at)
	case "examples":
		l.pairs(v, "examples:", "counts:", []string{"counts", "ignores"}, func(side string, v *yaml.Node) {
			into := &g.Examples.Counts
			if side == "ignores" {
				into = &g.Examples.Ignores
			}
			*into = l.texts(v, "examples."+side, at)
		})
	}
}

// triggerTexts are the keys of a trigger that are plain texts, and where they go.
var triggerTexts = map[string]func(*Trigger) *string{
	"visit":    func(t *Trigger) *string { return &t.Visit },
	"download": func(t *Trigger) *string { return &t.Download },
	"read":     func(t *Trigger) *string { return &t.Read },
	"stay":     func(t *Trigger) *string { return &t.Stay },
	"event":    func(t *Trigger) *string { return &t.Event },
	"on":       func(t *Trigger) *string { return &t.On },
}

// trigger reads one key of a trigger, which stands at the place where.
func (l *loader) trigger(t *Trigger, key string, v *yaml.Node, where string, at places) {
	switch key {
	case "submit":
		t.Submit = l.submit(v)
	case "click":
		t.Click.Element, t.Click.To = l.element(v, where, "to", at)
	case "played":
		t.Played.Element, t.Played.Part = l.element(v, where, "part", at)
	case "seen":
		t.Seen = l.selector(v, key)
	case "started":
		t.Started = l.selector(v, key)
	case "code":
		if t.Code = v.Value == "true"; !t.Code {
			l.fault(v, "code: is expected to be true", "the application calls Trigger with the goal's name")
		}
	default:
		*triggerTexts[key](t) = l.text(v, key)
	}
}

func (l *loader) any(n *yaml.Node, at places) (list []Trigger) {
	if n.Kind != yaml.SequenceNode {
		l.fault(n, "any: is expected to be a list of alternatives", "each begins with - visit: or another trigger")
		return nil
	}
	for i, item := range n.Content {
		key := "any." + strconv.Itoa(i)
		at[key] = item
		var t Trigger
		l.pairs(item, "an alternative", "- visit: /pricing", triggerKeys, func(k string, v *yaml.Node) {
			at[key+"."+k] = v
			l.trigger(&t, k, v, key+"."+k, at)
		})
		list = append(list, t)
	}
	return list
}

// dataValue reads a literal, a $source, or { from: $source, as: number }.
func (l *loader) dataValue(n *yaml.Node, name string) any {
	if n.Kind != yaml.MappingNode || looksLikeVariable(n) {
		return l.scalar(n, name)
	}
	var d DataFrom
	l.pairs(n, name+":", "from: $form.pages", []string{"from", "as"}, func(key string, v *yaml.Node) {
		if key == "from" {
			d.From = l.text(v, key)
		} else {
			d.As = l.text(v, key)
		}
	})
	return d
}

var orderKeys = []string{"card", "currency", "id", "itemType", "items", "payment", "total"}

func (l *loader) order(n *yaml.Node, at places) (o Order) {
	into := map[string]*string{
		"id": &o.ID, "total": &o.Total, "currency": &o.Currency, "payment": &o.Payment,
		"card": &o.Card, "items": &o.Items, "itemType": &o.ItemType,
	}
	l.pairs(n, "order:", "id: $redirect.orderId", orderKeys, func(key string, v *yaml.Node) {
		at["order."+key] = v
		*into[key] = l.text(v, key)
	})
	return o
}
