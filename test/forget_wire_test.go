package test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/world"
)

const forgetRules = `
version: 1
goals:
  - { goal: PAGE_VISITED, visit: /page }
  - { goal: LOGGED_OUT, submit: /logout, forget: true }
  - { goal: LOGGED_OUT_LATE, submit: /late, if: { form.all: present }, forget: true }
  - { goal: LOGGED_OUT_BY_CODE, code: true, forget: true }
  - { goal: GOODBYE, visit: /goodbye, forget: true }
  - { goal: DRAFT, submit: /draft, forget: true, status: draft }
`

// forgetSite answers log-outs in every way the tests need.
func forgetSite(tracker func() *goaltrack.Tracker) http.Handler {
	site := http.NewServeMux()
	site.HandleFunc("GET /", world.HTML)
	site.HandleFunc("GET /typed", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html") // else a visit is only decided after the header
		world.HTML(w, r)
	})
	out := world.Answer(http.StatusSeeOther, "Location", "/")
	site.Handle("POST /logout", out)
	site.Handle("POST /draft", out)
	site.Handle("POST /refused", world.Answer(http.StatusForbidden))
	site.Handle("POST /cached", world.Answer(http.StatusSeeOther, "Location", "/", "Cache-Control", "public"))
	site.HandleFunc("POST /late", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "/")
		w.WriteHeader(http.StatusSeeOther)
		_ = r.ParseForm() // after the header
	})
	code := func(w http.ResponseWriter, r *http.Request) {
		_ = tracker().Trigger(r, "LOGGED_OUT_BY_CODE", nil)
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
	site.HandleFunc("GET /code", code)
	site.HandleFunc("POST /code", code)
	return site
}

func startForget(t *testing.T, adjust ...func(*goaltrack.Config)) *world.World {
	var w *world.World
	w = world.New(t, forgetRules, forgetSite(func() *goaltrack.Tracker { return w.Tracker }), adjust...)
	return w
}

const bidGone = bid + "=; Max-Age=0; SameSite=None; Secure; Path=/"

func TestForget(t *testing.T) {
	for name, c := range map[string]struct {
		method, path, form string
		goal               string
		setCookie          []string
		forgotten          bool
	}{
		"a form":                            {"POST", "/logout", "", "LOGGED_OUT", []string{bidGone}, true},
		"a form read after the header":      {"POST", "/late", "all=1", "LOGGED_OUT_LATE", nil, true},
		"a form read late that does not":    {"POST", "/late", "a=b", "", nil, false},
		"raised in code":                    {"GET", "/code", "", "LOGGED_OUT_BY_CODE", []string{bidGone}, true},
		"raised where nothing is followed":  {"POST", "/code", "", "LOGGED_OUT_BY_CODE", nil, true},
		"a page of a type not known before": {"GET", "/goodbye", "", "GOODBYE", []string{bidGone}, true},
		"a draft":                           {"POST", "/draft", "", "", nil, false},
		"another page":                      {"GET", "/page", "", "PAGE_VISITED", nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := startForget(t)
			w.CDP.Know(world.Known)
			v := w.Visitor()
			adopt(v, world.Known)
			res := v.Do(c.method, c.path, c.form)
			if got := res.Header["Set-Cookie"]; !slices.Equal(got, c.setCookie) {
				t.Errorf("Set-Cookie %q, want %q", got, c.setCookie)
			}
			if (res.Header.Get("Cache-Control") == "private") != (c.setCookie != nil) {
				t.Errorf("Cache-Control %q", res.Header["Cache-Control"])
			}
			w.Flush()
			if c.goal != "" {
				w.CDP.Expect(t, c.goal).From(world.Known).Once() // it still is theirs
			}
			waitFor(t, func() bool { return w.Tracker.Snapshot().Delivery[0].IDsReady > 0 })
			v.Get("/page")
			if id := v.ID(); id == "" || (id != world.Known) != c.forgotten {
				t.Errorf("the next page has %q", id)
			}
			w.Flush()
			w.CDP.Expect(t, "PAGE_VISITED").From(v.ID()).Times(map[bool]int{true: 2, false: 1}[c.path == "/page"])
		})
	}
}

