package cdp

import (
	"maps"
	"slices"
	"time"
)

// An Event is one message to the CDP's stream. The zero value of a member
// means that it is not sent, except where said otherwise.
//
// Sitecore documents channel, point of sale, language, currency and page as
// required; what is enforced is less: an event without browser_id or type is
// answered 400, and one whose point of sale is wrong is answered 201 and lost.
// [Event.Validate] asks for what is enforced, and for what each standard event
// needs; a site that wants its sessions and segments to be right sends all.
//
// An Event is a value without state; do not change it while another goroutine
// reads it.
type Event struct {
	// BrowserID is the visitor's ID, made by the CDP ([Client.CreateBrowser]).
	// It may be filled in last: Validate does not ask for it, [Client.Send] does.
	BrowserID string

	// Type is VIEW, another standard event, or a custom one such as
	// BROCHURE_REQUESTED or shop:BROCHURE_REQUESTED: upper case letters, digits
	// and "_", perhaps after prefixes that end in ":". Required.
	Type string

	// Channel is WEB, MOBILE_WEB or another of Sitecore's channels. Events of
	// another channel than the page's own fall into another session.
	Channel string

	// PointOfSale replaces the site's. An [Edge] site has none and sends "".
	PointOfSale string

	// Language has two letters (ISO 639-1); sent in upper case.
	Language string

	// Currency is an ISO 4217 code in upper case.
	Currency string

	// Page names the page. Sent even when empty, as the SDKs do on the
	// server; only FORM leaves an empty one out.
	Page string

	// RequestedAt is sent to an [Edge] site only, in UTC with milliseconds;
	// the direct hosts know no such attribute. Zero: not sent. The official
	// SDKs always send the present; nothing public says that the CDP honours
	// a time in the past.
	RequestedAt time.Time

	// Referrer is the address the visit came from. The SDKs send it with
	// VIEW only.
	Referrer string

	// UTM are the campaign parameters of a VIEW: names that begin with utm_,
	// sent in lower case, and string values.
	UTM []Attr

	// Fields are further top-level attributes: the person of an IDENTITY, the
	// product of an ADD, anything. Values are whatever encoding/json takes.
	// Names of the members above are not allowed here.
	Fields map[string]any

	// Ext are the event's own attributes, at most 50.
	Ext Ext
}

// An Attr is a named value. Value is a string, a bool, or any kind of integer
// or float; a named type counts as its kind. Everything else is refused by
// [Event.Validate].
type Attr struct {
	Name  string
	Value any
}

// Ext are the attributes of an event's "ext" object, sent in this order. The
// CDP takes at most 50, all scalars; a name must keep its type for all events
// of a type, or the tenant stops ingesting it (doc.sitecore.com, "Send
// additional event data").
type Ext []Attr

// Bounds of Flatten: deeper or wider than any event the CDP takes, and small
// enough that a map which contains itself ends.
const (
	flattenDepth = 16
	flattenSteps = 10_000
)

// Flatten turns nested maps into attributes as the official SDKs do: names are
// joined with "_", nil values and empty maps disappear. The result is sorted by
// name. Other values, lists for example, are kept as they are, and so are maps
// nested deeper than 16; [Event.Validate] refuses both.
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
	// Sorted at each level too: two paths can end in one name ({"a_b": 1,
	// "a": {"b": 2}}) and the answer must not depend on the order of a map.
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
			return // refused already for the number of attributes
		}
	}
}

// ValidBrowserID reports whether s looks like an ID the CDP makes: a UUID of
// 36 characters, in either case. The text "undefined", "anonymous" and the
// empty value, which SDKs are known to leave in cookies, do not. It allocates
// nothing.
func ValidBrowserID(s string) bool { return isBrowserID(s) }

func isBrowserID[T string | []byte](s T) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case !digit(c) && (c|0x20 < 'a' || c|0x20 > 'f'):
			return false
		}
	}
	return true
}

func digit(c byte) bool  { return '0' <= c && c <= '9' }
func upper(c byte) bool  { return 'A' <= c && c <= 'Z' }
func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
