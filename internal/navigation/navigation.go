// Package navigation decides from a request's header whether a person goes to a
// page. They do so by a click, or by a script that fetches the page in place of
// a navigation. If a browser asks for a page before anybody wants to see it,
// that is a prefetch.
//
// navigation.go reads the header. data.go knows the addresses from which frameworks fetch the
// data of a page, next.go what the router of Next.js sends with that, and hints.go when a browser
// asks for a page a second time.
package navigation

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/goaltrack/goaltrack/internal/hostname"
	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/web"
)

// A page that a script fetches in place of a navigation is a visit, too: the
// visitor clicked a link and looks at another page.

// IsSoft reports whether a script fetches a page to show it. It knows htmx with
// hx-boost (https://htmx.org/reference/#request_headers), Turbo Drive, Next.js and
// Inertia (https://inertiajs.com/the-protocol). A Turbo frame, or a part of Inertia's
// data, is only a part of a page and does not count. Nor does a page that asks for itself once
// more, as Turbo does when the server says that something on it has changed.
func IsSoft(h http.Header, path, rawQuery string) bool {
	switch {
	case !mayBeScript(h):
	case len(h["Hx-Boosted"]) > 0, len(h["Rsc"]) > 0 && !isRefresh(h):
		return true
	case len(h["X-Turbo-Request-Id"]) > 0 && len(h["Turbo-Frame"]) == 0:
		return !isTurboRefresh(h, path, rawQuery)
	case len(h["X-Inertia"]) > 0:
		return len(h["X-Inertia-Partial-Component"]) == 0 && !isReload(h, path)
	}
	return strings.Contains(path, nextData)
}

// Replaces reports whether a script puts the page that it asks for in the place of the one on
// which it runs, so that this one is surely left. A click with which the visitor opens
// another tab is a navigation of the browser's. Next.js is not among them, as it fetches
// whole pages ahead without saying so.
func Replaces(h http.Header) bool {
	if len(h["Hx-Preloaded"]) > 0 {
		return false // the browser keeps the copy, for every tab
	}
	accept, _ := web.First(h["Accept"])
	return len(h["Hx-Boosted"]) > 0 || len(h["X-Inertia"]) > 0 && len(h["X-Inertia-Partial-Component"]) == 0 ||
		len(h["X-Turbo-Request-Id"]) > 0 && len(h["Turbo-Frame"]) == 0 && !strings.Contains(accept, "turbo-stream")
}

// ShowsDocument reports whether the browser says that it will show the answer as a document,
// be it in a tab or in a part of a page.
func ShowsDocument(h http.Header) bool {
	switch dest, _ := web.First(h["Sec-Fetch-Dest"]); dest {
	case "document", "iframe", "frame", "embed", "object":
		return true
	}
	return false
}

// isReload reports whether a script asks for the page on which it runs. Of the page's
// address before a proxy cut something off, the end is the same.
func isReload(h http.Header, path string) bool {
	cut, same := strings.CutSuffix(openPage(h), urlpath.Trim(path))
	return same && (cut == "" || urlpath.Trim(path) != "" && !hasNumber(cut))
}

// hasNumber reports whether a segment begins with a digit, as IDs do. Proxies cut off names: who
// goes from /products/4/reviews to /reviews goes to another page.
func hasNumber(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		if segment != "" && '0' <= segment[0] && segment[0] <= '9' {
			return true
		}
	}
	return false
}

// openPage is the path of the page on which a script runs, decoded.
func openPage(h http.Header) string {
	referer, _ := web.First(h["Referer"])
	path := pathOf(referer)
	if decoded, err := url.PathUnescape(path); err == nil {
		path = decoded
	}
	return urlpath.Trim(path)
}

