package proxies

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/goaltrack/goaltrack/internal/web"
)

// Asks reports whether an unknown host of a request is the name by which a proxy asks, and
// not the one that the browser knows. Unless it is told otherwise, nginx sends "app" or an
// address. known says whether a host is one of the site's. Nobody is believed here: whoever
// invents such a header gets what they also get without it.
func Asks(r *http.Request, host string, known func(host string) bool) bool {
	asked, _ := web.First(r.Header["X-Forwarded-Host"])
	asked, _, _ = strings.Cut(asked, ",")
	if known(strings.TrimSpace(asked)) || slices.ContainsFunc(web.Forwarded(r.Header, "host"), known) {
		return true
	}
	if origin, _ := web.First(r.Header["Origin"]); known(hostOf(origin)) {
		return true
	}
	if site, _ := web.First(r.Header["Sec-Fetch-Site"]); site == "same-origin" && known(hostOf(r.Referer())) {
		return true
	}
	return isInner(host) && (!r.ProtoAtLeast(1, 1) || slices.ContainsFunc(marks, func(name string) bool { return r.Header[name] != nil }))
}

// marks are what proxies add to requests.
var marks = []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-Ip", "Forwarded", "Via"}

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
