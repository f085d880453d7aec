package navigation

import (
	"strings"

	urlpath "github.com/goaltrack/goaltrack/internal/path"
)

// Some frameworks fetch the data of a page from an address of its own, and make the page
// of it in the browser. Rules know the page's address alone.

// nextData is the path below which the pages router of Next.js fetches the data of a
// page: /_next/data/<build>/products/42.json belongs to the page /products/42, and
// /docs/_next/data/<build>/products/42.json to /docs/products/42, on a site with the
// basePath /docs.
const nextData = "/_next/data/"

// The ends of other frameworks' addresses: those of SvelteKit
// (https://svelte.dev/docs/kit/load), of Nuxt
// (https://nuxt.com/docs/4.x/getting-started/prerendering) and of React Router
// (https://reactrouter.com/how-to/single-fetch), and the one that stands for "/".
const (
	svelteData = "/__data.json"
	nuxtData   = "/_payload.json"
	routerData = ".data"
	routerRoot = "/_root"
)

// IsData reports whether a path may be that of a page's data, so that [PagesOf] has
// something to say about it.
func IsData(path string) bool {
	return strings.HasSuffix(path, ".json") || strings.HasSuffix(path, routerData)
}

// IsNextData reports whether the answer is the data of a page of Next.js, which may say that
// the page leads to another one.
func IsNextData(path string) bool {
	return strings.HasSuffix(path, ".json") && strings.Contains(path, nextData)
}

// PagesOf returns the path of the page that a request is for, and that of another page
// that it may be for in its place, "" if there is none.
//
// Next.js puts a locale into the address of the data even if the page's address has none,
// which is so for pages in the default locale of the site
// (https://nextjs.org/docs/pages/guides/internationalization). locale is that locale. If
// it is "", the page from which the visitor comes may tell: where that has the same
// locale in its address, so has the next page. Otherwise both are possible.
func PagesOf(path, locale, referer string) (page, other string) {
	if base, rest, isNext := strings.Cut(path, nextData); isNext {
		_, rest, ok := strings.Cut(rest, "/") // the build
		name, isJSON := strings.CutSuffix(rest, ".json")
		if !ok || !isJSON {
			return path, ""
		}
		return nextPages(base, name, locale, referer)
	}
	switch {
	case strings.HasSuffix(path, svelteData):
		other = strings.TrimSuffix(path, svelteData)
	case strings.HasSuffix(path, nuxtData):
		other = strings.TrimSuffix(path, nuxtData)
	case strings.HasSuffix(path, routerData):
		other = strings.TrimSuffix(strings.TrimSuffix(path, routerData), routerRoot)
	default:
		return path, ""
	}
	return path, urlpath.Normal(orRoot(other))
}

// nextPages are the pages to which data of that name may belong.
func nextPages(base, name, locale, referer string) (page, other string) {
	page = urlpath.Normal(orRoot(base + nextPath(name)))
	first, rest := urlpath.NextSegment("/" + name)
	if rest == "/" {
		rest = ""
	}
	bare := urlpath.Normal(orRoot(base + rest))
	switch {
	case locale != "" && strings.EqualFold(first, locale):
		return bare, ""
	case locale != "" || !urlpath.IsLanguage(first):
		return page, ""
	case hasFirst(pathOf(referer), base, first):
		return page, ""
	}
	return bare, page
}

// nextPath is the path of a page by the name of its data. The page / has the name index,
// and one that is called so has its name twice.
func nextPath(name string) string {
	switch {
	case name == "index":
		return ""
	case name == "index/index", strings.HasPrefix(name, "index/index/"):
		name = name[len("index/"):]
	}
	return "/" + name
}

func orRoot(path string) string {
	if path == "" {
		return "/"
	}
	return path
}

// pathOf is the path of an address, encoded as it came.
func pathOf(address string) string {
	_, rest, _ := strings.Cut(address, "://")
	i := strings.IndexByte(rest, '/')
	if i < 0 {
		return ""
	}
	rest = rest[i:]
	if i = strings.IndexAny(rest, "?#"); i >= 0 {
		rest = rest[:i]
	}
	return rest
}

// hasFirst reports whether a segment is the first one of a path below base.
func hasFirst(path, base, segment string) bool {
	rest, ok := strings.CutPrefix(path, base)
	first, _ := urlpath.NextSegment(rest)
	return ok && strings.EqualFold(first, segment)
}