// adopt gives the visitor a cookie, as a browser script would.
func adopt(v *world.Visitor, id string) {
	req, _ := http.NewRequest(http.MethodGet, v.World.Site.URL, nil)
	v.Client.Jar.SetCookies(req.URL, []*http.Cookie{{Name: bid, Value: id, Path: "/"}})
}

// TestForgetAcrossInstances: the second instance has never heard of the log-out.
func TestForgetAcrossInstances(t *testing.T) {
	first, second := startForget(t), startForget(t)
	first.CDP.Know(world.Known)
	second.CDP.Know(world.Known)
	v := first.Visitor()
	adopt(v, world.Known)
	v.Post("/logout", "")
	if v.ID() != "" {
		t.Fatalf("the cookie is still there: %s", v.ID())
	}
	v.World = second
	if v.Get("/page"); v.ID() == "" || v.ID() == world.Known {
		t.Errorf("the next page has %q", v.ID())
	}
}

// TestForgottenCookieComesBack: an answer that was under way, or a script, sets
// the old ID again.
func TestForgottenCookieComesBack(t *testing.T) {
	for _, create := range []goaltrack.Create{goaltrack.CreateVisit, goaltrack.CreateNever} {
		w := startForget(t, func(c *goaltrack.Config) { c.Cookie.Create = create })
		w.CDP.Know(world.Known)
		v := w.Visitor()
		adopt(v, world.Known)
		v.Post("/logout", "")
		adopt(v, world.Known)
		got := v.Get("/page").Header["Set-Cookie"]
		switch {
		case create == goaltrack.CreateNever && !slices.Equal(got, []string{bidGone}):
			t.Errorf("never: Set-Cookie %q", got)
		case create == goaltrack.CreateVisit && (v.ID() == world.Known || v.ID() == ""):
			t.Errorf("visit: ID %q", v.ID())
		}
		w.Done()
		w.CDP.Expect(t, "PAGE_VISITED").From(world.Known).Never()
		w.CDP.Expect(t, "LOGGED_OUT").From(world.Known).Once()
	}
}

// TestForgetWhileAPageLoads: a page that is still loading when the visitor logs
// out does not renew their cookie afterwards.
func TestForgetWhileAPageLoads(t *testing.T) {
	loading, loggedOut := make(chan struct{}), make(chan struct{})
	site := http.NewServeMux()
	site.Handle("POST /logout", world.Answer(http.StatusSeeOther, "Location", "/"))
	site.HandleFunc("GET /page", func(w http.ResponseWriter, r *http.Request) {
		close(loading)
		<-loggedOut
		w.Header().Set("Cache-Control", "private")
		world.HTML(w, r)
	})
	w := world.New(t, forgetRules, site)
	w.CDP.Know(world.Known)
	v := w.Visitor()
	adopt(v, world.Known)
	page := make(chan []string)
	req := v.Request(http.MethodGet, "/page", nil)
	go func() { page <- v.Send(req).Header["Set-Cookie"] }()
	<-loading
	v.Post("/logout", "")
	close(loggedOut)
	if got := <-page; got != nil {
		t.Errorf("the page set %q", got)
	}
	w.Done()
	w.CDP.Expect(t, "PAGE_VISITED").From(world.Known).Once() // they did begin it
}

