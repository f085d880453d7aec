package hostname

import (
	"strings"
	"testing"
)

func TestSame(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		same bool
	}{
		{"shop.example", "shop.example", true},
		{"shop.example", "SHOP.Example:8443", true},
		{"shop.example.", "shop.example", true},
		{"shop.example.:443", "shop.example:80", true},
		{"müller.example", "xn--mller-kva.example", true},
		{"MÜLLER.example", "XN--Mller-KVA.example.", true},
		{"mu\u0308ller.example", "müller.example", true},
		{"例え.jp", "xn--r8jz45g.jp", true},
		{"bücher.müller.example", "xn--bcher-kva.xn--mller-kva.example", true},
		{"[::1]:8080", "[::1]", true},
		{"shop.example", "www.shop.example", false},
		{"shop.example", "shop.example.evil", false},
		{"shop.example", "shop.example..", false},
		{"muller.example", "müller.example", false},
		{"xn--a.example", "xn--b.example", false},
		{"xn--.example", "xn--\x00.example", false},
		{"xn--mller-kva99999999999999.example", "müller.example", false},
		{"", "shop.example", false},
		{"shop.example", "", false},
	} {
		if got := Same(tt.a, tt.b); got != tt.same {
			t.Errorf("%q and %q: %v", tt.a, tt.b, got)
		}
		if Same(tt.b, tt.a) != tt.same {
			t.Errorf("%q and %q, the other way around", tt.b, tt.a)
		}
	}
}

// TestSameOrigin: a port matters, unless it is a usual one.
func TestSameOrigin(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		same bool
	}{
		{"shop.example", "SHOP.example.", true},
		{"shop.example:443", "shop.example", true},
		{"shop.example:8443", "shop.example:8443", true},
		{"[::1]:80", "[::1]", true},
		{"müller.example:8080", "xn--mller-kva.example:8080", true},
		{"shop.example:8443", "shop.example", false},
		{"shop.example:8443", "shop.example:8444", false},
		{"www.shop.example", "shop.example", false},
	} {
		if SameOrigin(tt.a, tt.b) != tt.same || SameOrigin(tt.b, tt.a) != tt.same {
			t.Errorf("%q and %q, want %t", tt.a, tt.b, tt.same)
		}
	}
}

// FuzzSame: every name is its own, with any port, and no input is too strange.
func FuzzSame(f *testing.F) {
	for _, s := range []string{"shop.example", "xn--mller-kva.example", "müller.example.", "xn--99zzzzzz-9999999999", strings.Repeat("xn--a.", 100)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, host string) {
		if !Same(host, host) {
			t.Errorf("%q is not itself", host)
		}
		if !strings.ContainsAny(host, ":[]") && !Same(host+":8080", host) {
			t.Errorf("%q with a port is another", host)
		}
	})
}

// TestIsSuffix: only what surely is one is taken for a public suffix.
func TestIsSuffix(t *testing.T) {
	for name, want := range map[string]bool{
		"com": true, "co.uk": true, "CO.UK": true, ".com.au": true, "org.uk.": true, "github.io": true, "up.railway.app": true,
		"localhost": false, "shop.example": false, "co.de": false, "org.de": false, "shop.co.uk": false, "a.github.io": false, "com.example": false,
		"io": true, "co.u": false, "co.ukk": false, "": true,
	} {
		if IsSuffix(name) != want {
			t.Errorf("%q: %t", name, !want)
		}
	}
}
