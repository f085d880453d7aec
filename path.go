package goaltrack

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/mux"

	"github.com/goaltrack/goaltrack/internal/navigation"
	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/web"
	"github.com/goaltrack/goaltrack/rule"
)

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
	if len(lines) == 0 || !within(t.config.TrustedProxies, addrOf(r.RemoteAddr)) {
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
		return path, "" // as nearly always
	}
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
