package test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/world"
)

// The answers that tests give for each category.
var (
	granted, refused, unknown = goaltrack.ConsentGranted, goaltrack.ConsentRefused, goaltrack.ConsentUnknown
	mixed                     = goaltrack.MixedConsent
)

func TestConsentValue(t *testing.T) {
	for _, c := range []struct {
		consent              goaltrack.Consent
		analytics, marketing goaltrack.Consent
		text                 string
	}{
		{goaltrack.Consent(0), unknown, unknown, "unknown"},
		{granted, granted, granted, "granted"},
		{refused, refused, refused, "refused"},
		{mixed(granted, refused), granted, refused, "analytics granted, marketing refused"},
		{mixed(refused, granted), refused, granted, "analytics refused, marketing granted"},
		{mixed(granted, unknown), granted, unknown, "analytics granted, marketing unknown"},
		{mixed(mixed(refused, granted), mixed(granted, refused)), refused, refused, "refused"},
		{goaltrack.Consent(3), unknown, unknown, "unknown"},
		{goaltrack.Consent(77), granted, unknown, "analytics granted, marketing unknown"},
		{goaltrack.Consent(255), unknown, unknown, "unknown"},
	} {
		if a, m := c.consent.Analytics(), c.consent.Marketing(); a != c.analytics || m != c.marketing || c.consent.String() != c.text {
			t.Errorf("%d: analytics %v, marketing %v, %q", uint8(c.consent), a, m, c.consent)
		}
	}
	if mixed(granted, granted) != granted || mixed(unknown, unknown) != unknown {
		t.Error("two answers alike are not the answer")
	}
}

