package goaltrack

import (
	"net/http"

	"github.com/goaltrack/goaltrack/internal/web"
)

// The readers below make functions for [Config.Consent]. They read cookies and
// nothing else, look at no more than 4 KiB of each, which is all that browsers
// keep of one (RFC 6265bis, section 5.6), take what they do not understand for
// unknown, and are safe for concurrent use. Consent that a banner keeps in
// localStorage alone never reaches a server: let the page copy it to a cookie.

// maxConsent bounds a cookie that is read for consent. A longer one is unknown.
const maxConsent = 4 << 10

// readConsent reads every cookie of that name and joins what they say: a
// browser may send several, of different paths and domains, in an order that
// says nothing, so two that disagree are no consent.
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

// ConsentCookie reads a cookie of the site's own: consent is granted when it
// has that value, refused at any other, and unknown when there is none. Quotes
// around the cookie's value do not count. A name that no cookie can have, or an
// empty value, makes a reader that never says granted.
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

// add takes in one more word on the category.
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

// appendUnescaped appends s with its %xx decoded. Unlike in a form, a plus sign
// is a plus sign. What is no valid escape stays as it is written.
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

// unhex is the value of a hexadecimal digit, 16 if it is none.
func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 16
}
