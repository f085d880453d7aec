package goaltrack

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/goaltrack/goaltrack/internal/web"
)

// The functions below make readers for [Config.Consent]. A reader reads cookies
// and nothing else. It is safe for concurrent use. It looks at 4 KiB of each
// cookie at most, because browsers keep no more of one (RFC 6265bis, section
// 5.6). A value that it does not understand is unknown. A server never sees
// consent that a banner keeps in localStorage alone: let the page copy it to a
// cookie.

// maxConsent bounds a cookie that is read for consent, in bytes. A longer one
// is unknown.
const maxConsent = 4 << 10

// readConsent reads every cookie of that name and joins the answers. A browser
// may send several cookies, of different paths and domains, and their order
// says nothing. So two cookies that disagree are no consent.
func readConsent(h http.Header, name string, read func(value string) Consent) Consent {
	var joined Consent
	found := false
	web.CookieValue(h, name, func(value string) bool {
		c := ConsentUnknown
		if len(value) <= maxConsent {
			c = read(value)
		}
		if found {
			c = bothOf(joined, c)
		}
		joined, found = c, true
		return false // so that it goes on to the next
	})
	return joined
}

// consentReader makes a reader of one cookie.
func consentReader(name string, read func(value string) Consent) func(*http.Request) Consent {
	if !web.ValidToken(name) {
		return func(*http.Request) Consent { return ConsentUnknown }
	}
	return func(r *http.Request) Consent { return readConsent(r.Header, name, read) }
}

// ConsentCookie reads a cookie of the site's own. Consent is granted if the
// cookie has the given value, refused if it has another, and unknown without
// the cookie. Quotes around the cookie's value are ignored. If no cookie can
// have the name, or the given value is empty, the reader never says granted.
func ConsentCookie(name, value string) func(*http.Request) Consent {
	return consentReader(name, func(v string) Consent {
		if len(v) > 1 && v[0] == '"' && v[len(v)-1] == '"' {
			v = v[1 : len(v)-1]
		}
		if v == value && value != "" {
			return ConsentGranted
		}
		return ConsentRefused
	})
}

// opinion collects what one cookie says about one category.
type opinion struct {
	consent Consent
	said    bool
}

// add takes in one more word about the category.
func (a *opinion) add(word []byte, yes, no string) {
	c := ConsentUnknown
	switch string(word) {
	case yes:
		c = ConsentGranted
	case no:
		c = ConsentRefused
	}
	if a.said {
		c = bothOf(a.consent, c)
	}
	a.consent, a.said = c, true
}

// appendUnescaped appends s with its %xx decoded. A plus sign stays a plus
// sign, unlike in a form. An invalid escape stays as it is written.
func appendUnescaped(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			hi, lo := unhex(s[i+1]), unhex(s[i+2])
			if hi < 16 && lo < 16 {
				dst = append(dst, hi<<4|lo)
				i += 2
				continue
			}
		}
		dst = append(dst, s[i])
	}
	return dst
}

// unhex returns the value of a hexadecimal digit, or 16 for any other
// character.
func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 16
}

// OneTrust says how [ConsentOneTrust] reads the cookies of OneTrust's banner.
// The zero value is right for a site that kept OneTrust's own categories and
// asks before it tracks.
type OneTrust struct {
	// Analytics and Marketing are the IDs of OneTrust's cookie categories for
	// the two. Defaults: C0002 (performance) and C0004 (targeting), as OneTrust
	// numbers them.
	Analytics, Marketing string

	// BeforeAnswer reads the categories also before the visitor has closed the
	// banner. It is for opt-out banners, whose categories are on until the
	// visitor switches them off. Default: false, unknown until the banner is
	// closed.
	BeforeAnswer bool
}

// ConsentOneTrust reads two cookies of OneTrust
// (https://my.onetrust.com/articles/en_US/Knowledge/UUID-2dc719a8-4be5-8d16-1dc8-c7b4147b88e0).
// The field groups in OptanonConsent says of each category whether it is on
// (C0001:1,C0002:0). OptanonAlertBoxClosed says that the visitor has closed the
// banner.
//
// OneTrust writes OptanonConsent as soon as its script runs, with the default
// categories. So consent is unknown without OptanonAlertBoxClosed, unless
// BeforeAnswer is set. It is also unknown while OneTrust waits for a new answer
// (AwaitingReconsent=true), and for a category that is not among the groups.
func ConsentOneTrust(o OneTrust) func(*http.Request) Consent {
	def(&o.Analytics, "C0002")
	def(&o.Marketing, "C0004")
	return func(r *http.Request) Consent {
		if !o.BeforeAnswer && web.CookieValue(r.Header, "OptanonAlertBoxClosed", isNotEmpty) == "" {
			return ConsentUnknown
		}
		return readConsent(r.Header, "OptanonConsent", o.read)
	}
}