// TestConsentReaders holds the readers against cookies as the vendors' banners
// write them.
func TestConsentReaders(t *testing.T) {
	const (
		closed = "OptanonAlertBoxClosed=2026-03-02T10:35:32.804Z; "
		tcNone = "COw4XqLOw4XqLAAAAAENAXCAAAAAAAAAAAAAAAAAAAAA"
		tcAll  = "COw4XqLOw4XqLAAAAAENAXCAAP____AAAAAAAAAAAAAA"
		head   = "OptanonConsent=isGpcEnabled=0&datestamp=Mon+Mar+02+2026+12%3A35%3A32+GMT%2B0100+(Central+European+Standard+Time)" +
			"&version=202602.1.0&browserGpcFlag=0&isIABGlobal=false&hosts=&consentId=7f3cf16d-b3e1-4781-8db1-61482d0a9dff&interactionCount=1" +
			"&isAnonUser=1&landingPath=NotLandingPage&groups="
		tail  = "&intType=1&geolocation=AT%3B9&AwaitingReconsent=false"
		stamp = "{stamp:%27u4fA4GyHyq9QOdrdYy8tE1qfHRpQjwYWCieQcbQGSNEz3dPdYu7BTn8DLDfLqOJKv8XB95eQ9fj56evg7MO/Fb4Ezw==%27"
	)
	bot := func(statistics, marketing string) string {
		return "CookieConsent=" + stamp + "%2Cnecessary:true%2Cpreferences:true%2Cstatistics:" + statistics + "%2Cmarketing:" + marketing +
			"%2Cmethod:%27explicit%27%2Cver:1%2Cutc:1737431800000%2Cregion:%27hu%27}"
	}
	own := goaltrack.ConsentCookie("consent", "yes")
	oneTrust := goaltrack.ConsentOneTrust(goaltrack.OneTrust{})
	optOut := goaltrack.ConsentOneTrust(goaltrack.OneTrust{BeforeAnswer: true})
	renamed := goaltrack.ConsentOneTrust(goaltrack.OneTrust{Analytics: "STAT", Marketing: "STAT"})
	numbered := goaltrack.ConsentOneTrust(goaltrack.OneTrust{Analytics: "2", Marketing: "4"})
	american := goaltrack.ConsentOneTrust(goaltrack.OneTrust{NoBanner: []string{"US", "CA;ON"}})
	cookiebot, gpp := goaltrack.ConsentCookiebot(), goaltrack.ConsentGPP(goaltrack.GPP{})
	for _, c := range []struct {
		name    string
		read    func(*http.Request) goaltrack.Consent
		cookies string
		want    goaltrack.Consent
	}{
		{"own, no cookie", own, "", unknown},
		{"own, another cookie", own, "other=yes; notconsent=yes", unknown},
		{"own, yes", own, "a=b; consent=yes", granted},
		{"own, quoted", own, `consent="yes"`, granted},
		{"own, no", own, "consent=no", refused},
		{"own, empty", own, "consent=", refused},
		{"own, two alike", own, "consent=yes; consent=yes", granted},
		{"own, two that disagree", own, "consent=yes; consent=no", refused},
		{"own, too long", own, "consent=" + strings.Repeat("y", 5000), unknown},
		{"own, one beside one too long", own, "consent=yes; consent=" + strings.Repeat("y", 5000), unknown},
		{"own, no value to look for", goaltrack.ConsentCookie("consent", ""), "consent=", refused},
		{"own, no name", goaltrack.ConsentCookie("", "yes"), "=yes", unknown},
		{"own, no name of a cookie", goaltrack.ConsentCookie("a=b", "yes"), "a=b=yes", unknown},
		{"TCF, no name of a cookie", goaltrack.ConsentTCF(goaltrack.TCF{Cookie: "a;b"}), "a;b=CLcVDxRMWfGmWAVAHCENAXCkAKDAADnAABRgA5mdfCKZuYJez-NQm0TBMYA4oCAAGQYIAAAAAAEAIAEgAA", unknown},

		{"OneTrust, nothing", oneTrust, "", unknown},
		{"OneTrust, numbered groups", numbered, closed + head + "2%3A1%2C3%3A1%2C1%3A1%2C4%3A1" + tail, granted},
		{"OneTrust, numbered groups, refused", numbered, closed + head + "2%3A0%2C3%3A1%2C1%3A1%2C4%3A0" + tail, refused},
		{"OneTrust, banner open", oneTrust, head + "C0001%3A1%2CC0002%3A1%2CC0003%3A1%2CC0004%3A1" + tail, unknown},
		{"OneTrust, banner open, opt-out", optOut, head + "C0001%3A1%2CC0002%3A1%2CC0003%3A1%2CC0004%3A1" + tail, granted},
		{"OneTrust, all", oneTrust, closed + head + "C0001%3A1%2CC0002%3A1%2CC0003%3A1%2CC0004%3A1" + tail, granted},
		{"OneTrust, not escaped", oneTrust, closed + head + "C0001:1,C0002:1,C0003:1,C0004:1" + tail, granted},
		{"OneTrust, another order", oneTrust, closed + head + "C0004%3A1%2CC0001%3A1%2CBG5%3A0%2CC0002%3A1" + tail, granted},
		{"OneTrust, necessary alone", oneTrust, closed + head + "C0001%3A1%2CC0002%3A0%2CC0003%3A0%2CC0004%3A0" + tail, refused},
		{"OneTrust, analytics alone", oneTrust, closed + head + "C0001%3A1%2CC0002%3A1%2CC0003%3A0%2CC0004%3A0" + tail, mixed(granted, refused)},
		{"OneTrust, no such category", oneTrust, closed + head + "C0001%3A1%2CC0002%3A1" + tail, mixed(granted, unknown)},
		{"OneTrust, a state nobody knows", oneTrust, closed + head + "C0002%3A2%2CC0004%3A" + tail, unknown},
		{"OneTrust, the same twice", oneTrust, closed + head + "C0002%3A1%2CC0002%3A0%2CC0004%3A1" + tail, mixed(refused, granted)},
		{"OneTrust, other categories", renamed, closed + head + "C0002%3A0%2CSTAT%3A1" + tail, granted},
		{"OneTrust, asked anew", oneTrust, closed + head + "C0002%3A1%2CC0004%3A1&AwaitingReconsent=true", unknown},
		{"OneTrust, two cookies", oneTrust, closed + "OptanonConsent=groups=C0002:1,C0004:1; OptanonConsent=groups=C0002:1,C0004:0", mixed(granted, refused)},
		{"OneTrust, two lists", oneTrust, closed + "OptanonConsent=groups=C0002:1,C0004:1&groups=C0002:0,C0004:1", mixed(refused, granted)},
		{"OneTrust, cut off", oneTrust, closed + "OptanonConsent=groups=C0002%3", unknown},
		{"OneTrust, longer than a cookie", oneTrust, closed + "OptanonConsent=groups=C0002:1,C0004:1&hosts=" + strings.Repeat("H1:1,", 1000), unknown},

		{"OneTrust, IAB's stack, all", oneTrust, closed + head + "C0001%3A1%2CC0002%3A1%2CC0003%3A1%2CV2STACK42%3A1" + tail, granted},
		{"OneTrust, IAB's stack, none", oneTrust, closed + head + "C0001%3A1%2CC0002%3A1%2CC0003%3A1%2CV2STACK42%3A0" + tail, mixed(granted, refused)},
		{"OneTrust, IAB's stack, older, alone", oneTrust, closed + head + "C0001%3A1%2CSTACK42%3A1" + tail, granted},
		{"OneTrust, IAB's stack beside the category", oneTrust, closed + head + "C0002%3A1%2CC0004%3A1%2CSTACK42%3A0" + tail, granted},
		{"OneTrust, IAB's stack, banner open", oneTrust, head + "C0001%3A1%2CC0002%3A1%2CV2STACK42%3A1" + tail, unknown},
		{"OneTrust, another stack", oneTrust, closed + head + "C0002%3A1%2CV2STACK3%3A1" + tail, mixed(granted, unknown)},
		{"OneTrust, another stack and the string", oneTrust, closed + "eupubconsent-v2=" + tcAll + "; " + head + "C0002%3A1%2CV2STACK3%3A1" + tail, granted},
		{"OneTrust, a stack and a string that refuses", oneTrust, closed + "eupubconsent-v2=" + tcNone + "; " + head + "C0002%3A1%2CV2STACK42%3A1" + tail, mixed(granted, refused)},
		{"OneTrust, a stack and a string nobody can read", oneTrust, closed + "eupubconsent-v2=C; " + head + "C0002%3A1%2CV2STACK42%3A1" + tail, mixed(granted, unknown)},
		{"OneTrust, a string and no stack", oneTrust, closed + "eupubconsent-v2=" + tcAll + "; " + head + "C0002%3A1" + tail, mixed(granted, unknown)},
		{"OneTrust, a group that only sounds like a stack", oneTrust, closed + head + "C0002%3A1%2CHAYSTACK42%3A1%2CSTACK%3A1" + tail, mixed(granted, unknown)},

		{"no banner, not answered", american, head + "C0002%3A1%2CC0004%3A1&geolocation=US%3BTX", granted},
		{"no banner, opted out", american, head + "C0002%3A1%2CC0004%3A0&geolocation=US%3BTX", mixed(granted, refused)},
		{"a banner, not answered", american, head + "C0002%3A0%2CC0004%3A0&geolocation=DE%3BBE", unknown},
		{"a banner, answered", american, closed + head + "C0002%3A1%2CC0004%3A0&geolocation=DE%3BBE", mixed(granted, refused)},
		{"no banner, one part of a country", american, head + "C0002%3A1%2CC0004%3A1&geolocation=CA%3BON", granted},
		{"a banner in another part", american, head + "C0002%3A1%2CC0004%3A1&geolocation=CA%3BQC", unknown},
		{"nobody knows where", american, head + "C0002%3A1%2CC0004%3A1&geolocation=%3B", unknown},
		{"nobody says where", american, head + "C0002%3A1%2CC0004%3A1", unknown},
		{"two places", american, "OptanonConsent=groups=C0002:1,C0004:1&geolocation=US;TX; OptanonConsent=groups=C0002:1,C0004:1&geolocation=FR;", unknown},

		{"GPP, nothing", gpp, "", unknown},
		{"GPP, agreed", gpp, "__gpp=DBABBg~BUoAAABA", granted},
		{"GPP, escaped", gpp, "__gpp=DBABBg%7EBUoAAABA", granted},
		{"GPP, opted out", gpp, "__gpp=DBABBg~BUUAAABA", mixed(granted, refused)},
		{"GPP, with the GPC", gpp, "__gpp=DBABBg~BUoAAABA.YA", refused},
		{"GPP, the GPC is of marketing", goaltrack.ConsentGPP(goaltrack.GPP{GPC: goaltrack.GPCMarketing}), "__gpp=DBABBg~BUoAAABA.YA", mixed(granted, refused)},
		{"GPP, the GPC is ignored", goaltrack.ConsentGPP(goaltrack.GPP{GPC: goaltrack.GPCIgnore}), "__gpp=DBABBg~BUoAAABA.YA", granted},
		{"GPP, Europe", gpp, "__gpp=DBABMA~" + tcAll, granted},
		{"GPP, Europe, nothing", gpp, "__gpp=DBABMA~" + tcNone, refused},
		{"GPP, Europe, other purposes", goaltrack.ConsentGPP(goaltrack.GPP{Analytics: []int{7}, Marketing: []int{25}}), "__gpp=DBABMA~" + tcAll, mixed(granted, unknown)},
		{"GPP, two cookies", gpp, "__gpp=DBABBg~BUoAAABA; __gpp=DBABBg~BUUAAABA", mixed(granted, refused)},
		{"GPP, OneTrust's cookie", goaltrack.ConsentGPP(goaltrack.GPP{Cookie: "OTGPPConsent"}), "OTGPPConsent=DBABBg~BUoAAABA", granted},
		{"GPP, longer than a cookie", gpp, "__gpp=DBABBg~BUoAAABA" + strings.Repeat("A", 5000), unknown},

		{"Cookiebot, nothing", cookiebot, "", unknown},
		{"Cookiebot, outside the region", cookiebot, "CookieConsent=-1", granted},
		{"Cookiebot, declined", cookiebot, "CookieConsent=0", refused},
		{"Cookiebot, all", cookiebot, bot("true", "true"), granted},
		{"Cookiebot, none", cookiebot, bot("false", "false"), refused},
		{"Cookiebot, statistics alone", cookiebot, bot("true", "false"), mixed(granted, refused)},
		{"Cookiebot, marketing alone", cookiebot, bot("false", "true"), mixed(refused, granted)},
		{"Cookiebot, escaped in whole", cookiebot, "CookieConsent=%7Bstamp%3A%27abc%3D%3D%27%2Cnecessary%3Atrue%2Cpreferences%3Atrue%2Cstatistics%3Afalse%2Cmarketing%3Atrue%2Cmethod%3A%27explicit%27%2Cver%3A1%2Cutc%3A1790000000000%2Cregion%3A%27de%27%7D", mixed(refused, granted)},
		{"Cookiebot, implied", cookiebot, "CookieConsent={stamp:%27-1%27%2Cnecessary:true%2Cpreferences:true%2Cstatistics:true%2Cmarketing:true%2Cmethod:%27implied%27%2Cver:1%2Cutc:1737431800000%2Cregion:%27us%27}", granted},
		{"Cookiebot, JSON", cookiebot, `CookieConsent={"stamp":"a,statistics:false","statistics": true, "marketing": false}`, mixed(granted, refused)},
		{"Cookiebot, a stamp that says statistics", cookiebot, "CookieConsent={stamp:'x,statistics:true,marketing:true',necessary:true}", unknown},
		{"Cookiebot, the same twice", cookiebot, "CookieConsent={statistics:true,statistics:false,marketing:true}", mixed(refused, granted)},
		{"Cookiebot, cut off", cookiebot, "CookieConsent={stamp:%27abc%27%2Cstatistics:true%2Cmarketing:true", unknown},
		{"Cookiebot, a quote never closed", cookiebot, "CookieConsent={statistics:true,stamp:'abc}", unknown},
		{"Cookiebot, no pair", cookiebot, "CookieConsent={statistics:true,marketing}", unknown},
		{"Cookiebot, another word", cookiebot, "CookieConsent={statistics:1,marketing:yes}", unknown},
		{"Cookiebot, another cookie", cookiebot, "CookieConsent=true", unknown},
	} {
		r := &http.Request{Header: http.Header{"Cookie": {c.cookies}}}
		if got := c.read(r); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		if n := testing.AllocsPerRun(1000, func() { c.read(r) }); n > 0 && c.name != "GPP, escaped" {
			t.Errorf("%s: %v allocations", c.name, n)
		}
	}
}

