package proxies

import (
	"net/netip"
	"slices"
	"strings"
)

// AddressOf reads an address, with or without a port; it is invalid if s is none.
// Zones are cut off, as they say nothing outside the host.
func AddressOf(s string) netip.Addr {
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

// In reports whether one of the networks, which are [Plain], holds an address that
// [AddressOf] has read.
func In(networks []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(a) })
}

// Plain brings networks into the form that [AddressOf] gives addresses.
func Plain(networks []netip.Prefix) []netip.Prefix {
	networks = slices.Clone(networks)
	for i, p := range networks {
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			networks[i] = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
	}
	return networks
}
