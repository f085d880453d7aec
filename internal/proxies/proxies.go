// Package proxies reads what proxies say of a request: which host the visitor asked for, and
// which address they have. That is believed only of proxies that somebody trusts, because
// everybody else can send the same headers.
package proxies

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/goaltrack/goaltrack/internal/web"
)

// Trusted are the networks of the proxies that are believed, in the form that [Plain] gives.
// It is safe for concurrent use.
type Trusted []netip.Prefix

// Has reports whether an address is that of a trusted proxy.
func (t Trusted) Has(a netip.Addr) bool { return In(t, a) }

// Sent reports whether a trusted proxy sent the request.
func (t Trusted) Sent(r *http.Request) bool { return t.Has(AddressOf(r.RemoteAddr)) }

// Host is the host that the visitor's browser asked for: X-Forwarded-Host if a
// trusted proxy sent the request, else the Host header. A proxy that does not
// replace the header appends to it. So the last name is the one that the
// trusted proxy saw, and the visitor may have invented the names before it.
func (t Trusted) Host(r *http.Request) string {
	if len(t) == 0 {
		return r.Host
	}
	lines := r.Header["X-Forwarded-Host"]
	if len(lines)+len(r.Header["Forwarded"]) == 0 || !t.Sent(r) {
		return r.Host
	}
	host := ""
	if len(lines) > 0 {
		last := lines[len(lines)-1]
		host = strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])
	} else if hosts := web.Forwarded(r.Header, "host"); len(hosts) > 0 {
		host = hosts[len(hosts)-1]
	}
	if isHost(host) {
		return host
	}
	return r.Host
}

// isHost accepts what may stand in a Host header.
func isHost(host string) bool {
	return host != "" && len(host) <= 300 && !strings.ContainsFunc(host, func(c rune) bool {
		return c <= ' ' || c > '~' || strings.ContainsRune(`/\?#@"'<>`, c)
	})
}

// Client is the visitor's address: the sender's, or, if that is a trusted proxy,
// the last one in X-Forwarded-For that is not. Only that one was written by
// somebody trusted (https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/X-Forwarded-For#security_and_privacy_concerns).
// It is invalid if there is none that can be told.
func (t Trusted) Client(r *http.Request) netip.Addr {
	addr := AddressOf(r.RemoteAddr)
	lines := r.Header["X-Forwarded-For"]
	if len(lines) == 0 && t.Has(addr) {
		lines = web.Forwarded(r.Header, "for")
	}
	for _, line := range slices.Backward(lines) {
		for rest, more := line, true; more; {
			if !t.Has(addr) {
				return addr
			}
			hop := rest
			if comma := strings.LastIndexByte(rest, ','); comma < 0 {
				more = false
			} else {
				rest, hop = rest[:comma], rest[comma+1:]
			}
			addr = AddressOf(strings.TrimSpace(hop))
		}
	}
	return addr
}
