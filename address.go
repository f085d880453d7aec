package goaltrack

import (
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/gorilla/mux"

	"github.com/goaltrack/goaltrack/internal/ahead"
	"github.com/goaltrack/goaltrack/internal/fair"
	"github.com/goaltrack/goaltrack/internal/navigation"
	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/proxies"
	"github.com/goaltrack/goaltrack/internal/web"
	"github.com/goaltrack/goaltrack/rule"
)

// A request says where it goes: to a host, and to a path, and so to a site. Its connection says
// where it comes from. Proxies in front of the site may have changed all of that. What they say
// of it is believed only of those in Config.TrustedProxies.

// host is the host that the visitor's browser asked for.
func (t *Tracker) host(r *http.Request) string {
	return proxies.Trusted(t.config.TrustedProxies).Host(r)
}

// client is the visitor's address, invalid if it cannot be told.
func (t *Tracker) client(r *http.Request) netip.Addr {
	return proxies.Trusted(t.config.TrustedProxies).Client(r)
}

// siteOf finds the site of a request: the longest prefix, and among equals a
// host that is named before *.host, and that before every host.
func (t *Tracker) siteOf(host, path string) *site {
	if len(t.sites) == 1 && len(t.sites[0].Hosts) == 0 && t.sites[0].PathPrefix == "" {
		return t.sites[0]
	}
	var best *site
	var bestFit hostFit
	for _, s := range t.sites {
		if rest, ok := strings.CutPrefix(path, s.PathPrefix); !ok || rest != "" && rest[0] != '/' {
			continue
		}
		fit := s.fit(web.HostOnly(host))
		if fit == hostOther {
			continue
		}
		if best == nil || len(s.PathPrefix) > len(best.PathPrefix) || len(s.PathPrefix) == len(best.PathPrefix) && fit > bestFit {
			best, bestFit = s, fit
		}
	}
	return best
}

// hostFit says how closely a site's Hosts describe a host.
type hostFit uint8

const (
	hostOther hostFit = iota
	hostAny
	hostWildcard
	hostNamed
)

func (s *site) fit(host string) hostFit {
	if len(s.Hosts) == 0 {
		return hostAny
	}
	best := hostOther
	for _, h := range s.Hosts {
		if suffix, ok := strings.CutPrefix(h, "*"); !ok {
			if strings.EqualFold(h, host) {
				return hostNamed
			}
		} else if len(host) > len(suffix) && strings.EqualFold(host[len(host)-len(suffix):], suffix) {
			best = hostWildcard
		}
	}
	return best
}

// network hashes the visitor's network, which bounds one client's share. It is 0 if the
// address may be a proxy's: of one that is not trusted, or that did not say whose request
// it is.
func (t *Tracker) network(r *http.Request) uint64 {
	peer, trusted := proxies.AddressOf(r.RemoteAddr), proxies.Trusted(t.config.TrustedProxies)
	switch {
	case trusted.Has(peer):
		if peer = trusted.Client(r); trusted.Has(peer) {
			return 0
		}
	case !fair.IsPublic(peer):
		t.firsts.logUnnamedProxy(r, peer, t.config.Logger)
		return 0
	}
	return t.names.Network(peer)
}

func (tr *tracked) network() uint64 { return tr.t.network(tr.r) }

// networkLocked is network, for what most requests need that count something: it is looked up
// once. It may write the tracker's one line about an unnamed proxy while the request's lock is
// held. That harms nobody: a logger knows no request, so it waits for no lock of one.
func (tr *tracked) networkLocked() uint64 {
	if tl := &tr.told; !tl.located {
		tl.network, tl.located = tr.network(), true
	}
	return tr.told.network
}

// whoLocked is the request's visitor, for the shares of what is bounded.
func (tr *tracked) whoLocked() fair.Who {
	return fair.Who{Visitor: tr.t.names.Visitor(tr.told.id), Network: tr.networkLocked()}
}

// One address has many spellings, of which rules, keys and page names see one; see
// package path. By it the way back to a form is recognised, too. What goes on to the
// site stays as it came.

