package goaltrack

import (
	"hash/maphash"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"

	"zgo.at/isbot"
)

// gate says whether this visitor and this request may be counted at all. It
// returns fired if so, and otherwise the first reason against, in the order a
// person would give them: the visitor said no; he was not asked or has not
// answered; nobody is looking; nobody is there.
func (t *Tracker) gate(r *http.Request) fate {
	if cookieValue(r.Header, t.config.OptOutCookie, saysYes) != "" {
		return fateOptOut
	}
	if !t.config.IgnoreGPC {
		if v, _ := first(r.Header["Sec-Gpc"]); v == "1" {
			return fateGPC
		}
	}
	switch t.consent(r) {
	case ConsentGranted:
	case ConsentRefused:
		return fateConsentRefused
	default: // unknown is not yes, and neither is a value of no meaning
		return fateConsentUnknown
	}
	if r.Method == http.MethodGet && (isPrefetch(r.Header) || isSoftPrefetch(r.Header)) {
		return fatePrefetch
	}
	if t.bots.is(userAgent(r)) {
		return fateBot
	}
	return fired
}

// saysYes reads the value of the opt-out cookie.
func saysYes(v string) bool { return v != "" && v != "0" && v != "false" }

// consent asks the reader; without one there is nothing to ask.
func (t *Tracker) consent(r *http.Request) (c Consent) {
	if t.config.Consent == nil {
		return ConsentGranted
	}
	defer t.recovered("Consent", func() { c = ConsentUnknown })
	return t.config.Consent(r)
}

// isPrefetch reports whether the browser asks for a page nobody looks at yet.
// Sec-Purpose is the standard (https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Sec-Purpose);
// its value may go on, as in "prefetch;prerender". The others are what browsers
// sent before. The server is never told whether the page is shown later
// (https://github.com/WICG/nav-speculation/issues/100).
func isPrefetch(h http.Header) bool {
	for _, name := range [...]string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		if v, ok := first(h[name]); ok && (strings.Contains(v, "prefetch") || strings.Contains(v, "preview")) {
			return true
		}
	}
	return false
}

// mayBePage reports whether the answer may be shown as a page of its own:
// browsers that send Sec-Fetch-Dest say so; of others it is not known.
func mayBePage(h http.Header) bool {
	dest, ok := first(h["Sec-Fetch-Dest"])
	return !ok || dest == "document"
}

// isNavigation reports whether a person surely went to a page: what it takes to
// make a browser ID. Scripts, images and API clients must not make guests.
func isNavigation(r *http.Request) bool {
	if r.Method != http.MethodGet {
		return false
	}
	if dest, ok := first(r.Header["Sec-Fetch-Dest"]); ok {
		mode, _ := first(r.Header["Sec-Fetch-Mode"])
		return dest == "document" && (mode == "navigate" || mode == "")
	}
	accept, _ := first(r.Header["Accept"])
	return strings.Contains(accept, "text/html")
}

// isSecure reports whether the browser will keep a Secure cookie set in answer
// to r. Where it would refuse it, every page would make another guest. Browsers
// send Sec-Fetch-Site only to origins they trust, and they trust localhost and
// the loopback addresses over plain HTTP too
// (https://www.w3.org/TR/secure-contexts/#is-origin-trustworthy).
func isSecure(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	if _, ok := r.Header["Sec-Fetch-Site"]; ok {
		return true
	}
	// Proxies append to these lists, so the first item is the browser's own
	// connection.
	proto, _ := first(r.Header["X-Forwarded-Proto"])
	proto, _, _ = strings.Cut(proto, ",")
	return strings.EqualFold(strings.TrimSpace(proto), "https") || forwardedSecure(r.Header) || isLoopback(r.Host)
}

// forwardedSecure reads Forwarded (RFC 7239): for=192.0.2.60;proto=https.
func forwardedSecure(h http.Header) bool {
	element, _ := first(h["Forwarded"])
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

func userAgent(r *http.Request) string {
	ua, _ := first(r.Header["User-Agent"])
	return cutUserAgent(ua)
}

// botCache remembers verdicts on user agents, which take a microsecond or two to
// reach. It has a fixed number of places; a newcomer takes the place of another.
type botCache struct {
	seed  maphash.Seed
	slots [1024]atomic.Pointer[botVerdict]
}

type botVerdict struct {
	userAgent string
	bot       bool
}

func newBotCache() *botCache { return &botCache{seed: maphash.MakeSeed()} }

func (c *botCache) is(ua string) bool {
	slot := &c.slots[maphash.String(c.seed, ua)%uint64(len(c.slots))]
	if v := slot.Load(); v != nil && v.userAgent == ua {
		return v.bot
	}
	bot := isbot.Is(isbot.UserAgent(ua))
	slot.Store(&botVerdict{strings.Clone(ua), bot})
	return bot
}
