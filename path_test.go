package goaltrack

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func TestCutPrefix(t *testing.T) {
	for _, test := range []struct{ path, prefix, want string }{
		{"/shop/contact", "/shop", "/contact"},
		{"/Shop/contact", "/shop", "/contact"},
		{"/shop", "/shop", "/"},
		{"/shop/", "/shop", "/"},
		{"/contact", "/shop", "/contact"},
		{"/shopping", "/shop", "/shopping"},
		{"/shop/contact", "", "/shop/contact"},
		{"/a/b/contact", "/a,/b", "/contact"},
		{"/b/contact", "/a,/b", "/contact"},
		{"/a/contact", "/a,/b", "/a/contact"},
		{"/b/contact", "/forged,/a,/b", "/contact"},
		{"/a/b/contact", "/forged,/a,/b", "/contact"},
	} {
		if got := cutPrefix(test.path, test.prefix); got != test.want {
			t.Errorf("%q without %q: %q, want %q", test.path, test.prefix, got, test.want)
		}
	}
}

// TestForwardedPrefix: the header is believed of a trusted proxy alone, and
// nonsense in it is none.
func TestForwardedPrefix(t *testing.T) {
	proxy := []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}
	own := func(*http.Request) string { return "" }
	for _, test := range []struct {
		title  string
		lines  []string
		config Config
		want   string
	}{
		{"one", []string{"/shop"}, Config{TrustedProxies: proxy}, "/shop"},
		{"slash at the end", []string{"/shop/"}, Config{TrustedProxies: proxy}, "/shop"},
		{"no slash", []string{"shop"}, Config{TrustedProxies: proxy}, "/shop"},
		{"encoded", []string{"/m%C3%BCnchen"}, Config{TrustedProxies: proxy}, "/münchen"},
		{"two in a line", []string{"/a, /b"}, Config{TrustedProxies: proxy}, "/a,/b"},
		{"two lines", []string{"/a/", "/b"}, Config{TrustedProxies: proxy}, "/a,/b"},
		{"root", []string{"/"}, Config{TrustedProxies: proxy}, ""},
		{"empty", []string{""}, Config{TrustedProxies: proxy}, ""},
		{"an address", []string{"/a?b"}, Config{TrustedProxies: proxy}, ""},
		{"too long", []string{"/" + strings.Repeat("a", maxPrefix)}, Config{TrustedProxies: proxy}, ""},
		{"too many", []string{strings.Repeat("/a,", maxPrefixes) + "/a"}, Config{TrustedProxies: proxy}, ""},
		{"anybody", []string{"/shop"}, Config{}, ""},
		{"another proxy", []string{"/shop"}, Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}, ""},
		{"set", []string{"/shop"}, Config{TrustedProxies: proxy, PathPrefix: "/set"}, "/set"},
		{"a function", []string{"/shop"}, Config{TrustedProxies: proxy, Path: own}, ""},
	} {
		t.Run(test.title, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = "192.0.2.1:1234"
			r.Header[forwardedPrefix] = test.lines
			if got := (&Tracker{config: test.config}).prefix(r); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}
