package rule

import (
	"net/url"
	"strings"
	"unicode/utf8"

	urlpath "github.com/goaltrack/goaltrack/internal/path"
)

// redirectTarget resolves Location against the request and returns its path, as
// rules see it, and its query. ok is false for another host and for what is not
// an address.
func (x *Exchange) redirectTarget() (path, rawQuery string, ok bool) { return x.resolve(x.location) }

// resolve is redirectTarget for any address.
func (x *Exchange) resolve(location string) (path, rawQuery string, ok bool) {
	location = strings.Trim(location, " \t")
	if location == "" || len(location) > maxInput {
		return "", "", false
	}
	if urlpath.IsPlain(location) {
		path, rawQuery, _ = strings.Cut(location, "?")
		return x.ownPath(path), rawQuery, true
	}
	target, err := url.Parse(slashed(location))
	if err != nil {
		return "", "", false
	}
	target = (&url.URL{Scheme: "http", Host: x.host, Path: x.wholePath()}).ResolveReference(target)
	if target.Scheme != "http" && target.Scheme != "https" || !x.sameHost(target.Host) {
		return "", "", false
	}
	return x.ownPath(target.Path), target.RawQuery, true
}

// ownPath is a path of this site as rules see it.
func (x *Exchange) ownPath(path string) string {
	return urlpath.CutPrefix(urlpath.Normal(path), x.address().prefix)
}

// wholePath is the path as routers inside see it.
func (x *Exchange) wholePath() string {
	if x.odd == nil {
		return x.path // the usual case
	}
	return x.odd.taken + x.path
}

// slashed turns the backslashes before the query into slashes, and several slashes at the
// beginning into two, as browsers do (https://url.spec.whatwg.org/#url-parsing):
// /\evil.example and ///evil.example lead elsewhere.
func slashed(location string) string {
	end := strings.IndexAny(location, "?#")
	if end < 0 {
		end = len(location)
	}
	path := strings.ReplaceAll(location[:end], `\`, "/")
	if strings.HasPrefix(path, "///") {
		path = "//" + strings.TrimLeft(path, "/")
	}
	return path + location[end:]
}

// samePath compares paths without regard to case and to a slash at the end.
func samePath(a, b string) bool {
	a, b = urlpath.Trim(a), urlpath.Trim(b)
	if utf8.ValidString(a) && utf8.ValidString(b) {
		return strings.EqualFold(a, b)
	}
	return string(urlpath.AppendFold(nil, a)) == string(urlpath.AppendFold(nil, b))
}
