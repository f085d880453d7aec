// Package facts makes the facts that goaltrack tells a report, of what a request and the
// decisions about it say. It decides nothing: who may be counted, and what counts, it is
// told.
package facts

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/internal/ext"
	"github.com/goaltrack/goaltrack/internal/visit"
	"github.com/goaltrack/goaltrack/internal/web"
	"github.com/goaltrack/goaltrack/rule"
)

// Site is a site of which facts are told.
type Site struct {
	Sink fact.Sink
	Name string
	Zone *time.Location
}

// Refused tells that a goal, or a visit if goal is "", does not count because the visitor
// may not be counted. Nothing else is told of them.
func (s *Site) Refused(goal, reason string) {
	f := s.fact(goal, reason)
	f.Uncountable = true
	s.Sink.Report(f)
}

// fact is one of now, of which the rest has to be filled in.
func (s *Site) fact(goal, reason string) fact.Fact {
	f := fact.Fact{Kind: fact.Decision, Time: time.Now(), Site: s.Name, Zone: s.Zone, Goal: goal, Reason: reason}
	if goal == "" {
		f.Kind = fact.Visit
	}
	return f
}

// Request tells the facts of one request. A nil Request tells nothing. It belongs to one
// goroutine at a time.
type Request struct {
	*Site
	language string // the header Accept-Language, as it came
	sent     sent
	room     [4]fact.Attribute // for the data of most goals
	waits    bool
}

// Waits notes whether the page of the request waits for the visitor's consent.
func (r *Request) Waits(waits bool) {
	if r != nil {
		r.waits = r.waits || waits
	}
}

// PageWaits reports whether it does. Then [Site.Settled] tells what became of it.
func (r *Request) PageWaits() bool { return r != nil && r.waits }

// sent is what the event of a goal says that is a fact, too.
type sent struct {
	value    fact.Value
	variants []fact.Variant
	data     cdp.Ext // with what is no data: of the rule
	event    string  // its type
}

// attributes adds to a list what data: of the rule names.
func (s *sent) attributes(list []fact.Attribute) []fact.Attribute {
	for _, a := range s.data {
		if a.Name != ext.GoalValue && a.Name != ext.GoalCurrency {
			list = append(list, fact.Attribute{Name: a.Name, Value: a.Value})
		}
	}
	return list
}

// Begin makes the Request of r, before its handler runs.
func (s *Site) Begin(r *http.Request) *Request {
	language, _ := web.First(r.Header["Accept-Language"])
	return &Request{Site: s, language: language}
}

// Sent notes what the event of a goal says. What is told next of a goal that fired has it.
func (r *Request) Sent(e *cdp.Event) {
	if r != nil {
		r.sent = read(e)
	}
}

// Decision is what became of a goal.
type Decision struct {
	Goal      *rule.Cause
	Page      *rule.Cause // the goal whose path describes the page, or Goal
	Exchange  *rule.Exchange
	Described func(path string) string // the router's template for a path
	Reason    string                   // [fact.Fired], or why it did not count
	NearMiss  string
	BrowserID string
	Anonymous bool         // the visitor may be counted for this goal, and for nothing else
	Visit     *visit.Visit // what is known of the session, nil for nothing
	Once      bool         // the goal counts at most once a session that began today
	Named     string       // the variant of the page that is named, "" for none
}

// Decided tells a decision about a visitor who may be counted.
func (r *Request) Decided(d *Decision) {
	if r != nil {
		r.Sink.Report(r.Fact(d))
	}
}

// Visited tells that the visitor went to a page. The decision is about [rule.View].
func (r *Request) Visited(d *Decision) {
	if r == nil {
		return
	}
	r.Sink.Report(r.Visit(d))
}

// Visit is what is told of a page that a person went to.
func (r *Request) Visit(d *Decision) fact.Fact {
	f := r.Fact(d)
	f.Kind, f.Goal = fact.Visit, ""
	if page := (fact.Variant{Component: rule.PageVariant, Name: d.Named}); d.Named != "" && !d.Anonymous && len(f.Variants) < fact.MaxVariants && !slices.Contains(f.Variants, page) {
		f.Variants = append(f.Variants, page)
	}
	return f
}

// Fact makes the fact of a decision.
func (r *Request) Fact(d *Decision) fact.Fact {
	f := r.fact(d.Goal.Name(), d.Reason)
	f.NearMiss = d.NearMiss
	if d.Reason != fact.Fired {
		return f
	}
	if !d.Anonymous {
		d.Page.Tell(d.Exchange, &f, r.language, d.Described)
		f.Browser = browserOf(d.BrowserID)
		for _, v := range r.sent.variants {
			if len(f.Variants) < fact.MaxVariants && !slices.Contains(f.Variants, v) {
				f.Variants = append(f.Variants, v)
			}
		}
		d.remembered(&f)
	}
	f.Value, f.Data = r.sent.value, r.sent.attributes(r.room[:0])
	if f.Value.Known || len(f.Data) > 0 {
		_, _, f.Private = d.Goal.Marks(r.sent.event)
	}
	r.sent = sent{}
	return f
}

