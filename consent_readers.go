package goaltrack

import (
	"net/http"
	"slices"
	"strings"

	"github.com/goaltrack/goaltrack/internal/consent"
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
	web.CookiesOf(h).Value(name, func(value string) bool {
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

	// NoBanner are the regions in which OneTrust shows no banner, so that nobody
	// there ever closes it. Each is a country such as "US", or a part of it such as
	// "US;TX", as OneTrust writes them. There the categories are read as with BeforeAnswer, and
	// elsewhere not. A visitor whose region is not known has to answer. Default: none.
	NoBanner []string

	// RegionHeader names the header in which a CDN says the visitor's country, such as
	// CF-IPCountry or CloudFront-Viewer-Country. OneTrust says it too, as geolocation
	// in its cookie. If both say it, both have to be among NoBanner. Default: none,
	// only the cookie says it.
	RegionHeader string
}

// ConsentOneTrust reads two cookies of OneTrust
// (https://my.onetrust.com/articles/en_US/Knowledge/UUID-2dc719a8-4be5-8d16-1dc8-c7b4147b88e0).
// The field groups in OptanonConsent says of each category whether it is on
// (C0001:1,C0002:0). OptanonAlertBoxClosed says that the visitor has closed the
// banner.
//
// OneTrust writes OptanonConsent as soon as its script runs, with the default
// categories. So consent is unknown without OptanonAlertBoxClosed, unless
// BeforeAnswer is set or the visitor is where NoBanner says. It is also unknown while
// OneTrust waits for a new answer (AwaitingReconsent=true), and for a category that is
// not among the groups.
//
// On a site with IAB's framework a stack of purposes takes the place of a category
// (V2STACK42:1). Then the TC string, in OneTrust's cookie eupubconsent-v2, answers for
// the category that is missing, by the default purposes of [TCF]. The stacks 42 and 43
// have all of these purposes. They answer too, so that they have to agree with the
// string, or alone if there is none.
func ConsentOneTrust(o OneTrust) func(*http.Request) Consent {
	def(&o.Analytics, "C0002")
	def(&o.Marketing, "C0004")
	o.NoBanner, o.RegionHeader = slices.Clone(o.NoBanner), http.CanonicalHeaderKey(o.RegionHeader)
	of := &consent.OneTrust{Analytics: o.Analytics, Marketing: o.Marketing, TCF: tcfOf(nil, nil)}
	return func(r *http.Request) Consent {
		if !o.BeforeAnswer && web.CookiesOf(r.Header).Value("OptanonAlertBoxClosed", isNotEmpty) == "" && !o.isWithoutBanner(r.Header) {
			return ConsentUnknown
		}
		return readConsent(r.Header, "OptanonConsent", func(value string) Consent {
			return Consent(of.Of(value, func() consent.TCString {
				const name = "eupubconsent-v2"
				says := readConsent(r.Header, name, func(text string) Consent { return Consent(of.TCF.Of(text)) })
				return consent.TCString{Says: consent.Answer(says), There: web.CookiesOf(r.Header).Has(name)}
			}))
		})
	}
}

func isNotEmpty(v string) bool { return v != "" }

// isWithoutBanner reports whether OneTrust shows no banner where the visitor is.
// Everything that says where that is has to be among the regions.
func (o *OneTrust) isWithoutBanner(h http.Header) bool {
	if len(o.NoBanner) == 0 {
		return false
	}
	said, all := false, true
	if v, _ := web.First(h[o.RegionHeader]); v != "" {
		said, all = true, consent.IsIn(v, o.NoBanner)
	}
	web.CookiesOf(h).Value("OptanonConsent", func(value string) bool {
		s, a := consent.Regions(value, o.NoBanner)
		said, all = said || s, all && a
		return false // so that it goes on to the next
	})
	return said && all
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
	return consentReader("CookieConsent", func(value string) Consent { return Consent(consent.Cookiebot(value)) })
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
	of := tcfOf(o.Analytics, o.Marketing)
	return consentReader(o.Cookie, func(value string) Consent { return Consent(of.Of(value)) })
}

// tcfOf says which purposes stand for a category. nil means the defaults of [TCF].
func tcfOf(analytics, marketing []int) consent.TCF {
	if analytics == nil {
		analytics = []int{1, 8, 9}
	}
	if marketing == nil {
		marketing = []int{1, 3, 4, 5, 6}
	}
	return consent.TCF{Analytics: consent.PurposesOf(analytics), Marketing: consent.PurposesOf(marketing)}
}

// GPP says how [ConsentGPP] reads a string of the Global Privacy Platform.
type GPP struct {
	// Cookie is the name of the cookie with the string. The platform names none.
	// OneTrust writes OTGPPConsent. Default: __gpp.
	Cookie string

	// Analytics and Marketing are the purposes that count in the string's section for
	// Europe, as in [TCF], with the same defaults.
	Analytics, Marketing []int

	// GPC says what a visitor refuses if their string has the Global Privacy
	// Control switched on. It is as [Config.GPC], which is about the header. A
	// value that is none of the three refuses all. Default: GPCRefuse.
	GPC GPC
}

// ConsentGPP reads a string of the Global Privacy Platform
// (https://github.com/InteractiveAdvertisingBureau/Global-Privacy-Platform). It has a
// section for each law that applies: usnat and those of 20 states of the United
// States, uspv1, and tcfeuv2. The last is read as [ConsentTCF] reads it.
//
// In a section of the United States:
//
//   - Marketing is refused if the visitor opted out of the sale or the sharing of
//     their data, or of targeted advertising. It is granted if they were told of at
//     least one of these and opted out of none. It is unknown if one of them is
//     without notice or without an answer.
//   - Analytics is granted if they were told of one of these, whatever they chose: a
//     site that counts for itself neither sells nor shares.
//   - A child without consent refuses both. A switched-on Global Privacy Control
//     refuses what GPC says.
//
// With several sections, consent is refused if one of them refuses, and granted
// if all of them grant it. A section that is not known, or cannot be read,
// grants nothing. Without a section, and with a string that cannot be read, all
// is unknown.
func ConsentGPP(o GPP) func(*http.Request) Consent {
	def(&o.Cookie, "__gpp")
	of := &consent.GPP{TCF: tcfOf(o.Analytics, o.Marketing), GPC: o.GPC.refuses()}
	return consentReader(o.Cookie, func(value string) Consent {
		if strings.Contains(value, "%") {
			value = string(consent.AppendUnescaped(nil, value)) // the ~ between sections
		}
		return Consent(of.Of(value))
	})
}
