package goaltrack_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
)

const (
	bid  = "bid_" + cdptest.TestClientKey
	tail = "; Max-Age=63072000; SameSite=None; Secure; Path=/"
)

// TestCookieOfAKnownVisitor: the ID he has is kept; it is renewed only where the
// application itself made the answer private.
func TestCookieOfAKnownVisitor(t *testing.T) {
	for name, c := range map[string]struct {
		control string
		path    string
		dest    string
		want    []string
	}{
		"nothing said":       {"", "/page", "document", nil},
		"private":            {"private", "/page", "document", []string{bid + "=" + known + tail}},
		"no-store":           {"no-store", "/page", "document", []string{bid + "=" + known + tail}},
		"no-cache":           {"no-cache, max-age=0", "/page", "document", nil},
		"no-cache for it":    {`no-cache="Set-Cookie", max-age=60`, "/page", "document", []string{bid + "=" + known + tail}},
		"private, a 304":     {"private", "/same", "document", nil},
		"public":             {"public, max-age=60", "/page", "document", nil},
		"private, an image":  {"private", "/page", "image", nil},
		"private, no rule":   {"private", "/other", "document", []string{bid + "=" + known + tail}},
		"private, not found": {"private", "/missing", "document", nil},
	} {
		t.Run(name, func(t *testing.T) {
			site := http.NewServeMux()
			page := func(w http.ResponseWriter, r *http.Request) {
				if c.control != "" {
					w.Header().Set("Cache-Control", c.control)
				}
				switch r.URL.Path {
				case "/missing":
					w.WriteHeader(http.StatusNotFound)
				case "/same":
					w.WriteHeader(http.StatusNotModified)
					return
				}
				html(w, r)
			}
			site.HandleFunc("/", page)
			w := newWorld(t, neverRules, site)
			res := w.visitor().meet().get(c.path, "Sec-Fetch-Dest", c.dest)
			if got := res.Header["Set-Cookie"]; strings.Join(got, "|") != strings.Join(c.want, "|") {
				t.Errorf("Set-Cookie %q, want %q", got, c.want)
			}
			if got := res.Header.Get("Cache-Control"); got != c.control {
				t.Errorf("Cache-Control %q", got)
			}
		})
	}
}

// TestJunkIsReplaced: a value that is no ID is none.
func TestJunkIsReplaced(t *testing.T) {
	for _, junk := range []string{"", "undefined", "anonymous", "not-a-uuid", strings.Repeat("x", 5000)} {
		w := newWorld(t, neverRules, http.HandlerFunc(html))
		v := w.visitor()
		res := v.get("/page", "Cookie", bid+"="+junk)
		got := res.Header["Set-Cookie"]
		if len(got) != 1 || got[0] != bid+"="+v.id()+tail || v.id() == junk {
			t.Errorf("%.20q: Set-Cookie %q", junk, got)
		}
		w.flush()
		w.cdp.Expect(t, "PAGE_VISITED").From(v.id()).Once()
	}
}

func TestCookieOfFormerName(t *testing.T) {
	s := setup{rules: neverRules, config: func(c *goaltrack.Config, s *cdptest.Server) {
		c.Sites[0].CDP = s.Edge()
		c.Cookie.Domain, c.Cookie.MaxAge = "127.0.0.1", 30*24*time.Hour
	}}
	site := http.NewServeMux()
	site.HandleFunc("/page", html)
	site.HandleFunc("/cached", func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Cache-Control", "public"); html(w, r) })
	s.site = site
	w := s.start(t)
	w.cdp.Know(known)
	v := w.visitor()
	const tail = "; SameSite=None; Secure; Path=/; Domain=127.0.0.1"
	if got := v.get("/cached", "Cookie", "sc_test-context="+known).Header["Set-Cookie"]; got != nil {
		t.Errorf("public answer: Set-Cookie %q", got)
	}
	got := v.get("/page", "Cookie", "sc_test-context="+known).Header["Set-Cookie"]
	want := []string{"sc_cid=" + known + "; Max-Age=2592000" + tail, "sc_test-context=; Max-Age=0; SameSite=None; Secure; Path=/", "sc_test-context=; Max-Age=0" + tail}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("Set-Cookie %q, want %q", got, want)
	}
	w.expect("PAGE_VISITED", "fired 1")
	w.cdp.Expect(t, "PAGE_VISITED").From(known).Once()
}