// prefix is what cutPrefix is to take off the addresses of this site.
func (t *Tracker) prefix(r *http.Request) string {
	switch {
	case t.config.PathPrefix != "":
		return t.config.PathPrefix
	case t.config.Path != nil || len(t.config.TrustedProxies) == 0:
		return ""
	}
	lines := r.Header[urlpath.ForwardedPrefix]
	if len(lines) == 0 || !proxies.Trusted(t.config.TrustedProxies).Sent(r) {
		return ""
	}
	return urlpath.ReadPrefix(lines)
}

// path is the path that rules see.
func (t *Tracker) path(r *http.Request) string {
	path, _ := t.paths(r)
	return path
}

// paths are the path that rules see, and another one that they see beside it, because
// the request is for the data of a page; "" is none.
func (t *Tracker) paths(r *http.Request) (path, other string) {
	if t.config.Path == nil {
		return t.pagesOf(r, t.sitePath(r))
	}
	return t.ownPath(r), ""
}

// pagesOf are the paths of the page whose data is at a path.
func (t *Tracker) pagesOf(r *http.Request, path string) (page, other string) {
	if !navigation.IsData(path) {
		return path, "" // the usual case
	}
	return t.pagesOfData(r, path)
}

// pagesOfData is pagesOf for what may be the path of data.
func (t *Tracker) pagesOfData(r *http.Request, path string) (page, other string) {
	referer, _ := web.First(r.Header["Referer"])
	return navigation.PagesOf(path, t.config.NextDefaultLocale, referer)
}

// findOther appends to goals the visits of another page that a request may be for.
func (t *Tracker) findOther(rules *Rules, r *http.Request, path string, goals []*rule.Cause) []*rule.Cause {
	for _, c := range rules.Find(r.Method, path, t.config.Env, nil) {
		if c.IsPage() && !slices.Contains(goals, c) {
			goals = append(goals, c)
		}
	}
	return goals
}

// sitePath is the path as it was asked for, of which data for a page is not yet
// taken for the page.
func (t *Tracker) sitePath(r *http.Request) string {
	return urlpath.CutPrefix(urlpath.Normal(r.URL.Path), t.prefix(r))
}

// pageAhead is the page that a request is for.
func (t *Tracker) pageAhead(r *http.Request) ahead.Page {
	path := t.sitePath(r)
	page, _ := t.pagesOf(r, path)
	return t.ahead.PageOf(t.host(r), urlpath.Trim(page), navigation.QueryOf(path, page, r.URL.RawQuery))
}

// pageAhead is Tracker.pageAhead of a request whose path is known already. That is nearly
// always the one of its page as well.
func (tr *tracked) pageAhead() ahead.Page {
	t, u := tr.t, tr.r.URL
	if t.config.Path != nil || tr.path != u.Path || navigation.IsData(u.Path) {
		return t.pageAhead(tr.r)
	}
	return t.ahead.PageOf(t.host(tr.r), urlpath.Trim(u.Path), navigation.QueryOf(u.Path, u.Path, u.RawQuery))
}

// refererAhead is the page on which a request was made, 0 if that is not known.
func (t *Tracker) refererAhead(r *http.Request) ahead.Page {
	host := t.host(r)
	path, query, ok := navigation.CameFrom(r.Header, host)
	if !ok {
		return 0
	}
	return t.ahead.PageOf(host, urlpath.Trim(urlpath.CutPrefix(urlpath.Normal(path), t.prefix(r))), query)
}

// segments is the path by which rules are found. %2F is a slash within a segment to some
// routers, and one between two to others (https://github.com/gorilla/mux/issues/639). It
// is here what the router that answers makes of it: "%2F" where it stays in its segment.
// That router is known if it is right inside or somewhere outside of us.
func (t *Tracker) segments(r *http.Request, path string, next http.Handler) string {
	if t.config.Path != nil || !urlpath.HasEncodedSlash(r.URL.RawPath) || !keepsSlashes(r, next) {
		return path
	}
	kept, ok := t.keepSlashes(r)
	if !ok {
		return path
	}
	return kept
}

