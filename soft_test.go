package goaltrack

import (
	"net/http"
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
		{"next data", nil, "/_next/data/b1d/products/42.json", "/products/42", true, false},
		{"next data index", nil, "/_next/data/b1d/index.json", "/", true, false},
		{"next data, no page", nil, "/_next/data/b1d", "/_next/data/b1d", true, false},
		{"next static", nil, "/_next/static/a.js", "/_next/static/a.js", false, false},
		{"next components", http.Header{"Rsc": {"1"}}, "/a", "/a", true, false},
		{"next components prefetched", http.Header{"Rsc": {"1"}, "Next-Router-Prefetch": {"1"}}, "/a", "/a", true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := isSoftNavigation(tt.header, tt.path); got != tt.soft {
				t.Errorf("soft = %v, want %v", got, tt.soft)
			}
			if got := isSoftPrefetch(tt.header); got != tt.prefetched {
				t.Errorf("prefetched = %v, want %v", got, tt.prefetched)
			}
			if got := pagePath(tt.path); got != tt.page {
				t.Errorf("page = %q, want %q", got, tt.page)
			}
		})
	}
}
