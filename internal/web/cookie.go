// Package web has small readers of headers, hosts and queries, which live
// requests, rules and settings share. They keep no state, so they are safe for
// concurrent use.
package web

import (
	"net/http"
	"slices"
	"strings"
)

// Cookies are those that a request brought: the lines of its header Cookie.
type Cookies []string

// CookiesOf are the cookies in a request's header.
func CookiesOf(h http.Header) Cookies { return h["Cookie"] }

// Value returns the first cookie of exactly that name that accept takes, "" if
// there is none. If accept is nil, it takes any. It reads cookies as Sitecore's
// scripts do: it cuts at semicolons and decodes nothing. Unlike
// http.Request.Cookie it allocates nothing. It searches for the name, so a
// header of nothing but semicolons takes no longer than another. The name must
// be a token.
func (c Cookies) Value(name string, accept func(string) bool) string {
	for _, line := range c {
		for end := 0; name != ""; {
			i := strings.Index(line[end:], name)
			if i < 0 {
				break
			}
			begin := end + i
			end = begin + len(name)
			rest, ok := strings.CutPrefix(line[end:], "=")
			if !ok || !beginsPair(line[:begin]) {
				continue
			}
			if v, _, _ := strings.Cut(rest, ";"); accept == nil || accept(v) {
				return v
			}
		}
	}
	return ""
}

// CookieText is the text of a cookie's value: without the quotes that some
// servers put around it (RFC 6265, section 4.1.1), as net/http reads it.
func CookieText(v string) string {
	if len(v) > 1 && v[0] == '"' && v[len(v)-1] == '"' {
		return v[1 : len(v)-1]
	}
	return v
}

// beginsPair reports whether a cookie's name begins after this part of the
// line.
func beginsPair(before string) bool {
	before = strings.TrimRight(before, " \t")
	return before == "" || before[len(before)-1] == ';'
}

// Has reports whether there is a cookie of that name.
func (c Cookies) Has(name string) (has bool) {
	c.Value(name, func(string) bool { has = true; return true })
	return has
}

// AddSetCookie adds a line to those by which an answer sets cookies. Unlike
// http.Header.Add it never writes behind them: an application may use one slice for
// all its answers, and what is behind it would be in the answers of others.
func AddSetCookie(h http.Header, line string) {
	h["Set-Cookie"] = append(slices.Clip(h["Set-Cookie"]), line)
}
