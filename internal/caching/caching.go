// Package caching reads from an answer's header who may keep the answer, and so
// whether a cookie may be set with it.
package caching

import (
	"net/http"
	"net/textproto"
	"slices"
	"strings"
)

// Storing says whether an answer's header allows a cookie.
type Storing uint8

const (
	// Public means that a shared cache may keep the answer and hand one
	// visitor's ID to all the others. Set-Cookie does not prevent that (RFC
	// 9111, section 7.3). So no cookie may be set.
	Public Storing = iota
	// Unsaid means that the header does not say who may keep the answer. The
	// cookie may be set once the answer is made private.
	Unsaid
	// Private means that the application itself keeps the answer, or its
	// Set-Cookie, from shared caches.
	Private
)

// Of reads who may keep an answer with that status and header. A cache joins a
// 304 with an answer that it kept before, Set-Cookie included (RFC 9111,
// section 3.2). Only that answer said who may have it, so the header of the 304
// does not count.
func Of(status int, h http.Header) Storing {
	if status == http.StatusNotModified {
		return Public
	}
	var says directives
	control, expires := false, false
	for name, lines := range h {
		if len(lines) == 0 {
			continue // net/http writes no such field
		}
		switch cacheFieldOf(name) {
		case fieldControl:
			control = true
			says |= readControl(lines)
		case fieldExpires:
			expires = true
		case fieldTargeted:
			if !readControl(lines).forbids(name) || isAddressed(name, lines) {
				return Public
			}
		case fieldLifetime:
			if slices.ContainsFunc(lines, func(line string) bool { return textproto.TrimString(line) != "0" }) {
				return Public
			}
		case fieldOther:
		}
	}
	if !control && !expires {
		return Unsaid
	}
	return says.storing()
}

// MakePrivate keeps an answer that gets a cookie from shared caches, if the
// header does not say who may keep it. What the header does say stays.
func (s *Storing) MakePrivate(h http.Header) {
	if *s != Unsaid {
		return
	}
	*s = Private
	lines := slices.Clone(h["Cache-Control"]) // the application may use the slice for all its answers
	if len(lines) == 0 {
		h.Set("Cache-Control", "private")
		return
	}
	lines[0] = "private, " + lines[0]
	h["Cache-Control"] = lines
}

// cacheField says what a field of an answer's header has to do with caches.
type cacheField uint8

const (
	fieldOther   cacheField = iota
	fieldControl            // Cache-Control
	fieldExpires
	// fieldTargeted has the directives of Cache-Control, for certain caches, which
	// then do not look at Cache-Control (RFC 9213, section 2.2).
	fieldTargeted
	// fieldLifetime has a number of seconds; 0 says that the answer is not kept.
	fieldLifetime
)

// cacheFieldOf recognises the field by its name, in any case, because handlers
// may write a name as they like. More fields are aimed at certain caches than
// can be listed. Most end as CDN-Cache-Control does, and Surrogate-Control
// (https://www.w3.org/TR/edge-arch/) has variants, too. Edge-Control is
// Akamai's (https://github.com/akamai/wp-akamai/issues/1), and X-Accel-Expires
// is nginx's
// (https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_cache_valid).
// X-Reverse-Proxy-TTL is FOSHttpCache's
// (https://github.com/FriendsOfSymfony/FOSHttpCache).
func cacheFieldOf(name string) cacheField {
	if len(name) < len("Expires") {
		return fieldOther
	}
	switch name[len(name)-1] | 0x20 { // which tells nearly all others apart
	case 's':
		switch {
		case strings.EqualFold(name, "Expires"):
			return fieldExpires
		case strings.EqualFold(name, "X-Accel-Expires"):
			return fieldLifetime
		}
	case 'l':
		switch {
		case strings.EqualFold(name, "Cache-Control"):
			return fieldControl
		case endsWith(name, "-Cache-Control"), endsWith(name, "Surrogate-Control"), strings.EqualFold(name, "Edge-Control"):
			return fieldTargeted
		case strings.EqualFold(name, "X-Reverse-Proxy-TTL"):
			return fieldLifetime
		}
	}
	return fieldOther
}

func endsWith(name, end string) bool {
	return len(name) >= len(end) && strings.EqualFold(name[len(name)-len(end):], end)
}

// directives is what a field like Cache-Control says, as bits.
type directives uint16

const (
	saysPrivate directives = 1 << iota
	// saysPrivateCookie and saysPrivateOther: private with a list of fields, with
	// Set-Cookie among them or without. Only those fields are private (RFC 9111,
	// section 5.2.2.7).
	saysPrivateCookie
	saysPrivateOther
	saysNoStore
	// saysNoCache: caches may keep the answer and have to ask before each use
	// (section 5.2.2.4).
	saysNoCache
	// saysNoCacheCookie and saysNoCacheOther: no-cache with a list of fields. Only
	// those fields are not used again.
	saysNoCacheCookie
	saysNoCacheOther
	// saysShared: the application has shared caches in mind.
	saysShared
	// saysUnderstand: must-understand. A cache then keeps the answer in spite of
	// no-store (section 5.2.2.3).
	saysUnderstand
	// saysGarbage: caches may read it in more than one way.
	saysGarbage
)

