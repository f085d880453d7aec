package goaltrack

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/internal/fair"
	"github.com/goaltrack/goaltrack/internal/logbook"
	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/proxies"
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

// TestNetworkOfAVisitor: only an address that tells people apart is one, and the first
// request from a proxy that is not named is told.
func TestNetworkOfAVisitor(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("127.0.0.1/32")}
	const here, there = "203.0.113.7", "203.0.113.8"
	for _, tc := range []struct {
		name, peer string
		forwarded  []string
		trusted    []netip.Prefix
		network    string // "" for none
		warns      bool
	}{
		{"a public peer", here + ":1", nil, nil, here, false},
		{"a public peer that makes up a header", here + ":1", []string{there}, nil, here, false},
		{"a public peer beside named proxies", here + ":1", []string{there}, trusted, here, false},
		{"a public peer of IPv6", "[2001:db8:1:2:3::4]:1", nil, nil, "2001:db8:1:2::", false},
		{"a trusted proxy", "10.0.0.1:1", []string{there + ", " + here}, trusted, here, false},
		{"a trusted proxy tells a private address", "10.0.0.1:1", []string{"192.168.1.2"}, trusted, "192.168.1.2", false},
		{"a trusted proxy that tells nothing", "10.0.0.1:1", nil, trusted, "", false},
		{"trusted proxies alone", "10.0.0.1:1", []string{"10.0.0.2"}, trusted, "", false},
		{"a trusted proxy that tells junk", "10.0.0.1:1", []string{"unknown"}, trusted, "", false},
		{"a private peer", "10.0.0.1:1", nil, nil, "", true},
		{"a private peer with a header", "10.0.0.1:1", []string{here}, nil, "", true},
		{"a private peer that is not among the named", "192.168.0.1:1", []string{here}, trusted, "", true},
		{"a machine of one's own", "127.0.0.1:1", nil, nil, "", false},
		{"a proxy on the machine", "127.0.0.1:1", []string{here}, nil, "", true},
		{"a Unix socket", "@", nil, nil, "", false},
		{"nothing", "", nil, nil, "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			logs := &logbook.Book{}
			tracker := &Tracker{names: fair.NewNames()}
			tracker.config.TrustedProxies, tracker.config.Logger = proxies.Plain(tc.trusted), slog.New(logs)
			r := &http.Request{RemoteAddr: tc.peer, Header: http.Header{}}
			if tc.forwarded != nil {
				r.Header["X-Forwarded-For"] = tc.forwarded
			}
			want := uint64(0)
			if tc.network != "" {
				want = tracker.names.Network(netip.MustParseAddr(tc.network))
			}
			for range 2 {
				if got := tracker.network(r); got != want {
					t.Errorf("network %x, want %x (%q)", got, want, tc.network)
				}
			}
			if n := logs.Count("TrustedProxies does not name"); n != map[bool]int{true: 1}[tc.warns] {
				t.Errorf("%d lines warn, want one %t", n, tc.warns)
			}
		})
	}
}