// TestOneTrustRegionHeader: a CDN's header and OneTrust's cookie have to agree that there
// is no banner.
func TestOneTrustRegionHeader(t *testing.T) {
	read := goaltrack.ConsentOneTrust(goaltrack.OneTrust{NoBanner: []string{"US"}, RegionHeader: "cf-ipcountry"})
	for _, c := range []struct {
		header, geolocation string
		want                goaltrack.Consent
	}{
		{"US", "", granted},
		{"us", "%3B", granted},
		{"US", "US%3BTX", granted},
		{"", "US%3BTX", granted},
		{"US", "DE%3BBE", unknown},
		{"DE", "US%3BTX", unknown},
		{"XX", "", unknown},
		{"", "", unknown},
	} {
		r := &http.Request{Header: http.Header{"Cookie": {"OptanonConsent=groups=C0002:1,C0004:1&geolocation=" + c.geolocation}}}
		if c.header != "" {
			r.Header.Set("CF-IPCountry", c.header)
		}
		if got := read(r); got != c.want {
			t.Errorf("%q and %q: %v, want %v", c.header, c.geolocation, got, c.want)
		}
		if n := testing.AllocsPerRun(1000, func() { read(r) }); n > 0 {
			t.Errorf("%q and %q: %v allocations", c.header, c.geolocation, n)
		}
	}
}

