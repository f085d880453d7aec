package web

import "strings"

// Of requests to these nothing counts, unless a site says otherwise. Each call returns a list
// of its own.

// HealthPaths are the paths of health checks. /api/healthz is that of Sitecore's starter kits.
func HealthPaths() []string {
	return []string{"/health", "/healthz", "/livez", "/readyz", "/ping", "/api/health", "/api/healthz", "/actuator/health"}
}

// EditorPaths are the paths of Sitecore's own tools, and of its editing endpoints in rendering
// hosts.
func EditorPaths() []string { return []string{"/sitecore", "/api/editing"} }

// EditorModes are parameters and cookies by which Sitecore marks what it shows to editors.
func EditorModes() []string { return []string{"sc_mode"} }

// IsEditing reports whether the value of an [EditorModes] is that of an editor.
func IsEditing(v string) bool { return v != "" && !strings.EqualFold(v, "normal") }
