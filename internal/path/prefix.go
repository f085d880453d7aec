package path

import (
	"net/url"
	"strings"
)

// A site may be mounted below a path that visitors see and the site does not, or
// the other way around: what proxies take off in front of it is a prefix.

// ForwardedPrefix is the header in which proxies tell what they took off the
// path (https://doc.traefik.io/traefik/reference/routing-configuration/http/middlewares/stripprefix/).
const ForwardedPrefix = "X-Forwarded-Prefix"

// maxPrefixes bounds how many prefixes are taken off, and maxPrefix their
// length. Beyond that nothing is.
const (
	MaxPrefixes = 8
	MaxPrefix   = 512
)

// CutPrefix takes off a normal path the prefix under which visitors see the
// site. prefix is one, "/shop", or those of several proxies, "/a,/b", from the
// outermost; then one that the visitor sent before the others does no harm.
func CutPrefix(path, prefix string) string {
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
		if one, list, _ = strings.Cut(list, ","); !IsOrBelow(path, one) {
			return path, false
		}
		path = path[len(one):]
	}
	if path == "" {
		path = "/"
	}
	return path, true
}

// ReadPrefix reads the header: a path, or several between commas or in lines of
// their own, each of a further proxy.
func ReadPrefix(lines []string) string {
	if one := lines[0]; len(lines) == 1 && one != "" && len(one) <= MaxPrefix && IsPlain(one) && !strings.ContainsAny(one, ",;?") {
		return Trim(one) // as nearly always, and without an allocation
	}
	line := strings.Join(lines, ",")
	values := strings.Split(line, ",")
	if len(line) > MaxPrefix || len(values) > MaxPrefixes {
		return ""
	}
	list := values[:0]
	for _, v := range values {
		if one := NormalPrefix(strings.TrimSpace(v)); one != "" {
			list = append(list, one)
		}
	}
	return strings.Join(list, ",")
}

// NormalPrefix is a prefix in its normal form, without a slash at the end, or ""
// if there is none.
func NormalPrefix(text string) string {
	path, err := url.PathUnescape(text)
	if err != nil || strings.ContainsAny(path, ",?#{}*") {
		return ""
	}
	return Trim(Normal("/" + strings.TrimLeft(path, "/")))
}

// CutOff is the prefix that was taken off path to get what the rules see.
func CutOff(path, seen string) string {
	if taken, ok := strings.CutSuffix(path, seen); ok {
		return taken
	}
	return path // "/shop", of which "/" is seen
}

// IsOrBelow reports whether path is dir or lies below it.
func IsOrBelow(path, dir string) bool {
	dir = Trim(dir)
	return len(path) >= len(dir) && strings.EqualFold(path[:len(dir)], dir) && (len(path) == len(dir) || path[len(dir)] == '/')
}

// IsPlain recognises the common Location, a path with perhaps a query,
// which needs no parsing.
func IsPlain(location string) bool {
	if location[0] != '/' {
		return false
	}
	for i := 1; i < len(location); i++ {
		switch c := location[i]; {
		case c == '?':
			return strings.IndexFunc(location[i:], func(r rune) bool { return r <= ' ' || r == '#' || r == 0x7f }) < 0
		case c <= ' ', c >= 0x7f, c == '%', c == '\\', c == '#':
			return false
		case (c == '/' || c == '.') && location[i-1] == '/':
			return false // another host, an empty segment, a dot segment
		}
	}
	return true
}