// Keep is a copy of a fact that stays valid when the request is over.
func Keep(f fact.Fact) *fact.Fact {
	for _, text := range []*string{&f.Page, &f.Source, &f.Campaign, &f.Language, &f.LedTo, &f.NearMiss} {
		*text = strings.Clone(*text)
	}
	for _, list := range []*[]fact.Variant{&f.Variants, &f.Before} {
		*list = slices.Clone(*list)
		for i, v := range *list {
			(*list)[i] = fact.Variant{Component: strings.Clone(v.Component), Name: strings.Clone(v.Name)}
		}
	}
	f.Data = slices.Clone(f.Data)
	for i := range f.Data {
		if text, ok := f.Data[i].Value.(string); ok {
			f.Data[i].Value = strings.Clone(text)
		}
	}
	return &f
}

// Settled tells what became of a decision that was held.
func (s *Site) Settled(kept *fact.Fact, reason, browserID string, uncountable bool) {
	f := s.fact(kept.Goal, reason)
	f.Time, f.Uncountable = kept.Time, uncountable
	if reason == fact.Fired {
		f = *kept
		f.Browser = browserOf(browserID)
	}
	s.Sink.Report(f)
}

// Raised tells a decision about a goal of a visitor who is not there. e is its event, nil
// if there is none.
func (s *Site) Raised(goal, reason, browserID string, e *cdp.Event) {
	f := s.fact(goal, reason)
	if reason == fact.Fired {
		s := read(e)
		f.Value, f.Data, f.Browser = s.value, s.attributes(nil), browserOf(browserID)
		f.Private = true // as nobody knows what the application gave
	}
	s.Sink.Report(f)
}

// Spent tells that something was spent that a contract with Sitecore counts.
func (s *Site) Spent(what string) {
	s.Sink.Report(fact.Fact{Kind: fact.Spent, Time: time.Now(), Site: s.Name, Zone: s.Zone, Reason: what})
}

// Showed tells which variants a page showed whose visit is told otherwise.
func (s *Site) Showed(variants []fact.Variant, browserID string) {
	s.Sink.Report(fact.Fact{
		Kind: fact.Shown, Time: time.Now(), Site: s.Name, Zone: s.Zone,
		Variants: variants[:min(len(variants), fact.MaxVariants)], Browser: browserOf(browserID),
	})
}

// InForce tells that rules are in force from now on, on a site of that environment.
func InForce(rules *rule.Set, env string) fact.Fact {
	return fact.Fact{Kind: fact.RulesChanged, Time: time.Now(), Rules: rules.Facts(env)}
}

// variantAttributes are the attributes of a goal that name a variant of the page.
var variantAttributes = []string{"variant", "pageVariantId"}

// read takes out of an event what is a fact, too.
func read(e *cdp.Event) (s sent) {
	s.data, s.event = e.Ext, e.Type
	var amount any
	currency := ""
	for _, a := range e.Ext {
		switch text, _ := a.Value.(string); {
		case a.Name == ext.GoalValue:
			amount = a.Value
		case a.Name == ext.GoalCurrency:
			currency = text
		case text != "" && len(s.variants) < fact.MaxVariants && slices.Contains(variantAttributes, a.Name):
			s.variants = append(s.variants, fact.Variant{Component: rule.PageVariant, Name: text})
		}
	}
	if order, ok := e.Fields["order"].(map[string]any); ok && amount == nil {
		amount, currency = order["price"], e.Currency
	}
	if n, ok := amount.(float64); ok {
		s.value = fact.ValueOf(n, currency)
	}
	return s
}

// browserOf reads a browser ID, a UUID as the CDP writes it (RFC 9562). What is none is
// the zero value.
func browserOf(id string) (b [16]byte) {
	if len(id) != 36 {
		return b
	}
	n := 0
	for i := range len(id) {
		c := id[i]
		if c == '-' {
			continue
		}
		digit := c - '0'
		switch {
		case '0' <= c && c <= '9':
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			digit = c | 0x20 - 'a' + 10
		default:
			return [16]byte{}
		}
		if n == 2*len(b) {
			return [16]byte{}
		}
		b[n/2] = b[n/2]<<4 | digit
		n++
	}
	return b
}
