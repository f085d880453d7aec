package goaltrack

import (
	"net/http"
	"slices"
	"strings"

	"github.com/goaltrack/goaltrack/internal/web"
)

// entry is what the gate says of a request: to each goal, by the consent that
// the goal needs.
type entry struct {
	no      fate    // against every goal: the visitor said no, or he is none; else fired
	consent Consent // his answer
	absent  fate    // nobody is looking, or nobody is there; else fired
	// holds is the value of the cookie that ConsentHoldBy names, by which goals
	// are held until the visitor has answered. "" if they are not.
	holds string
}

// judge says whether something may count that needs this consent: fired, or the
// first reason against, in the order a person would give them.
func (e *entry) judge(n need) fate {
	if e.no != fired {
		return e.no
	}
	if f := e.consent.fate(n); f != fired {
		return f
	}
	return e.absent
}

// gate looks at the visitor and the request. path is the path that rules see.
func (t *Tracker) gate(r *http.Request, path string) (e entry) {
	if e.no = t.refuses(r); e.no == fired {
		e.no = t.ignores(r, path)
	}
	if e.no == fired {
		e.consent = t.consent(r)
	}
	if t.config.ConsentHoldBy != "" && (e.no == fired && e.consent.open() || t.holds.any()) {
		e.holds = t.holdBy(r.Header)
	}
	if e.no != fired {
		return e
	}
	switch {
	case r.Method == http.MethodGet && (isPrefetch(r.Header) || isSoftPrefetch(r.Header)):
		e.absent = fatePrefetch
	case t.bots.is(userAgent(r)):
		e.absent = fateBot
	}
	return e
}

// refuses reports whether the visitor said no, without being asked.
func (t *Tracker) refuses(r *http.Request) fate {
	if web.CookieValue(r.Header, t.config.OptOutCookie, saysYes) != "" {
		return fateOptOut
	}
	if !t.config.IgnoreGPC {
		if v, _ := web.First(r.Header["Sec-Gpc"]); v == "1" {
			return fateGPC
		}
	}
	return fired
}

// saysYes reads the value of the opt-out cookie.
func saysYes(v string) bool { return v != "" && v != "0" && v != "false" }

// isPrefetch reports whether the browser asks for a page nobody looks at yet.
// Sec-Purpose is the standard (https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Sec-Purpose),
// a token that may have parameters, as in "prefetch;prerender" (RFC 9651). The
// others are what browsers sent before. The server is never told whether the
// page is shown later (https://github.com/WICG/nav-speculation/issues/100).
func isPrefetch(h http.Header) bool {
	for _, name := range [...]string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		if slices.ContainsFunc(h[name], saysPrefetch) {
			return true
		}
	}
	return false
}

// saysPrefetch reads a list of tokens with parameters.
func saysPrefetch(line string) bool {
	for line != "" {
		var member string
		member, line, _ = strings.Cut(line, ",")
		token, _, _ := strings.Cut(member, ";")
		switch token = strings.TrimSpace(token); {
		case strings.EqualFold(token, "prefetch"), strings.EqualFold(token, "prerender"), strings.EqualFold(token, "preview"):
			return true
		}
	}
	return false
}

// mayBePage reports whether the answer may be shown as a page of its own:
// browsers that send Sec-Fetch-Dest say so; of others it is not known.
func mayBePage(h http.Header) bool {
	dest, ok := web.First(h["Sec-Fetch-Dest"])
	return !ok || dest == "document"
}

// isNavigation reports whether a person surely went to a page: what it takes to
// make a browser ID. Scripts, images and API clients must not make guests.
func isNavigation(r *http.Request) bool {
	if r.Method != http.MethodGet {
		return false
	}
	if dest, ok := web.First(r.Header["Sec-Fetch-Dest"]); ok {
		if dest != "document" {
			return false
		}
		mode, _ := web.First(r.Header["Sec-Fetch-Mode"])
		return mode == "navigate" || mode == ""
	}
	accept, _ := web.First(r.Header["Accept"])
	return strings.Contains(accept, "text/html")
}

func userAgent(r *http.Request) string {
	ua, _ := web.First(r.Header["User-Agent"])
	return cutUserAgent(ua)
}
