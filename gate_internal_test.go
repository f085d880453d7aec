package goaltrack

import (
	"log/slog"
	"net/http"
	"net/netip"
	"testing"

	"github.com/goaltrack/goaltrack/internal/consent"
	"github.com/goaltrack/goaltrack/internal/fair"
	"github.com/goaltrack/goaltrack/internal/logbook"
)

// TestClientAddress follows the hops from the last one on, for as long as they
// are trusted.
func TestClientAddress(t *testing.T) {
	tracker := &Tracker{config: Config{TrustedProxies: plainNetworks([]netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("::ffff:172.16.0.0/108"),
	})}}
	for _, c := range []struct {
		peer string
		hops []string
		want string
	}{
		{"192.0.2.1:1234", nil, "192.0.2.1"},
		{"192.0.2.1:1234", []string{"198.51.100.7"}, "192.0.2.1"},
		{"10.0.0.1:1234", nil, "10.0.0.1"},
		{"10.0.0.1:1234", []string{"198.51.100.7"}, "198.51.100.7"},
		{"10.0.0.1:1234", []string{"192.0.2.66, 198.51.100.7"}, "198.51.100.7"},
		{"10.0.0.1:1234", []string{"192.0.2.66,198.51.100.7 , 10.9.9.9"}, "198.51.100.7"},
		{"10.0.0.1:1234", []string{"198.51.100.7", "172.17.0.2, 10.9.9.9"}, "198.51.100.7"},
		{"10.0.0.1:1234", []string{"10.3.3.3, 10.9.9.9"}, "10.3.3.3"},
		{"10.0.0.1:1234", []string{"198.51.100.7, unknown, 10.9.9.9"}, ""},
		{"10.0.0.1:1234", []string{"198.51.100.7, "}, ""},
		{"10.0.0.1:1234", []string{"198.51.100.7:4711"}, "198.51.100.7"},
		{"10.0.0.1:1234", []string{"[2001:db9::1]:4711"}, "2001:db9::1"},
		{"10.0.0.1:1234", []string{"2001:db9::1, 2001:db8::1"}, "2001:db9::1"},
		{"10.0.0.1:1234", []string{"[2001:db9::1]"}, "2001:db9::1"},
		{"[::ffff:10.0.0.1]:1234", []string{"::ffff:198.51.100.7"}, "198.51.100.7"},
		{"[fe80::1%eth0]:1234", nil, "fe80::1"},
		{"@", []string{"198.51.100.7"}, ""},
		{"", nil, ""},
	} {
		got := tracker.client(&http.Request{RemoteAddr: c.peer, Header: http.Header{"X-Forwarded-For": c.hops}})
		want, _ := netip.ParseAddr(c.want)
		if got != want {
			t.Errorf("%s, %q: %v, want %v", c.peer, c.hops, got, want)
		}
	}
	r := &http.Request{RemoteAddr: "10.0.0.1:1234", Header: http.Header{"X-Forwarded-For": {"198.51.100.7, 10.9.9.9"}}}
	if n := testing.AllocsPerRun(100, func() { tracker.client(r) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestForwardedHeader: of trusted proxies, Forwarded counts as the X-Forwarded
// headers do, which win where there are both.
func TestForwardedHeader(t *testing.T) {
	tracker := &Tracker{config: Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}}}
	for _, c := range []struct {
		peer   string
		header http.Header
		client string
		host   string
	}{
		{"10.0.0.1:1", http.Header{"Forwarded": {"for=198.51.100.7;host=shop.example;proto=https"}}, "198.51.100.7", "shop.example"},
		{"10.0.0.1:1", http.Header{"Forwarded": {`For="198.51.100.7:4711";Host="shop.example:8443"`}}, "198.51.100.7", "shop.example:8443"},
		{"10.0.0.1:1", http.Header{"Forwarded": {`for="[2001:db9::1]:4711", for="[2001:db8::1]";host=shop.example`}}, "2001:db9::1", "shop.example"},
		{"10.0.0.1:1", http.Header{"Forwarded": {"for=192.0.2.66;host=evil.example", "for=198.51.100.7;host=shop.example"}}, "198.51.100.7", "shop.example"},
		{"10.0.0.1:1", http.Header{"Forwarded": {"for=192.0.2.66;host=evil.example, for=198.51.100.7"}}, "198.51.100.7", "app"},
		{"10.0.0.1:1", http.Header{"Forwarded": {"for=_hidden;host=shop.example"}}, "", "shop.example"},
		{"10.0.0.1:1", http.Header{"Forwarded": {"for=unknown"}}, "", "app"},
		{"10.0.0.1:1", http.Header{"Forwarded": {`host=evil.example;x=", for="198.51.100.7";host=shop.example`}}, "10.0.0.1", "app"},
		{"10.0.0.1:1", http.Header{"Forwarded": {"for=192.0.2.66;host=evil.example"}, "X-Forwarded-For": {"198.51.100.7"}, "X-Forwarded-Host": {"shop.example"}}, "198.51.100.7", "shop.example"},
		{"192.0.2.1:1", http.Header{"Forwarded": {"for=198.51.100.7;host=shop.example"}}, "192.0.2.1", "app"},
	} {
		r := &http.Request{RemoteAddr: c.peer, Host: "app", Header: c.header}
		want, _ := netip.ParseAddr(c.client)
		if got := tracker.client(r); got != want {
			t.Errorf("%s, %v: the client is %v, want %v", c.peer, c.header, got, want)
		}
		if got := tracker.host(r); got != c.host {
			t.Errorf("%s, %v: the host is %q, want %q", c.peer, c.header, got, c.host)
		}
	}
}

