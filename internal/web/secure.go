package web

import (
	"net"
	"net/http"
	"strings"

	"github.com/goaltrack/goaltrack/internal/loopback"
)

// KeepsSecure reports whether the browser will keep a Secure cookie set in answer
// to r, which it sent to host. Where it would refuse it, every page would make
// another guest. Browsers send Sec-Fetch-Site only to origins they trust, and
// they trust localhost and the loopback addresses over plain HTTP too
// (https://www.w3.org/TR/secure-contexts/#is-origin-trustworthy).
func KeepsSecure(r *http.Request, host string) bool {
	if r.TLS != nil {
		return true
	}
	if _, ok := r.Header["Sec-Fetch-Site"]; ok {
		return true
	}
	return saysHTTPS(r.Header) || IsLoopback(host)
}

// IsHTTPS reports whether the browser speaks TLS, also with a proxy in front. It says so of
// fewer requests than [KeepsSecure]: some browsers keep no Secure cookie of a loopback address
// over plain HTTP. Nobody is believed: who invents a header only loses a cookie of their own.
func IsHTTPS(r *http.Request) bool {
	if r.TLS != nil || saysHTTPS(r.Header) {
		return true
	}
	_, trusted := r.Header["Sec-Fetch-Site"]
	return trusted && !IsLoopback(r.Host)
}

// saysHTTPS reports whether a proxy says that the browser speaks TLS with it.
func saysHTTPS(h http.Header) bool {
	// Proxies append to these lists, so the first item is the browser's own
	// connection.
	proto, _ := First(h["X-Forwarded-Proto"])
	proto, _, _ = strings.Cut(proto, ",")
	return strings.EqualFold(strings.TrimSpace(proto), "https") || forwardedHTTPS(h) || saysOtherwise(h)
}

// forwardedHTTPS reads Forwarded (RFC 7239): for=192.0.2.60;proto=https.
func forwardedHTTPS(h http.Header) bool {
	protos := Forwarded(h, "proto")
	return len(protos) > 0 && strings.EqualFold(protos[0], "https")
}

// saysOtherwise reports whether one of the other headers says so by which proxies tell what
// X-Forwarded-Proto is for: those of CloudFront, Cloudflare, IIS (ARR), Exchange and old
// load balancers (https://github.com/ktorio/ktor/issues/311).
func saysOtherwise(h http.Header) bool {
	for _, name := range [...]string{"X-Forwarded-Scheme", "X-Url-Scheme", "Cloudfront-Forwarded-Proto", "X-Forwarded-Ssl", "Front-End-Https"} {
		if v, _ := First(h[name]); strings.EqualFold(v, "https") || strings.EqualFold(v, "on") {
			return true
		}
	}
	visitor, _ := First(h["Cf-Visitor"]) // {"scheme":"https"}
	tls, _ := First(h["X-Arr-Ssl"])      // what it negotiated
	return strings.Contains(visitor, `"scheme":"https"`) || tls != ""
}

// IsLoopback reports whether a host, perhaps with a port, is this machine for a browser.
func IsLoopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return loopback.IsOrBelow(host)
}
