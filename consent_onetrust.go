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
