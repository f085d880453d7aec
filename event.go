package goaltrack

import (
	"maps"
	"math"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goaltrack/goaltrack/cdp"
)

// The attributes of ext that goaltrack sends itself.
const (
	extEventID      = "eventId"
	extOccurredAt   = "occurredAt"
	extGoalConfig   = "goalConfig"
	extLate         = "late"
	extGoalValue    = "goalValue"
	extGoalCurrency = "goalCurrency"
)

// channelAuto asks for the channel of the visitor's device.
const channelAuto = "auto"

// maxEvent bounds an encoded event.
const maxEvent = 32 << 10

// eventOf makes the event of a goal that fired. Values come from x and, for a
// goal raised in code, from its data.
func (s *site) eventOf(g *goal, x *exchange, page string, extra Data) (cdp.Event, fate) {
	e := cdp.Event{Type: g.typ, Page: page}
	s.base(&e, x)
	if f := g.replaceBase(&e, x); f != fired {
		return e, f
	}
	e.Ext = make(cdp.Ext, 0, len(g.data)+len(extra)+2)
	for i := range g.data {
		d := &g.data[i]
		if d.from.kind == sourceLiteral {
			e.Ext = append(e.Ext, cdp.Attr{Name: d.name, Value: d.literal})
			continue
		}
		if d.from.kind == sourceApp { // keeps its type
			if v, ok := x.app[d.from.name]; ok {
				e.Ext = append(e.Ext, cdp.Attr{Name: d.name, Value: v})
			}
			continue
		}
		v, ok := x.lookup(&d.from)
		switch {
		case len(v) > maxCollected || x.tooLong(&d.from):
			return e, fateValueTooLong
		case !ok || v == "":
		default:
			e.Ext = append(e.Ext, cdp.Attr{Name: d.name, Value: cleanText(v)})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		if !slices.ContainsFunc(g.data, func(d field) bool { return d.name == name }) {
			e.Ext = append(e.Ext, cdp.Attr{Name: name, Value: extra[name]})
		}
	}
	return e, g.addValue(&e, x, s)
}

// base fills what the site says.
func (s *site) base(e *cdp.Event, x *exchange) {
	e.Language, e.Currency, e.Channel = s.Language, s.Currency, s.Channel
	if e.Channel == channelAuto {
		e.Channel = x.deviceChannel()
	}
}

// replaceBase puts what the goal says in place of what the site says.
func (g *goal) replaceBase(e *cdp.Event, x *exchange) fate {
	for i, into := range [baseFields]*string{&e.Language, &e.Currency, &e.Channel, &e.PointOfSale} {
		v, ok := x.lookup(&g.base[i])
		switch {
		case !ok || v == "":
			continue
		case len(v) > maxCollected:
			return fateValueTooLong
		}
		switch i {
		case baseLanguage:
			if v = wireLanguage(v); v == "" {
				continue // the visitor's cookie says nonsense: the site's language it is
			}
		case baseChannel:
			if v == channelAuto {
				v = x.deviceChannel()
			}
		}
		*into = v
	}
	v, ok := x.lookup(&g.page)
	switch {
	case len(v) > maxCollected:
		return fateValueTooLong
	case ok && v != "":
		e.Page = cleanText(v)
	}
	return fired
}

// addValue adds what the goal is worth.
func (g *goal) addValue(e *cdp.Event, x *exchange, s *site) fate {
	if !g.value.set {
		return fired
	}
	amount := g.value.amount
	if g.value.from.kind != sourceLiteral {
		text, ok := x.lookup(&g.value.from)
		if !ok || text == "" {
			return fired // no value is said, which is not the same as 0
		}
		var err error
		if amount, err = strconv.ParseFloat(strings.TrimSpace(text), 64); err != nil || math.IsNaN(amount) || math.IsInf(amount, 0) || amount < 0 {
			return fateValueMissing
		}
		if g.value.max > 0 && amount > g.value.max {
			return fateValueTooLong
		}
	}
	e.Ext = append(e.Ext, cdp.Attr{Name: extGoalValue, Value: amount})
	currency := g.value.currency
	def(&currency, e.Currency)
	if currency != "" {
		e.Ext = append(e.Ext, cdp.Attr{Name: extGoalCurrency, Value: currency})
	}
	return fired
}

// viewOf makes a VIEW as the SDKs send it: with the utm_ parameters of the
// address, and the referrer if it is another site.
func (s *site) viewOf(x *exchange, page string) cdp.Event {
	e := cdp.View(page)
	s.base(&e, x)
	if ref := x.referer; ref != "" && len(ref) <= maxInput && utf8.ValidString(ref) {
		if u, err := url.Parse(ref); err == nil && u.Host != "" && !strings.EqualFold(hostOnly(u.Host), hostOnly(x.host)) {
			e.Referrer = ref
		}
	}
	e.UTM = utmOf(x.rawQuery)
	return e
}

// maxUTM bounds the utm_ parameters taken from one address.
const maxUTM = 10

func utmOf(rawQuery string) (utm []cdp.Attr) {
	for rawQuery != "" && len(utm) < maxUTM {
		var pair string
		pair, rawQuery, _ = strings.Cut(rawQuery, "&")
		k, v, _ := strings.Cut(pair, "=")
		if len(k) < 5 || len(k) > 64 || !strings.EqualFold(k[:4], "utm_") || !validToken(k) {
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

// encode writes the event and its envelope in one piece. The result is the
// caller's.
func (s *site) encode(e *cdp.Event, goalName, userAgent string, noEventID bool) ([]byte, fate) {
	var buf [2 << 10]byte
	head := envelope{site: s.Name, goal: goalName, userAgent: cutUserAgent(userAgent), hasExt: len(e.Ext) > 0 || !noEventID}
	out := head.appendHead(buf[:0])
	start := len(out)
	out = e.AppendJSON(out, s.CDP)
	if !noEventID {
		out = appendEventID(out, len(e.Ext) > 0)
	}
	if len(out)-start > maxEvent {
		return nil, fateEventInvalid
	}
	return append([]byte(nil), out...), fired
}

// appendEventID adds ext.eventId to an encoded event, in place. The ID only has
// to differ from all others, so the fast generator will do.
func appendEventID(body []byte, hasExt bool) []byte {
	if hasExt {
		body = append(body[:len(body)-2], ',')
	} else {
		body = append(body[:len(body)-1], `,"ext":{`...)
	}
	body = append(body, `"`+extEventID+`":"`...)
	body = appendUUID(body, rand.Uint64(), rand.Uint64()) //nolint:gosec // See above.
	return append(body, `"}}`...)
}

// appendUUID writes a version 4 UUID (RFC 9562) of random bits.
func appendUUID(dst []byte, hi, lo uint64) []byte {
	hi = hi&^0xf000 | 0x4000
	lo = lo&^(3<<62) | 2<<62
	const hex = "0123456789abcdef"
	for i := range 32 {
		if i == 8 || i == 12 || i == 16 || i == 20 {
			dst = append(dst, '-')
		}
		word := hi
		if i >= 16 {
			word = lo
		}
		dst = append(dst, hex[word>>(60-4*(i%16))&0xf])
	}
	return dst
}

// maxUserAgent is where a user agent is cut: longer ones are attacks on those
// who parse them.
const maxUserAgent = 512

func cutUserAgent(ua string) string {
	if len(ua) > maxUserAgent {
		return ua[:maxUserAgent]
	}
	return ua
}

// cleanText makes a visitor's text fit for JSON.
func cleanText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// wireLanguage turns "de-DE" and "de" into "DE", and what is no language
// into "".
func wireLanguage(s string) string {
	lang, _, _ := strings.Cut(s, "-")
	lang, _, _ = strings.Cut(lang, "_")
	if len(lang) != 2 {
		return ""
	}
	lang = strings.ToUpper(lang)
	if lang[0] < 'A' || lang[0] > 'Z' || lang[1] < 'A' || lang[1] > 'Z' {
		return ""
	}
	return lang
}

// deviceChannel tells a phone from the rest, by the client hint if there is one.
func (x *exchange) deviceChannel() string {
	if x.mobileHint == "?1" || x.mobileHint == "" && strings.Contains(x.userAgent, "Mobi") {
		return "MOBILE_WEB"
	}
	return "WEB"
}

// homePage is how the SDKs name the page at "/".
const homePage = "Home Page"

// pageName names a page as Sitecore's browser scripts do: by the last segment
// of its path.
func pageName(path string) string {
	path = trimPath(path)
	if path == "" {
		return homePage
	}
	name := path[strings.LastIndexByte(path, '/')+1:]
	return cleanText(name[:min(len(name), maxCollected)])
}

// submitPage is the page a form was on: the page of the Referer, if it is one
// of this host.
func submitPage(x *exchange) (string, bool) {
	if x.referer == "" || len(x.referer) > maxInput {
		return "", false
	}
	u, err := url.Parse(x.referer)
	if err != nil || !strings.EqualFold(hostOnly(u.Host), hostOnly(x.host)) || u.Path == "" {
		return "", false
	}
	return pageName(u.Path), true
}
