package test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/world"
)

// cachedPage is how a site answers for one page.
type cachedPage struct {
	name    string
	header  []string // name, value, ...
	on304   []string // if it says something else there; without an ETag there is none
	status  int      // default: 200
	cookies bool     // our cookies may come with it
	control string   // Cache-Control of an answer with cookies
}

const (
	future  = "Wed, 21 Oct 2099 07:28:00 GMT"
	earlier = "Wed, 21 Oct 2015 07:28:00 GMT"
	etag    = `"v1"`
)

var cachedPages = []cachedPage{
	{name: "nothing said", cookies: true, control: "private"},
	{name: "ETag", header: []string{"Etag", etag}, cookies: true, control: "private"},
	{name: "ETag, 304 private", header: []string{"Etag", etag}, on304: []string{"Cache-Control", "private"}, cookies: true, control: "private"},
	{name: "Last-Modified", header: []string{"Last-Modified", earlier}, cookies: true, control: "private"},
	{name: "Vary: Cookie", header: []string{"Vary", "Cookie"}, cookies: true, control: "private"},
	{name: "Pragma", header: []string{"Pragma", "no-cache", "Etag", etag}, cookies: true, control: "private"},
	{name: "no-cache", header: []string{"Cache-Control", "no-cache", "Etag", etag}, cookies: true, control: "private, no-cache"},
	{name: "no-cache, 304 silent", header: []string{"Cache-Control", "no-cache", "Etag", etag}, on304: []string{"Etag", etag}, cookies: true, control: "private, no-cache"},
	{name: "no-cache, 304 private", header: []string{"Cache-Control", "no-cache", "Etag", etag}, on304: []string{"Cache-Control", "private"}, cookies: true, control: "private, no-cache"},
	{name: "no-cache, Last-Modified", header: []string{"Cache-Control", "no-cache", "Last-Modified", earlier}, cookies: true, control: "private, no-cache"},
	{name: "no-cache in several lines", header: []string{"Cache-Control", "max-age=0", "Cache-Control", "no-cache", "Etag", etag}, cookies: true, control: "private, max-age=0|no-cache"},
	{name: "no-cache, must-revalidate", header: []string{"Cache-Control", "No-Cache , must-revalidate", "Etag", etag, "Expires", earlier}, cookies: true, control: "private, No-Cache , must-revalidate"},
	{name: "no-cache, max-age", header: []string{"Cache-Control", "no-cache, max-age=60", "Etag", etag}, cookies: true, control: "private, no-cache, max-age=60"},
	{name: "no-cache of Set-Cookie", header: []string{"Cache-Control", `no-cache="set-cookie", max-age=60`, "Etag", etag}, cookies: true, control: `no-cache="set-cookie", max-age=60`},
	{name: "no-cache of Set-Cookie among others", header: []string{"Cache-Control", `max-age=0, no-cache="X-A, Set-Cookie"`, "Etag", etag}, cookies: true, control: `max-age=0, no-cache="X-A, Set-Cookie"`},
	{name: "no-cache of another field", header: []string{"Cache-Control", `no-cache="X-User", max-age=60`}},
	{name: "public, no-cache", header: []string{"Cache-Control", "public, no-cache", "Etag", etag}},
	{name: "public and no-cache in lines", header: []string{"Cache-Control", "no-cache", "Cache-Control", "Public", "Etag", etag}},
	{name: "no-cache, s-maxage", header: []string{"Cache-Control", "no-cache, s-maxage=60", "Etag", etag}},
	{name: "private", header: []string{"Cache-Control", "private", "Etag", etag}, cookies: true, control: "private"},
	{name: "PRIVATE", header: []string{"Cache-Control", "max-age=60 ,PRIVATE"}, cookies: true, control: "max-age=60 ,PRIVATE"},
	{name: "private, no-cache", header: []string{"Cache-Control", "private, no-cache", "Etag", etag}, cookies: true, control: "private, no-cache"},
	{name: "private since the cache kept it", header: []string{"Cache-Control", "max-age=0", "Etag", etag}, on304: []string{"Cache-Control", "private", "Etag", etag}},
	{name: "no-store since the cache kept it", header: []string{"Cache-Control", "public, max-age=0", "Etag", etag}, on304: []string{"Cache-Control", "no-store", "Etag", etag}},
	{name: "no-store", header: []string{"Cache-Control", "no-store"}, cookies: true, control: "no-store"},
	{name: "public, no-store", header: []string{"Cache-Control", "public, max-age=60, no-store"}, cookies: true, control: "public, max-age=60, no-store"},
	{name: "public, private in lines", header: []string{"Cache-Control", "public, max-age=60", "Cache-Control", "private"}, cookies: true, control: "public, max-age=60|private"},
	{name: "no-store, must-understand", header: []string{"Cache-Control", "no-store, must-understand, max-age=60"}},
	{name: "private of Set-Cookie", header: []string{"Cache-Control", `max-age=60, private="X-A, SET-COOKIE"`}, cookies: true, control: `max-age=60, private="X-A, SET-COOKIE"`},
	{name: "private of another field", header: []string{"Cache-Control", `max-age=60, private="X-User"`}},
	{name: "private of one field, then private", header: []string{"Cache-Control", `max-age=60, private="X-User", private`}},
	{name: "private in a quoted text", header: []string{"Cache-Control", `max-age=60, foo="a, private, b"`}},
	{name: "a quote never closed", header: []string{"Cache-Control", `max-age=60, foo="a, private`}},
	{name: "private;max-age", header: []string{"Cache-Control", "private;max-age=60"}},
	{name: "public", header: []string{"Cache-Control", "public"}},
	{name: "max-age", header: []string{"Cache-Control", "max-age=60"}},
	{name: "max-age=0, ETag", header: []string{"Cache-Control", "max-age=0, must-revalidate", "Etag", etag}},
	{name: "s-maxage", header: []string{"Cache-Control", "max-age=0, s-maxage=60"}},
	{name: "max-age, Vary: Cookie", header: []string{"Cache-Control", "max-age=60", "Vary", "Cookie"}},
	{name: "an empty Cache-Control", header: []string{"Cache-Control", ""}},
	{name: "Expires in the future", header: []string{"Expires", future}},
	{name: "Expires in the past", header: []string{"Expires", earlier, "Etag", etag}},
	{name: "Expires: 0", header: []string{"Expires", "0", "Etag", etag}},
	{name: "a redirect for ever", header: []string{"Location", "/"}, status: http.StatusMovedPermanently, cookies: true, control: "private"},
	{name: "a redirect that may be kept", header: []string{"Location", "/", "Cache-Control", "max-age=60"}, status: http.StatusFound},
	{name: "not found", header: []string{"Cache-Control", "private"}, status: http.StatusNotFound},
	{name: "private, Surrogate-Control", header: []string{"Cache-Control", "private", "Surrogate-Control", "max-age=3600"}},
	{name: "no-store, CDN-Cache-Control", header: []string{"Cache-Control", "no-store", "CDN-Cache-Control", "max-age=3600"}},
	{name: "no-store, CDN-Cache-Control: none", header: []string{"Cache-Control", "no-store", "CDN-Cache-Control", "none"}},
	{name: "no-cache, CDN-Cache-Control", header: []string{"Cache-Control", "no-cache", "CDN-Cache-Control", "max-age=0", "Etag", etag}},
	{name: "CDN-Cache-Control", header: []string{"CDN-Cache-Control", "max-age=3600"}},
	{name: "Vercel-CDN-Cache-Control", header: []string{"Vercel-CDN-Cache-Control", "max-age=3600"}},
	{name: "Netlify-CDN-Cache-Control", header: []string{"Netlify-CDN-Cache-Control", "public, max-age=3600, durable"}},
	{name: "Cloudflare-CDN-Cache-Control", header: []string{"Cloudflare-CDN-Cache-Control", "max-age=3600"}},
	{name: "Akamai-Cache-Control", header: []string{"Cache-Control", "private", "Akamai-Cache-Control", "max-age=3600"}},
	{name: "Edge-Control", header: []string{"Cache-Control", "private", "Edge-Control", "!no-store, max-age=3600"}},
	{name: "X-Accel-Expires", header: []string{"X-Accel-Expires", "3600"}},
	{name: "private, X-Accel-Expires", header: []string{"Cache-Control", "private", "X-Accel-Expires", "@4070908800"}},
	{name: "X-Accel-Expires: 0", header: []string{"X-Accel-Expires", "0"}, cookies: true, control: "private"},
	{name: "CDN-Cache-Control: no-store", header: []string{"CDN-Cache-Control", "no-store"}, cookies: true, control: "private"},
	{name: "CDN-Cache-Control: private beside max-age", header: []string{"Cache-Control", "max-age=60", "CDN-Cache-Control", "private"}},
	{name: "private to all", header: []string{"Cache-Control", "private", "CDN-Cache-Control", "private", "Surrogate-Control", "no-store"}, cookies: true, control: "private"},
}

