package test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/world"
)

const (
	bid  = "bid_" + cdptest.TestClientKey
	tail = "; Max-Age=63072000; SameSite=None; Secure; Path=/"
)

// TestCookieOfAKnownVisitor: a known visitor keeps their ID. It is renewed only
// where the application itself made the answer private.
func TestCookieOfAKnownVisitor(t *testing.T) {
	for name, c := range map[string]struct {
		control string
		path    string
		dest    string
		want    []string
	}{
		"nothing said":       {"", "/page", "document", nil},
		"private":            {"private", "/page", "document", []string{bid + "=" + world.Known + tail}},
		"no-store":           {"no-store", "/page", "document", []string{bid + "=" + world.Known + tail}},
		"no-cache":           {"no-cache, max-age=0", "/page", "document", nil},
		"no-cache for it":    {`no-cache="Set-Cookie", max-age=60`, "/page", "document", []string{bid + "=" + world.Known + tail}},
		"private, a 304":     {"private", "/same", "document", nil},
		"public":             {"public, max-age=60", "/page", "document", nil},
		"private, an image":  {"private", "/page", "image", nil},
		"private, no rule":   {"private", "/other", "document", []string{bid + "=" + world.Known + tail}},
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
				world.HTML(w, r)
			}
			site.HandleFunc("/", page)
			w := world.New(t, world.EachTrigger, site)
			res := w.Visitor().Meet().Get(c.path, "Sec-Fetch-Dest", c.dest)
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
		w := world.New(t, world.EachTrigger, http.HandlerFunc(world.HTML))
		v := w.Visitor()
		res := v.Get("/page", "Cookie", bid+"="+junk)
		got := res.Header["Set-Cookie"]
		if len(got) != 1 || got[0] != bid+"="+v.ID()+tail || v.ID() == junk {
			t.Errorf("%.20q: Set-Cookie %q", junk, got)
		}
		w.Flush()
		w.CDP.Expect(t, "PAGE_VISITED").From(v.ID()).Once()
	}
}

func TestCookieOfFormerName(t *testing.T) {
	s := world.Setup{Rules: world.EachTrigger, Config: func(c *goaltrack.Config, s *cdptest.Server) {
		c.Sites[0].CDP = s.Edge()
		c.Cookie.Domain, c.Cookie.MaxAge = "127.0.0.1", 30*24*time.Hour
	}}
	site := http.NewServeMux()
	site.HandleFunc("/page", world.HTML)
	site.HandleFunc("/cached", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public")
		world.HTML(w, r)
	})
	s.Site = site
	w := s.Start(t)
	w.CDP.Know(world.Known)
	v := w.Visitor()
	const tail = "; SameSite=None; Secure; Path=/; Domain=127.0.0.1"
	if got := v.Get("/cached", "Cookie", "sc_test-context="+world.Known).Header["Set-Cookie"]; got != nil {
		t.Errorf("public answer: Set-Cookie %q", got)
	}
	got := v.Get("/page", "Cookie", "sc_test-context="+world.Known).Header["Set-Cookie"]
	want := []string{"sc_cid=" + world.Known + "; Max-Age=2592000" + tail, "sc_test-context=; Max-Age=0; SameSite=None; Secure; Path=/", "sc_test-context=; Max-Age=0" + tail}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("Set-Cookie %q, want %q", got, want)
	}
	w.Expect("PAGE_VISITED", "fired 1")
	w.CDP.Expect(t, "PAGE_VISITED").From(world.Known).Once()
}

// TestApplicationSetsTheCookie: then it is the application's.
func TestApplicationSetsTheCookie(t *testing.T) {
	for name, c := range map[string]struct {
		line string
		from string // whom the visit is counted for; "" for a guest of its own
	}{
		"to an ID":   {bid + "=" + world.Known + "; Path=/", world.Known},
		"to nothing": {bid + "=; Max-Age=0", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := world.New(t, world.EachTrigger, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Add("Set-Cookie", c.line)
				world.HTML(w, r)
			}))
			w.CDP.Know(world.Known)
			res := w.Visitor().Get("/page")
			if got := res.Header["Set-Cookie"]; len(got) != 1 || got[0] != c.line || res.Header["Cache-Control"] != nil {
				t.Errorf("header %v", res.Header)
			}
			w.Flush()
			if e := w.CDP.Expect(t, "PAGE_VISITED").Once(); c.from != "" && e.BrowserID != c.from {
				t.Errorf("visit of %s", e.BrowserID)
			}
		})
	}
}

