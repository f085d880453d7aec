package goaltrack

import (
	"net/http"

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

// answer collects what one cookie says about one category.
type answer struct {
	consent Consent
	said    bool
}

// add takes in one more word about the category.
func (a *answer) add(word []byte, yes, no string) {
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
