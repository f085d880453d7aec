package goaltrack

import (
	"net/http"
	"strings"

	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/web"
)

// Pages that a script fetches in place of a navigation are visits all the same:
// the visitor clicked a link and looks at another page.

// isSoftNavigation reports whether the request fetches a page for a script that
// shows it: htmx with hx-boost (https://htmx.org/reference/#request_headers),
// Turbo Drive (not a frame, which is a part of a page), and Next.js.
func isSoftNavigation(h http.Header, path string) bool {
	if len(h["Hx-Boosted"]) > 0 || len(h["Rsc"]) > 0 {
		return true
	}
	if len(h["X-Turbo-Request-Id"]) > 0 && len(h["Turbo-Frame"]) == 0 {
		return true
	}
	return strings.HasPrefix(path, nextData)
}

// isSoftPrefetch reports whether a script fetches a page that nobody has asked
// for yet.
func isSoftPrefetch(h http.Header) bool {
	for _, name := range [...]string{"Next-Router-Prefetch", "X-Middleware-Prefetch", "Hx-Preloaded"} {
		if len(h[name]) > 0 {
			return true
		}
	}
	v, _ := web.First(h["X-Sec-Purpose"]) // Turbo, which cannot set Sec-Purpose
	return saysPrefetch(v)
}

// nextData is where Next.js's pages router fetches the data of a page:
// /_next/data/<build>/products/42.json is the page /products/42.
const nextData = "/_next/data/"

// pagePath is the path of the page that a request is for.
func pagePath(path string) string {
	if !strings.HasPrefix(path, nextData) {
		return path
	}
	return nextDataPage(path)
}

func nextDataPage(path string) string {
	_, page, ok := strings.Cut(path[len(nextData):], "/")
	page, isJSON := strings.CutSuffix(page, ".json")
	switch {
	case !ok || !isJSON:
		return path
	case page == "index":
		return "/"
	}
	return urlpath.Normal("/" + page)
}
