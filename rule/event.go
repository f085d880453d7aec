package rule

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/ext"
	"github.com/goaltrack/goaltrack/internal/web"
)

// channelAuto asks for the channel of the visitor's device.
const channelAuto = "auto"

// Base are the fields of an event that the site says and a goal may replace. They are
// those that all events of the CDP have (doc.sitecore.com, "Event object").
type Base struct {
	// Page is the name of the page, Language such as EN, Currency such as EUR.
	Page, Language, Currency string
	// Channel is that of the CDP, such as WEB. "auto" asks for WEB or MOBILE_WEB, by
	// what the browser says of itself.
	Channel string
	// PointOfSale is the site's name in the CDP.
	PointOfSale string
}

// Event is what a goal sends, in plain values.
type Event struct {
	Base
	// Type is that of the event: VIEW, IDENTITY, ORDER_CHECKOUT or the goal's own.
	Type string
	// Ext are the attributes: those of the rule, those that the application gave
	// for a goal raised in code, and goalValue and goalCurrency.
	Ext cdp.Ext
	// Referrer and UTM say where the visitor came from, for a VIEW: another
	// site's address, and the utm_ parameters of this one, at most 10.
	Referrer string
	UTM      []cdp.Attr
	// Lacks says why the event has less than the rule says, by the names of reasons and
	// of notes: value_unreadable, form_too_large. It is nil if it has all.
	Lacks []string
	// Order is what an ORDER_CHECKOUT tells, nil for any other event.
	Order *cdp.Order
	// Fields is what any other standard event tells beside its attributes, as
	// [cdp.Event] has it. Contact is the person of an ADD_CONTACTS. nil is nothing.
	Fields  map[string]any
	Contact *cdp.Identity
}

// base is what the goal says in place of what the site says.
func (c *Cause) base(x *Exchange, from Base) (Base, Reason) {
	if from.Channel == channelAuto {
		from.Channel = x.deviceChannel()
	}
	if c.goal == nil {
		return from, Fires
	}
	r := c.goal.replaceBase(&from, x)
	return from, r
}

// addData adds the attributes, and what the goal is worth.
func (g *goal) addData(e *Event, x *Exchange) Reason {
	if n := len(g.data) + len(x.data); n > 0 || g.value.set {
		e.Ext = append(make([]cdp.Attr, 0, len(e.Ext)+n+2), e.Ext...)
	}
	for i := range g.data {
		d := &g.data[i]
		v, lost, r := d.value(x)
		switch {
		case r != Fires:
			return r
		case lost:
			e.lack(noteValueUnreadable)
		case v != nil:
			e.Ext = append(e.Ext, cdp.Attr{Name: d.name, Value: v})
		}
	}
	if len(x.data) > 0 { // sorting nothing would cost three allocations
		for _, name := range slices.Sorted(maps.Keys(x.data)) {
			if isScalar(x.data[name]) && !slices.ContainsFunc(e.Ext, func(a cdp.Attr) bool { return a.Name == name }) {
				e.Ext = append(e.Ext, cdp.Attr{Name: name, Value: x.data[name]})
			}
		}
	}
	return g.addValue(e, x)
}

// isScalar reports whether a value of the application may be an attribute. What is none is
// there for a field that reads it.
func isScalar(v any) bool {
	switch v.(type) {
	case cdp.Event, []string, []any, []map[string]any, map[string]any, []cdp.OrderItem, time.Time:
		return false
	}
	return true
}