// keepSlashes is the path with each %2F as it is, of which Next.js's data have none.
func (t *Tracker) keepSlashes(r *http.Request) (path string, ok bool) {
	kept, err := urlpath.KeepSlashes(r.URL.RawPath)
	if err != nil || navigation.IsData(kept) {
		return "", false
	}
	return urlpath.CutPrefix(urlpath.Normal(kept), t.prefix(r)), true
}

// keepsSlashes reports whether %2F stays in its segment for the router that answers.
func keepsSlashes(r *http.Request, next http.Handler) bool {
	switch router := next.(type) {
	case *http.ServeMux:
		_, pattern := router.Handler(r)
		return strings.Contains(pattern, "{")
	case *mux.Router:
		var match mux.RouteMatch
		return router.Match(r, &match) && match.Route != nil && keptBy(match.Route, r)
	}
	if route := mux.CurrentRoute(r); route != nil {
		return keptBy(route, r)
	}
	return strings.Contains(r.Pattern, "{") // of a net/http.ServeMux; one without variables says nothing
}

// keptBy reports whether a route of gorilla/mux matched the path as it was sent
// (UseEncodedPath), since it does not match the decoded one.
func keptBy(route *mux.Route, r *http.Request) bool {
	expr, err := route.GetPathRegexp()
	if err != nil {
		return false
	}
	re, err := regexp.Compile(expr)
	return err == nil && !re.MatchString(r.URL.Path) && re.MatchString(r.URL.EscapedPath())
}

// noteSlash counts a request that no goal sees, and that one would see if %2F stayed in
// its segment: nobody here knows what the site made of it.
func (t *Tracker) noteSlash(r *http.Request, rules *Rules) {
	if t.config.Path != nil || !urlpath.HasEncodedSlash(r.URL.RawPath) {
		return
	}
	if path, ok := t.keepSlashes(r); ok && len(rules.Find(r.Method, path, t.config.Env, nil)) > 0 {
		t.ledger.note("encoded_slash")
	}
}

// askedPath is sitePath where that makes a difference to navigation.IsSoft.
func (t *Tracker) askedPath(r *http.Request) string {
	if strings.Contains(r.URL.Path, "_next") {
		return t.sitePath(r)
	}
	return r.URL.Path
}

// ownPath asks the function that the user gave.
func (t *Tracker) ownPath(r *http.Request) (path string) {
	defer t.recovered("Path", func() { path, _ = t.pagesOf(r, t.sitePath(r)) })
	return urlpath.Normal(t.config.Path(r))
}

// route is what a router told about a request: the name and the template of a
// gorilla/mux route, or the path of an http.ServeMux pattern.
type route struct {
	name, template string
}

// routeOf asks the router that served r. A gorilla/mux router tells only
// handlers inside it.
func routeOf(r *http.Request) route {
	if m := mux.CurrentRoute(r); m != nil {
		template, _ := m.GetPathTemplate()
		return route{m.GetName(), template}
	}
	if i := strings.IndexByte(r.Pattern, '/'); i >= 0 {
		return route{"", strings.TrimSuffix(r.Pattern[i:], "{$}")}
	}
	return route{}
}

// describes returns the template if it stands for the whole path, and "" if it
// is that of a subtree or of what is left when a prefix was stripped.
func (rt route) describes(path string) string {
	if rt.template == "" || strings.Count(urlpath.Trim(rt.template), "/") != strings.Count(urlpath.Trim(path), "/") || strings.Contains(rt.template, "...}") {
		return ""
	}
	return rt.template
}

// text is what a rule's route: condition sees: the route's name, else its
// template.
func (rt route) text(path string) string {
	if rt.name != "" {
		return rt.name
	}
	return rt.describes(path)
}

// pageLocked names the page of an event.
func (tr *tracked) pageLocked(g *rule.Cause) string { return g.Page(&tr.x, tr.told.route.describes) }