// ServeHTTP implements [http.Handler].
func (p *cachedPage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header, status := p.header, max(p.status, http.StatusOK)
	w.Header().Set("Content-Type", "text/html")
	tagged := slices.Contains(p.header, etag) && r.Header.Get("If-None-Match") == etag
	if tagged || slices.Contains(p.header, "Last-Modified") && r.Header.Get("If-Modified-Since") == earlier {
		status = http.StatusNotModified
		if p.on304 != nil {
			header = p.on304
		}
	}
	for i := 0; i+1 < len(header); i += 2 {
		w.Header().Add(header[i], header[i+1])
	}
	w.WriteHeader(status)
	if status == http.StatusOK {
		world.HTML(w, r)
	}
}

// cacheGoer is one who comes to the pages through the cache.
type cacheGoer struct {
	who    string
	header []string
	mine   string // the ID they bring
	gets   bool   // they may get cookies
	loses  bool   // they may get deletions
}

func id(n int) string { return fmt.Sprintf("%08d-1111-4111-8111-111111111111", n) }

// crowds come one after the other, and then all again.
var crowds = map[string][]cacheGoer{
	"nobody is asked": {
		{who: "a newcomer", gets: true},
		{who: "one who brings an ID", mine: id(1), gets: true},
		{who: "one who opted out", header: []string{"Sec-Gpc", "1"}},
		{who: "Googlebot", header: []string{"User-Agent", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}},
		{who: "one who opts out", mine: id(2), header: []string{"Sec-Gpc", "1"}, loses: true},
		{who: "another who brings an ID", mine: id(3), gets: true},
		{who: "another newcomer", gets: true},
		{who: "one who is signed in", mine: id(4), header: []string{"Authorization", "Basic YTpi"}, gets: true},
	},
	"with consent": {
		{who: "one who agreed", header: []string{"Cookie", "answer=yes"}, gets: true},
		{who: "one who did not answer"},
		{who: "one who refused", header: []string{"Cookie", "answer=no"}},
		{who: "one whose browser prefetches", header: []string{"Cookie", "answer=yes", "Sec-Purpose", "prefetch"}},
		{who: "one who withdraws", mine: id(5), header: []string{"Cookie", "answer=no"}, loses: true},
		{who: "one who agreed and brings an ID", mine: id(6), header: []string{"Cookie", "answer=yes"}, gets: true},
		{who: "another who agreed", header: []string{"Cookie", "answer=yes"}, gets: true},
	},
}

