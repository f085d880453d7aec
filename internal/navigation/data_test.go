package navigation

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestPagesOf: the addresses of data, and the pages that they may be for.
func TestPagesOf(t *testing.T) {
	const site = "https://shop.example"
	for _, tt := range []struct {
		path, locale, referer string
		page, other           string
	}{
		// Next.js without locales.
		{"/_next/data/B1/products/42.json", "", "", "/products/42", ""},
		{"/_next/data/B1/index.json", "", "", "/", ""},
		{"/_next/data/B1/index/index.json", "", "", "/index", ""},
		{"/_next/data/B1/index/index/a.json", "", "", "/index/a", ""},
		{"/_next/data/B1/index/a.json", "", "", "/index/a", ""},
		{"/_next/data/B1/products/42.json", "none", "", "/products/42", ""},
		{"/_next/data/B1/it/helpdesk.json", "none", "", "/it/helpdesk", ""},
		{"/_next/data/B1/tea/green.json", "", "", "/tea/green", ""}, // no language
		// With locales, of which it is said which is the default.
		{"/_next/data/B1/en/products/42.json", "en", "", "/products/42", ""},
		{"/_next/data/B1/en.json", "en", "", "/", ""},
		{"/_next/data/B1/de-DE/products/42.json", "en", "", "/de-DE/products/42", ""},
		{"/_next/data/B1/de.json", "en", "", "/de", ""},
		{"/_next/data/B1/fil/products/42.json", "fil", "", "/products/42", ""},
		{"/_next/data/B1/EN/products/42.json", "en", "", "/products/42", ""},
		// Not said, so both are possible.
		{"/_next/data/B1/en/products/42.json", "", "", "/products/42", "/en/products/42"},
		{"/_next/data/B1/en.json", "", "", "/", "/en"},
		{"/_next/data/B1/de-DE/a.json", "", site + "/", "/a", "/de-DE/a"},
		{"/_next/data/B1/de-DE/a.json", "", site + "/deals", "/a", "/de-DE/a"},
		// The page from which the visitor comes has the locale in its address.
		{"/_next/data/B1/de-DE/a.json", "", site + "/de-DE/b?c=d", "/de-DE/a", ""},
		{"/_next/data/B1/de/a.json", "", site + "/de", "/de/a", ""},
		// With a base path.
		{"/docs/_next/data/B1/en/a.json", "en", "", "/docs/a", ""},
		{"/docs/_next/data/B1/en.json", "en", "", "/docs", ""},
		{"/docs/_next/data/B1/index.json", "", "", "/docs", ""},
		{"/docs/_next/data/B1/en/a.json", "", "", "/docs/a", "/docs/en/a"},
		{"/docs/_next/data/B1/en/a.json", "", site + "/docs/en", "/docs/en/a", ""},
		// No data.
		{"/_next/data/B1", "", "", "/_next/data/B1", ""},
		{"/_next/data/B1/a.js", "", "", "/_next/data/B1/a.js", ""},
		{"/data.json", "", "", "/data.json", ""},
		{"/a", "en", "", "/a", ""},
		// Other frameworks.
		{"/pricing/__data.json", "", "", "/pricing/__data.json", "/pricing"},
		{"/__data.json", "", "", "/__data.json", "/"},
		{"/pricing/_payload.json", "", "", "/pricing/_payload.json", "/pricing"},
		{"/_payload.json", "", "", "/_payload.json", "/"},
		{"/pricing.data", "", "", "/pricing.data", "/pricing"},
		{"/_root.data", "", "", "/_root.data", "/"},
		{"/shop/_root.data", "", "", "/shop/_root.data", "/shop"},
	} {
		page, other := PagesOf(tt.path, tt.locale, tt.referer)
		if page != tt.page || other != tt.other {
			t.Errorf("%s (%q, from %q): %q, %q, want %q, %q", tt.path, tt.locale, tt.referer, page, other, tt.page, tt.other)
		}
		if tt.page != tt.path && !IsData(tt.path) {
			t.Errorf("%s is no data", tt.path)
		}
	}
}

