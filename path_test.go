package goaltrack

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	urlpath "github.com/goaltrack/goaltrack/internal/path"
)

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
		{"too long", []string{"/" + strings.Repeat("a", urlpath.MaxPrefix)}, Config{TrustedProxies: proxy}, ""},
		{"too many", []string{strings.Repeat("/a,", urlpath.MaxPrefixes) + "/a"}, Config{TrustedProxies: proxy}, ""},
		{"anybody", []string{"/shop"}, Config{}, ""},
		{"another proxy", []string{"/shop"}, Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}, ""},
		{"set", []string{"/shop"}, Config{TrustedProxies: proxy, PathPrefix: "/set"}, "/set"},
		{"a function", []string{"/shop"}, Config{TrustedProxies: proxy, Path: own}, ""},
	} {
		t.Run(test.title, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = "192.0.2.1:1234"
			r.Header[urlpath.ForwardedPrefix] = test.lines
			if got := (&Tracker{config: test.config}).prefix(r); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}
