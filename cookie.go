package goaltrack

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/proxies"
	"github.com/goaltrack/goaltrack/internal/web"
)

// browserCookie reads and writes a site's browser-ID cookie exactly as
// Sitecore's SDKs do, so that their scripts and goaltrack share one guest. The
// attributes and their order are those of Engage 1.4.3, Cloud SDK 0.6.1 and
// Content SDK 2.1.2.
type browserCookie struct {
	name       string
	legacy     []string
	domain     string // the Domain without a dot before it, "" for the host alone
	attributes string // "; Max-Age=..."
	// removals delete a cookie: one without a Domain and, if one is set, one
	// with it, which to a browser are two cookies (RFC 6265, section 5.3).
	removals []string
}

func newBrowserCookie(site cdp.Site, c Cookie) browserCookie {
	hostOnly := "; SameSite=None; Secure; Path=" + c.Path
	tail, removals := hostOnly, []string{"=; Max-Age=0" + hostOnly}
	if c.Domain != "" {
		tail += "; Domain=" + c.Domain
		removals = append(removals, "=; Max-Age=0"+tail)
	}
	return browserCookie{
		name:       site.CookieName(),
		legacy:     site.LegacyCookieNames(),
		domain:     strings.TrimPrefix(c.Domain, "."),
		attributes: "; Max-Age=" + strconv.FormatInt(int64(c.MaxAge/time.Second), 10) + tail,
		removals:   removals,
	}
}

// brought is what a request's cookies say of the visitor.
type brought struct {
	id     string // "" if there is none
	legacy uint8  // which of the former names are there, as bits
	// unsettled says that one of these has the ID alone, or another one.
	unsettled bool
	// stale says that the cookie of the present name also holds something else:
	// junk, or an ID that is no longer the visitor's.
	stale bool
	// quoted says that the ID is in quotes.
	quoted bool
	// forgotten says that the ID that was there is not to be used any more.
	forgotten bool
}

// read reads the visitor's ID. A value that is not a UUID counts as absent:
// scripts are known to leave an empty value, "undefined" and "anonymous". A
// cookie of a former name counts only without an ID of the present name. The SDKs
// in the page copy it over that one. But whoever can set cookies for a part of the
// domain could then give a visitor another ID, for as long as ours lasts.
func (c *browserCookie) read(sent web.Cookies) (b brought) {
	if len(sent) == 0 {
		return b
	}
	b.id = idIn(sent, c.name, &b.quoted)
	present := b.id != ""
	for i, name := range c.legacy {
		old := idIn(sent, name, nil)
		if old == "" {
			continue
		}
		if b.legacy == 0 && !present {
			b.id = old
		}
		b.unsettled = b.unsettled || !present || old != b.id
		b.legacy |= 1 << i
	}
	if len(c.removals) > 1 { // with one, the cookie set next takes the place of the other
		sent.Value(c.name, func(v string) bool {
			b.stale = v != b.id
			return b.stale
		})
	}
	return b
}

// idIn is the first ID that a cookie holds, "" if there is none. A server that
// writes cookies anew may have put it in quotes, which quoted tells; scripts do not
// read it then.
func idIn(sent web.Cookies, name string, quoted *bool) string {
	v := sent.Value(name, isID)
	id := web.CookieText(v)
	if quoted != nil {
		*quoted = len(id) < len(v)
	}
	return id
}

func isID(v string) bool { return cdp.ValidBrowserID(web.CookieText(v)) }

// covers reports whether browsers take the cookie from that host, which may have a
// port (RFC 6265, section 5.3, step 6).
func (c *browserCookie) covers(host string) bool {
	return c.domain == "" || web.IsWithin(web.HostOnly(host), c.domain)
}

// isAskedByProxy reports whether a host outside of the Domain is rather the name
// by which a proxy asks than the one that the browser knows.
func (c *browserCookie) isAskedByProxy(r *http.Request, host string) bool {
	return proxies.Asks(r, host, func(host string) bool { return host != "" && c.covers(host) })
}

// set adds the cookie. It never replaces another Set-Cookie. Where the browser
// also has one that belongs to the host alone, that is deleted first: scripts
// would read whichever the browser lists first. Cookies of former names are deleted: the
// SDKs would write their ID over this one.
func (c *browserCookie) set(h http.Header, id string, b brought) {
	if b.stale {
		web.AddSetCookie(h, c.name+c.removals[0])
	}
	web.AddSetCookie(h, c.name+"="+id+c.attributes)
	c.removeFormer(h, b)
}

// remove deletes the cookie, and those of former names.
func (c *browserCookie) remove(h http.Header, b brought) {
	c.delete(h, c.name)
	c.removeFormer(h, b)
}

func (c *browserCookie) removeFormer(h http.Header, b brought) {
	for i, name := range c.legacy {
		if b.legacy&(1<<i) != 0 {
			c.delete(h, name)
		}
	}
}

// delete deletes a cookie of that name: of the attributes, only Domain and Path
// tell which (RFC 6265, section 5.3).
func (c *browserCookie) delete(h http.Header, name string) {
	for _, removal := range c.removals {
		web.AddSetCookie(h, name+removal)
	}
}

// isSet reports whether the application set the cookie itself, and to which ID,
// "" if to none.
func (c *browserCookie) isSet(h http.Header) (id string, set bool) {
	for _, line := range h["Set-Cookie"] {
		if value, ok := strings.CutPrefix(line, c.name+"="); ok {
			value, _, _ = strings.Cut(value, ";")
			if set = true; isID(value) {
				id = web.CookieText(value)
			}
		}
	}
	return id, set
}

// setsCookie reports whether the application set a cookie of that name.
func setsCookie(h http.Header, name string) bool {
	return slices.ContainsFunc(h["Set-Cookie"], func(line string) bool {
		rest, ok := strings.CutPrefix(line, name)
		return ok && strings.HasPrefix(rest, "=")
	})
}

// validCookieDomain accepts host names with or without a leading dot, which
// browsers ignore. One of a single label would be refused by them, but for
// localhost.
func validCookieDomain(s string) bool {
	if s == "" {
		return true
	}
	s = strings.TrimPrefix(s, ".")
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			switch {
			case 'a' <= c|0x20 && c|0x20 <= 'z', '0' <= c && c <= '9', c == '-', c == '_':
			default:
				return false
			}
		}
	}
	return len(s) <= 253 && (strings.Contains(s, ".") || strings.EqualFold(s, "localhost"))
}

// validCookiePath accepts what browsers read as a Path: it begins with a slash
// and has no separator, space or control character (RFC 6265, section 4.1.1).
// Beyond 1,024 bytes they ignore it.
func validCookiePath(s string) bool {
	return strings.HasPrefix(s, "/") && len(s) <= 1024 &&
		!strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c >= 0x7f || c == ';' || c == ',' })
}

// coversPath reports whether a browser sends a cookie of that path to everything
// below prefix (RFC 6265, section 5.1.4).
func coversPath(cookie, prefix string) bool {
	rest, ok := strings.CutPrefix(urlpath.Trim(prefix), cookie)
	return cookie == "/" || ok && (rest == "" || rest[0] == '/')
}