// TestNeverHandsAnIDToAnother: real caches do. Whoever comes to a page through a
// shared cache gets no ID, no visit and no deletion that was another's.
func TestNeverHandsAnIDToAnother(t *testing.T) {
	t.Parallel()
	for kind, c := range map[string]*sharedCache{"a cache": {}, "a cache, later": {late: true}, "a CDN": {heeds: aimed}} {
		for asked, crowd := range crowds {
			for order, turn := range map[string]func([]cacheGoer){"": func([]cacheGoer) {}, ", the other way round": slices.Reverse[[]cacheGoer]} {
				t.Run(kind+", "+asked+order, func(t *testing.T) {
					crowd := slices.Clone(crowd)
					turn(crowd)
					site := http.NewServeMux()
					for i := range cachedPages {
						site.Handle("/"+strconv.Itoa(i), &cachedPages[i])
					}
					w := world.New(t, "{version: 1, goals: [{goal: SEEN, visit: '/{n}', count: once per visitor for $path.n}]}", site, func(c *goaltrack.Config) {
						c.Cookie.Wait, c.Cookie.CreatePerSecond, c.Cookie.CreateBurst = 5*time.Second, 1e6, 1e6
						if asked != "nobody is asked" {
							c.Consent = answers
						}
					})
					for i := range cachedPages {
						p := cachedPasser{World: w, T: t, page: &cachedPages[i], path: "/" + strconv.Itoa(i), cache: &sharedCache{heeds: c.heeds, late: c.late}, owner: map[string]string{}}
						for _, v := range crowd {
							p.pass(v)
						}
						for _, v := range crowd {
							v.who += ", once more"
							p.pass(v)
						}
						if p.carried != p.page.cookies {
							t.Errorf("%s: it carried cookies: %t, want %t", p.page.name, p.carried, p.page.cookies)
						}
					}
				})
			}
		}
	}
}

