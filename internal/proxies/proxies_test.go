package proxies

import (
	"net/http"
	"net/netip"
	"testing"
)

// TestClientAddress follows the hops from the last one on, for as long as they
// are trusted.
func TestClientAddress(t *testing.T) {
	trusted := Trusted(Plain([]netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("::ffff:172.16.0.0/108"),
	}))
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
		got := trusted.Client(&http.Request{RemoteAddr: c.peer, Header: http.Header{"X-Forwarded-For": c.hops}})
		want, _ := netip.ParseAddr(c.want)
		if got != want {
			t.Errorf("%s, %q: %v, want %v", c.peer, c.hops, got, want)
		}
	}
	r := &http.Request{RemoteAddr: "10.0.0.1:1234", Header: http.Header{"X-Forwarded-For": {"198.51.100.7, 10.9.9.9"}}}
	if n := testing.AllocsPerRun(100, func() { trusted.Client(r) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestForwardedHeader: of trusted proxies, Forwarded counts as the X-Forwarded
// headers do, which win where there are both.
func TestForwardedHeader(t *testing.T) {
	trusted := Trusted{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}
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
		if got := trusted.Client(r); got != want {
			t.Errorf("%s, %v: the client is %v, want %v", c.peer, c.header, got, want)
		}
		if got := trusted.Host(r); got != c.host {
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
	trusted := Trusted{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, s string) {
		h := http.Header{"X-Forwarded-For": {s}, "X-Forwarded-Host": {s}}
		stranger := &http.Request{RemoteAddr: "192.0.2.1:80", Host: "shop.example", Header: h}
		if a, host := trusted.Client(stranger), trusted.Host(stranger); a != netip.MustParseAddr("192.0.2.1") || host != "shop.example" {
			t.Errorf("a stranger is %v at %s by %q", a, host, s)
		}
		proxy := &http.Request{RemoteAddr: "10.0.0.1:80", Host: "shop.example", Header: h}
		if a := trusted.Client(proxy); a.Is4In6() || a.Zone() != "" {
			t.Errorf("%v by %q", a, s)
		}
		if host := trusted.Host(proxy); host == "" || len(host) > 300 {
			t.Errorf("host %q by %q", host, s)
		}
	})
}