// TestForgetEveryName: a cookie of a former name, or of the host beside one of
// the domain, would bring the old guest back.
func TestForgetEveryName(t *testing.T) {
	const other = "99999999-2222-4333-8444-555555555555"
	s := world.Setup{Rules: forgetRules, Site: world.Answer(http.StatusSeeOther, "Location", "/"), Config: func(c *goaltrack.Config, s *cdptest.Server) {
		c.Sites[0].CDP, c.Cookie.Domain = s.Edge(), "127.0.0.1"
	}}
	w := s.Start(t)
	w.CDP.Know(other)
	got := w.Visitor().Post("/logout", "", "Cookie", "sc_cid="+other+"; sc_test-context="+world.Known+"; sc_rid="+other).Header["Set-Cookie"]
	var want []string
	for _, name := range []string{"sc_cid", "sc_test-context", "sc_rid"} {
		for _, domain := range []string{"", "; Domain=127.0.0.1"} {
			want = append(want, name+"=; Max-Age=0; SameSite=None; Secure; Path=/"+domain)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("Set-Cookie\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestForgetWithoutIDMakesNoGuest: who has no ID has nothing to forget, and no guest is made
// for the cookie's sake.
func TestForgetWithoutIDMakesNoGuest(t *testing.T) {
	w := startForget(t)
	if got := w.Visitor().Post("/logout", "").Header; got["Set-Cookie"] != nil || got["Cache-Control"] != nil {
		t.Errorf("header %v", got)
	}
	w.Expect("LOGGED_OUT", "fired 1")
	w.CDP.Expect(t, "LOGGED_OUT").Once()
}

// TestForgetOnASharedAnswer: the cookie of an answer that a cache may keep is
// not touched, but this process remembers.
func TestForgetOnASharedAnswer(t *testing.T) {
	rules := strings.ReplaceAll(forgetRules, "/logout", "/cached")
	w := world.New(t, rules, forgetSite(nil))
	w.CDP.Know(world.Known)
	v := w.Visitor()
	adopt(v, world.Known)
	if got := v.Post("/cached", "").Header["Set-Cookie"]; got != nil || w.Note("cookie_public_answer") != 1 {
		t.Errorf("Set-Cookie %q, notes %v", got, w.Tracker.Snapshot().Notes)
	}
	if v.Get("/page"); v.ID() == world.Known {
		t.Error("he is still known")
	}
}

// TestSendForgets: a webhook can end a profile, too.
func TestSendForgets(t *testing.T) {
	w := startForget(t)
	w.CDP.Know(world.Known)
	if err := w.Tracker.Send(t.Context(), goaltrack.Visitor{BrowserID: world.Known}, "LOGGED_OUT_BY_CODE", nil); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/elsewhere", nil)
	r.Header.Set("User-Agent", world.Chrome)
	r.Header.Set("Cookie", bid+"="+world.Known)
	if id := w.Tracker.BrowserID(r); id != "" {
		t.Errorf("he is still %s", id)
	}
	w.Done()
	w.CDP.Expect(t, "LOGGED_OUT_BY_CODE").From(world.Known).Once()
}

// TestForgetTheVisit: what counted for the one who left counts for the next, on
// the same instance and, with the keys of all, on another.
func TestForgetTheVisit(t *testing.T) {
	const rules = `
version: 1
goals:
  - { goal: PAGE_VISITED, visit: /typed, count: once per visitor }
  - { goal: LOGGED_OUT, submit: /logout, forget: true, count: once per session }
  - { goal: SENT_AFTERWARDS, submit: /form, after: [LOGGED_OUT] }
`
	key := goaltrack.Key{Hash: make([]byte, 32), Block: make([]byte, 16)}
	start := func() *world.World {
		return world.New(t, rules, forgetSite(nil), func(c *goaltrack.Config) { c.Keys = []goaltrack.Key{key} })
	}
	first, second := start(), start()
	v := first.Visitor()
	v.Get("/typed")
	v.Get("/typed")
	old := v.ID()
	var lines []string
	for _, line := range v.Post("/logout", "").Header["Set-Cookie"] {
		name, rest, _ := strings.Cut(line, "=")
		lines = append(lines, name[:3]+"="+rest)
	}
	if want := []string{"bid=; Max-Age=0; SameSite=None; Secure; Path=/", "gt_=; Max-Age=0; SameSite=None; Secure; Path=/"}; !slices.Equal(lines, want) {
		t.Errorf("Set-Cookie %q, want %q", lines, want)
	}
	v.World = second
	v.Get("/typed")
	if v.ID() == old || v.ID() == "" {
		t.Errorf("the next one is %q", v.ID())
	}
	second.Expect("PAGE_VISITED", "fired 1")
	first.Expect("PAGE_VISITED", "fired 1, already_counted 1")
}

// TestForgottenVisitComesBack: with the old cookies, brought back by a tab that
// was still loading, the next page counts for a new guest and replaces both.
func TestForgottenVisitComesBack(t *testing.T) {
	rules := "{version: 1, goals: [{goal: PAGE_VISITED, visit: /typed, count: once per visitor}, {goal: LOGGED_OUT, submit: /logout, forget: true}]}"
	w := world.New(t, rules, forgetSite(nil))
	v := w.Visitor()
	res := v.Get("/typed")
	var cookies []string
	for _, c := range res.Cookies() {
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	if len(cookies) != 2 {
		t.Fatalf("cookies %q", cookies)
	}
	v.Post("/logout", "")
	waitFor(t, func() bool { return w.Tracker.Snapshot().Delivery[0].IDsReady > 0 })
	again := w.Visitor().Get("/typed", "Cookie", strings.Join(cookies, "; ")).Cookies()
	if len(again) != 2 || again[0].Value == res.Cookies()[0].Value || again[1].Value == res.Cookies()[1].Value {
		t.Errorf("first %v, then %v", res.Cookies(), again)
	}
	other := w.Visitor().Get("/other", "Cookie", strings.Join(cookies, "; ")).Header["Set-Cookie"]
	if len(other) != 2 || !strings.HasPrefix(other[1], "gt_") || !strings.Contains(other[1], "=; Max-Age=0;") {
		t.Errorf("on a page without a goal: %q", other)
	}
	w.Expect("PAGE_VISITED", "fired 2")
}

// TestForgetTheVisitThatWasKeptBack: the log-out is a form of another site, such
// as that of a single sign-on, so the browser does not show the visit cookie. It
// goes all the same.
func TestForgetTheVisitThatWasKeptBack(t *testing.T) {
	rules := "{version: 1, goals: [{goal: PAGE_VISITED, visit: /typed, count: once per visitor}, {goal: LOGGED_OUT, submit: /logout, forget: true}]}"
	w := world.New(t, rules, forgetSite(nil))
	v := w.Visitor()
	v.Get("/typed")
	back := w.Visitor()
	res := back.Post("/logout", "", "Sec-Fetch-Site", "cross-site", "Cookie", bid+"="+v.ID())
	if lines := res.Header["Set-Cookie"]; len(lines) != 2 || !strings.HasPrefix(lines[1], "gt_") || !strings.Contains(lines[1], "=; Max-Age=0") {
		t.Errorf("Set-Cookie %q", lines)
	}
}

// TestForgetOnEverySite: two sites of one tenant share the browser ID, so who
// logs out of one is nobody on the other, either.
func TestForgetOnEverySite(t *testing.T) {
	const rules = `
version: 1
goals:
  - { goal: PAGE_VISITED, visit: /**, count: once per visitor }
  - { goal: LOGGED_OUT, submit: /de/logout, success: 303, forget: true }
`
	site := http.NewServeMux()
	site.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		world.HTML(w, r)
	})
	site.Handle("POST /de/logout", world.Answer(http.StatusSeeOther, "Location", "/de/"))
	w := world.Setup{Rules: rules, Site: site, Config: func(c *goaltrack.Config, s *cdptest.Server) {
		second := s.Direct()
		second.PointOfSale = "second"
		c.Sites = append(c.Sites, goaltrack.Site{CDP: second, PathPrefix: "/de"})
	}}.Start(t)
	v := w.Visitor()
	v.Get("/page")
	v.Get("/de/page")
	old := v.ID()
	gone := 0
	for _, line := range v.Post("/de/logout", "").Header["Set-Cookie"] {
		if strings.Contains(line, "=; Max-Age=0") {
			gone++
		}
	}
	if gone != 3 || v.ID() != "" {
		t.Errorf("%d cookies are deleted, and he is %q", gone, v.ID())
	}
	// An answer that was under way brings the ID back to the other site.
	if res := w.Visitor().Get("/page", "Cookie", bid+"="+old); strings.Contains(strings.Join(res.Header["Set-Cookie"], " "), old) {
		t.Errorf("Set-Cookie %q", res.Header["Set-Cookie"])
	}
	v.Get("/page")
	w.Expect("PAGE_VISITED", "fired 4") // twice by whoever came next, or came back
}