// TestApplicationSetsTheCookie: then it is the application's.
func TestApplicationSetsTheCookie(t *testing.T) {
	for name, c := range map[string]struct {
		line string
		from string // whom the visit is counted for; "" for a guest of its own
	}{
		"to an ID":   {bid + "=" + known + "; Path=/", known},
		"to nothing": {bid + "=; Max-Age=0", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, neverRules, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Add("Set-Cookie", c.line)
				html(w, r)
			}))
			w.cdp.Know(known)
			res := w.visitor().get("/page")
			if got := res.Header["Set-Cookie"]; len(got) != 1 || got[0] != c.line || res.Header["Cache-Control"] != nil {
				t.Errorf("header %v", res.Header)
			}
			w.flush()
			if e := w.cdp.Expect(t, "PAGE_VISITED").Once(); c.from != "" && e.BrowserID != c.from {
				t.Errorf("visit of %s", e.BrowserID)
			}
		})
	}
}

// TestWhenAnIDIsMade goes through Cookie.Create.
func TestWhenAnIDIsMade(t *testing.T) {
	site := http.NewServeMux()
	site.HandleFunc("GET /", html)
	site.HandleFunc("GET /data", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("{}"))
	})
	site.HandleFunc("GET /missing", http.NotFound)
	site.Handle("POST /form", answer(http.StatusSeeOther, "Location", "/thanks"))
	site.Handle("POST /again", http.HandlerFunc(html))
	rules := neverRules + "  - { goal: TRIED_AGAIN, submit: /again }\n  - { goal: DRAFTED, visit: /draft, status: draft }\n"
	const visit, goal, never = goaltrack.CreateVisit, goaltrack.CreateGoal, goaltrack.CreateNever
	for _, c := range []struct {
		create       goaltrack.Create
		method, path string
		dest         string
		want         bool
		fates        string // of PAGE_VISITED or FORM_SENT
	}{
		{visit, "GET", "/other", "document", true, ""},
		{visit, "GET", "/page", "document", true, "fired 1"},
		{visit, "GET", "/data", "document", false, ""},
		{visit, "GET", "/missing", "document", false, ""},
		{visit, "GET", "/other", "iframe", false, ""},
		{visit, "GET", "/other", "empty", false, ""},
		{visit, "POST", "/form", "document", true, "fired 1"},
		{visit, "POST", "/form", "empty", true, "fired 1"},
		{visit, "POST", "/again", "document", false, ""},
		{goal, "GET", "/other", "document", false, ""},
		{goal, "GET", "/page", "document", true, "fired 1"},
		{goal, "POST", "/form", "document", true, "fired 1"},
		{goal, "POST", "/again", "document", false, ""},
		{goal, "GET", "/draft", "document", false, ""},
		{never, "GET", "/other", "document", false, ""},
		{never, "GET", "/page", "document", false, "no_browser_id 1"},
		{never, "POST", "/form", "document", false, "no_browser_id 1"},
	} {
		t.Run(string(c.create)+" "+c.method+" "+c.path+" "+c.dest, func(t *testing.T) {
			w := newWorld(t, rules, site, func(config *goaltrack.Config) { config.Cookie.Create = c.create })
			v := w.visitor()
			body := ""
			if c.method == http.MethodPost {
				body = "email=a"
			}
			res := v.do(c.method, c.path, body, "Sec-Fetch-Dest", c.dest)
			if got := len(res.Header["Set-Cookie"]) == 1; got != c.want || got != (v.id() != "") || got != (res.Header.Get("Cache-Control") == "private") {
				t.Errorf("%s: Set-Cookie %q, Cache-Control %q", res.Status, res.Header["Set-Cookie"], res.Header["Cache-Control"])
			}
			w.done()
			if goal := map[string]string{"/page": "PAGE_VISITED", "/form": "FORM_SENT"}[c.path]; goal != "" {
				w.expect(goal, c.fates)
				if c.want {
					w.cdp.Expect(t, goal).From(v.id()).Once()
				}
			}
			if c.create == never && w.cdp.Made() != 0 {
				t.Errorf("%d guests", w.cdp.Made())
			}
		})
	}
}

