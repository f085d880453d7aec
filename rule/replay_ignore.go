package rule

import (
	"strings"

	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/web"
)

// The reasons of what is no visitor's, as a live site names them.
const (
	reasonHealthCheck = "health_check"
	reasonEditor      = "editor"
)

// ignores says why nothing of a request counts, "" if something may.
func (r *Replay) ignores(page, rawQuery string) string {
	trimmed := urlpath.Trim(page)
	for _, p := range r.HealthPaths {
		if p = urlpath.Trim(p); len(p) == len(trimmed) && strings.EqualFold(p, trimmed) {
			return reasonHealthCheck
		}
	}
	for _, p := range r.EditorPaths {
		if urlpath.IsOrBelow(page, p) {
			return reasonEditor
		}
	}
	for _, mode := range r.EditorModes {
		if strings.Contains(rawQuery, mode) {
			if v, ok := web.QueryValue(rawQuery, mode); ok && web.IsEditing(v) {
				return reasonEditor
			}
		}
	}
	return ""
}