// storing judges what Cache-Control says. If directives contradict each other,
// the most restrictive one holds. Of two lists of fields a cache may heed only
// one (section 4.2.1).
func (d directives) storing() Storing {
	switch {
	case d&saysGarbage != 0:
		return Public
	case d.forbidsAll():
		return Private
	case d&saysPrivateOther != 0:
		return Public
	case d&(saysPrivate|saysPrivateCookie) != 0:
		return Private
	case d&(saysNoCache|saysShared|saysUnderstand) == saysNoCache:
		return Unsaid
	case d&(saysNoCache|saysNoCacheCookie|saysNoCacheOther) == saysNoCacheCookie:
		return Private
	}
	return Public
}

// forbidsAll reports whether no cache at all keeps the answer.
func (d directives) forbidsAll() bool { return d&(saysNoStore|saysUnderstand) == saysNoStore }

// forbids reports whether a field of that name, which is aimed at certain caches,
// keeps the answer from them. LiteSpeed takes private for a copy that it keeps
// itself for each visitor (https://docs.litespeedtech.com/lscache/devguide/controls/).
func (d directives) forbids(name string) bool {
	if d&(saysGarbage|saysPrivateOther|saysPrivateCookie) != 0 {
		return false
	}
	return d.forbidsAll() || d&saysPrivate != 0 && !strings.EqualFold(name, "X-LiteSpeed-Cache-Control")
}

// isAddressed reports whether a word of Surrogate-Control is for one cache
// alone. For example, "no-store, max-age=60;abc" says to abc that it may keep
// the answer (https://www.w3.org/TR/edge-arch/).
func isAddressed(name string, lines []string) bool {
	return endsWith(name, "Surrogate-Control") && slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, ";") })
}

// readControl reads the lines of one field. What caches may read differently is
// garbage. That is a quote that does not follow "=", a quote that is not
// closed, and anything after a closed quote. It is also a backslash, and a
// control character, for which HTTP/2 drops the line.
func readControl(lines []string) (d directives) {
	for _, line := range lines {
		start, quoted := 0, false
		for i, c := range []byte(line) {
			switch {
			case c == '\\' || c < ' ' && c != '\t' || c == 0x7f:
				return saysGarbage
			case c == '"' && !quoted && (i == start || line[i-1] != '='), c == '"' && quoted && !endsDirective(line[i+1:]):
				return saysGarbage
			case c == '"':
				quoted = !quoted
			case c == ',' && !quoted:
				d.read(line[start:i])
				start = i + 1
			}
		}
		if quoted {
			return saysGarbage
		}
		d.read(line[start:])
	}
	return d
}

// endsDirective reports whether the directive ends here.
func endsDirective(rest string) bool {
	rest = strings.TrimLeft(rest, " \t")
	return rest == "" || rest[0] == ','
}

// read adds one directive.
func (d *directives) read(directive string) {
	name, value, qualified := strings.Cut(directive, "=")
	name = textproto.TrimString(name)
	is := func(word string) bool { return equalFold(name, word) }
	switch {
	case is("private"):
		*d |= oneOf(qualified, value, saysPrivate, saysPrivateCookie, saysPrivateOther)
	case is("no-cache"):
		*d |= oneOf(qualified, value, saysNoCache, saysNoCacheCookie, saysNoCacheOther)
	case is("no-store") && qualified:
		*d |= saysGarbage
	case is("no-store"):
		*d |= saysNoStore
	case is("public"), is("s-maxage"), is("proxy-revalidate"):
		*d |= saysShared
	case is("must-understand"):
		*d |= saysUnderstand
	}
}

// oneOf chooses by the list of fields of a directive: without a list, with one
// that has Set-Cookie, or with another.
func oneOf(qualified bool, list string, bare, cookie, other directives) directives {
	if !qualified {
		return bare
	}
	list = textproto.TrimString(list)
	if len(list) < 2 || list[0] != '"' {
		return other
	}
	for field := range strings.SplitSeq(list[1:len(list)-1], ",") {
		if equalFold(textproto.TrimString(field), "Set-Cookie") {
			return cookie
		}
	}
	return other
}

// equalFold is [strings.EqualFold] for a word in ASCII, to which no letter
// outside ASCII is equal: "no-ſtore" is not no-store.
func equalFold(s, word string) bool { return len(s) == len(word) && strings.EqualFold(s, word) }
