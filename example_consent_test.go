package goaltrack_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/goaltrack/goaltrack"
)

// browse asks for a page as a browser with these cookies would.
func browse(h http.Handler, path, cookies string) {
	r := httptest.NewRequest(http.MethodGet, "https://shop.example"+path, nil)
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Cookie", cookies)
	h.ServeHTTP(httptest.NewRecorder(), r)
}

func pages(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<!doctype html><p>A page.") }

// With OneTrust's banner: who agreed to its performance cookies has agreed to
// analytics, who agreed to its targeting cookies to marketing. A goal says which
// it needs, by default both.
func ExampleConfig_consent() {
	rules, err := goaltrack.ParseRules([]byte(`
version: 1
goals:
  - goal: PRICING_VISITED
    visit: /pricing
  - goal: MAP_SEEN
    visit: /map
    consent: analytics
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	tracker, err := goaltrack.New(goaltrack.Config{
		Sites: exampleSites, Rules: rules, DryRun: true,
		Consent:        goaltrack.ConsentOneTrust(goaltrack.OneTrust{}),
		RequireConsent: true,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	handler := tracker.Handler(http.HandlerFunc(pages))

	const open = "OptanonConsent=version=202602.1.0&groups=C0001%3A1%2CC0002%3A0%2CC0004%3A0"
	const analytics = "OptanonAlertBoxClosed=2026-03-02T10:35:32Z; OptanonConsent=version=202602.1.0&groups=C0001%3A1%2CC0002%3A1%2CC0004%3A0"
	for _, cookies := range []string{open, analytics} {
		browse(handler, "/pricing", cookies)
		browse(handler, "/map", cookies)
	}
	for _, g := range tracker.Snapshot().Goals {
		fmt.Println(g.Goal, "fired", g.Fired, "not", g.NotFired)
	}
	// Output:
	// PRICING_VISITED fired 0 not map[consent_refused:1 consent_unknown:1]
	// MAP_SEEN fired 1 not map[consent_unknown:1]
}

// Most visits begin on the page that asks for consent. With ConsentHoldBy, what
// happens there waits for the answer, in memory, by a cookie that the site sets
// anyway.
func ExampleConfig_hold() {
	rules, err := goaltrack.NewRules(goaltrack.Goal{Name: "CAMPAIGN_LANDED", Visit: "/spring"})
	if err != nil {
		fmt.Println(err)
		return
	}
	tracker, err := goaltrack.New(goaltrack.Config{
		Sites: exampleSites, Rules: rules, DryRun: true,
		Consent:       goaltrack.ConsentCookie("consent", "yes"),
		ConsentHoldBy: "session",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	handler := tracker.Handler(http.HandlerFunc(pages))

	browse(handler, "/spring", "session=5ca1ab1e5ca1ab1e")
	browse(handler, "/spring", "session=f005ba11f005ba11")
	fmt.Println("held", tracker.Snapshot().Held)
	browse(handler, "/spring", "session=5ca1ab1e5ca1ab1e; consent=yes")
	browse(handler, "/spring", "session=f005ba11f005ba11; consent=no")

	account, err := tracker.Close(context.Background())
	fmt.Println("fired", account.Fired, "not", account.NotFired, err)
	// Output:
	// held 2
	// fired 2 not map[consent_refused:2] <nil>
}

// read shows what a reader makes of a request's cookies.
func read(reader func(*http.Request) goaltrack.Consent, cookies string) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Cookie", cookies)
	fmt.Println(reader(r))
}

func ExampleConsentCookie() {
	reader := goaltrack.ConsentCookie("consent", "yes")
	read(reader, "consent=yes")
	read(reader, "consent=no")
	read(reader, "theme=dark")
	// Output:
	// granted
	// refused
	// unknown
}

// A site that gave its categories names of its own says which they are.
func ExampleConsentOneTrust() {
	reader := goaltrack.ConsentOneTrust(goaltrack.OneTrust{Analytics: "STATS", Marketing: "ADS"})
	read(reader, "OptanonAlertBoxClosed=2026-03-02T10:35:32Z; OptanonConsent=version=202602.1.0&groups=C0001%3A1%2CSTATS%3A1%2CADS%3A0")
	// Output:
	// analytics granted, marketing refused
}

func ExampleConsentCookiebot() {
	reader := goaltrack.ConsentCookiebot()
	read(reader, "CookieConsent={stamp:%27u4fA4GyHyq9Q==%27%2Cnecessary:true%2Cpreferences:true%2Cstatistics:true%2Cmarketing:false%2Cver:1}")
	read(reader, "CookieConsent=-1") // outside the regions where consent is asked
	// Output:
	// analytics granted, marketing refused
	// granted
}

// A publisher who asks for purposes of its choice says which make up a category.
func ExampleConsentTCF() {
	reader := goaltrack.ConsentTCF(goaltrack.TCF{Analytics: []int{1, 9}, Marketing: []int{1, 3, 4}})
	read(reader, "euconsent-v2=CLcVDxRMWfGmWAVAHCENAXCkAKDAADnAABRgA5mdfCKZuYJez-NQm0TBMYA4oCAAGQYIAAAAAAEAIAEgAA") // 1, 3, 9, 10
	// Output:
	// analytics granted, marketing refused
}

// A visitor in California was told that they may opt out, and then opted out of the sale of
// their data. OneTrust keeps the string in a cookie of its own name.
func ExampleConsentGPP() {
	reader := goaltrack.ConsentGPP(goaltrack.GPP{Cookie: "OTGPPConsent"})
	read(reader, "OTGPPConsent=DBABBg~BUoAAABA")
	read(reader, "OTGPPConsent=DBABBg~BUUAAABA")
	read(reader, "theme=dark")
	// Output:
	// granted
	// analytics granted, marketing refused
	// unknown
}

// A banner that no reader is for is read by a function of the site's own.
func ExampleMixedConsent() {
	reader := func(r *http.Request) goaltrack.Consent {
		c, err := r.Cookie("choices")
		if err != nil {
			return goaltrack.ConsentUnknown
		}
		if c.Value == "statistics" {
			return goaltrack.MixedConsent(goaltrack.ConsentGranted, goaltrack.ConsentRefused)
		}
		return goaltrack.ConsentRefused
	}
	read(reader, "choices=statistics")
	// Output:
	// analytics granted, marketing refused
}

// A page shows the visitor that the Global Privacy Control of their browser was honored,
// as the law of California asks of sites since 2026. Goals for analytics still count.
func ExampleTracker_Privacy() {
	tracker, err := goaltrack.New(goaltrack.Config{
		Sites: exampleSites, DryRun: true,
		GPC:     goaltrack.GPCMarketing,
		Consent: goaltrack.ConsentGPP(goaltrack.GPP{}),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	page := func(r *http.Request) {
		switch p := tracker.Privacy(r); {
		case p.GPCHonored():
			fmt.Println("Your opt-out preference signal was honored. We count:", p.Counts)
		default:
			fmt.Println("We count:", p.Counts)
		}
	}

	r := httptest.NewRequest(http.MethodGet, "https://shop.example/", nil)
	r.Header.Set("Cookie", "__gpp=DBABBg~BUoAAABA") // California: told of the opt-outs, and used none
	page(r)
	r.Header.Set("Sec-GPC", "1")
	page(r)
	// Output:
	// We count: granted
	// Your opt-out preference signal was honored. We count: analytics granted, marketing refused
}
