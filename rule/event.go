package rule

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/ext"

	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/web"
)

// channelAuto asks for the channel of the visitor's device.
const channelAuto = "auto"

// Base are the fields of an event that the site says and a goal may replace.
type Base struct {
	Page, Language, Currency, Channel, PointOfSale string
}

// Event is what a goal sends, in plain values.
type Event struct {
	Base
	// Type is that of the event: VIEW, ORDER_CHECKOUT or the goal's own.
	Type string
	// Ext are the attributes, and what the goal is worth among them.
	Ext cdp.Ext
	// Referrer and UTM say where the visitor came from, for a VIEW.
	Referrer string
	UTM      []cdp.Attr
	// Order is what an ORDER_CHECKOUT tells, nil for any other event.
	Order *cdp.Order
}

// Event makes what the goal sends. Values come from x; from is what the site
// says.
func (t *Cause) Event(x *Exchange, from Base) (e Event, f Reason) {
	if t.goal == nil {
		e.Type = t.Name()
		e.Base, _ = t.base(x, from)
		if t == View {
			e.Referrer, e.UTM = x.otherSite(), utmOf(x.rawQuery)
		}
		return e, Fires
	}
	t.capture(x)
	e.Type = t.goal.typ
	if t.goal.order != nil {
		o, f := t.goal.order.read(x, from.Currency)
		if f != Fires {
			return e, f
		}
		e.Order = &o
	}
	if e.Base, f = t.base(x, from); f != Fires {
		return e, f
	}
	return e, t.goal.addData(&e, x)
}

// base is what the goal says in place of what the site says.
func (t *Cause) base(x *Exchange, from Base) (Base, Reason) {
	if from.Channel == channelAuto {
		from.Channel = x.deviceChannel()
	}
	if t.goal == nil {
		return from, Fires
	}
	f := t.goal.replaceBase(&from, x)
	return from, f
}

// addData adds the attributes, and what the goal is worth.
func (g *goal) addData(e *Event, x *Exchange) Reason {
	if n := len(g.data) + len(x.data); n > 0 || g.value.set {
		e.Ext = make(cdp.Ext, 0, n+2)
	}
	for i := range g.data {
		d := &g.data[i]
		v, f := d.value(x)
		if f != Fires {
			return f
		}
		if v != nil {
			e.Ext = append(e.Ext, cdp.Attr{Name: d.name, Value: v})
		}
	}
	if g.typ == formType && !slices.ContainsFunc(e.Ext, func(a cdp.Attr) bool { return a.Name == "interactionType" }) {
		e.Ext = append(e.Ext, cdp.Attr{Name: "interactionType", Value: cdp.FormSubmitted})
	}
	if len(x.data) > 0 { // sorting nothing would cost three allocations
		for _, name := range slices.Sorted(maps.Keys(x.data)) {
			if !slices.ContainsFunc(g.data, func(d field) bool { return d.name == name }) {
				e.Ext = append(e.Ext, cdp.Attr{Name: name, Value: x.data[name]})
			}
		}
	}
	return g.addValue(e, x)
}

// value reads the attribute's value: nil if there is none.
func (d *field) value(x *Exchange) (any, Reason) {
	if d.from.kind == sourceLiteral {
		return d.literal, Fires
	}
	if v, typed := x.lookupTyped(&d.from); typed {
		switch v := v.(type) {
		case string:
			return d.text(v)
		case nil, map[string]any, []any, []cdp.OrderItem: // the CDP takes no lists and objects in ext
			return nil, Fires
		}
		return d.converted(v), Fires
	}
	s, ok := x.lookup(&d.from)
	switch {
	case x.tooLong(&d.from):
		return nil, reasonValueTooLong
	case !ok || s == "":
		return nil, Fires
	}
	return d.text(s)
}

// text is a value that came as text.
func (d *field) text(s string) (any, Reason) {
	if len(s) > maxCollected {
		return nil, reasonValueTooLong
	}
	return d.converted(cleanText(s)), Fires
}

// converted turns a value into the type the rule asks for, nil if it is none.
func (d *field) converted(v any) any {
	v, ok := d.as.convert(v)
	if !ok {
		return nil
	}
	return v
}

// collect reads what goes into an event: a valid text, or "" if there is none.
func (x *Exchange) collect(s *source) (v string, f Reason) {
	v, _ = x.lookup(s)
	if len(v) > maxCollected || x.tooLong(s) {
		return "", reasonValueTooLong
	}
	return cleanText(v), Fires
}

// replaceBase puts what the goal says in place of what the site says. Nonsense,
// which a visitor may have written into a cookie, leaves the site's word.
func (g *goal) replaceBase(e *Base, x *Exchange) Reason {
	for i, into := range [baseFields]*string{&e.Language, &e.Currency, &e.Channel, &e.PointOfSale} {
		if g.base[i] == (source{}) {
			continue // as usual
		}
		v, f := x.collect(&g.base[i])
		if f != Fires {
			return f
		}
		switch {
		case i == baseLanguage:
			v = web.Language(v)
		case i == baseCurrency && !cdp.ValidCurrency(v), i == baseChannel && !cdp.ValidChannel(v) && v != channelAuto:
			v = ""
		case i == baseChannel && v == channelAuto:
			v = x.deviceChannel()
		}
		if v != "" {
			*into = v
		}
	}
	page, f := x.collect(&g.page)
	page = cmp.Or(page, e.Page)
	e.Page = page
	return f
}