// consentRules has a goal for each consent that a rule may ask for.
const consentRules = `
version: 1
goals:
  - { goal: REQUIRED, visit: /page }
  - { goal: ANALYTICS, visit: /page, consent: analytics }
  - { goal: MARKETING, visit: /page, consent: marketing }
  - { goal: NOT_NEEDED, visit: /page, consent: not-needed }
`

// answers makes a reader of a cookie that tests set in words.
func answers(r *http.Request) goaltrack.Consent {
	c, err := r.Cookie("answer")
	if err != nil {
		return unknown
	}
	return map[string]goaltrack.Consent{
		"yes": granted, "no": refused,
		"analytics": mixed(granted, refused), "marketing": mixed(refused, granted),
		"analytics so far": mixed(granted, unknown),
	}[strings.ReplaceAll(c.Value, "-", " ")]
}

func TestConsentCategories(t *testing.T) {
	for _, c := range []struct {
		answer                                 string
		header                                 []string
		required, analytics, marketing, nobody string
	}{
		{"yes", nil, "fired 1", "fired 1", "fired 1", "fired 1"},
		{"no", nil, "consent_refused 1", "consent_refused 1", "consent_refused 1", "fired 1"},
		{"", nil, "consent_unknown 1", "consent_unknown 1", "consent_unknown 1", "fired 1"},
		{"analytics", nil, "consent_refused 1", "fired 1", "consent_refused 1", "fired 1"},
		{"marketing", nil, "consent_refused 1", "consent_refused 1", "fired 1", "fired 1"},
		{"analytics-so-far", nil, "consent_unknown 1", "fired 1", "consent_unknown 1", "fired 1"},
		{"analytics", []string{"Sec-GPC", "1"}, "gpc 1", "gpc 1", "gpc 1", "gpc 1"},
		{"analytics", []string{"Sec-Purpose", "prefetch"}, "consent_refused 1", "prefetch 1", "consent_refused 1", "prefetch 1"},
		{"no", []string{"User-Agent", "Googlebot/2.1"}, "consent_refused 1", "consent_refused 1", "consent_refused 1", "bot 1"},
	} {
		t.Run(fmt.Sprint(c.answer, c.header), func(t *testing.T) {
			w := world.New(t, consentRules, http.HandlerFunc(world.HTML), func(config *goaltrack.Config) {
				config.Consent, config.Views = answers, goaltrack.ViewsServer
			})
			v := w.Visitor()
			v.Header.Set("Cookie", "answer="+c.answer)
			v.Get("/page", c.header...)
			w.Done()
			for goal, want := range map[string]string{
				"VIEW": c.required, "REQUIRED": c.required, "ANALYTICS": c.analytics, "MARKETING": c.marketing, "NOT_NEEDED": c.nobody,
			} {
				if got := w.Fates(goal); got != want {
					t.Errorf("%s: %s, want %s", goal, got, want)
				}
			}
			if has, may := v.ID() != "", strings.Contains(c.required+c.analytics+c.marketing+c.nobody, "fired"); has != may {
				t.Errorf("has an ID: %t, may have one: %t", has, may)
			}
		})
	}
}

