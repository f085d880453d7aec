package rule

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
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
		got, ok := submitPage(&Exchange{host: "www.shop.example:8080", referer: referer})
		if got != want || ok != (want != "") {
			t.Errorf("%.40q: %q, want %q", referer, got, want)
		}
	}
}

func TestViewOf(t *testing.T) {
	x := &Exchange{
		host: "www.shop.example", referer: "https://search.example/?q=x",
		rawQuery: "utm_source=mail&UTM_Medium=e%20mail&utm_source=again&utm_=&utm_x=&utm_bad=%zz&q=1&utm_ü=1&utm_" + strings.Repeat("x", 70) + "=1",
	}
	page := goodSite
	page.Page = "pricing"
	e, _ := View.Event(x, page)
	if e.Page != "pricing" || e.Referrer != x.referer || e.Language != "EN" || e.Channel != "WEB" {
		t.Errorf("%+v", e)
	}
	if got, want := fmt.Sprint(e.UTM), "[{utm_source mail} {utm_medium e mail}]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for _, own := range []string{"", "https://WWW.SHOP.example:8080/a", "/a", "https://search.example/\xff", "https://search.example/" + strings.Repeat("x", maxInput)} {
		x.referer = own
		if e, _ := View.Event(x, page); e.Referrer != "" {
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
	rules, err := Parse([]byte("goals:\n  - { goal: CODE, code: true, value: $app.total, data: { id: $app.id, fixed: 1, none: $app.none } }\n"))
	if err != nil {
		t.Fatal(err)
	}
	data := map[string]any{"id": 17, "total": 12.5, "fixed": 2, "extra": true}
	e, r := rules.byID["CODE"].causes[0].Event((&Exchange{}).With(data), goodSite)
	if r != Fires {
		t.Fatal(r)
	}
	if got, want := fmt.Sprintf("%v", e.Ext), "[{fixed 1} {id 17} {extra true} {total 12.5} {goalValue 12.5} {goalCurrency EUR}]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestDeviceChannel(t *testing.T) {
	for _, test := range []struct{ hint, agent, want string }{
		{"", "", "WEB"}, {"?1", "", "MOBILE_WEB"}, {"?0", "Mobile", "WEB"}, {"", "x Mobile y", "MOBILE_WEB"}, {"", http.MethodGet, "WEB"},
	} {
		x := &Exchange{mobileHint: test.hint, userAgent: test.agent}
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
