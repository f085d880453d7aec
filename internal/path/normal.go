package path

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// One address has many spellings, and servers make the same page of them.
// Rules, keys and page names see only one spelling.

// Normal brings a decoded path into its normal form:
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
func Normal(path string) string {
	if isNormal(path) {
		return path
	}
	return normalize(path)
}

// isNormal reports whether normalize would surely change nothing. It allocates
// nothing, because nearly every path is normal.
func isNormal(path string) bool {
	if path == "" || path[0] != '/' {
		return true
	}
	ascii, start := true, 1
	for i := 1; ; i++ {
		for i < len(path) && ';' < path[i] && path[i] < utf8.RuneSelf {
			i++ // a letter, as most; a loop of its own keeps all in registers
		}
		if i == len(path) {
			break
		}
		switch c := path[i]; {
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

// isNormalSegment reports whether a segment stays as it is. The segment is not
// empty.
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
		segment, path = NextSegment(path)
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

// isSession recognises (S(...)), also together with others of its kind:
// (X(1)S(...)).
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

// trimBlanks removes the blanks at the end, also the invisible ones.
func trimBlanks(s string) string {
	if s == "" || s[len(s)-1] > ' ' && s[len(s)-1] < utf8.RuneSelf {
		return s // the usual case
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