// TestOneGuestForWhatTheHandlerRaises: a goal raised in code is a goal like
// others, so its visitor gets a cookie, and is not another guest each time.
func TestOneGuestForWhatTheHandlerRaises(t *testing.T) {
	for status, want := range map[string]bool{"live": true, "draft": false} {
		var w *world
		w = newWorld(t, "{version: 1, goals: [{goal: RAISED, code: true, status: "+status+"}, {goal: SENT, submit: /form}]}",
			http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				_ = w.tracker.Trigger(r, "RAISED", nil)
				html(rw, r)
			}), func(config *goaltrack.Config) { config.Cookie.Create = goaltrack.CreateGoal })
		v := w.visitor()
		v.post("/form", "a=b")
		v.post("/form", "a=b")
		w.done()
		if (v.id() != "") != want {
			t.Errorf("%s: he is %q", status, v.id())
		}
		if want {
			w.cdp.Expect(t, "RAISED").From(v.id()).Times(2)
		}
	}
}

// TestNoGuestWhereNoCookieCanBeSet: a request whose goals are decided before the
// handler runs keeps its writer, so a visitor without an ID would be another
// guest each time.
func TestNoGuestWhereNoCookieCanBeSet(t *testing.T) {
	var w *world
	w = newWorld(t, "{version: 1, goals: [{goal: RAISED, code: true}, {goal: SENT, submit: /form, if: {query.a: present}}]}",
		http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if err := w.tracker.Trigger(r, "RAISED", nil); !errors.Is(err, goaltrack.ErrRefused) {
				t.Errorf("error %v", err)
			}
			html(rw, r)
		}))
	v := w.visitor()
	v.post("/form", "a=b")
	v.post("/form", "a=b")
	w.expect("RAISED", "no_browser_id 2")
}

// TestNoIDReady: the answer does not wait; the event gets an ID of its own, and
// the visitor his on a later page.
func TestNoIDReady(t *testing.T) {
	w := newWorld(t, neverRules, http.HandlerFunc(html), func(c *goaltrack.Config) { c.Cookie.Warm = -1 })
	v := w.visitor()
	if got := v.get("/page").Header["Set-Cookie"]; got != nil {
		t.Errorf("Set-Cookie %q", got)
	}
	if w.note("id_not_ready") != 1 {
		t.Errorf("notes %v", w.tracker.Snapshot().Notes)
	}
	w.flush()
	w.cdp.Expect(t, "PAGE_VISITED").Once()
	waitFor(t, func() bool { return w.tracker.Snapshot().Delivery[0].IDsReady > 0 })
	if v.get("/page"); v.id() == "" {
		t.Error("no ID on the second page")
	}
}