// TestWhenAnIDIsMade goes through Cookie.Create.
// TestCookiesOfOneSlice: a site whose answers share a slice of cookies, with room behind them,
// has no visitor's cookie in the answer of another.
func TestCookiesOfOneSlice(t *testing.T) {
	shared := append(make([]string, 0, 8), "theme=dark")
	site := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Set-Cookie"] = shared
		w.Header().Set("Content-Type", "text/html")
	})
	w := world.New(t, "{version: 1, goals: [{goal: PAGE_VISITED, visit: /page, count: once per session}]}", site)
	var answers []*httptest.ResponseRecorder
	var cookies []string
	for range 2 {
		r := w.Visitor().Request(http.MethodGet, "/page", nil)
		answer := httptest.NewRecorder()
		w.Tracker.Handler(site).ServeHTTP(answer, r)
		answers, cookies = append(answers, answer), append(cookies, strings.Join(answer.Header()["Set-Cookie"], "\n"))
	}
	for i, answer := range answers {
		got := strings.Join(answer.Header()["Set-Cookie"], "\n")
		if got != cookies[i] || got == cookies[1-i] || strings.Count(got, "\n") != 2 {
			t.Errorf("set %q, and when the other had been answered %q", cookies[i], got)
		}
	}
	w.Done()
}

func TestWhenAnIDIsMade(t *testing.T) {
	site := http.NewServeMux()
	site.HandleFunc("GET /", world.HTML)
	site.HandleFunc("GET /data", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("{}"))
	})
	site.HandleFunc("GET /missing", http.NotFound)
	site.Handle("POST /form", world.Answer(http.StatusSeeOther, "Location", "/thanks"))
	site.Handle("POST /again", http.HandlerFunc(world.HTML))
	rules := world.EachTrigger + "  - { goal: TRIED_AGAIN, submit: /again }\n  - { goal: DRAFTED, visit: /draft, status: draft }\n"
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
			w := world.New(t, rules, site, func(config *goaltrack.Config) { config.Cookie.Create = c.create })
			v := w.Visitor()
			body := ""
			if c.method == http.MethodPost {
				body = "email=a"
			}
			res := v.Do(c.method, c.path, body, "Sec-Fetch-Dest", c.dest)
			if got := len(res.Header["Set-Cookie"]) == 1; got != c.want || got != (v.ID() != "") || got != (res.Header.Get("Cache-Control") == "private") {
				t.Errorf("%s: Set-Cookie %q, Cache-Control %q", res.Status, res.Header["Set-Cookie"], res.Header["Cache-Control"])
			}
			w.Done()
			if goal := map[string]string{"/page": "PAGE_VISITED", "/form": "FORM_SENT"}[c.path]; goal != "" {
				w.Expect(goal, c.fates)
				if c.want {
					w.CDP.Expect(t, goal).From(v.ID()).Once()
				}
			}
			if c.create == never && w.CDP.Made() != 0 {
				t.Errorf("%d guests", w.CDP.Made())
			}
		})
	}
}

// TestOneGuestForWhatTheHandlerRaises: a goal raised in code is a goal like
// others, so its visitor gets a cookie, and is not another guest each time.
func TestOneGuestForWhatTheHandlerRaises(t *testing.T) {
	for status, want := range map[string]bool{"live": true, "draft": false} {
		var w *world.World
		w = world.New(t, "{version: 1, goals: [{goal: RAISED, code: true, status: "+status+"}, {goal: SENT, submit: /form}]}",
			http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				_ = w.Tracker.Trigger(r, "RAISED", nil)
				world.HTML(rw, r)
			}), func(config *goaltrack.Config) { config.Cookie.Create = goaltrack.CreateGoal })
		v := w.Visitor()
		v.Post("/form", "a=b")
		v.Post("/form", "a=b")
		w.Done()
		if (v.ID() != "") != want {
			t.Errorf("%s: he is %q", status, v.ID())
		}
		if want {
			w.CDP.Expect(t, "RAISED").From(v.ID()).Times(2)
		}
	}
}

