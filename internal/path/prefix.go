package path

import (
	"net/url"
	"strings"
)

// A site may be mounted below a path that only visitors see. A proxy in front
// of the site cuts that path off; it is called the prefix.

// ForwardedPrefix is the header in which proxies say what they cut off the path
// (https://doc.traefik.io/traefik/reference/routing-configuration/http/middlewares/stripprefix/).
const ForwardedPrefix = "X-Forwarded-Prefix"

// MaxPrefixes bounds how many prefixes are cut off, and MaxPrefix the bytes of
// the header. Beyond these bounds nothing is cut off.
const (
	MaxPrefixes = 8
	MaxPrefix   = 512
)

// CutPrefix cuts the prefix under which visitors see the site off a normal
// path. One prefix is "/shop". Those of several proxies are "/a,/b", from the
// outermost one. If a visitor sent a prefix before those of the proxies, it
// does no harm.
func CutPrefix(path, prefix string) string {
	for prefix != "" {
		if rest, ok := cutPrefixes(path, prefix); ok {
			return rest
		}
		_, prefix, _ = strings.Cut(prefix, ",")
	}
	return path
}

// cutPrefixes cuts off all prefixes of the list, one after the other.
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

// ReadPrefix reads the header. It has one path for each proxy, between commas
// or in lines of their own.
func ReadPrefix(lines []string) string {
	if one := lines[0]; len(lines) == 1 && one != "" && len(one) <= MaxPrefix && IsPlain(one) && !strings.ContainsAny(one, ",;?") {
		return Trim(one) // the usual case, and without an allocation
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

// NormalPrefix returns a prefix in its normal form, without a slash at the end.
// It returns "" if the text is not a prefix.
func NormalPrefix(text string) string {
	path, err := url.PathUnescape(text)
	if err != nil || strings.ContainsAny(path, ",?#{}*") {
		return ""
	}
	return Trim(Normal("/" + strings.TrimLeft(path, "/")))
}

// CutOff returns the prefix that was cut off path to get the path that rules
// see.
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

// IsPlain recognises the usual Location: a path, perhaps with a query, which
// needs no parsing.
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