// value reads the attribute's value: nil if there is none.
// lost: it has one that cannot be read as what the rule says.
func (d *field) value(x *Exchange) (v any, lost bool, r Reason) {
	if d.from.kind == sourceLiteral {
		return d.literal, false, Fires
	}
	dec := x.decimalOf(&d.from, d.decimal)
	if v, typed := x.lookupTyped(&d.from); typed {
		switch v := v.(type) {
		case string:
			return d.text(v, dec)
		case nil, map[string]any, []any, []cdp.OrderItem: // the CDP takes no lists and objects in ext
			return nil, false, Fires
		}
		v, lost = d.converted(v, dec)
		return v, lost, Fires
	}
	s, ok := x.lookup(&d.from)
	switch {
	case x.tooLong(&d.from):
		return nil, false, ReasonValueTooLong
	case !ok || s == "":
		return nil, false, Fires
	}
	return d.text(s, dec)
}

// text is a value that came as text.
func (d *field) text(s string, dec decimal) (v any, lost bool, r Reason) {
	if len(s) > maxCollected {
		return nil, false, ReasonValueTooLong
	}
	v, lost = d.converted(cleanText(s), dec)
	return v, lost, Fires
}

// converted turns a value into the type the rule asks for. lost: it is none.
func (d *field) converted(v any, dec decimal) (_ any, lost bool) {
	made, ok := d.as.convert(v, dec)
	if !ok {
		return nil, v != ""
	}
	return made, false
}

// noteValueUnreadable counts values that are there, and are not what the rule says.
const noteValueUnreadable = "value_unreadable"

// lack notes why the event has less, once.
func (e *Event) lack(why string) {
	if !slices.Contains(e.Lacks, why) {
		e.Lacks = append(e.Lacks, why)
	}
}

// replaceBase puts what the goal says in place of what the site says. Nonsense,
// which a visitor may have written into a cookie, leaves the site's word.
func (g *goal) replaceBase(e *Base, x *Exchange) Reason {
	for i, into := range [baseFields]*string{&e.Language, &e.Currency, &e.Channel, &e.PointOfSale} {
		if g.base[i].isUnsaid() {
			continue // as usual
		}
		v, r := x.collect(&g.base[i])
		if r != Fires {
			return r
		}
		switch {
		case i == baseLanguage:
			v = web.Language(v)
		case i == baseCurrency && g.Currency == noCurrency:
			if v = ""; g.order == nil { // an order is in money all the same
				*into = ""
			}
		case i == baseCurrency && !cdp.ValidCurrency(v), i == baseChannel && !cdp.ValidChannel(v) && v != channelAuto:
			v = ""
		case i == baseChannel && v == channelAuto:
			v = x.deviceChannel()
		}
		if v != "" {
			*into = v
		}
	}
	page, r := x.collect(&g.page)
	page = cmp.Or(page, e.Page)
	e.Page = page
	return r
}

// addValue adds what the goal is worth.
func (g *goal) addValue(e *Event, x *Exchange) Reason {
	if !g.value.set {
		return Fires
	}
	amount := g.value.amount
	if g.value.from.kind != sourceLiteral {
		text, r := x.collect(&g.value.from)
		if r != Fires || text == "" {
			return r // no value is said, which is not the same as 0
		}
		var ok bool
		switch amount, ok = x.number(&g.value.from, g.decimal, text); {
		case !ok, amount < 0 && g.value.from.visitorWrites():
			e.lack(noteValueUnreadable)
			return Fires
		case beyond(amount, g.value.max):
			return ReasonValueTooLong
		}
	}
	e.Ext = append(e.Ext, cdp.Attr{Name: ext.GoalValue, Value: amount})
	currency := cmp.Or(g.value.currency, g.Currency)
	if currency != noCurrency {
		currency = cmp.Or(g.value.currency, e.Currency)
	}
	if currency != "" && currency != noCurrency {
		e.Ext = append(e.Ext, cdp.Attr{Name: ext.GoalCurrency, Value: currency})
	}
	return Fires
}

// deviceChannel tells a phone from the rest, by the client hint if there is one.
func (x *Exchange) deviceChannel() string {
	if x.mobileHint == "?1" || x.mobileHint == "" && strings.Contains(x.userAgent, "Mobi") {
		return "MOBILE_WEB"
	}
	return "WEB"
}