// TestConsentCookieForAGoalOnly: where goaltrack may do nothing of its own
// accord, the browser ID is read and set with a goal that fires, and else not.
func TestConsentCookieForAGoalOnly(t *testing.T) {
	site := http.NewServeMux()
	site.HandleFunc("GET /page", world.HTML)
	site.HandleFunc("GET /other", world.HTML)
	site.HandleFunc("GET /private", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "private")
		world.HTML(w, r)
	})
	rules := consentRules + "  - { goal: SEEN, visit: /page, consent: analytics, if: { query.really: '1' } }\n"
	var tracker *goaltrack.Tracker
	w := world.Setup{Rules: strings.ReplaceAll(rules, "consent: not-needed", "status: paused"), Mount: func(tr *goaltrack.Tracker) http.Handler {
		tracker = tr
		return tr.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if id := tracker.BrowserID(r); id != "" {
				t.Errorf("BrowserID says %s", id)
			}
			site.ServeHTTP(w, r)
		}))
	}, Config: func(c *goaltrack.Config, _ *cdptest.Server) { c.Consent = answers }}.Start(t)

	v := w.Visitor()
	v.Header.Set("Cookie", "answer=analytics")
	if res := v.Get("/other"); res.Header["Set-Cookie"] != nil {
		t.Errorf("a page without a goal sets %q", res.Header["Set-Cookie"])
	}
	if v.Get("/page"); v.ID() == "" {
		t.Error("a goal that fires sets no ID")
	}
	v = w.Visitor().Meet()
	v.Header.Set("Cookie", v.Header.Get("Cookie")+"; answer=analytics")
	if res := v.Get("/private"); res.Header["Set-Cookie"] != nil {
		t.Errorf("a page without a goal renews with %q", res.Header["Set-Cookie"])
	}
	v.Get("/page?really=1")
	w.Flush()
	w.CDP.Expect(t, "SEEN").From(world.Known).Once()
}
