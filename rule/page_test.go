package rule

import (
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
