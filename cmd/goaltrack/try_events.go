package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/events"
	"github.com/goaltrack/goaltrack/internal/ext"
	"github.com/goaltrack/goaltrack/rule"
)

// trialVerdict is what a goal makes of a request, with the events that it would send.
type trialVerdict struct {
	goaltrack.Verdict

	Bodies []json.RawMessage `json:"events"`

	events []cdp.Event // in the order in which they leave
}

// shownEvents makes the events of goals that counted, by the code of a live site.
type shownEvents struct {
	identity bool // show who the visitor is
	currency string
}

func (s *shownEvents) check() error {
	if s.currency != "" && !cdp.ValidCurrency(s.currency) {
		return fmt.Errorf("--currency: %q is not a currency such as EUR", s.currency)
	}
	return nil
}

// of adds the events to verdicts. lost is told of goals that do not count after all.
func (s *shownEvents) of(verdicts []goaltrack.Verdict, lost func(goal string)) []trialVerdict {
	list := make([]trialVerdict, len(verdicts))
	for i, v := range verdicts {
		if list[i].Verdict = v; !v.Fired {
			continue
		}
		if s.add(&list[i]); !list[i].Fired {
			lost(v.Goal)
		}
	}
	return list
}

// add adds the events of a goal that counted. If a site would not send them, the goal
// does not count after all.
func (s *shownEvents) add(v *trialVerdict) {
	var lacks []string
	note := func(why string) { lacks = append(lacks, why) }
	g, x := v.Counted()
	page := g.Page(x, func(string) string { return "" })
	site := rule.Base{Language: "EN", Channel: "WEB", Currency: s.currency}
	var e cdp.Event
	r, valid := events.Of(&e, g, x, page, site, note)
	needsCurrency := false
	if !valid && s.currency == "" {
		site.Currency = "EUR"
		r, needsCurrency = events.Of(new(cdp.Event), g, x, page, site, note)
	}
	lacks = nil // the verdict has these
	switch {
	case needsCurrency:
		v.note("the CDP would not take the " + e.Type + " (event_invalid), unless the site has a currency; --currency says which")
		return
	case !valid:
		why := "event_invalid"
		if r != rule.Fires {
			why = r.String()
		}
		v.lost("the CDP would not take the " + e.Type + " (" + why + ")")
		return
	}
	who, ok := events.IdentityOf(g, x, &e, nil, note)
	if !ok {
		v.lost("identify: does not say who the visitor is, and an " + e.Type + " needs that (no_identity)")
		return
	}
	if len(lacks) > 0 {
		v.note(strings.Join(lacks, ", "))
	}
	if who != nil {
		if !s.identity {
			events.Mask(who)
		}
		v.events = append(v.events, *who)
	}
	behind := events.Connected(g, &e)
	if !s.identity {
		events.Mask(&e)
	}
	v.events = append(v.events, e)
	if behind != nil {
		v.events = append(v.events, *behind)
	}
	for i := range v.events {
		dropTimes(v.events[i].Fields)
		v.events[i].Ext = append(v.events[i].Ext, cdp.Attr{Name: ext.EventID, Value: ""})
	}
}

// note adds to what decides beside the request.
func (v *trialVerdict) note(text string) {
	v.Note = strings.TrimPrefix(v.Note+"; "+text, "; ")
}

// lost says why the goal does not count after all.
func (v *trialVerdict) lost(why string) {
	v.Verdict = goaltrack.Verdict{Goal: v.Goal, Reason: why}
}

// dropTimes leaves out when an order was placed, and a product put into a cart, which is now
// in any trial.
func dropTimes(fields map[string]any) {
	if product, ok := fields["product"].(map[string]any); ok {
		delete(product, "orderedAt")
	}
	order, ok := fields["order"].(map[string]any)
	if !ok {
		return
	}
	delete(order, "orderedAt")
	items, ok := order["orderItems"].([]map[string]any)
	if !ok {
		return
	}
	for _, item := range items {
		delete(item, "orderedAt")
	}
}

// eventText is an event in a line, such as: sends CONTACT_SENT  page "contact". Value and
// data stand in the line of the goal.
func eventText(e *cdp.Event) string {
	words := []string{"sends " + e.Type, "page " + strconv.Quote(e.Page)}
	if e.Currency != "" {
		words = append(words, "currency "+e.Currency)
	}
	for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
		var b strings.Builder
		if sayJSON(&b, e.Fields[name]) == nil {
			words = append(words, name+"="+strings.TrimSuffix(b.String(), "\n"))
		}
	}
	return strings.Join(words, "  ")
}
