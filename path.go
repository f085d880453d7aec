package goaltrack

import (
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// One address has many spellings, of which servers make the same page. Rules,
// keys and page names see one of them, and by it the way back to a form is
// recognised. What goes on to the site stays as it came.

// normalPath brings a decoded path into its normal form:
//
//   - Of each segment, what follows a semicolon is cut off: a parameter of the
//     path (RFC 3986, section 3.3), such as the ;jsessionid=... that Java's
//     servers write into addresses. It must not reach the CDP. That an encoded
//     semicolon, which mail programs make of it, is cut as well, costs the rest
//     of a name that has one.
//   - A segment such as (S(lit3py55t21z5v55vlm25s55)) is left out: the session ID
//     of ASP.NET without cookies (https://learn.microsoft.com/dotnet/api/system.web.sessionstate.sessionstatesection.cookieless).
//   - Blanks at the end of a segment are cut off.
//   - Several slashes are one, and dot segments are resolved (section 6.2.2.3).
//   - Letters are composed as in NFC: what macOS names files is NFD.
//
// What does not begin with a slash is no path, and stays.
func normalPath(path string) string {
	if isNormalPath(path) {
		return path
	}
	return normalize(path)
}

// isNormalPath reports whether normalize would surely change nothing. It
// allocates nothing, as nearly every path is normal.
func isNormalPath(path string) bool {
	if path == "" || path[0] != '/' {
		return true
	}
	ascii, start := true, 1
	for i := 1; i < len(path); i++ {
		switch c := path[i]; {
		case ';' < c && c < utf8.RuneSelf: // a letter, as most
		case c == '/':
			if i == start || !isNormalSegment(path[start:i]) {
				return false
			}
			start = i + 1
		case c == ';':
			return false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	if start < len(path) && !isNormalSegment(path[start:]) {
		return false
	}
	return ascii || norm.NFC.QuickSpanString(path) == len(path)
}

// isNormalSegment reports whether a segment that is not empty stays as it is.
func isNormalSegment(s string) bool {
	last := s[len(s)-1]
	if 'a' <= last && last <= 'z' {
		return true // as most
	}
	return s != "." && s != ".." && len(trimBlanks(s)) == len(s) && !isSession(s)
}

func normalize(path string) string {
	// First, since the composed form of U+037E is a semicolon.
	path = norm.NFC.String(path)
	out := make([]byte, 0, len(path))
	slash := false // at the end
	for path != "" {
		var segment string
		segment, path = nextSegment(path)
		segment, _, _ = strings.Cut(segment, ";")
		switch segment = trimBlanks(segment); {
		case segment == "", segment == ".", isSession(segment):
			slash = true
		case segment == "..":
			out, slash = out[:max(strings.LastIndexByte(string(out), '/'), 0)], true
		default:
			out, slash = append(append(out, '/'), segment...), false
		}
	}
	if slash {
		out = append(out, '/')
	}
	return string(out)
}

// isSession recognises (S(...)), also with more of the kind: (X(1)S(...)).
func isSession(s string) bool {
	if !strings.HasPrefix(s, "(") || !strings.HasSuffix(s, "))") {
		return false
	}
	for s = s[1 : len(s)-1]; s != ""; {
		end := strings.IndexByte(s, ')')
		if end < 3 || s[0] < 'A' || s[0] > 'Z' || s[1] != '(' || !isWord(s[2:end]) {
			return false
		}
		s = s[end+1:]
	}
	return true
}

func isWord(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool {
		return c != '-' && c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z')
	})
}

// trimBlanks removes the blanks at the end, also those that nobody sees.
func trimBlanks(s string) string {
	if s == "" || s[len(s)-1] > ' ' && s[len(s)-1] < utf8.RuneSelf {
		return s // as nearly always
	}
	return strings.TrimRightFunc(s, isBlank)
}

func isBlank(r rune) bool {
	switch r {
	case '\u200b', '\u2060', '\ufeff': // of no width
		return true
	}
	return unicode.IsSpace(r)
}

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
		return trimPath(one) // as nearly always, and without an allocation
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
	return trimPath(normalPath("/" + strings.TrimLeft(path, "/")))
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
	return cutPrefix(normalPath(r.URL.Path), t.prefix(r))
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
	return normalPath(t.config.Path(r))
}

// cutOff is the prefix that was taken off path to get what the rules see.
func cutOff(path, seen string) string {
	if taken, ok := strings.CutSuffix(path, seen); ok {
		return taken
	}
	return path // "/shop", of which "/" is seen
}