// TestSecure: no cookie where the browser would refuse it, and no guest either.
func TestSecure(t *testing.T) {
	for name, c := range map[string]struct {
		header []string
		want   bool
	}{
		"plain HTTP":                 {nil, false},
		"HTTPS at the proxy":         {[]string{"X-Forwarded-Proto", "https"}, true},
		"HTTP at the proxy":          {[]string{"X-Forwarded-Proto", "http"}, false},
		"HTTPS at the first of two":  {[]string{"X-Forwarded-Proto", "https, http"}, true},
		"HTTPS at the second of two": {[]string{"X-Forwarded-Proto", "http, https"}, false},
		"Forwarded":                  {[]string{"Forwarded", "for=192.0.2.1;Proto=https;by=203.0.113.1"}, true},
		"Forwarded, quoted":          {[]string{"Forwarded", `proto="https"`}, true},
		"Forwarded, the second":      {[]string{"Forwarded", "for=192.0.2.1;proto=http, for=192.0.2.2;proto=https"}, false},
		"Forwarded, by name":         {[]string{"Forwarded", "by=proto=https"}, false},
		"a browser that trusts it":   {[]string{"Sec-Fetch-Site", "same-origin"}, true},
		"localhost":                  {[]string{"Host", "localhost:8080"}, true},
		"a name under localhost":     {[]string{"Host", "shop.localhost"}, true},
		"127.0.0.1":                  {[]string{"Host", "127.0.0.1:80"}, true},
		"::1":                        {[]string{"Host", "[::1]:80"}, true},
		"a name like localhost":      {[]string{"Host", "notlocalhost"}, false},
		"a private address":          {[]string{"Host", "10.0.0.1"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, neverRules, http.HandlerFunc(html))
			header := append([]string{"Host", "example.test", "Sec-Fetch-Site", "", "Sec-Fetch-Dest", "", "Sec-Fetch-Mode", ""}, c.header...)
			got := w.visitor().get("/page", header...).Header["Set-Cookie"]
			if (len(got) == 1) != c.want {
				t.Errorf("Set-Cookie %q", got)
			}
			if c.want {
				w.expect("PAGE_VISITED", "fired 1")
				return
			}
			w.expect("PAGE_VISITED", "insecure 1")
			if w.cdp.Made() > 2 || w.note("cookie_insecure") != 1 {
				t.Errorf("%d guests, notes %v", w.cdp.Made(), w.tracker.Snapshot().Notes)
			}
		})
	}
	t.Run("TLS", func(t *testing.T) {
		w := setup{rules: neverRules, site: http.HandlerFunc(html), http2: true}.start(t)
		if got := w.visitor().get("/page", "Host", "example.test", "Sec-Fetch-Site", "").Header["Set-Cookie"]; len(got) != 1 {
			t.Errorf("Set-Cookie %q", got)
		}
	})
}

func TestConsent(t *testing.T) {
	for answer, want := range map[goaltrack.Consent]string{
		goaltrack.ConsentGranted: "fired 1",
		goaltrack.ConsentRefused: "consent_refused 1",
		goaltrack.ConsentUnknown: "consent_unknown 1",
		goaltrack.Consent(77):    "consent_unknown 1",
	} {
		asked := 0
		w := newWorld(t, neverRules, http.HandlerFunc(html), func(c *goaltrack.Config) {
			c.RequireConsent = true
			c.Consent = func(r *http.Request) goaltrack.Consent {
				if asked++; r.URL.Path != "/page" {
					t.Errorf("asked about %s", r.URL.Path)
				}
				return answer
			}
		})
		v := w.visitor()
		res := v.get("/page")
		if counted := want == "fired 1"; counted != (v.id() != "") || counted != (res.Header["Set-Cookie"] != nil) {
			t.Errorf("%s: Set-Cookie %q", want, res.Header["Set-Cookie"])
		}
		v.post("/nothing", "a=b") // concerns nobody, so nobody is asked
		w.expect("PAGE_VISITED", want)
		if asked != 1 {
			t.Errorf("%s: asked %d times", want, asked)
		}
	}
}