// cachedPasser sends a crowd to one page and looks at what each gets.
type cachedPasser struct {
	*world.World
	*testing.T
	page    *cachedPage
	path    string
	cache   *sharedCache
	owner   map[string]string // whose a cookie's value is
	carried bool              // some answer carried our cookies
}

func (p *cachedPasser) pass(v cacheGoer) {
	browser := p.Visitor()
	p.cache.site, browser.Client.Transport = p.Site.Client().Transport, p.cache
	header := slices.Clone(v.header)
	if v.mine != "" {
		p.CDP.Know(v.mine)
		p.owner[v.mine] = v.who
		cookies := bid + "=" + v.mine
		if i := slices.Index(header, "Cookie"); i >= 0 {
			header[i+1] += "; " + cookies
		} else {
			header = append(header, "Cookie", cookies)
		}
	}
	res := browser.Get(p.path, header...)
	ours := false
	for _, line := range res.Header["Set-Cookie"] {
		if !strings.HasPrefix(line, bid+"=") && !strings.HasPrefix(line, "gt_") {
			continue
		}
		ours, p.carried = true, true
		_, value, _ := strings.Cut(line, "=")
		value, _, _ = strings.Cut(value, ";")
		if value == "" && !v.loses || value != "" && !v.gets {
			p.Errorf("%s: %s gets %q", p.page.name, v.who, line)
		}
		if value == "" {
			continue
		}
		if other, known := p.owner[value]; known && other != v.who {
			p.Errorf("%s: %s gets what is %s's: %q", p.page.name, v.who, other, line)
		}
		p.owner[value] = v.who
	}
	if ours && v.gets && p.page.cookies && strings.Join(res.Header["Cache-Control"], "|") != p.page.control {
		p.Errorf("%s: Cache-Control %q, want %q", p.page.name, res.Header["Cache-Control"], p.page.control)
	}
}

// TestNoGuestForA304: no ID can be kept with one, so a view there would make a
// guest each time.
func TestNoGuestForA304(t *testing.T) {
	w := world.New(t, "", world.Answer(http.StatusNotModified, "Cache-Control", "private"), func(c *goaltrack.Config) {
		c.Views, c.Cookie.Warm = goaltrack.ViewsServer, -1
	})
	v := w.Visitor()
	for range 3 {
		if got := v.Get("/page").Header; got["Set-Cookie"] != nil {
			t.Errorf("Set-Cookie %q", got["Set-Cookie"])
		}
	}
	w.Expect("VIEW", "no_browser_id 3")
	if n := w.CDP.Made(); n != 0 || w.Note("cookie_public_answer") != 3 {
		t.Errorf("%d guests, notes %v", n, w.Tracker.Snapshot().Notes)
	}
}