// TestRefresh: trees of the app router, as Next.js 15.5 and 16 send them.
func TestRefresh(t *testing.T) {
	for name, tt := range map[string]struct {
		tree string
		soft bool
	}{
		"no tree":               {"", true},
		"a click":               {`["",{"children":["dash",{"children":["__PAGE__",{},null,null]},null,null]},null,null,true]`, true},
		"refresh of 15":         {`["",{"children":["dash",{"children":["__PAGE__",{}]}]},null,"refetch"]`, false},
		"refresh of 16":         {`["",{"children":["dash",{"children":["__PAGE__",{},null,null,0]},null,null,0]},null,"refetch",16]`, false},
		"a click on a prefetch": {`["",{"children":["target",{"children":["__PAGE__",{},null,null,0]},null,"refetch",0]},null,null,16]`, true},
		"a page of that name":   {`["",{"children":["refetch",{}]},null,null]`, true},
		"a path of that name":   {`["",{},"/refetch",null]`, true},
		"short":                 {`["refetch"]`, true},
		"no tree that is read":  {`["",{},null,"refetch"`, false},
		"too long to be read":   {`["` + strings.Repeat("a", 33<<10) + `",{},null,"refetch"]`, false},
		"no list":               {`{"a":"refetch"}`, false},
	} {
		h := http.Header{"Rsc": {"1"}}
		if tt.tree != "" {
			h.Set("Next-Router-State-Tree", url.PathEscape(tt.tree))
		}
		if got := IsSoft(h, "/dash", ""); got != tt.soft {
			t.Errorf("%s: %t, want %t", name, got, tt.soft)
		}
	}
	if IsSoft(http.Header{"Rsc": {"1"}, "Next-Router-State-Tree": {"%zzrefetch"}}, "/", "") {
		t.Error("a tree that is not encoded")
	}
	if IsSoft(http.Header{"Rsc": {"1"}, "Next-Hmr-Refresh": {"1"}}, "/", "") {
		t.Error("a refresh of the developer's server")
	}
}

func TestQueryOf(t *testing.T) {
	for _, tt := range []struct{ path, page, query, want string }{
		{"/a", "/a", "b=c", "b=c"},
		{"/a", "/a", "b=c&_rsc=1xyz", "b=c"},
		{"/a", "/a", "_rsc=1xyz", ""},
		{"/_next/data/B1/products/42.json", "/products/42", "id=42", ""},
		{"/_next/data/B1/products/42.json", "/products/42", "color=red&id=42", "color=red"},
		{"/_next/data/B1/docs/a/b.json", "/docs/a/b", "slug=a&slug=b&q=", "q="},
		{"/_next/data/B1/caf%C3%A9.json", "/café", "name=caf%C3%A9", ""},
		{"/products/42", "/products/42", "id=42", "id=42"},
	} {
		if got := QueryOf(tt.path, tt.page, tt.query); got != tt.want {
			t.Errorf("%s?%s: %q, want %q", tt.path, tt.query, got, tt.want)
		}
	}
}

func TestCameFrom(t *testing.T) {
	for _, tt := range []struct {
		referer, site, host string
		path, query         string
		ok                  bool
	}{
		{"https://shop.example/a?b=c", "same-origin", "shop.example", "/a", "b=c", true},
		{"https://shop.example/a?b=c", "", "shop.example", "/a", "b=c", true},
		{"https://SHOP.example:443/a", "", "shop.example", "/a", "", true},
		{"http://localhost:3000/a", "", "localhost:3000", "/a", "", true},
		{"http://localhost:3000/a", "", "localhost:4000", "", "", false},
		{"https://shop.example/caf%C3%A9", "", "shop.example", "/café", "", true},
		{"https://shop.example/%zz", "", "shop.example", "", "", false},
		{"https://other.example/a", "cross-site", "shop.example", "", "", false},
		{"https://other.example/a", "", "shop.example", "", "", false},
		{"https://shop.example/a", "same-origin", "app:8080", "/a", "", true},
		{"https://shop.example", "", "shop.example", "", "", false},
		{"https:///a", "", "", "", "", false},
		{"about:blank", "same-origin", "shop.example", "", "", false},
		{"", "same-origin", "shop.example", "", "", false},
		{"https://shop.example/" + strings.Repeat("a", 3000), "same-origin", "shop.example", "", "", false},
	} {
		h := http.Header{}
		if tt.referer != "" {
			h.Set("Referer", tt.referer)
		}
		if tt.site != "" {
			h.Set("Sec-Fetch-Site", tt.site)
		}
		path, query, ok := CameFrom(h, tt.host)
		if path != tt.path || query != tt.query || ok != tt.ok {
			t.Errorf("%.40s at %s (%s): %q, %q, %t", tt.referer, tt.host, tt.site, path, query, ok)
		}
	}
}
