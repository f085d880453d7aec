// Package loopback tells whether a host is this machine, so that nobody else is on the way
// to it.
package loopback

import (
	"net/netip"
	"strings"
)

// Is reports whether a host can only be this machine: it is "localhost", or an address that
// never leaves it. The host has no port. Upper case, a dot at the end of the name, and the
// brackets of an IPv6 address do not matter.
func Is(host string) bool {
	if strings.EqualFold(strings.TrimSuffix(host, "."), localhost) {
		return true
	}
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && address.Unmap().IsLoopback()
}

// IsOrBelow is Is, also for a name such as shop.localhost. Nobody else may have such a name
// (RFC 6761, section 6.3), and browsers ask nobody for it. Go's own resolver asks DNS, whose
// answer may be wrong. So what opens a door to whoever is on this machine asks for Is.
func IsOrBelow(host string) bool {
	const below = "." + localhost
	name := strings.TrimSuffix(host, ".")
	if len(name) > len(below) && strings.EqualFold(name[len(name)-len(below):], below) {
		return true
	}
	return Is(host)
}

const localhost = "localhost"