// TestNoGuestWhereNoCookieCanBeSet: a request whose goals are decided before the
// handler runs keeps its writer, so a visitor without an ID would be another
// guest each time.
func TestNoGuestWhereNoCookieCanBeSet(t *testing.T) {
	var w *world.World
	w = world.New(t, "{version: 1, goals: [{goal: RAISED, code: true}, {goal: SENT, submit: /form, if: {query.a: present}}]}",
		http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if err := w.Tracker.Trigger(r, "RAISED", nil); !errors.Is(err, goaltrack.ErrRefused) {
				t.Errorf("error %v", err)
			}
			world.HTML(rw, r)
		}))
	v := w.Visitor()
	v.Post("/form", "a=b")
	v.Post("/form", "a=b")
	w.Expect("RAISED", "no_browser_id 2")
}

// TestNoIDReady: the answer does not wait. The event gets its own ID, and the
// visitor gets theirs on a later page.
func TestNoIDReady(t *testing.T) {
	w := world.New(t, world.EachTrigger, http.HandlerFunc(world.HTML), func(c *goaltrack.Config) { c.Cookie.Warm = -1 })
	v := w.Visitor()
	if got := v.Get("/page").Header["Set-Cookie"]; got != nil {
		t.Errorf("Set-Cookie %q", got)
	}
	if w.Note("id_not_ready") != 1 {
		t.Errorf("notes %v", w.Tracker.Snapshot().Notes)
	}
	w.Flush()
	w.CDP.Expect(t, "PAGE_VISITED").Once()
	waitFor(t, func() bool { return w.Tracker.Snapshot().Delivery[0].IDsReady > 0 })
	if v.Get("/page"); v.ID() == "" {
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
		"a scheme":                   {[]string{"X-Forwarded-Scheme", "https"}, true},
		"a scheme that is not":       {[]string{"X-Url-Scheme", "http"}, false},
		"a load balancer":            {[]string{"X-Forwarded-Ssl", "on"}, true},
		"a load balancer without":    {[]string{"X-Forwarded-Ssl", "off"}, false},
		"Exchange":                   {[]string{"Front-End-Https", "On"}, true},
		"CloudFront":                 {[]string{"CloudFront-Forwarded-Proto", "https"}, true},
		"CloudFront, plain HTTP":     {[]string{"CloudFront-Forwarded-Proto", "http"}, false},
		"Cloudflare":                 {[]string{"CF-Visitor", `{"scheme":"https"}`}, true},
		"Cloudflare, plain HTTP":     {[]string{"CF-Visitor", `{"scheme":"http"}`}, false},
		"IIS":                        {[]string{"X-ARR-SSL", "2048|256|CN=ca|CN=shop.example"}, true},
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
			w := world.New(t, world.EachTrigger, http.HandlerFunc(world.HTML))
			header := append([]string{"Host", "example.test", "Sec-Fetch-Site", "", "Sec-Fetch-Dest", "", "Sec-Fetch-Mode", ""}, c.header...)
			got := w.Visitor().Get("/page", header...).Header["Set-Cookie"]
			if (len(got) == 1) != c.want {
				t.Errorf("Set-Cookie %q", got)
			}
			if c.want {
				w.Expect("PAGE_VISITED", "fired 1")
				return
			}
			w.Expect("PAGE_VISITED", "insecure 1")
			if w.CDP.Made() > 2 || w.Note("cookie_insecure") != 1 {
				t.Errorf("%d guests, notes %v", w.CDP.Made(), w.Tracker.Snapshot().Notes)
			}
		})
	}
	t.Run("TLS", func(t *testing.T) {
		w := world.Setup{Rules: world.EachTrigger, Site: http.HandlerFunc(world.HTML), HTTP2: true}.Start(t)
		if got := w.Visitor().Get("/page", "Host", "example.test", "Sec-Fetch-Site", "").Header["Set-Cookie"]; len(got) != 1 {
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
		w := world.New(t, world.EachTrigger, http.HandlerFunc(world.HTML), func(c *goaltrack.Config) {
			c.RequireConsent = true
			c.Consent = func(r *http.Request) goaltrack.Consent {
				if asked++; r.URL.Path != "/page" {
					t.Errorf("asked about %s", r.URL.Path)
				}
				return answer
			}
		})
		v := w.Visitor()
		res := v.Get("/page")
		if counted := want == "fired 1"; counted != (v.ID() != "") || counted != (res.Header["Set-Cookie"] != nil) {
			t.Errorf("%s: Set-Cookie %q", want, res.Header["Set-Cookie"])
		}
		v.Post("/nothing", "a=b") // concerns nobody, so nobody is asked
		w.Expect("PAGE_VISITED", want)
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
		"an ID and junk": {bid + "=undefined; " + bid + "=" + world.Known, "127.0.0.1", func(string) []string {
			return []string{gone, bid + "=" + world.Known + "; Max-Age=63072000" + end + domain}
		}},
		"one ID twice": {bid + "=" + world.Known + "; " + bid + "=" + world.Known, "127.0.0.1", func(string) []string {
			return []string{bid + "=" + world.Known + "; Max-Age=63072000" + end + domain}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := world.New(t, world.EachTrigger, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Cache-Control", "private")
				world.HTML(w, r)
			}), func(config *goaltrack.Config) { config.Cookie.Domain = c.domain })
			w.CDP.Know(world.Known)
			v := w.Visitor()
			got := v.Get("/page", "Cookie", c.cookie).Header["Set-Cookie"]
			if want := c.want(v.ID()); strings.Join(got, "|") != strings.Join(want, "|") {
				t.Errorf("Set-Cookie\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			w.Done()
			w.CDP.Expect(t, "PAGE_VISITED").From(v.ID()).Once()
		})
	}
}

// TestCreateByTheBrowser: with never and with goal, the ID that a browser script
// made is taken over, renewed and moved to its present name.
func TestCreateByTheBrowser(t *testing.T) {
	const former = "BID_" + cdptest.TestClientKey
	for _, create := range []goaltrack.Create{goaltrack.CreateVisit, goaltrack.CreateGoal, goaltrack.CreateNever} {
		for cookie, want := range map[string][]string{
			bid + "=" + world.Known:    {bid + "=" + world.Known + tail},
			former + "=" + world.Known: {bid + "=" + world.Known + tail, former + "=; Max-Age=0; SameSite=None; Secure; Path=/"},
		} {
			t.Run(string(create)+" "+cookie[:4], func(t *testing.T) {
				w := world.New(t, world.EachTrigger, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Cache-Control", "no-store")
					world.HTML(w, r)
				}), func(c *goaltrack.Config) { c.Cookie.Create, c.Cookie.Warm = create, -1 })
				w.CDP.Know(world.Known)
				got := w.Visitor().Get("/page", "Cookie", cookie).Header["Set-Cookie"]
				if create == goaltrack.CreateGoal && len(got) == 1 {
					t.Logf("renewed: %q", got)
				}
				if strings.Join(got, "|") != strings.Join(want, "|") {
					t.Errorf("Set-Cookie %q, want %q", got, want)
				}
				w.Done()
				w.CDP.Expect(t, "PAGE_VISITED").From(world.Known).Once()
				if w.CDP.Made() != 0 {
					t.Errorf("%d guests", w.CDP.Made())
				}
			})
		}
	}
}

// TestCookiePath: sites on one host, each with its own.
func TestCookiePath(t *testing.T) {
	w := world.New(t, "{version: 1, goals: [{goal: PAGE_VISITED, visit: /shop/page}]}", http.HandlerFunc(world.HTML), func(c *goaltrack.Config) {
		c.Cookie.Path, c.Sites[0].PathPrefix = "/shop", "/shop/"
	})
	v := w.Visitor()
	got := v.Get("/shop/page").Header["Set-Cookie"]
	if len(got) != 1 || !strings.HasSuffix(got[0], "; Max-Age=63072000; SameSite=None; Secure; Path=/shop") {
		t.Errorf("Set-Cookie %q", got)
	}
	if v.Get("/elsewhere"); v.ID() != "" {
		t.Error("the cookie is sent to other sites")
	}
}