// TestSeveralCookiesOfOneName: a cookie of the host alone beside one of the
// domain, which a browser may list first; scripts would read it. It goes
// whenever ours is set, and nothing goes where none was seen.
func TestSeveralCookiesOfOneName(t *testing.T) {
	const end = "; SameSite=None; Secure; Path=/"
	const gone, domain = bid + "=; Max-Age=0" + end, "; Domain=127.0.0.1"
	for name, c := range map[string]struct {
		cookie, domain string
		want           func(id string) []string
	}{
		"junk, with a domain": {bid + "=undefined", "127.0.0.1", func(id string) []string {
			return []string{gone, bid + "=" + id + "; Max-Age=63072000" + end + domain}
		}},
		"junk, without": {bid + "=undefined", "", func(id string) []string {
			return []string{bid + "=" + id + tail}
		}},
		"nothing, with a domain": {"other=1", "127.0.0.1", func(id string) []string {
			return []string{bid + "=" + id + "; Max-Age=63072000" + end + domain}
		}},
		"an ID and junk": {bid + "=undefined; " + bid + "=" + known, "127.0.0.1", func(string) []string {
			return []string{gone, bid + "=" + known + "; Max-Age=63072000" + end + domain}
		}},
		"one ID twice": {bid + "=" + known + "; " + bid + "=" + known, "127.0.0.1", func(string) []string {
			return []string{bid + "=" + known + "; Max-Age=63072000" + end + domain}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, neverRules, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Cache-Control", "private")
				html(w, r)
			}), func(config *goaltrack.Config) { config.Cookie.Domain = c.domain })
			w.cdp.Know(known)
			v := w.visitor()
			got := v.get("/page", "Cookie", c.cookie).Header["Set-Cookie"]
			if want := c.want(v.id()); strings.Join(got, "|") != strings.Join(want, "|") {
				t.Errorf("Set-Cookie\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			w.done()
			w.cdp.Expect(t, "PAGE_VISITED").From(v.id()).Once()
		})
	}
}

// TestCreateByTheBrowser: with never and with goal, the ID that a browser script
// made is taken over, renewed and moved to its present name.
func TestCreateByTheBrowser(t *testing.T) {
	const former = "BID_" + cdptest.TestClientKey
	for _, create := range []goaltrack.Create{goaltrack.CreateVisit, goaltrack.CreateGoal, goaltrack.CreateNever} {
		for cookie, want := range map[string][]string{
			bid + "=" + known:    {bid + "=" + known + tail},
			former + "=" + known: {bid + "=" + known + tail, former + "=; Max-Age=0; SameSite=None; Secure; Path=/"},
		} {
			t.Run(string(create)+" "+cookie[:4], func(t *testing.T) {
				w := newWorld(t, neverRules, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Cache-Control", "no-store")
					html(w, r)
				}), func(c *goaltrack.Config) { c.Cookie.Create, c.Cookie.Warm = create, -1 })
				w.cdp.Know(known)
				got := w.visitor().get("/page", "Cookie", cookie).Header["Set-Cookie"]
				if create == goaltrack.CreateGoal && len(got) == 1 {
					t.Logf("renewed: %q", got)
				}
				if strings.Join(got, "|") != strings.Join(want, "|") {
					t.Errorf("Set-Cookie %q, want %q", got, want)
				}
				w.done()
				w.cdp.Expect(t, "PAGE_VISITED").From(known).Once()
				if w.cdp.Made() != 0 {
					t.Errorf("%d guests", w.cdp.Made())
				}
			})
		}
	}
}

// TestCookiePath: sites on one host, each with its own.
func TestCookiePath(t *testing.T) {
	w := newWorld(t, "{version: 1, goals: [{goal: PAGE_VISITED, visit: /shop/page}]}", http.HandlerFunc(html), func(c *goaltrack.Config) {
		c.Cookie.Path, c.Sites[0].PathPrefix = "/shop", "/shop/"
	})
	v := w.visitor()
	got := v.get("/shop/page").Header["Set-Cookie"]
	if len(got) != 1 || !strings.HasSuffix(got[0], "; Max-Age=63072000; SameSite=None; Secure; Path=/shop") {
		t.Errorf("Set-Cookie %q", got)
	}
	if v.get("/elsewhere"); v.id() != "" {
		t.Error("the cookie is sent to other sites")
	}
}
