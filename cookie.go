package goaltrack

import (
	"math"
	"net/http"
	"net/http/cookiejar"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/hostname"
	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/proxies"
	"github.com/goaltrack/goaltrack/internal/web"
)

// Cookie sets the browser-ID cookie, which goaltrack shares with Sitecore's own
// scripts. Its name is theirs: bid_<client key>, or sc_cid on the edge. Three
// attributes cannot be changed: Secure, SameSite=None and the absence of
// HttpOnly. Every Sitecore SDK writes them whenever it makes or moves an ID, so
// another choice would not last. A script cannot read a cookie with HttpOnly
// and would make a second guest.
type Cookie struct {
	// Domain is the cookie's Domain attribute: a host name that contains the
	// Hosts of every site, such as "shop.example". A leading dot is allowed. It
	// must be the same as cookieDomain in the settings of the page's script. If
	// it differs, browsers keep two cookies of one name, and visitors get two
	// IDs. Default: none, the cookie belongs to the host alone.
	//
	// New refuses what browsers would not keep: a public suffix such as "co.uk",
	// and an address, except a loopback one. On a host that is not within the
	// Domain, no ID is made and no cookie is set, because each page would make a
	// guest (reason cookie_domain).
	Domain string

	// PublicSuffixes tells public suffixes for Domain, such as
	// publicsuffix.List of golang.org/x/net. goaltrack does not bring the list,
	// because everybody would compile it. Default: the second levels of countries
	// and the best-known providers.
	PublicSuffixes cookiejar.PublicSuffixList

	// Path is the cookie's Path attribute. The PathPrefix of every site must
	// lie within it. Default: "/", which every Sitecore SDK writes, whatever
	// its cookiePath setting says. With another path, the SDKs' scripts keep a
	// second cookie, and a page reads the one with the longer path. So set it
	// only where no such script runs, to separate two sites on one host.
	Path string

	// MaxAge is how long the browser keeps the ID, at least a second; it is
	// sent in whole seconds. Default: 730 days, as in Sitecore's SDKs. Browsers
	// cut it to 400 days
	// (https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Set-Cookie).
	MaxAge time.Duration

	// Create says when an ID is made. Default: CreateVisit.
	Create Create

	// Warm is how many IDs the tracker fetches when it starts, so that the
	// first visitors have one at once. Default: 2. Negative: none.
	Warm int

	// Wait is how long the answer to a new visitor's page may wait for an ID
	// when none is ready, at most 10 seconds. Default: 0, no wait; the visitor
	// gets their ID on a later page.
	//
	// The wait delays the first byte of the answer. It happens at the first
	// call of [Tracker.BrowserID], or when the header is written. It takes as
	// long as the CDP needs for an ID, often 300 ms. It never takes longer than
	// Wait, and ends with the context of the request. Meanwhile other
	// goroutines of the same request wait in Trigger, Identify, Confirm, Reject
	// and Set.
	//
	// An answer waits only if it will carry the cookie and an ID is being made
	// for it. At most 128 answers wait at once. When one has waited in vain, or
	// the CDP has failed, no other waits until an ID is made again. An ID that
	// came too late is noted as id_wait_timed_out.
	Wait time.Duration

	// UnusedFile is a file that keeps unused IDs for the next process: those
	// that were made and that no visitor got. Without it they are thrown away
	// after ten minutes, or when the process ends. They stay in the CDP as
	// guests that nobody uses. With it they are good for 24 hours. It is read
	// and taken away when the tracker starts, and written by Close with the
	// mode 0600: at most 256 IDs a tenant. A process that is killed leaves
	// none. Processes may share it, since each ID comes out once. If it cannot
	// be used, that is logged. Default: none.
	UnusedFile string

	// CreatePerSecond and CreateBurst bound how many IDs are made. Every ID is
	// a guest in the CDP, and a scanner can ask for thousands. Beyond them the
	// fate is id_limited. Defaults: 20 a second, bursts of 200.
	CreatePerSecond float64
	CreateBurst     int
}

