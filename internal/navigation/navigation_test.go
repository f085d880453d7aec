package navigation

import (
	"maps"
	"net/http"
	"strings"
	"testing"
)

func TestSoftNavigation(t *testing.T) {
	for _, tt := range []struct {
		name             string
		header           http.Header
		path             string
		page             string
		soft, prefetched bool
	}{
		{"plain", nil, "/a", "/a", false, false},
		{"htmx boost", http.Header{"Hx-Boosted": {"true"}, "Hx-Request": {"true"}}, "/a", "/a", true, false},
		{"htmx fragment", http.Header{"Hx-Request": {"true"}}, "/a", "/a", false, false},
		{"htmx preload", http.Header{"Hx-Boosted": {"true"}, "Hx-Preloaded": {"true"}}, "/a", "/a", true, true},
		{"turbo", http.Header{"X-Turbo-Request-Id": {"1"}}, "/a", "/a", true, false},
		{"turbo frame", http.Header{"X-Turbo-Request-Id": {"1"}, "Turbo-Frame": {"list"}}, "/a", "/a", false, false},
		{"turbo prefetch", http.Header{"X-Turbo-Request-Id": {"1"}, "X-Sec-Purpose": {"prefetch"}}, "/a", "/a", true, true},
		{"turbo, the page that is open", http.Header{"X-Turbo-Request-Id": {"1"}, "Accept": {"text/html, application/xhtml+xml"}, "Referer": {"https://shop.example/a"}}, "/a", "/a", false, false},
		{"turbo, home that is open", http.Header{"X-Turbo-Request-Id": {"1"}, "Referer": {"https://shop.example/"}}, "/", "/", false, false},
		{"turbo, a page with letters", http.Header{"X-Turbo-Request-Id": {"1"}, "Referer": {"https://shop.example/m%C3%BCnchen"}}, "/münchen", "/münchen", false, false},
		{"turbo, below a prefix", http.Header{"X-Turbo-Request-Id": {"1"}, "Referer": {"https://shop.example/shop/a"}}, "/a", "/a", false, false},
		{"turbo, from a page below an ID", http.Header{"X-Turbo-Request-Id": {"1"}, "Referer": {"https://shop.example/products/4/a"}}, "/a", "/a", true, false},
		{"turbo, from a page below a name", http.Header{"X-Turbo-Request-Id": {"1"}, "Referer": {"https://shop.example/products/tea4/a"}}, "/a", "/a", false, false},
		{"turbo, below an ID and open", http.Header{"X-Turbo-Request-Id": {"1"}, "Referer": {"https://shop.example/products/4/a"}}, "/products/4/a", "/products/4/a", false, false},
		{"turbo, from the page in a language", http.Header{"X-Turbo-Request-Id": {"1"}, "Referer": {"https://shop.example/de/a"}}, "/a", "/a", true, false},
		{"turbo, from a page to home", http.Header{"X-Turbo-Request-Id": {"1"}, "Referer": {"https://shop.example/a"}}, "/", "/", true, false},
		{"turbo, another query", http.Header{"X-Turbo-Request-Id": {"1"}, "Referer": {"https://shop.example/a?page=2"}}, "/a", "/a", true, false},
		{"turbo, after a form", http.Header{"X-Turbo-Request-Id": {"1"}, "Accept": {"text/vnd.turbo-stream.html, text/html"}, "Referer": {"https://shop.example/a"}}, "/a", "/a", true, false},
		{"inertia, a page with letters that is open", http.Header{"X-Inertia": {"true"}, "Referer": {"https://shop.example/m%C3%BCnchen"}}, "/münchen", "/münchen", false, false},
		{"inertia", http.Header{"X-Inertia": {"true"}, "Referer": {"https://shop.example/b"}}, "/a", "/a", true, false},
		{"inertia, from a page below an ID", http.Header{"X-Inertia": {"true"}, "Referer": {"https://shop.example/products/4/a"}}, "/a", "/a", true, false},
		{"inertia, below a prefix", http.Header{"X-Inertia": {"true"}, "Referer": {"https://shop.example/shop/a"}}, "/a", "/a", false, false},
		{"inertia, home", http.Header{"X-Inertia": {"true"}, "Referer": {"https://shop.example/b"}}, "/", "/", true, false},
		{"inertia, a part", http.Header{"X-Inertia": {"true"}, "X-Inertia-Partial-Component": {"A"}}, "/a", "/a", false, false},
		{"inertia, the page that is open", http.Header{"X-Inertia": {"true"}, "Referer": {"https://shop.example/a?b=c"}}, "/a", "/a", false, false},
		{"inertia, home that is open", http.Header{"X-Inertia": {"true"}, "Referer": {"https://shop.example/"}}, "/", "/", false, false},
		{"inertia below a prefix", http.Header{"X-Inertia": {"true"}, "Referer": {"https://shop.example/shop/a"}}, "/a", "/a", false, false},
		{"next data", nil, "/_next/data/b1d/products/42.json", "/products/42", true, false},
		{"next data index", nil, "/_next/data/b1d/index.json", "/", true, false},
		{"next data, no page", nil, "/_next/data/b1d", "/_next/data/b1d", true, false},
		{"next static", nil, "/_next/static/a.js", "/_next/static/a.js", false, false},
		{"next components", http.Header{"Rsc": {"1"}}, "/a", "/a", true, false},
		{"next components prefetched", http.Header{"Rsc": {"1"}, "Next-Router-Prefetch": {"1"}}, "/a", "/a", true, true},
		{"next, a segment of a page", http.Header{"Rsc": {"1"}, "Next-Router-Segment-Prefetch": {"/_tree"}}, "/a", "/a", true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := IsSoft(tt.header, tt.path, ""); got != tt.soft {
				t.Errorf("soft = %v, want %v", got, tt.soft)
			}
			if got := IsSoftPrefetch(tt.header); got != tt.prefetched {
				t.Errorf("prefetched = %v, want %v", got, tt.prefetched)
			}
			if got, _ := PagesOf(tt.path, "", ""); got != tt.page {
				t.Errorf("page = %q, want %q", got, tt.page)
			}
			document := http.Header{"Sec-Fetch-Dest": {"document"}}
			maps.Copy(document, tt.header)
			if got, want := IsSoft(document, tt.path, ""), IsSoft(nil, tt.path, ""); got != want || IsSoftPrefetch(document) {
				t.Errorf("soft = %v, want %v, prefetched = %v of a navigation", got, want, IsSoftPrefetch(document))
			}
		})
	}
}

