package rule

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/goaltrack/goaltrack/internal/hostname"
	"github.com/goaltrack/goaltrack/internal/web"
)

// A proxy may ask the site by another name than visitors do, as nginx does unless it
// is told otherwise
// (https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_set_header). The
// site knows its public name and redirects to it:
//
//	POST /contact, Host: app:8080, Origin: https://shop.example
//	303, Location: https://shop.example/thanks
//
// That is a page of this site, since the browser calls the site so.

// cameBy notes what the browser says of the page from which a request comes, and of why
// it sends a form.
func (x *Exchange) cameBy(h http.Header) {
	x.fetchSite, _ = web.First(h["Sec-Fetch-Site"])
	if x.method != http.MethodGet {
		x.originHeader, _ = web.First(h["Origin"])
		x.onlyAsks = onlyAsks(h)
	}
}

// sameHost reports whether a host, perhaps with a port, is this site's: the one that
// was asked, or the one by which the browser knows the site. A log that does not
// tell which that was is taken to be of one site.
func (x *Exchange) sameHost(host string) bool {
	if x.anyHost || hostname.Same(host, x.host) {
		return true
	}
	known := x.publicHost()
	return known != "" && hostname.Same(host, known)
}

// publicHost is the host that the visitor's browser sees, "" if that is not known.
// Every browser sends Origin with a form (https://fetch.spec.whatwg.org/#origin-header).
// A form on somebody else's page has that page's origin, which is not this site.
func (x *Exchange) publicHost() string {
	if x.originHeader == "" || x.fetchSite == "cross-site" || len(x.originHeader) > maxInput {
		return ""
	}
	_, host, ok := strings.Cut(x.originHeader, "://")
	if !ok || strings.ContainsAny(host, "/?#@") {
		return ""
	}
	return host
}

// refuseHost notes that the redirect leads to no page of this site.
func (x *Exchange) refuseHost() {
	switch to := x.leadsTo(); {
	case x.location == "":
		x.refusal = &refusal{kind: refusedNowhere}
	case !strings.HasPrefix(to, "//"):
		x.refusal = &refusal{kind: refusedHost}
	default:
		x.refusal = &refusal{kind: refusedHost, word: plainHost(x.host), to: to, public: plainHost(x.publicHost())}
	}
}

// hostInWords is inWords of a redirect to another host. asked is the host of the
// request, if the refusal does not know it.
func (r refusal) hostInWords(asked string) (what, hint string) {
	r.word = cmp.Or(r.word, plainHost(asked))
	to := strings.TrimPrefix(r.to, "//")
	switch {
	case r.word == "":
		return "that is not a page of this site", ""
	case r.public != "" && r.public != r.word:
		return "that is not a page of " + r.public + ", which the visitor sees, nor of " + r.word + ", which the request was for", ""
	case to == "" || to == r.word || r.public != "":
		return "that is not a page of " + r.word, ""
	}
	return "that is not a page of " + r.word,
		"if visitors know this site as " + to + ", a proxy asks for it as " + r.word + ": let it send X-Forwarded-Host and name it under TrustedProxies (trusted-proxies)"
}

// plainHost is a host as it may be told: without its port, and "" if there is in it
// what no host has.
func plainHost(host string) string {
	host = strings.ToLower(strings.TrimSuffix(web.HostOnly(host), "."))
	if !web.ValidHost(host) {
		return ""
	}
	return host
}