// Create says when a browser ID is made for a visitor without one. Each ID
// makes a guest profile in the CDP.
type Create string

const (
	// CreateVisit makes an ID on the first page that a human navigates to.
	CreateVisit Create = "visit"
	// CreateGoal makes an ID only when a goal fires.
	CreateGoal Create = "goal"
	// CreateNever makes no IDs: the browser script does, and goaltrack uses
	// them. A goal of a visitor without an ID is not sent (reason
	// no_browser_id).
	CreateNever Create = "never"
)

// maxCookieWait bounds how long a page may wait for an ID.
const maxCookieWait = 10 * time.Second

func (c *Config) checkCookie(errs *configFaults) {
	k := &c.Cookie
	if k.MaxAge < time.Second {
		errs.add("Cookie.MaxAge: %v is less than a second", k.MaxAge)
	}
	if !validCookieDomain(k.Domain) {
		advice := ""
		if strings.ContainsFunc(k.Domain, func(r rune) bool { return r >= utf8.RuneSelf }) {
			advice = "; write it as browsers send it, with xn-- (an address bar has it so when it is copied)"
		}
		errs.add("Cookie.Domain: %q is not a host name such as shop.example%s", k.Domain, advice)
	} else if why := k.refusedDomain(); why != "" {
		errs.add("Cookie.Domain: %q is %s, for which browsers keep no cookie; write a host name such as shop.example", k.Domain, why)
	} else if host := c.outside(k.Domain); host != "" {
		errs.add("Cookie.Domain: %q does not cover the host %s, whose visitors' browsers would refuse the cookie", k.Domain, host)
	}
	if !validCookiePath(k.Path) {
		errs.add("Cookie.Path: %q is not a path such as /shop", k.Path)
	} else {
		for _, s := range c.Sites {
			if !coversPath(k.Path, c.PathPrefix+s.PathPrefix) {
				errs.add("Cookie.Path: %q does not cover the site %s, whose pages would make a guest each", k.Path, s.Name)
			}
		}
	}
	if k.Wait < 0 || k.Wait > maxCookieWait {
		errs.add("Cookie.Wait: %v is not between 0 and %v", k.Wait, maxCookieWait)
	}
	if math.IsNaN(k.CreatePerSecond) || k.CreatePerSecond < 0 || k.CreateBurst < 0 {
		errs.add("Cookie: CreatePerSecond and CreateBurst must not be negative")
	}
}

// refusedDomain says what a domain is for which browsers keep no cookie, "" if
// they may keep one.
func (k *Cookie) refusedDomain() string {
	domain := strings.ToLower(strings.TrimPrefix(k.Domain, "."))
	switch {
	case domain == "" || web.IsLoopback(domain):
		return ""
	case web.IsAddress(domain):
		return "an address"
	case k.PublicSuffixes == nil && hostname.IsSuffix(domain), k.PublicSuffixes != nil && k.PublicSuffixes.PublicSuffix(domain) == domain:
		return "a public suffix"
	}
	return ""
}

// outside returns a host that a cookie domain does not cover, "" if it covers
// them all.
func (c *Config) outside(domain string) string {
	if domain = strings.TrimPrefix(domain, "."); domain == "" {
		return ""
	}
	for _, s := range c.Sites {
		for _, h := range s.Hosts {
			if !web.IsWithin(hostname.Plain(strings.TrimSuffix(strings.TrimPrefix(h, "*."), ".")), hostname.Plain(domain)) {
				return h
			}
		}
	}
	return ""
}

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
// port (RFC 6265, section 5.3, step 6). To browsers, a name with a dot at its end is
// within no Domain without one.
func (c *browserCookie) covers(host string) bool {
	return c.domain == "" || !web.IsRooted(host) && web.IsWithin(web.HostOnly(host), c.domain)
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

// setByApp reports whether the application set the cookie itself, and to which ID,
// "" if to none.
func (c *browserCookie) setByApp(h http.Header) (id string, set bool) {
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
