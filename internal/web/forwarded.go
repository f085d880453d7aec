package web

import (
	"net/http"
	"strings"
)

// forwardedMost is how many elements of Forwarded are read at most: the last, which
// the proxies next to the site wrote.
const forwardedMost = 32

// Forwarded reads one parameter, such as "for" or "host", of Forwarded (RFC
// 7239, section 4). It returns a value for each proxy that a request came
// through, from the visitor's to the one next to the site. The value is ""
// where a proxy does not say it. It believes everybody.
//
// A header that breaks the grammar anywhere is not read at all, because nobody
// can say what the visitor wrote in it and what the last proxy appended. With
// host=evil;x=" before it, what the proxy says would be the inside of a string.
func Forwarded(h http.Header, name string) (values []string) {
	lines := h["Forwarded"]
	if len(lines) == 0 {
		return nil
	}
	rest, value, named := strings.Join(lines, ","), "", false
	for {
		var key, v string
		var ok bool
		if key, v, rest, ok = forwardedPair(rest); !ok {
			return nil
		}
		if !named && strings.EqualFold(key, name) {
			value, named = v, true
		}
		if rest != "" && rest[0] == ';' {
			rest = rest[1:]
			continue
		}
		values = append(values, value)
		if rest == "" {
			return values[max(0, len(values)-forwardedMost):]
		}
		rest, value, named = rest[1:], "", false
	}
}

// forwardedPair reads key=value up to the next , or ; or the end, which rest begins
// with. Nothing at all is a pair, too.
func forwardedPair(s string) (key, value, rest string, ok bool) {
	s = strings.TrimLeft(s, " \t")
	if s == "" || s[0] == ',' || s[0] == ';' {
		return "", "", s, true
	}
	key, s, ok = strings.Cut(s, "=")
	if !ok || !ValidToken(key) {
		return "", "", "", false
	}
	if strings.HasPrefix(s, `"`) {
		value, s, ok = quotedString(s[1:])
	} else {
		end := strings.IndexAny(s, ",; \t\"")
		if end < 0 {
			end = len(s)
		}
		value, s = s[:end], s[end:]
	}
	s = strings.TrimLeft(s, " \t")
	return key, value, s, ok && (s == "" || s[0] == ',' || s[0] == ';')
}

// quotedString reads a string up to its closing quote (RFC 9110, section 5.6.4).
func quotedString(s string) (value, rest string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], true
		case '\\':
			if i++; i == len(s) {
				return "", "", false
			}
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}