// TestIsPrefetch reads Sec-Purpose as the structured field it is, and its
// ancestors.
func TestIsPrefetch(t *testing.T) {
	for _, c := range []struct {
		header string
		lines  []string
		want   bool
	}{
		{"Sec-Purpose", []string{"prefetch"}, true},
		{"Sec-Purpose", []string{"prefetch;prerender"}, true},
		{"Sec-Purpose", []string{"prefetch;anonymous-client-ip"}, true},
		{"Sec-Purpose", []string{"  Prefetch ; prerender"}, true},
		{"Sec-Purpose", []string{"prerender"}, true},
		{"Sec-Purpose", []string{"reload, prefetch"}, true},
		{"Sec-Purpose", []string{"reload", "prefetch"}, true},
		{"Sec-Purpose", []string{"no-prefetch"}, false},
		{"Sec-Purpose", []string{"reload;prefetch"}, false},
		{"Sec-Purpose", []string{`"prefetch"`}, false},
		{"Sec-Purpose", []string{""}, false},
		{"Sec-Purpose", []string{",;,"}, false},
		{"Purpose", []string{"prefetch"}, true},
		{"X-Purpose", []string{"preview"}, true},
		{"X-Moz", []string{"prefetch"}, true},
		{"X-Other", []string{"prefetch"}, false},
	} {
		if got := IsPrefetch(http.Header{c.header: c.lines}); got != c.want {
			t.Errorf("%s: %q is %t", c.header, c.lines, got)
		}
	}
}

// TestMayBeBrowser asserts what browsers have in common, and that what a fetch says of itself is
// no page.
func TestMayBeBrowser(t *testing.T) {
	for _, tt := range []struct {
		name          string
		header        http.Header
		browser, page bool
		navigation    bool
	}{
		{"nothing", nil, false, true, false},
		{"everything", http.Header{"Accept": {"*/*"}}, false, true, false},
		{"HTML", http.Header{"Accept": {"text/html"}}, true, true, true},
		{"HTML among others", http.Header{"Accept": {"application/xml;q=0.9, TEXT/HTML ;q=0.1"}}, true, true, true},
		{"HTML in a second line", http.Header{"Accept": {"*/*", "text/html"}}, true, true, true},
		{"HTML refused", http.Header{"Accept": {"text/html; q=0.0"}}, false, true, false},
		{"HTML refused, then not", http.Header{"Accept": {"text/html;q=0, text/html;level=1"}}, true, true, true},
		{"a weight that is empty", http.Header{"Accept": {"text/html;q="}}, true, true, true},
		{"other types", http.Header{"Accept": {"text/htmlx, xtext/html, a/b;c=text/html"}}, false, true, false},
		{"a document", http.Header{"Sec-Fetch-Dest": {"document"}}, true, true, true},
		{"a picture", http.Header{"Sec-Fetch-Dest": {"image"}, "Accept": {"text/html"}}, true, false, false},
		{"only the site", http.Header{"Sec-Fetch-Site": {"none"}}, true, true, false},
		{"a fetch", http.Header{"Sec-Fetch-Mode": {"cors"}, "Accept": {"text/html"}}, true, false, false},
		{"an old navigation", http.Header{"Sec-Fetch-Mode": {"navigate"}, "Accept": {"text/html"}}, true, true, true},
		{"empty", http.Header{"Sec-Fetch-Site": {""}, "Accept": {""}}, false, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := MayBeBrowser(tt.header); got != tt.browser {
				t.Errorf("browser: %t", got)
			}
			if got := MayBePage(tt.header); got != tt.page {
				t.Errorf("page: %t", got)
			}
			if got := Is(&http.Request{Method: http.MethodGet, Header: tt.header}); got != tt.navigation {
				t.Errorf("navigation: %t", got)
			}
		})
	}
}