func isNotEmpty(v string) bool { return v != "" }

// read reads the value of OptanonConsent, which has the syntax of a form's
// body.
func (o *OneTrust) read(value string) (c Consent) {
	found := false
	for value != "" {
		var pair string
		pair, value, _ = strings.Cut(value, "&")
		name, v, _ := strings.Cut(pair, "=")
		switch {
		case name == "groups":
			one := o.groups(v)
			if found {
				one = bothOf(c, one)
			}
			c, found = one, true
		case name == "AwaitingReconsent" && strings.EqualFold(v, "true"):
			return ConsentUnknown
		}
	}
	return c
}

// groups reads C0001:1,C0002:0. Commas and colons may be escaped.
func (o *OneTrust) groups(escaped string) Consent {
	var buf [256]byte // enough for thirty categories
	list := appendUnescaped(buf[:0], escaped)
	var analytics, marketing opinion
	for len(list) > 0 {
		var entry []byte
		entry, list, _ = bytes.Cut(list, []byte{','})
		id, state, _ := bytes.Cut(entry, []byte{':'})
		if string(id) == o.Analytics {
			analytics.add(state, "1", "0")
		}
		if string(id) == o.Marketing {
			marketing.add(state, "1", "0")
		}
	}
	return MixedConsent(analytics.consent, marketing.consent)
}

// ConsentCookiebot reads the cookie CookieConsent of Cookiebot, as Cookiebot
// documents it for servers
// (https://www.cookiebot.com/en/developer/#h-server-side-usage):
//
//   - -1: the visitor is outside the regions where consent is asked. Cookiebot
//     takes this for consent to everything, so it is granted.
//   - 0: the visitor declined, so it is refused.
//   - a JavaScript object: its statistics is the answer for analytics, its
//     marketing the answer for marketing.
//
// Without the cookie, or with a value that is none of these, consent is
// unknown.
func ConsentCookiebot() func(*http.Request) Consent {
	return consentReader("CookieConsent", readCookiebot)
}

// readCookiebot reads {stamp:'...',necessary:true,statistics:false,...}. The
// value may be escaped in whole or in part, and its names may have quotes.
func readCookiebot(value string) Consent {
	switch value {
	case "-1":
		return ConsentGranted
	case "0":
		return ConsentRefused
	}
	var buf [512]byte
	text := appendUnescaped(buf[:0], value)
	if len(text) < 2 || text[0] != '{' || text[len(text)-1] != '}' {
		return ConsentUnknown
	}
	var statistics, marketing opinion
	for rest := text[1 : len(text)-1]; len(rest) > 0; {
		var name, word []byte
		var ok bool
		if name, rest, ok = bytes.Cut(rest, []byte{':'}); !ok {
			return ConsentUnknown
		}
		if word, rest, ok = cookiebotWord(rest); !ok {
			return ConsentUnknown
		}
		switch string(bytes.Trim(name, ` '"`)) {
		case "statistics":
			statistics.add(word, "true", "false")
		case "marketing":
			marketing.add(word, "true", "false")
		}
	}
	return MixedConsent(statistics.consent, marketing.consent)
}

// cookiebotWord cuts off the value at the beginning of text and the comma after
// it. A quoted value may contain commas; ok is false if its quote does not end.
func cookiebotWord(text []byte) (word, rest []byte, ok bool) {
	text = bytes.TrimLeft(text, " ")
	if len(text) > 0 && (text[0] == '\'' || text[0] == '"') {
		if word, rest, ok = bytes.Cut(text[1:], text[:1]); !ok {
			return nil, nil, false
		}
		_, rest, _ = bytes.Cut(rest, []byte{','})
		return word, rest, true
	}
	word, rest, _ = bytes.Cut(text, []byte{','})
	return bytes.TrimRight(word, " "), rest, true
}

