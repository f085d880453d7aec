package goaltest

import (
	"net/http"
	"net/url"
	"strings"
)

// navigation is a way to a page, redirects included.
type navigation struct {
	from         *url.URL // nil for an address typed in
	method, body string
	// site is the value of Sec-Fetch-Site: the furthest of all steps
	// (https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header).
	site string
	// astray says that the way led over another origin to here, so that Origin is null
	// (https://fetch.spec.whatwg.org/#append-a-request-origin-header).
	astray bool
}

func newNavigation(from *url.URL, method, body string) *navigation {
	n := &navigation{from: from, method: method, body: body, site: "none"}
	if from != nil {
		n.site = "same-origin"
	}
	return n
}

// redirected goes on after an answer. 303 makes a GET of everything, 301 and 302 of a POST
// (https://fetch.spec.whatwg.org/#http-redirect-fetch).
func (n *navigation) redirected(status int, by *url.URL) {
	if n.method == http.MethodPost && (status == http.StatusMovedPermanently || status == http.StatusFound || status == http.StatusSeeOther) {
		n.method, n.body = http.MethodGet, ""
	}
	n.astray = n.astray || n.from != nil && originOf(by) != originOf(n.from)
}

// header is what a browser sends with the next request.
func (n *navigation) header(to *url.URL) http.Header {
	h := http.Header{
		"User-Agent":                {UserAgent},
		"Accept":                    {"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8"},
		"Accept-Language":           {"en-US,en;q=0.9"},
		"Upgrade-Insecure-Requests": {"1"},
	}
	if n.from != nil {
		if originOf(to) != originOf(n.from) {
			n.site = further(n.site, apart(n.from, to))
		}
		if r := referer(n.from, to); r != "" {
			h.Set("Referer", r)
		}
	}
	if n.method == http.MethodPost {
		h.Set("Content-Type", "application/x-www-form-urlencoded")
		h.Set("Origin", n.origin())
	}
	// Browsers send these only where nobody in between can change them.
	if trustworthy(to) {
		h.Set("Sec-Fetch-Site", n.site)
		h.Set("Sec-Fetch-Mode", "navigate")
		h.Set("Sec-Fetch-User", "?1")
		h.Set("Sec-Fetch-Dest", "document")
	}
	return h
}

// origin is the value of Origin.
func (n *navigation) origin() string {
	if n.astray {
		return "null"
	}
	return originOf(n.from)
}

func originOf(u *url.URL) string { return u.Scheme + "://" + u.Host }

// apart says how far two origins that differ are from each other. Hosts of which one is
// below the other are one site.
func apart(a, b *url.URL) string {
	x, y := a.Hostname(), b.Hostname()
	if a.Scheme == b.Scheme && (x == y || strings.HasSuffix(x, "."+y) || strings.HasSuffix(y, "."+x)) {
		return "same-site"
	}
	return "cross-site"
}

// further is the one of two values of Sec-Fetch-Site that is further away.
func further(a, b string) string {
	if a == "cross-site" || b == "same-origin" {
		return a
	}
	return b
}

// referer is as browsers send it by default, strict-origin-when-cross-origin
// (https://www.w3.org/TR/referrer-policy/).
func referer(from, to *url.URL) string {
	switch {
	case originOf(from) == originOf(to):
		bare := *from
		bare.User, bare.Fragment, bare.RawFragment = nil, "", ""
		return bare.String()
	case trustworthy(from) && !trustworthy(to):
		return ""
	}
	return originOf(from) + "/"
}