// addValue adds what the goal is worth.
func (g *goal) addValue(e *Event, x *Exchange) Reason {
	if !g.value.set {
		return Fires
	}
	amount := g.value.amount
	if g.value.from.kind != sourceLiteral {
		text, f := x.collect(&g.value.from)
		if f != Fires || text == "" {
			return f // no value is said, which is not the same as 0
		}
		var err error
		if amount, err = strconv.ParseFloat(strings.TrimSpace(text), 64); err != nil || !finite(amount) || amount < 0 {
			return reasonValueMissing
		}
		if g.value.max > 0 && amount > g.value.max {
			return reasonValueTooLong
		}
	}
	e.Ext = append(e.Ext, cdp.Attr{Name: ext.GoalValue, Value: amount})
	currency := g.value.currency
	currency = cmp.Or(currency, e.Currency)
	if currency != "" {
		e.Ext = append(e.Ext, cdp.Attr{Name: ext.GoalCurrency, Value: currency})
	}
	return Fires
}

// maxUTM bounds the utm_ parameters taken from one address.
const maxUTM = 10

// utmOf reads the utm_ parameters of an address as the SDKs send them.
func utmOf(rawQuery string) (utm []cdp.Attr) {
	for rawQuery != "" && len(utm) < maxUTM {
		var pair string
		pair, rawQuery, _ = strings.Cut(rawQuery, "&")
		k, v, _ := strings.Cut(pair, "=")
		if len(k) < 5 || len(k) > 64 || !strings.EqualFold(k[:4], "utm_") || !web.ValidToken(k) {
			continue
		}
		k = strings.ToLower(k)
		v, err := url.QueryUnescape(v)
		if err != nil || v == "" || len(v) > maxCollected || slices.ContainsFunc(utm, func(a cdp.Attr) bool { return a.Name == k }) {
			continue
		}
		utm = append(utm, cdp.Attr{Name: k, Value: cleanText(v)})
	}
	return utm
}

// cleanText makes a visitor's text fit for JSON.
func cleanText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// deviceChannel tells a phone from the rest, by the client hint if there is one.
func (x *Exchange) deviceChannel() string {
	if x.mobileHint == "?1" || x.mobileHint == "" && strings.Contains(x.userAgent, "Mobi") {
		return "MOBILE_WEB"
	}
	return "WEB"
}

// homePage is how the SDKs name the page at "/".
const homePage = "Home Page"

// pageName names a page as Sitecore's browser scripts do, by the last segment
// of its path, unless that looks like a key to something: a reset token or a
// share link must not reach the CDP. Then it is the segment before.
func pageName(path string) string {
	path = strings.TrimRight(path, "/")
	for path != "" {
		i := strings.LastIndexByte(path, '/')
		name := path[i+1:]
		if name != "" && !looksLikeToken(name) {
			return cleanText(name[:min(len(name), maxCollected)])
		}
		path = path[:max(i, 0)]
	}
	return homePage
}

// tokenLength is how long an unbroken run of letters and digits is in a token
// and hardly ever in a word.
const tokenLength = 20

// looksLikeToken reports a UUID, or a long run of letters and digits mixed.
func looksLikeToken(s string) bool {
	if cdp.ValidBrowserID(s) {
		return true
	}
	run, digits := 0, 0
	for _, c := range []byte(s) {
		switch {
		case '0' <= c && c <= '9':
			digits++
			run++
		case 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_':
			run++
		default:
			run, digits = 0, 0
		}
		if run >= tokenLength && digits > 0 {
			return true
		}
	}
	return false
}

// submitPage is the page a form was on: the page of the Referer, if it is one
// of this host.
func submitPage(x *Exchange) (string, bool) {
	path, _ := x.formPage()
	if path == "" {
		return "", false
	}
	return pageName(path), true
}

// formPage is the page in the Referer, its path as rules see paths and its
// query, "" if there is none of this host.
func (x *Exchange) formPage() (path, rawQuery string) {
	if x.referer == "" || len(x.referer) > maxInput {
		return "", ""
	}
	if x.page.of != x.referer {
		x.page.of, x.page.path, x.page.rawQuery = x.referer, "", ""
		if u, err := url.Parse(x.referer); err == nil && u.Host != "" && u.Path != "" && x.sameHost(u.Host) {
			x.page.path, x.page.rawQuery = x.ownPath(u.Path), u.RawQuery
		}
	}
	return x.page.path, x.page.rawQuery
}

// ownPath is a path of this site as rules see it.
func (x *Exchange) ownPath(path string) string {
	return urlpath.CutPrefix(urlpath.Normal(path), x.prefix)
}

// wholePath is the path as routers inside see it.
func (x *Exchange) wholePath() string { return x.taken + x.path }