// FuzzForwarded: no header makes the address one that a network holds which
// nobody trusted wrote, or the host one that could not stand in a Host header.
func FuzzForwarded(f *testing.F) {
	for _, s := range []string{"", "198.51.100.7", "a, b,", "10.0.0.1,", "[::1]:80", "::ffff:10.0.0.1%x", "shop.example:443", "evil/../x"} {
		f.Add(s)
	}
	tracker := &Tracker{config: Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}}
	f.Fuzz(func(t *testing.T, s string) {
		h := http.Header{"X-Forwarded-For": {s}, "X-Forwarded-Host": {s}}
		stranger := &http.Request{RemoteAddr: "192.0.2.1:80", Host: "shop.example", Header: h}
		if a, host := tracker.client(stranger), tracker.host(stranger); a != netip.MustParseAddr("192.0.2.1") || host != "shop.example" {
			t.Errorf("a stranger is %v at %s by %q", a, host, s)
		}
		proxy := &http.Request{RemoteAddr: "10.0.0.1:80", Host: "shop.example", Header: h}
		if a := tracker.client(proxy); a.Is4In6() || a.Zone() != "" {
			t.Errorf("%v by %q", a, s)
		}
		if host := tracker.host(proxy); host == "" || len(host) > 300 {
			t.Errorf("host %q by %q", host, s)
		}
	})
}

// TestGateAllocs: with all of the gate in use, letting a known visitor in costs
// no memory.
func TestGateAllocs(t *testing.T) {
	const groups = "OptanonAlertBoxClosed=2026-03-02T10:35:32.804Z; OptanonConsent=version=202602.1.0&groups=C0001%3A1%2CC0002%3A1%2CC0004%3A"
	tracker := dryTracker(t, "{version: 1, goals: [{goal: SEEN, visit: /page, consent: analytics}]}", func(c *Config) {
		c.Consent, c.ConsentHoldBy = ConsentOneTrust(OneTrust{}), "session"
		c.Bots = Bots{Allow: []string{"a*b"}, Deny: []string{"HeadlessChrome"}}
		c.Staff, c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	})
	for answer, want := range map[string]fate{"1": fired, "0": fateConsentRefused, "2": fateConsentUnknown} {
		r := browserRequest(http.MethodGet, "/page?a=b", "")
		r.Header.Set("Cookie", groups+answer+"; session=0123456789abcdef; bid_key="+oldID)
		r.Header.Set("X-Forwarded-For", "198.51.100.7")
		r.Header.Set("X-Forwarded-Host", "shop.example")
		var e entry
		if n := testing.AllocsPerRun(100, func() {
			e = tracker.gate(r, "/page")
			_ = tracker.host(r)
		}); n > 0 {
			t.Errorf("%v: %v allocations", want, n)
		}
		if e.fate(consent.All) != want || e.fate(consent.Analytics) != fired {
			t.Errorf("required %v, analytics %v; want %v and fired", e.fate(consent.All), e.fate(consent.Analytics), want)
		}
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
			tracker.config.TrustedProxies, tracker.config.Logger = plainNetworks(tc.trusted), slog.New(logs)
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
