package cdp

import (
	"maps"
	"slices"
	"time"
)

// An Event is one message to the CDP's stream. A member with its zero value is not sent,
// except where said otherwise.
//
// Sitecore documents channel, point of sale, language, currency and page as required
// (doc.sitecore.com, "Event object"). What is enforced is less: an event without browser_id
// or type is answered 400. An event with a wrong point of sale is answered 201 and lost
// ("Troubleshooting"). [Event.Validate] asks for what is enforced, and for what each
// standard event needs. Send all of them if sessions and segments are to be right.
//
// An Event is a plain value. Several goroutines may read it at the same time, as long as
// none changes it.
type Event struct {
	// BrowserID is the visitor's ID, made by the CDP ([Client.CreateBrowser]). It may
	// be filled in last: Validate accepts an event without one, [Client.Send] does
	// not.
	BrowserID string

	// Type is VIEW, another standard event, or a custom one such as
	// BROCHURE_REQUESTED or shop:BROCHURE_REQUESTED. A custom one consists of upper
	// case letters, digits and "_", perhaps after prefixes that end in ":"
	// (doc.sitecore.com, "Custom event"). Required.
	Type string

	// Channel is WEB, MOBILE_WEB or another of Sitecore's channels ("Event object").
	// An event with another channel than the page's own falls into another session.
	Channel string

	// PointOfSale replaces the site's. Default: the site's. An [Edge] site has none,
	// and an empty one is sent.
	PointOfSale string

	// Language has two letters (ISO 639-1). It is sent in upper case.
	Language string

	// Currency is an ISO 4217 code in upper case.
	Currency string

	// Page names the page. It is sent even when it is empty, as the SDKs do on the
	// server. Only FORM leaves an empty one out.
	Page string

	// RequestedAt is the time of the event. It is sent to an [Edge] site only, in UTC
	// with milliseconds: the direct hosts know no such attribute. The official SDKs
	// always send the present. Nothing public says that the CDP honours a time in the
	// past.
	RequestedAt time.Time

	// Referrer is the address that the visit came from. The SDKs send it with VIEW
	// only.
	Referrer string

	// UTM are the campaign parameters of a VIEW. Their names begin with utm_ and are
	// sent in lower case; their values are strings.
	UTM []Attr

	// Fields are further top-level attributes: the person of an IDENTITY, the product
	// of an ADD, anything. A value is whatever encoding/json takes. The names of the
	// members above are not allowed.
	Fields map[string]any

	// Ext are the event's own attributes, at most 50.
	Ext Ext
}

// An Attr is a named value. Value is a string, a bool, or any kind of integer or float; a
// named type counts as its kind. Name has letters and digits. [Event.Validate] refuses
// everything else.
type Attr struct {
	Name  string
	Value any
}

// Ext are the attributes of an event's "ext" object, sent in this order. The CDP takes at
// most 50, all scalars. An attribute must keep its type in all events of one type, or the
// tenant stops ingesting it (doc.sitecore.com, "Send additional event data").
type Ext []Attr

// The bounds of Flatten are beyond any event that the CDP takes. They are small enough to
// end soon with a map that contains itself.
const (
	flattenDepth = 16
	flattenSteps = 10_000
)

// Flatten turns nested maps into attributes as the official SDKs do. It joins names with
// "_" and leaves out nil values and empty maps. The result is sorted by name. It keeps
// other values as they are, for example lists, and so it does with maps nested deeper than
// 16; [Event.Validate] refuses both. It does not change m.
func Flatten(m map[string]any) Ext {
	f := flattener{}
	f.add("", m, 0)
	slices.SortStableFunc(f.ext, func(a, b Attr) int {
		switch {
		case a.Name < b.Name:
			return -1
		case a.Name > b.Name:
			return 1
		}
		return 0
	})
	return f.ext
}

type flattener struct {
	ext   Ext
	steps int
}

func (f *flattener) add(prefix string, m map[string]any, depth int) {
	// Each level is sorted, too. Two paths can end in one name ({"a_b": 1, "a": {"b":
	// 2}}), and the result must not depend on the order of a map.
	for _, key := range slices.Sorted(maps.Keys(m)) {
		f.steps++
		name, value := prefix+key, m[key]
		nested, isMap := value.(map[string]any)
		switch {
		case value == nil:
		case isMap && depth < flattenDepth && f.steps < flattenSteps:
			f.add(name+"_", nested, depth+1)
		default:
			f.ext = append(f.ext, Attr{name, value})
		}
		if f.steps >= flattenSteps && len(f.ext) > maxExt {
			return // Validate refuses so many attributes anyway
		}
	}
}

// ValidBrowserID reports whether s looks like an ID that the CDP makes: a UUID of 36
// characters, in either case. The values "undefined", "anonymous" and "", which SDKs are
// known to leave in cookies, do not. It allocates nothing.
func ValidBrowserID(s string) bool { return isBrowserID(s) }

func isBrowserID[T string | []byte](s T) bool {
	const hyphens = 4
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return false
	}
	digits := 0
	for i := range len(s) {
		digits += int(isHex[s[i]])
	}
	return digits == len(s)-hyphens
}

// isHex has a 1 for each hexadecimal digit. Each request with an ID comes here, and a table is
// faster than comparisons.
var isHex = func() (digits [256]uint8) {
	for _, c := range []byte("0123456789abcdefABCDEF") {
		digits[c] = 1
	}
	return digits
}()

func digit(c byte) bool  { return '0' <= c && c <= '9' }
func upper(c byte) bool  { return 'A' <= c && c <= 'Z' }
func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
