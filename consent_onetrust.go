package goaltrack

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/goaltrack/goaltrack/internal/web"
)

// OneTrust says how [ConsentOneTrust] reads the cookies of OneTrust's banner.
// The zero value is right for a site that kept OneTrust's own categories and
// asks before it tracks.
type OneTrust struct {
	// Analytics and Marketing are the IDs of the cookie categories that stand
	// for the two. Defaults: C0002 (performance) and C0004 (targeting), as
	// OneTrust numbers them.
	Analytics, Marketing string

	// BeforeAnswer reads the categories also while the banner is still open.
	// It is for banners of the opt-out kind, whose categories are on until the
	// visitor switches them off. Default: false, unknown until he has closed
	// the banner.
	BeforeAnswer bool
}

// ConsentOneTrust reads the cookies of OneTrust
// (https://my.onetrust.com/articles/en_US/Knowledge/UUID-2dc719a8-4be5-8d16-1dc8-c7b4147b88e0):
// OptanonConsent, whose field groups tells for each category whether it is on
// (C0001:1,C0002:0), and OptanonAlertBoxClosed. OneTrust writes the first one as
// soon as its script runs, with the categories as they are by default, and the
// second one when the visitor has closed the banner; without that one he has
// not answered. Neither has he while OneTrust waits for him to answer anew
// (AwaitingReconsent=true). A category that is not among the groups is unknown.
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

// read reads the value of OptanonConsent, which is written like the body of a
// form.
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

// groups reads C0001:1,C0002:0, perhaps with its commas and colons escaped.
func (o *OneTrust) groups(escaped string) Consent {
	var buf [256]byte // enough for thirty categories
	list := appendUnescaped(buf[:0], escaped)
	var analytics, marketing answer
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