// fieldLines are lines that answers may have about caches.
var fieldLines = []string{
	"Cache-Control: private", "Cache-Control: PRIVATE ,max-age=60", "cache-control: private", "Cache-Control: no-store", "Cache-Control: no-cache",
	"cache-control: no-cache", "Cache-Control: max-age=0,no-cache", "Cache-Control: public", "Cache-Control: public, max-age=60", "Cache-Control: max-age=60",
	"Cache-Control: s-maxage=60", "Cache-Control: must-revalidate", "Cache-Control: proxy-revalidate", "Cache-Control: no-store, must-understand",
	"Cache-Control: must-understand", "Cache-Control: ", "Cache-Control: ,", "Cache-Control: no-store=1", "Cache-Control: no-\u017ftore, max-age=60",
	`Cache-Control: private="Set-Cookie"`, `Cache-Control: private="X-A, set-cookie", max-age=60`, `Cache-Control: private="X-A"`, "Cache-Control: private=Set-Cookie",
	`Cache-Control: no-cache="Set-Cookie"`, `Cache-Control: no-cache="X-A, set-cookie", max-age=60`, `Cache-Control: no-cache="X-A"`, `Cache-Control: no-cache=""`,
	`Cache-Control: foo="private"`, `Cache-Control: foo="a, private, b", max-age=60`, `Cache-Control: foo="a, private`, `Cache-Control: b", max-age=60`,
	`Cache-Control: foo="\", private, bar="\"`, "Cache-Control: private;max-age=60", "Cache-Control: private\x00", "Cache-Control: max-age=60, private\x7f",
	"Expires: 0", "Expires: " + future, "Pragma: no-cache", "Vary: *", "Vary: Cookie", "Etag: " + etag, "Last-Modified: " + earlier, "Set-Cookie: theirs=1",
	"CDN-Cache-Control: max-age=60", "CDN-Cache-Control: private", "Cdn-Cache-Control: no-store", "CDN-Cache-Control: none", "CDN-Cache-Control: ",
	`CDN-Cache-Control: private, private="X-A"`, "CDN-Cache-Control: no-store, must-understand", "Akamai-Cache-Control: max-age=60", "Vercel-CDN-Cache-Control: no-cache",
	"Surrogate-Control: max-age=60", "Surrogate-Control: no-store", `Surrogate-Control: content="ESI/1.0"`, "Edge-Control: !no-store, max-age=60",
	"X-Accel-Expires: 60", "X-Accel-Expires: 0", "X-Accel-Expires: @4070908800", "X-Accel-Expires: off",
}

// TestSharedCacheByPairs tries every two lines together. Of each answer no shared
// cache that may keep it gets a cookie of ours, and nothing else of it changes.
func TestSharedCacheByPairs(t *testing.T) {
	t.Parallel()
	e := newExaminer(t)
	for _, first := range fieldLines {
		for _, second := range fieldLines {
			for _, status := range []int{http.StatusOK, http.StatusNotModified} {
				e.examine(t, status, first+"\n"+second)
			}
		}
	}
	if e.carried < 500 {
		t.Errorf("of %d answers %d carried a cookie", e.n, e.carried)
	}
}

// FuzzSharedCache is TestSharedCacheByPairs with any header.
func FuzzSharedCache(f *testing.F) {
	for i, line := range fieldLines {
		f.Add(uint16(http.StatusOK), line+"\n"+fieldLines[(i+7)%len(fieldLines)])
	}
	f.Add(uint16(http.StatusNotModified), "Cache-Control: private")
	f.Add(uint16(http.StatusPartialContent), "cache-control: no-cache\nCache-Control: public")
	e := newExaminer(f)
	f.Fuzz(func(t *testing.T, status uint16, text string) { e.examine(t, http.StatusOK+int(status)%400, text) })
}

// examiner looks at answers with our cookies with the eyes of every cache.
type examiner struct {
	tracker    *goaltrack.Tracker
	n, carried int
}

