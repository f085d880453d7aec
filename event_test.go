package goaltrack

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/cdp"
)

func TestPageName(t *testing.T) {
	for path, want := range map[string]string{
		"": "Home Page", "/": "Home Page", "//": "Home Page", "/pricing": "pricing", "/pricing/": "pricing", "/pricing//": "pricing",
		"/shop/Red Shoes": "Red Shoes", "/日本": "日本", "/a/\xff": "\ufffd", "/" + strings.Repeat("x", 2000): strings.Repeat("x", maxCollected),
	} {
		if got := pageName(path); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
}

func TestSubmitPage(t *testing.T) {
	for referer, want := range map[string]string{
		"https://www.shop.example/contact?x=y": "contact",
		"https://WWW.shop.example:8443/a/b/":   "b",
		"http://www.shop.example/":             "Home Page",
		"https://other.example/contact":        "",
		"https://www.shop.example":             "",
		"/contact":                             "",
		"http://[::1":                          "",
		"":                                     "",
		"https://www.shop.example/" + strings.Repeat("x", maxInput): "",
	} {
		got, ok := submitPage(&exchange{host: "www.shop.example:8080", referer: referer})
		if got != want || ok != (want != "") {
			t.Errorf("%.40q: %q, want %q", referer, got, want)
		}
	}
}

func TestWireLanguage(t *testing.T) {
	for s, want := range map[string]string{
		"de": "DE", "de-DE": "DE", "de_AT": "DE", "DE": "DE", "": "", "d": "", "deu": "", "d1": "", "é": "", "-de": "", "de-": "DE",
	} {
		if got := wireLanguage(s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}

func TestViewOf(t *testing.T) {
	x := &exchange{
		host: "www.shop.example", referer: "https://search.example/?q=x",
		rawQuery: "utm_source=mail&UTM_Medium=e%20mail&utm_source=again&utm_=&utm_x=&utm_bad=%zz&q=1&utm_ü=1&utm_" + strings.Repeat("x", 70) + "=1",
	}
	e := goodSite.viewOf(x, "pricing")
	if e.Page != "pricing" || e.Referrer != x.referer || e.Language != "EN" || e.Channel != "WEB" {
		t.Errorf("%+v", e)
	}
	if got, want := fmt.Sprint(e.UTM), "[{utm_source mail} {utm_medium e mail}]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for _, own := range []string{"", "https://WWW.SHOP.example:8080/a", "/a", "https://search.example/\xff", "https://search.example/" + strings.Repeat("x", maxInput)} {
		x.referer = own
		if e := goodSite.viewOf(x, "pricing"); e.Referrer != "" {
			t.Errorf("the referrer %.40q was sent", own)
		}
	}
	many := strings.Builder{}
	for i := range 100 {
		fmt.Fprintf(&many, "utm_%d=x&", i)
	}
	if utm := utmOf(many.String()); len(utm) != maxUTM {
		t.Errorf("%d utm_ parameters", len(utm))
	}
}

// TestEventData: what the application gives keeps its type, and what the rule
// says wins.
func TestEventData(t *testing.T) {
	rules, err := ParseRules([]byte("goals:\n  - { goal: CODE, code: true, value: $app.total, data: { id: $app.id, fixed: 1, none: $app.none } }\n"))
	if err != nil {
		t.Fatal(err)
	}
	data := Data{"id": 17, "total": 12.5, "fixed": 2, "extra": true}
	e, f := goodSite.eventOf(rules.byID["CODE"], &exchange{app: data}, "page", data)
	if f != fired {
		t.Fatal(f)
	}
	if got, want := fmt.Sprintf("%v", e.Ext), "[{fixed 1} {id 17} {extra true} {total 12.5} {goalValue 12.5} {goalCurrency EUR}]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestAppendUUID(t *testing.T) {
	uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	for _, word := range []uint64{0, 1, 1<<64 - 1, 0x0123456789abcdef} {
		if got := string(appendUUID(nil, word, ^word)); !uuid.MatchString(got) {
			t.Errorf("%s is no version 4 UUID", got)
		}
	}
}

func TestEncodeBounds(t *testing.T) {
	s := &site{Site: Site{CDP: cdp.Direct{Region: cdp.EU, ClientKey: "key", PointOfSale: "shop"}}}
	e := cdp.Event{Type: "A", Page: strings.Repeat("x", maxEvent)}
	if _, f := s.encode(&e, viewTrigger, "", &Config{}, ""); f != fateEventInvalid {
		t.Errorf("an event of more than 32 KiB: %v", f)
	}
	e.Page = "page"
	for _, noID := range []bool{false, true} {
		body, f := s.encode(&e, viewTrigger, strings.Repeat("u", 10_000), &Config{NoEventID: noID}, "")
		if f != fired || strings.Contains(string(body), extEventID) == noID || len(body) > 2_000 {
			t.Errorf("%v: %s", f, body)
		}
	}
}

func TestDeviceChannel(t *testing.T) {
	for _, test := range []struct{ hint, agent, want string }{
		{"", "", "WEB"}, {"?1", "", "MOBILE_WEB"}, {"?0", "Mobile", "WEB"}, {"", "x Mobile y", "MOBILE_WEB"}, {"", http.MethodGet, "WEB"},
	} {
		x := &exchange{mobileHint: test.hint, userAgent: test.agent}
		if got := x.deviceChannel(); got != test.want {
			t.Errorf("%q, %q: %s", test.hint, test.agent, got)
		}
	}
}

// TestPageNamesKeepSecrets: a key in the address does not become a page.
func TestPageNamesKeepSecrets(t *testing.T) {
	for path, want := range map[string]string{
		"/": homePage, "//": homePage, "/a/b/": "b",
		"/how-to-choose-the-best-kettle-in-2026": "how-to-choose-the-best-kettle-in-2026",
		"/blog/internationalization":             "internationalization",
		"/products/sku-42":                       "sku-42",
		"/password-reset/eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxIn0.s3cr3t": "password-reset",
		"/share/7f3d1c52-0c6b-4f6a-9a8e-2b1d5d1f0a11/":                                "share",
		"/0123456789abcdef0123": homePage,
	} {
		if got := pageName(path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
}