// TCF says how [ConsentTCF] reads a consent string of the Transparency and
// Consent Framework. The purposes are numbered 1 to 24, as in IAB Europe's
// policies
// (https://iabeurope.eu/iab-europe-transparency-consent-framework-policies/).
type TCF struct {
	// Cookie is the name of the cookie with the string. Default: euconsent-v2.
	Cookie string

	// Analytics are the purposes that must all have consent for analytics.
	// Default: 1, store information on a device; 8, measure content; 9,
	// understand audiences.
	Analytics []int

	// Marketing are the purposes that must all have consent for marketing.
	// Default: 1, store information on a device; 3 to 6, make and use profiles
	// for advertising and content.
	Marketing []int
}

// ConsentTCF reads which purposes have consent, from the core of a version 2
// string
// (https://github.com/InteractiveAdvertisingBureau/GDPR-Transparency-and-Consent-Framework/blob/master/TCFv2/IAB%20Tech%20Lab%20-%20Consent%20string%20and%20vendor%20list%20formats%20v2.md).
// A category is granted if all its purposes have consent, else refused.
// Everything is unknown if the string has another version or is cut short. A
// category is unknown if it has no purposes, or one that does not exist.
//
// Vendors are not looked at: the site itself counts, and the CDP is its
// processor. Legitimate interest is not consent.
func ConsentTCF(o TCF) func(*http.Request) Consent {
	def(&o.Cookie, "euconsent-v2")
	if o.Analytics == nil {
		o.Analytics = []int{1, 8, 9}
	}
	if o.Marketing == nil {
		o.Marketing = []int{1, 3, 4, 5, 6}
	}
	analytics, marketing := purposeMask(o.Analytics), purposeMask(o.Marketing)
	read := func(value string) Consent {
		purposes, ok := tcfPurposes(value)
		if !ok {
			return ConsentUnknown
		}
		return MixedConsent(maskConsent(purposes, analytics), maskConsent(purposes, marketing))
	}
	return consentReader(o.Cookie, read)
}

// The layout of a core string: where its fields are, in bits.
const (
	tcfVersion      = 2   // bits 0 to 5
	tcfPurposesAt   = 152 // PurposesConsent, from left to right
	tcfPurposeCount = 24
	tcfLeast        = 230 // the fields up to the list of vendors
)

// purposeMask has one bit for each purpose, the first purpose leftmost of 24.
// It is 0 if there are no purposes or one of them does not exist.
func purposeMask(purposes []int) (mask uint32) {
	for _, p := range purposes {
		if p < 1 || p > tcfPurposeCount {
			return 0
		}
		mask |= 1 << (tcfPurposeCount - p)
	}
	return mask
}

func maskConsent(purposes, mask uint32) Consent {
	switch {
	case mask == 0:
		return ConsentUnknown
	case purposes&mask == mask:
		return ConsentGranted
	}
	return ConsentRefused
}

// tcfPurposes reads the purposes with consent from a core string. Each
// character of base64url (RFC 4648, section 5) stands for six bits, so the bits
// can be read in place. If the string is not one of version 2, ok is false.
func tcfPurposes(s string) (purposes uint32, ok bool) {
	const (
		chars = (tcfLeast + 5) / 6
		from  = tcfPurposesAt / 6
		to    = (tcfPurposesAt + tcfPurposeCount - 1) / 6
		spare = (to+1)*6 - tcfPurposesAt - tcfPurposeCount // bits behind the last purpose
	)
	if len(s) < chars || base64Value(s[0]) != tcfVersion {
		return 0, false
	}
	var bits uint64
	for i := range chars {
		v := base64Value(s[i])
		if v > 63 {
			return 0, false
		}
		if from <= i && i <= to {
			bits = bits<<6 | uint64(v)
		}
	}
	return uint32(bits>>spare) & (1<<tcfPurposeCount - 1), true
}

// base64Value is the value of a character of base64url, 64 if it is none.
func base64Value(c byte) byte {
	switch {
	case 'A' <= c && c <= 'Z':
		return c - 'A'
	case 'a' <= c && c <= 'z':
		return c - 'a' + 26
	case '0' <= c && c <= '9':
		return c - '0' + 52
	case c == '-':
		return 62
	case c == '_':
		return 63
	}
	return 64
}
