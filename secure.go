package goaltrack

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/goaltrack/goaltrack/internal/web"
)

// isSecure reports whether the browser will keep a Secure cookie set in answer
// to r, which it sent to host. Where it would refuse it, every page would make
// another guest. Browsers send Sec-Fetch-Site only to origins they trust, and
// they trust localhost and the loopback addresses over plain HTTP too
// (https://www.w3.org/TR/secure-contexts/#is-origin-trustworthy).
func isSecure(r *http.Request, host string) bool {
	if r.TLS != nil {
		return true
	}
	if _, ok := r.Header["Sec-Fetch-Site"]; ok {
		return true
	}
	// Proxies append to these lists, so the first item is the browser's own
	// connection.
	proto, _ := web.First(r.Header["X-Forwarded-Proto"])
	proto, _, _ = strings.Cut(proto, ",")
	return strings.EqualFold(strings.TrimSpace(proto), "https") || forwardedSecure(r.Header) || isLoopback(host)
}

// forwardedSecure reads Forwarded (RFC 7239): for=192.0.2.60;proto=https.
func forwardedSecure(h http.Header) bool {
	element, _ := web.First(h["Forwarded"])
	element, _, _ = strings.Cut(element, ",")
	for element != "" {
		var pair string
		pair, element, _ = strings.Cut(element, ";")
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		if strings.EqualFold(name, "proto") {
			return strings.EqualFold(strings.Trim(value, `"`), "https")
		}
	}
	return false
}

func isLoopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if strings.EqualFold(host, "localhost") || len(host) > 10 && strings.EqualFold(host[len(host)-10:], ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
