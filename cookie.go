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

// isSet reports whether the application set the cookie itself, and to which ID,
// "" if to none.
func (c *browserCookie) isSet(h http.Header) (id string, set bool) {
	for _, line := range h["Set-Cookie"] {
		if value, ok := strings.CutPrefix(line, c.name+"="); ok {
			value, _, _ = strings.Cut(value, ";")
			if set = true; cdp.ValidBrowserID(value) {
				id = value
			}
		}
	}
	return id, set
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

// setCookies sets, renews, replaces or migrates the browser-ID cookie, if this
// answer may carry it. tr.mu is held.
func (tr *tracked) setCookies(h http.Header) {
	c, status := &tr.site.cookie, tr.x.status
	tr.store = storingOf(h)
	if theirs, set := c.isSet(h); set {
		if theirs != "" {
			tr.id = theirs // one person, one guest
		}
		return
	}
	if status >= http.StatusBadRequest || status == http.StatusSwitchingProtocols {
		return
	}
	store := tr.store
	set := tr.fresh
	if tr.id != "" && !tr.fresh {
		if id := tr.site.line.replaced.get(tr.id); id != "" {
			tr.id, set = id, true
		}
		set = set || tr.former != "" || tr.navigation && store == storePrivate
	}
	// Of a client that has left, nobody would keep the ID.
	if tr.id == "" && tr.r.Context().Err() == nil && tr.wantsID() {
		switch {
		case !tr.secure:
			tr.t.ledger.note("cookie_insecure")
		case store == storePublic:
			tr.t.ledger.note("cookie_public_answer")
		default:
			if tr.id = tr.site.line.ids.take(); tr.id == "" {
				tr.t.ledger.note("id_not_ready")
			} else {
				tr.fresh, set = true, true
			}
		}
	}
	if !set {
		return
	}
	if store == storePublic {
		tr.t.ledger.note("cookie_public_answer")
		return
	}
	if store == storeUnsaid {
		h.Set("Cache-Control", "private")
	}
	c.set(h, tr.id)
	if tr.former != "" {
		c.remove(h, tr.former)
	}
}

// wantsID reports whether this answer is reason enough to make a guest.
func (tr *tracked) wantsID() bool {
	switch tr.t.config.Cookie.Create {
	case CreateNever:
		return false
	case CreateVisit:
		if tr.navigation && tr.gate == fired && (!tr.x.typeKnown || isHTML(tr.x.contentType)) {
			return true
		}
	}
	tr.peekForm()
	for i := range tr.candidates {
		c := &tr.candidates[i]
		if c.trigger.kind == triggerView {
			continue
		}
		if f := tr.judge(c); f == fired || f == pending {
			return true
		}
	}
	return false
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
