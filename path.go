package goaltrack

import (
	"net/http"
	"net/url"
	"strings"

	urlpath "github.com/goaltrack/goaltrack/internal/path"
)

// One address has many spellings, of which rules, keys and page names see one; see
// package path. By it the way back to a form is recognised, too. What goes on to the
// site stays as it came.

// cutPrefix takes off a normal path the prefix under which visitors see the
// site. prefix is one, "/shop", or those of several proxies, "/a,/b", from the
// outermost; then one that the visitor sent before the others does no harm.
func cutPrefix(path, prefix string) string {
	for prefix != "" {
		if rest, ok := cutPrefixes(path, prefix); ok {
			return rest
		}
		_, prefix, _ = strings.Cut(prefix, ",")
	}
	return path
}

// cutPrefixes takes off all that are listed, one after the other.
func cutPrefixes(path, list string) (rest string, ok bool) {
	for list != "" {
		var one string
		if one, list, _ = strings.Cut(list, ","); !isPathOrBelow(path, one) {
			return path, false
		}
		path = path[len(one):]
	}
	if path == "" {
		path = "/"
	}
	return path, true
}

// prefix is what cutPrefix is to take off the addresses of this site.
func (t *Tracker) prefix(r *http.Request) string {
	switch {
	case t.config.PathPrefix != "":
		return t.config.PathPrefix
	case t.config.Path != nil || len(t.config.TrustedProxies) == 0:
		return ""
	}
	lines := r.Header[forwardedPrefix]
	if len(lines) == 0 || !within(t.config.TrustedProxies, addrOf(r.RemoteAddr)) {
		return ""
	}
	return readPrefix(lines)
}

// forwardedPrefix is the header in which proxies tell what they took off the
// path (https://doc.traefik.io/traefik/reference/routing-configuration/http/middlewares/stripprefix/).
const forwardedPrefix = "X-Forwarded-Prefix"

// maxPrefixes bounds how many prefixes are taken off, and maxPrefix their
// length. Beyond that nothing is.
const (
	maxPrefixes = 8
	maxPrefix   = 512
)

// readPrefix reads the header: a path, or several between commas or in lines of
// their own, each of a further proxy.
func readPrefix(lines []string) string {
	if one := lines[0]; len(lines) == 1 && one != "" && len(one) <= maxPrefix && isPlainPath(one) && !strings.ContainsAny(one, ",;?") {
		return urlpath.Trim(one) // as nearly always, and without an allocation
	}
	line := strings.Join(lines, ",")
	values := strings.Split(line, ",")
	if len(line) > maxPrefix || len(values) > maxPrefixes {
		return ""
	}
	list := values[:0]
	for _, v := range values {
		if one := normalPrefix(strings.TrimSpace(v)); one != "" {
			list = append(list, one)
		}
	}
	return strings.Join(list, ",")
}

// normalPrefix is a prefix in its normal form, without a slash at the end, or ""
// if there is none.
func normalPrefix(text string) string {
	path, err := url.PathUnescape(text)
	if err != nil || strings.ContainsAny(path, ",?#{}*") {
		return ""
	}
	return urlpath.Trim(urlpath.Normal("/" + strings.TrimLeft(path, "/")))
}

// path is the path that rules see.
func (t *Tracker) path(r *http.Request) string {
	if t.config.Path == nil {
		return pagePath(t.sitePath(r))
	}
	return t.ownPath(r)
}

// sitePath is the path as it was asked for, of which data for a page is not yet
// taken for the page.
func (t *Tracker) sitePath(r *http.Request) string {
	return cutPrefix(urlpath.Normal(r.URL.Path), t.prefix(r))
}

// askedPath is sitePath where that makes a difference to isSoftNavigation.
func (t *Tracker) askedPath(r *http.Request) string {
	if strings.Contains(r.URL.Path, "_next") {
		return t.sitePath(r)
	}
	return r.URL.Path
}

// ownPath asks the function that the user gave.
func (t *Tracker) ownPath(r *http.Request) (path string) {
	defer t.recovered("Path", func() { path = pagePath(t.sitePath(r)) })
	return urlpath.Normal(t.config.Path(r))
}

// cutOff is the prefix that was taken off path to get what the rules see.
func cutOff(path, seen string) string {
	if taken, ok := strings.CutSuffix(path, seen); ok {
		return taken
	}
	return path // "/shop", of which "/" is seen
}
