package goaltrack

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/goaltrack/goaltrack/internal/fair"
	"github.com/goaltrack/goaltrack/internal/web"
)

// What proxies say of a request is believed only of those in
// Config.TrustedProxies: everybody else can send the same headers.

// host is the host that the visitor's browser asked for: X-Forwarded-Host if a
// trusted proxy sent the request, else the Host header. A proxy that does not
// replace the header appends to it. So the last name is the one that the
// trusted proxy saw, and the visitor may have invented the names before it.
func (t *Tracker) host(r *http.Request) string {
	if len(t.config.TrustedProxies) == 0 {
		return r.Host
	}
	lines := r.Header["X-Forwarded-Host"]
	if len(lines)+len(r.Header["Forwarded"]) == 0 || !within(t.config.TrustedProxies, addrOf(r.RemoteAddr)) {
		return r.Host
	}
	host := ""
	if len(lines) > 0 {
		last := lines[len(lines)-1]
		host = strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])
	} else if hosts := web.Forwarded(r.Header, "host"); len(hosts) > 0 {
		host = hosts[len(hosts)-1]
	}
	if isForwardedHost(host) {
		return host
	}
	return r.Host
}

// isForwardedHost accepts what may stand in a Host header.
func isForwardedHost(host string) bool {
	return host != "" && len(host) <= 300 && !strings.ContainsFunc(host, func(c rune) bool {
		return c <= ' ' || c > '~' || strings.ContainsRune(`/\?#@"'<>`, c)
	})
}

// client is the visitor's address: the sender's, or, if that is a trusted proxy,
// the last one in X-Forwarded-For that is not. Only that one was written by
// somebody trusted (https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/X-Forwarded-For#security_and_privacy_concerns).
// It is invalid if there is none that can be told.
func (t *Tracker) client(r *http.Request) netip.Addr {
	addr := addrOf(r.RemoteAddr)
	lines := r.Header["X-Forwarded-For"]
	if len(lines) == 0 && within(t.config.TrustedProxies, addr) {
		lines = web.Forwarded(r.Header, "for")
	}
	for _, line := range slices.Backward(lines) {
		for rest, more := line, true; more; {
			if !within(t.config.TrustedProxies, addr) {
				return addr
			}
			hop := rest
			if comma := strings.LastIndexByte(rest, ','); comma < 0 {
				more = false
			} else {
				rest, hop = rest[:comma], rest[comma+1:]
			}
			addr = addrOf(strings.TrimSpace(hop))
		}
	}
	return addr
}

// network is the name of the network that a request's visitor comes from, by which what
// one client can take is bounded. It is 0 if their address does not tell them apart from
// others. It is then that of a proxy which is not trusted, or which did not say whose
// request it is.
func (t *Tracker) network(r *http.Request) uint64 {
	peer := addrOf(r.RemoteAddr)
	switch {
	case within(t.config.TrustedProxies, peer):
		if peer = t.client(r); within(t.config.TrustedProxies, peer) {
			return 0
		}
	case !fair.IsPublic(peer):
		t.firsts.tellUntold(r, peer, t.config.Logger)
		return 0
	}
	return t.names.Network(peer)
}

func (tr *tracked) network() uint64 { return tr.t.network(tr.r) }

// networkLocked is network, for what most requests need that count something: it is looked up
// once.
func (tr *tracked) networkLocked() uint64 {
	if tl := &tr.told; !tl.located {
		tl.network, tl.located = tr.network(), true
	}
	return tr.told.network
}

// who is the request's visitor, for the shares of what is bounded.
func (tr *tracked) who() fair.Who {
	return fair.Who{Visitor: tr.t.names.Visitor(tr.told.id), Network: tr.networkLocked()}
}

// addrOf reads an address, with or without a port; it is invalid if s is none.
// Zones are cut off, as they say nothing outside the host.
func addrOf(s string) netip.Addr {
	if s == "" || s == "@" { // a request that was made by hand; the peer of a Unix socket
		return netip.Addr{}
	}
	if strings.HasPrefix(s, "[") || strings.Count(s, ":") == 1 {
		if a, err := netip.ParseAddrPort(s); err == nil {
			return a.Addr().Unmap().WithZone("")
		}
	}
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return a.Unmap().WithZone("")
	}
	return netip.Addr{}
}

// within reports whether one of the networks holds the address.
func within(networks []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(a) })
}

// plainNetworks brings networks into the form that addrOf gives addresses.
func plainNetworks(networks []netip.Prefix) []netip.Prefix {
	networks = slices.Clone(networks)
	for i, p := range networks {
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			networks[i] = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
	}
	return networks
}

func validateNetworks(name string, networks []netip.Prefix) error {
	var errs configFaults
	for _, p := range networks {
		switch {
		case !p.IsValid():
			errs.add("%s: a network is invalid; write netip.MustParsePrefix(\"192.0.2.0/24\")", name)
		case p.Bits() == 0:
			errs.add("%s: %v is everybody", name, p)
		}
	}
	return errors.Join(errs...)
}

// isAskedByProxy reports whether a host outside of the Domain is rather the name
// by which a proxy asks than the one that the browser knows. Unless it is told
// otherwise, nginx sends "app" or an address. Nobody is believed here: who invents
// such a header gets what they also get without it.
func (c *browserCookie) isAskedByProxy(r *http.Request, host string) bool {
	within := func(host string) bool { return host != "" && c.covers(host) }
	asked, _ := web.First(r.Header["X-Forwarded-Host"])
	asked, _, _ = strings.Cut(asked, ",")
	if within(strings.TrimSpace(asked)) || slices.ContainsFunc(web.Forwarded(r.Header, "host"), within) {
		return true
	}
	if origin, _ := web.First(r.Header["Origin"]); within(hostOf(origin)) {
		return true
	}
	if site, _ := web.First(r.Header["Sec-Fetch-Site"]); site == "same-origin" && within(hostOf(r.Referer())) {
		return true
	}
	return isInner(host) && (!r.ProtoAtLeast(1, 1) || slices.ContainsFunc(proxyHeaders, func(name string) bool { return r.Header[name] != nil }))
}

// proxyHeaders are what proxies add to requests.
var proxyHeaders = []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-Ip", "Forwarded", "Via"}

// hostOf is the host of an address, "" if it has none.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

// isInner reports whether a host is one that only programs of one network use. That
// is a name without a dot, or an address of such a network. So is a name that is not
// for the internet (RFC 6762, RFC 8375, and ICANN's .internal).
func isInner(host string) bool {
	host = strings.Trim(web.HostOnly(host), "[]")
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast()
	}
	last := strings.ToLower(host[strings.LastIndexByte(host, '.')+1:])
	return !strings.Contains(host, ".") || slices.Contains([]string{"internal", "local", "localhost", "lan", "arpa", "cluster", "consul"}, last)
}
