package goaltrack

import (
	"net/http"
	"strings"

	"github.com/gorilla/mux"

	urlpath "github.com/goaltrack/goaltrack/internal/path"
)

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

// page names the page of an event: for a form, the page it was on; otherwise
// the last fixed segment of the path's template, if one is known, so that no ID
// becomes a page; otherwise the last segment of the path.
func (tr *tracked) page(g *trigger) string {
	if g.kind == triggerSubmit || g.kind == triggerIdentity && tr.x.method != http.MethodGet {
		if page, ok := submitPage(&tr.x); ok {
			return page
		}
	}
	if g.path.Last != "" {
		return g.path.Last
	}
	for _, c := range tr.candidates {
		if c.early == fired && c.trigger.kind == triggerVisit && c.trigger.path.Last != "" {
			return c.trigger.path.Last // a VIEW is on the page that a rule describes
		}
	}
	if last := urlpath.LastLiteral(tr.route.describes(tr.x.wholePath())); last != "" {
		return last
	}
	return pageName(tr.x.path)
}
