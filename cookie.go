package goaltrack

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
)

// browserCookie reads and writes a site's browser-ID cookie exactly as
// Sitecore's SDKs do, so that their scripts and goaltrack share one guest. The
// attributes and their order are those of Engage 1.4.3, Cloud SDK 0.6.1 and
// Content SDK 2.1.2.
type browserCookie struct {
	name       string
	legacy     []string
	attributes string // "; Max-Age=..."
	deletion   string
	// legacyFirst: the edge SDKs copy a cookie of the former name over the
	// present one, so that a visitor with both keeps the older.
	legacyFirst bool
}

func newBrowserCookie(site cdp.Site, c Cookie) browserCookie {
	tail := "; SameSite=None; Secure; Path=/"
	if c.Domain != "" {
		tail += "; Domain=" + c.Domain
	}
	_, isEdge := site.(cdp.Edge)
	return browserCookie{
		name:        site.CookieName(),
		legacy:      site.LegacyCookieNames(),
		attributes:  "; Max-Age=" + strconv.FormatInt(int64(c.MaxAge/time.Second), 10) + tail,
		deletion:    "=; Max-Age=0" + tail,
		legacyFirst: isEdge,
	}
}

// read returns the visitor's ID, "" if there is none. What is not a UUID is
// treated as absent: scripts are known to leave an empty value, "undefined" and
// "anonymous". former is the older cookie the ID was found in, to be migrated.
func (c *browserCookie) read(h http.Header) (id, former string) {
	if len(h["Cookie"]) == 0 {
		return "", ""
	}
	id = cookieValue(h, c.name, cdp.ValidBrowserID)
	if id != "" && !c.legacyFirst {
		return id, ""
	}
	for _, name := range c.legacy {
		if old := cookieValue(h, name, cdp.ValidBrowserID); old != "" {
			return old, name
		}
	}
	return id, ""
}

// set adds the cookie. It never replaces another Set-Cookie.
func (c *browserCookie) set(h http.Header, id string) {
	h.Add("Set-Cookie", c.name+"="+id+c.attributes)
}

// remove deletes a cookie of a former name.
func (c *browserCookie) remove(h http.Header, former string) {
	h.Add("Set-Cookie", former+c.deletion)
}

// isSet reports whether the application set the cookie itself.
func (c *browserCookie) isSet(h http.Header) bool {
	for _, line := range h["Set-Cookie"] {
		if name, _, _ := strings.Cut(line, "="); name == c.name {
			return true
		}
	}
	return false
}

// storing says what an answer's headers allow to be set with it.
type storing uint8

const (
	// storePublic: a shared cache may keep the answer and hand one visitor's ID
	// to all the others (RFC 9111, section 7.3). No cookie.
	storePublic storing = iota
	// storeUnsaid: nothing is said; the cookie may be set once the answer is
	// made private.
	storeUnsaid
	// storePrivate: the application made the answer private itself.
	storePrivate
)

func storingOf(h http.Header) storing {
	control := h["Cache-Control"]
	for _, line := range control {
		for line != "" {
			var directive string
			directive, line, _ = strings.Cut(line, ",")
			name, _, _ := strings.Cut(strings.TrimSpace(directive), "=")
			if strings.EqualFold(name, "private") || strings.EqualFold(name, "no-store") || strings.EqualFold(name, "no-cache") {
				return storePrivate
			}
		}
	}
	if len(control) > 0 || len(h["Expires"]) > 0 || len(h["Cdn-Cache-Control"]) > 0 || len(h["Surrogate-Control"]) > 0 {
		return storePublic
	}
	return storeUnsaid
}

// validCookieDomain accepts host names with or without a leading dot.
func validCookieDomain(s string) bool {
	s = strings.TrimPrefix(s, ".")
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.':
		default:
			return false
		}
	}
	return !strings.Contains(s, "..")
}
