package goaltrack

import (
	"net/http"
	"strings"

	"github.com/gorilla/mux"

	"github.com/goaltrack/goaltrack/rule"

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

// pageLocked names the page of an event.
func (tr *tracked) pageLocked(g *rule.Cause) string { return g.Page(&tr.x, tr.told.route.describes) }
