package web

import (
	"slices"
	"strings"
)

// HostIn reports whether host is one of the hosts. The entry *.x stands for all
// hosts that end in .x. Case does not matter, nor does a dot at the end of an
// entry. host is written as [HostOnly] returns it.
func HostIn(hosts []string, host string) bool {
	return slices.ContainsFunc(hosts, func(h string) bool {
		h = strings.TrimSuffix(h, ".")
		if suffix, ok := strings.CutPrefix(h, "*"); ok {
			return len(host) > len(suffix) && strings.EqualFold(host[len(host)-len(suffix):], suffix)
		}
		return strings.EqualFold(h, host)
	})
}

// IsWithin reports whether a host is a domain or a name below it. Case does not
// matter. host is written as [HostOnly] returns it.
func IsWithin(host, domain string) bool {
	below := len(host) - len(domain)
	return below >= 0 && strings.EqualFold(host[below:], domain) && (below == 0 || host[below-1] == '.' && !IsAddress(host))
}

// IsAddress reports whether a host is an IP address and no name: browsers take a
// last label of digits for a part of one (https://url.spec.whatwg.org/#ends-in-a-number-checker).
func IsAddress(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	return last != "" && strings.Trim(last, "0123456789") == "" || strings.HasPrefix(host, "[")
}

// ValidHost reports whether h may stand in a list of hosts: a name, or *. and a
// name, without a scheme, a port or a path.
func ValidHost(h string) bool {
	return h != "" && !strings.ContainsAny(h, "/: ") && !strings.Contains(strings.TrimPrefix(h, "*."), "*")
}

// HostOnly cuts the port off a Host header, and the dot at the end of the name.
// Some write that dot to say that the name is whole (RFC 9110, section 4.2.3,
// and RFC 1034, section 3.1). An IPv6 address keeps its brackets.
func HostOnly(host string) string { return strings.TrimSuffix(withoutPort(host), ".") }

// IsRooted reports whether a Host header has a dot at the end of its name.
func IsRooted(host string) bool { return strings.HasSuffix(withoutPort(host), ".") }

func withoutPort(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && strings.IndexByte(host[i:], ']') < 0 {
		host = host[:i]
	}
	return host
}