// TestReplaces: a script that puts a page in the place of another says so by its framework's
// header.
func TestReplaces(t *testing.T) {
	for header, want := range map[string]bool{
		"":                                      false,
		"HX-Boosted: true":                      true,
		"HX-Request: true":                      false,
		"X-Turbo-Request-Id: 1":                 true,
		"X-Inertia: true":                       true,
		"RSC: 1":                                false, // perhaps fetched ahead
		"Sec-Fetch-Dest: document":              false,
		"HX-Boosted: true\nHX-Preloaded: true":  false,
		"X-Turbo-Request-Id: 1\nTurbo-Frame: a": false,
		"X-Turbo-Request-Id: 1\nAccept: text/vnd.turbo-stream.html, text/html":     false,
		"X-Turbo-Request-Id: 1\nAccept: text/html, application/xhtml+xml":          true,
		"X-Turbo-Request-Id: 1\nX-Sec-Purpose: prefetch\nAccept: text/html":        true,
		"X-Inertia: true\nX-Inertia-Partial-Component: A\nX-Inertia-Version: abcd": false,
	} {
		h := http.Header{}
		for line := range strings.Lines(header) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			h.Add(name, value)
		}
		if got := Replaces(h); got != want {
			t.Errorf("%q: %t, want %t", header, got, want)
		}
	}
}

func TestShowsDocument(t *testing.T) {
	for dest, want := range map[string]bool{"document": true, "iframe": true, "frame": true, "object": true, "embed": true, "empty": false, "style": false, "": false} {
		if got := ShowsDocument(http.Header{"Sec-Fetch-Dest": {dest}}); got != want {
			t.Errorf("%q: %t, want %t", dest, got, want)
		}
	}
}

// TestIsPassedOn: what a service worker passes on is no document, and what a script asks for by
// itself is no navigation.
func TestIsPassedOn(t *testing.T) {
	for _, tt := range []struct {
		method, dest, mode string
		want               bool
	}{
		{http.MethodGet, "empty", "navigate", true},
		{http.MethodGet, "empty", "cors", false},
		{http.MethodGet, "document", "navigate", false},
		{http.MethodGet, "iframe", "navigate", false},
		{http.MethodGet, "", "navigate", false},
		{http.MethodPost, "empty", "navigate", false},
	} {
		r := &http.Request{Method: tt.method, Header: http.Header{"Sec-Fetch-Dest": {tt.dest}, "Sec-Fetch-Mode": {tt.mode}}}
		if got := IsPassedOn(r); got != tt.want {
			t.Errorf("%v: %t", tt, got)
		}
	}
}

// TestIsOfWorker: what a worker fetches names its script as the Referer, and no page does.
func TestIsOfWorker(t *testing.T) {
	for _, tt := range []struct {
		dest, mode, referer string
		want                bool
	}{
		{"empty", "cors", "https://shop.example/sw.js", true},
		{"empty", "no-cors", "https://shop.example/assets/sw.mjs?v=2", true},
		{"empty", "cors", "https://shop.example/pricing", false},
		{"empty", "cors", "https://shop.example/pricing?from=sw.js", false},
		{"empty", "cors", "https://shop.js", false},
		{"empty", "cors", "", false},
		{"empty", "navigate", "https://shop.example/sw.js", false},
		{"script", "cors", "https://shop.example/app.mjs", false},
		{"document", "navigate", "https://shop.example/docs/app.js", false},
		{"", "", "https://shop.example/sw.js", false},
	} {
		h := http.Header{"Sec-Fetch-Dest": {tt.dest}, "Sec-Fetch-Mode": {tt.mode}, "Referer": {tt.referer}}
		if got := IsOfWorker(h); got != tt.want {
			t.Errorf("%v: %t", tt, got)
		}
		if h["X-Turbo-Request-Id"] = []string{"1"}; IsOfWorker(h) {
			t.Errorf("%v: a click with Turbo", tt)
		}
	}
}
