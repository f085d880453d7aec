package goaltrack

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/web"
)

// Ignore says which requests count for nothing although a rule matches them: no
// goal, no page view, no browser ID. In each list, nil means the default. A
// list that is empty but not nil means none.
type Ignore struct {
	// HealthPaths are the paths of health checks, whose reason is health_check.
	// They are whole paths; case and a slash at the end do not matter. Default:
	// /health, /healthz, /livez, /readyz, /ping, /api/health, /api/healthz
	// (which Sitecore's starter kits use) and /actuator/health. Names that may
	// be pages, such as /status, are not among them.
	HealthPaths []string

	// EditorPaths are the paths, with all paths below them, where editors work
	// and previews are made. Their reason is editor. Default: /sitecore and
	// /api/editing, the paths of Sitecore's own tools and of its editing
	// endpoints in rendering hosts.
	EditorPaths []string

	// EditorModes are query parameters and cookies by which Sitecore marks
	// pages that it shows to editors. A cookie has the name alone, or after the
	// site's name (website#sc_mode). Any value except "normal" has the reason
	// editor. Default: sc_mode.
	EditorModes []string
}

func (g Ignore) withDefaults() Ignore {
	or := func(list, standard []string) []string {
		if list == nil {
			return standard
		}
		return slices.Clone(list)
	}
	paths := func(list, standard []string) []string {
		list = or(list, standard)
		for i, p := range list {
			list[i] = urlpath.Normal(p) // it is a copy, or was made below
		}
		return list
	}
	return Ignore{
		HealthPaths: paths(g.HealthPaths, []string{
			"/health", "/healthz", "/livez", "/readyz", "/ping", "/api/health", "/api/healthz", "/actuator/health",
		}),
		EditorPaths: paths(g.EditorPaths, []string{"/sitecore", "/api/editing"}),
		EditorModes: or(g.EditorModes, []string{"sc_mode"}),
	}
}

func (g *Ignore) validate() error {
	var errs configFaults
	for _, p := range slices.Concat(g.HealthPaths, g.EditorPaths) {
		if !strings.HasPrefix(p, "/") || strings.ContainsAny(p, "?#*{") {
			errs.add("Ignore: %q is not a path such as /healthz", p)
		}
	}
	for _, m := range g.EditorModes {
		if !web.ValidToken(m) {
			errs.add("Ignore.EditorModes: %q is not the name of a parameter and a cookie", m)
		}
	}
	return errors.Join(errs...)
}

// ignores reports whether the request is a machine's or a colleague's.
func (t *Tracker) ignores(r *http.Request, path string) fate {
	g := &t.config.Ignore
	if page := urlpath.Trim(path); t.health.MayHave(len(page)) && slices.ContainsFunc(g.HealthPaths, func(p string) bool {
		return strings.EqualFold(page, urlpath.Trim(p))
	}) {
		return fateHealthCheck
	}
	for _, p := range g.EditorPaths {
		if urlpath.IsOrBelow(path, p) {
			return fateEditor
		}
	}
	for _, m := range g.EditorModes {
		if inMode(r, m) {
			return fateEditor
		}
	}
	if len(t.config.Staff) > 0 && within(t.config.Staff, t.client(r)) {
		return fateStaff
	}
	return fired
}

func lengthsOfPaths(paths []string) (l web.Lengths) {
	for _, p := range paths {
		l.Add(urlpath.Trim(p))
	}
	return l
}

// inMode reports whether the request is for a page as editors see it.
func inMode(r *http.Request, mode string) bool {
	if strings.Contains(r.URL.RawQuery, mode) {
		if v, ok := web.QueryValue(r.URL.RawQuery, mode); ok {
			return isEditing(v) // a query overrules the cookie, as it does in Sitecore
		}
	}
	for _, line := range r.Header["Cookie"] {
		if !strings.Contains(line, mode) {
			continue // as nearly always
		}
		for pair := range strings.SplitSeq(line, ";") {
			name, v, _ := strings.Cut(strings.TrimLeft(pair, " \t"), "=")
			if _, after, ok := strings.Cut(name, "#"); ok {
				name = after
			}
			if name == mode && isEditing(v) {
				return true
			}
		}
	}
	return false
}

func isEditing(v string) bool { return v != "" && !strings.EqualFold(v, "normal") }
