package goaltrack

import (
	"net/http"
	"strings"

	"github.com/goaltrack/goaltrack/internal/navigation"

	urlpath "github.com/goaltrack/goaltrack/internal/path"
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
	if t.config.Path == nil {
		return navigation.PageOf(t.sitePath(r))
	}
	return t.ownPath(r)
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
	defer t.recovered("Path", func() { path = navigation.PageOf(t.sitePath(r)) })
	return urlpath.Normal(t.config.Path(r))
}