func newExaminer(tb testing.TB) *examiner {
	tb.Helper()
	server := cdptest.NewServer(tb, cdptest.Options{})
	tracker, err := goaltrack.New(goaltrack.Config{
		Sites:  []goaltrack.Site{{CDP: server.Direct()}},
		Rules:  world.MustParse(tb, "{version: 1, goals: [{goal: SEEN, visit: /, status: draft, count: once per session for $query.n}]}"),
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _, _ = tracker.Close(context.Background()) })
	return &examiner{tracker: tracker}
}

// examine has an answer with these lines carry what it may: to one who is known,
// and to one who withdraws.
func (e *examiner) examine(t *testing.T, status int, text string) {
	t.Helper()
	said := http.Header{"Content-Type": {"text/html"}}
	for line := range strings.SplitSeq(text, "\n") {
		if name, value, ok := strings.Cut(line, ":"); ok && isToken(name) {
			said[name] = append(said[name], strings.Trim(value, " \t"))
		}
	}
	site := e.tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for name, lines := range said {
			w.Header()[name] = slices.Clone(lines)
		}
		w.WriteHeader(status)
	}))
	for _, optedOut := range []string{"", "1"} {
		e.n++
		r := httptest.NewRequest(http.MethodGet, "https://shop.example/?n="+strconv.Itoa(e.n), nil)
		r.Header = http.Header{"User-Agent": {world.Chrome}, "Accept": {"text/html"}, "Sec-Fetch-Dest": {"document"}, "Cookie": {bid + "=" + world.Known}, "Sec-Gpc": {optedOut}}
		rec := httptest.NewRecorder()
		site.ServeHTTP(rec, r)
		got := rec.Header()
		ours := len(got["Set-Cookie"]) > len(said["Set-Cookie"])
		for name := range got {
			if !isOurChange(name, said[name], got[name], ours) {
				t.Errorf("%s became %q, was %q", name, got[name], said[name])
			}
		}
		if ours {
			e.carried++
			lookFromOutside(t, r, status, len(said["Set-Cookie"]), got)
		}
	}
}

// isOurChange reports whether a field is as it was, or as it becomes with a cookie.
func isOurChange(name string, was, is []string, ours bool) bool {
	switch {
	case slices.Equal(is, was):
		return true
	case name == "Set-Cookie":
		return ours && slices.Equal(is[:len(was)], was)
	case name != "Cache-Control" || !ours:
		return false
	case was == nil:
		return slices.Equal(is, []string{"private"})
	}
	return slices.Equal(is, append([]string{"private, " + was[0]}, was[1:]...))
}

// lookFromOutside fails if a cache would keep more cookies than the application's.
func lookFromOutside(t *testing.T, r *http.Request, status, theirs int, h http.Header) {
	t.Helper()
	if status == http.StatusNotModified {
		t.Errorf("a 304 carries %q", h["Set-Cookie"])
	}
	for _, heeds := range [][]string{nil, aimed} {
		for _, last := range []bool{false, true} {
			for _, drops := range []bool{false, true} {
				c := sharedCache{heeds: heeds, lastCounts: last}
				if kept, _, ok := c.keeps(r, status, onTheWire(h, drops)); ok && len(kept["Set-Cookie"]) > theirs {
					t.Errorf("a cache that heeds %q (the last counts: %t) keeps %q of %q", heeds, last, kept["Set-Cookie"], h)
				}
			}
		}
	}
}

// isToken reports whether net/http would send a field of that name.
func isToken(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(c rune) bool {
		return c <= ' ' || c >= 0x7f || strings.ContainsRune("\"(),/:;<=>?@[\\]{}", c)
	})
}

// onTheWire is a header as it comes to a cache. HTTP/2 drops lines with control
// characters; HTTP/1 makes blanks of line ends.
func onTheWire(h http.Header, drops bool) http.Header {
	sent := http.Header{}
	for name, lines := range h {
		for _, line := range lines {
			if drops && strings.ContainsFunc(line, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
				continue
			}
			sent.Add(name, strings.Trim(strings.NewReplacer("\r", " ", "\n", " ").Replace(line), " \t"))
		}
	}
	return sent
}