// isTurboRefresh reports whether Turbo asks for the page that is open once more
// (https://turbo.hotwired.dev/handbook/page_refreshes). It then names that page as its
// referrer, with its query. The page to which a form leads may be the one that is open, and
// there Turbo takes a stream as well. What a proxy cuts off is no language.
func isTurboRefresh(h http.Header, path, rawQuery string) bool {
	accept, _ := web.First(h["Accept"])
	referer, _ := web.First(h["Referer"])
	if referer == "" || strings.Contains(accept, "turbo-stream") {
		return false
	}
	_, query, _ := strings.Cut(referer, "?")
	if query, _, _ = strings.Cut(query, "#"); query != rawQuery {
		return false
	}
	cut, _ := strings.CutSuffix(openPage(h), urlpath.Trim(path))
	first, _ := urlpath.NextSegment(cut)
	return isReload(h, path) && !urlpath.IsLanguage(first)
}

// IsFetchedAhead reports whether the browser fetches something ahead for a script, a worker or a
// <link rel="prefetch">, which do not say whether it is a page.
func IsFetchedAhead(h http.Header) bool {
	dest, _ := web.First(h["Sec-Fetch-Dest"])
	return dest == "empty" && (IsPrefetch(h) || IsOfWorker(h))
}

// IsOfWorker reports whether a worker fetches something for itself, as a service worker does with
// what it keeps for later. Then its script is the Referer, and no page
// (https://w3c.github.io/webappsec-referrer-policy/#determine-requests-referrer). What it
// passes on keeps the page that asked. A script in a page is fetched by another, too, and
// has a destination. Pages may have such an address (/docs/node.js), and no worker says that it
// shows what it fetches.
func IsOfWorker(h http.Header) bool {
	if dest, _ := web.First(h["Sec-Fetch-Dest"]); dest != "empty" {
		return false
	}
	if mode, _ := web.First(h["Sec-Fetch-Mode"]); mode == "navigate" {
		return false
	}
	referer, _ := web.First(h["Referer"])
	path := pathOf(referer)
	return (strings.HasSuffix(path, ".js") || strings.HasSuffix(path, ".mjs")) && !Replaces(h)
}

// IsSoftPrefetch reports whether a script fetches a page that nobody asked for
// yet.
func IsSoftPrefetch(h http.Header) bool {
	if !mayBeScript(h) {
		return false
	}
	if len(h["Next-Router-Prefetch"]) > 0 || len(h["Next-Router-Segment-Prefetch"]) > 0 || len(h["X-Middleware-Prefetch"]) > 0 || len(h["Hx-Preloaded"]) > 0 {
		return true
	}
	v, _ := web.First(h["X-Sec-Purpose"]) // Turbo, which cannot set Sec-Purpose
	return saysPrefetch(v)
}

// mayBeScript reports whether a script may have sent the request, and so may have set headers of
// its own. Where a browser navigates, it says "document" in Sec-Fetch-Dest. A script cannot set
// that header, and what it fetches has no such destination, nor has what a service worker passes
// on with other headers (https://fetch.spec.whatwg.org/#dom-request).
func mayBeScript(h http.Header) bool {
	dest, _ := web.First(h["Sec-Fetch-Dest"])
	return dest != "document"
}

