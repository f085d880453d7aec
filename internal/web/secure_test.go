package web

import (
	"crypto/tls"
	"net/http"
	"testing"
)

// TestIsHTTPS: the header by which a proxy says it does not matter. A loopback address can keep
// Secure cookies over plain HTTP, but not in each browser, so it is not HTTPS.
func TestIsHTTPS(t *testing.T) {
	header := func(name, value string) *http.Request {
		return &http.Request{Host: "shop.example", Header: http.Header{http.CanonicalHeaderKey(name): {value}}}
	}
	for _, test := range []struct {
		name         string
		r            *http.Request
		https, keeps bool
	}{
		{"nothing", header("Accept", "text/html"), false, false},
		{"TLS", &http.Request{Host: "shop.example", TLS: &tls.ConnectionState{}}, true, true},
		{"X-Forwarded-Proto", header("X-Forwarded-Proto", "https"), true, true},
		{"the first of two", header("X-Forwarded-Proto", "HTTPS, http"), true, true},
		{"the second of two", header("X-Forwarded-Proto", "http, https"), false, false},
		{"Forwarded", header("Forwarded", `for=192.0.2.1;proto="https"`), true, true},
		{"Forwarded that cannot be read", header("Forwarded", `for="192.0.2.1;proto=https`), false, false},
		{"CloudFront", header("CloudFront-Forwarded-Proto", "https"), true, true},
		{"Cloudflare", header("CF-Visitor", `{"scheme":"https"}`), true, true},
		{"a load balancer", header("X-Forwarded-Ssl", "on"), true, true},
		{"a load balancer without", header("X-Forwarded-Ssl", "off"), false, false},
		{"IIS", header("X-ARR-SSL", "2048|256"), true, true},
		{"a browser that trusts it", header("Sec-Fetch-Site", "none"), true, true},
		{"a browser at home", &http.Request{Host: "localhost:8080", Header: http.Header{"Sec-Fetch-Site": {"none"}}}, false, true},
		{"at home", &http.Request{Host: "[::1]:8080", Header: http.Header{}}, false, true},
		{"a name like localhost", &http.Request{Host: "notlocalhost", Header: http.Header{}}, false, false},
	} {
		if got := IsHTTPS(test.r); got != test.https {
			t.Errorf("%s: HTTPS %v, want %v", test.name, got, test.https)
		}
		if got := KeepsSecure(test.r, test.r.Host); got != test.keeps {
			t.Errorf("%s: keeps %v, want %v", test.name, got, test.keeps)
		}
	}
}