// IsPrefetch reports whether the browser asks for a page that nobody looks at
// yet. Sec-Purpose is the standard header
// (https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Sec-Purpose).
// It is a token that may have parameters, as in "prefetch;prerender" (RFC
// 9651). Browsers sent the other headers before. No browser tells the server
// whether it shows the page later
// (https://github.com/WICG/nav-speculation/issues/100).
func IsPrefetch(h http.Header) bool {
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

// CameFrom returns the page on which the request was made: the path and the query of
// its Referer, if that is of the same origin as the host asked for. Browsers say in
// Sec-Fetch-Site whether it is, whatever a proxy calls the site. The path is decoded.
func CameFrom(h http.Header, host string) (path, rawQuery string, ok bool) {
	referer, _ := web.First(h["Referer"])
	if referer == "" || len(referer) > maxReferer {
		return "", "", false
	}
	_, rest, _ := strings.Cut(referer, "://")
	i := strings.IndexByte(rest, '/')
	if i <= 0 {
		return "", "", false
	}
	if site, _ := web.First(h["Sec-Fetch-Site"]); site != "same-origin" && !sameOrigin(rest[:i], host) {
		return "", "", false
	}
	path, rawQuery, _ = strings.Cut(rest[i:], "?")
	if strings.IndexByte(path, '%') >= 0 {
		decoded, err := url.PathUnescape(path)
		if err != nil {
			return "", "", false
		}
		path = decoded
	}
	return path, rawQuery, true
}

// maxReferer bounds the Referer that is read.
const maxReferer = 2 << 10

// sameOrigin compares two hosts, each perhaps with a port. A proxy may have left out
// the port of one.
func sameOrigin(a, b string) bool {
	if strings.EqualFold(a, b) {
		return true
	}
	hasPort := func(host string) bool { return web.HostOnly(host) != strings.TrimSuffix(host, ".") }
	return (!hasPort(a) || !hasPort(b)) && hostname.Same(a, b)
}

// MayBePage reports whether the answer may be shown as a page of its own.
// Browsers that send Sec-Fetch-Dest say so, and before Chrome 80 they said how they
// fetch it (Sec-Fetch-Mode), as Node.js does today. For other clients it is not
// known, and the result is true.
func MayBePage(h http.Header) bool {
	dest, ok := web.First(h["Sec-Fetch-Dest"])
	if ok {
		return dest == "document"
	}
	mode, ok := web.First(h["Sec-Fetch-Mode"])
	return !ok || mode == "navigate"
}

// Is reports whether a person surely went to a page. Only then a browser ID may
// be made: scripts, images and API clients must not make guests.
func Is(r *http.Request) bool {
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
	return MayBePage(r.Header) && acceptsHTML(r.Header)
}

// IsPassedOn reports whether a browser goes to a page, and a service worker passes the
// request on. What the page is for is lost on the way (Sec-Fetch-Dest: empty), as
// https://fetch.spec.whatwg.org/#dom-request has it. So nobody knows whether it is shown in a
// tab or in a frame. No script can ask for something in this way by itself; a link with the
// attribute download does.
func IsPassedOn(r *http.Request) bool {
	dest, _ := web.First(r.Header["Sec-Fetch-Dest"])
	mode, _ := web.First(r.Header["Sec-Fetch-Mode"])
	return r.Method == http.MethodGet && dest == "empty" && mode == "navigate"
}

// MayBeBrowser reports whether a browser may have sent the request. Every browser of
// today says in Sec-Fetch-Site and its kin what it fetches and why
// (https://www.w3.org/TR/fetch-metadata/). It does not to a site without https, nor
// did Safari before 16.4, and old ones: they name text/html in Accept when a person
// goes to a page. Programs send */* or nothing there.
func MayBeBrowser(h http.Header) bool {
	for _, name := range [...]string{"Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site"} {
		if v, _ := web.First(h[name]); v != "" {
			return true
		}
	}
	return acceptsHTML(h)
}

// acceptsHTML reports whether the client names text/html as something that it takes
// (RFC 9110, 12.5.1). It does not read q-values, but that 0 is a refusal.
func acceptsHTML(h http.Header) bool {
	for _, line := range h["Accept"] {
		for line != "" {
			var member string
			member, line, _ = strings.Cut(line, ",")
			name, parameters, _ := strings.Cut(member, ";")
			if strings.EqualFold(strings.TrimSpace(name), "text/html") && !refuses(parameters) {
				return true
			}
		}
	}
	return false
}

// refuses reports whether the parameters of a member of Accept have the weight 0.
func refuses(parameters string) bool {
	for parameters != "" {
		var p string
		p, parameters, _ = strings.Cut(parameters, ";")
		name, weight, _ := strings.Cut(p, "=")
		if strings.EqualFold(strings.TrimSpace(name), "q") {
			weight = strings.TrimSpace(weight)
			return weight != "" && strings.Trim(weight, "0.") == ""
		}
	}
	return false
}
