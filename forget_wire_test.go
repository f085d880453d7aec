package goaltrack_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
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
	site.HandleFunc("GET /", html)
	site.HandleFunc("GET /typed", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html") // else a visit is only decided after the header
		html(w, r)
	})
	out := answer(http.StatusSeeOther, "Location", "/")
	site.Handle("POST /logout", out)
	site.Handle("POST /draft", out)
	site.Handle("POST /refused", answer(http.StatusForbidden))
	site.Handle("POST /cached", answer(http.StatusSeeOther, "Location", "/", "Cache-Control", "public"))
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

func startForget(t *testing.T, adjust ...func(*goaltrack.Config)) *world {
	var w *world
	w = newWorld(t, forgetRules, forgetSite(func() *goaltrack.Tracker { return w.tracker }), adjust...)
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
			w.cdp.Know(known)
			v := w.visitor()
			v.adopt(known)
			res := v.do(c.method, c.path, c.form)
			if got := res.Header["Set-Cookie"]; !slices.Equal(got, c.setCookie) {
				t.Errorf("Set-Cookie %q, want %q", got, c.setCookie)
			}
			if (res.Header.Get("Cache-Control") == "private") != (c.setCookie != nil) {
				t.Errorf("Cache-Control %q", res.Header["Cache-Control"])
			}
			w.flush()
			if c.goal != "" {
				w.cdp.Expect(t, c.goal).From(known).Once() // it still is his
			}
			waitFor(t, func() bool { return w.tracker.Snapshot().Delivery[0].IDsReady > 0 })
			v.get("/page")
			if id := v.id(); id == "" || (id != known) != c.forgotten {
				t.Errorf("the next page has %q", id)
			}
			w.flush()
			w.cdp.Expect(t, "PAGE_VISITED").From(v.id()).Times(map[bool]int{true: 2, false: 1}[c.path == "/page"])
		})
	}
}

// adopt gives the visitor a cookie, as a browser script would.
func (v *visitor) adopt(id string) {
	req, _ := http.NewRequest(http.MethodGet, v.w.site.URL, nil)
	v.client.Jar.SetCookies(req.URL, []*http.Cookie{{Name: bid, Value: id, Path: "/"}})
}

// TestForgetAcrossInstances: the second instance has never heard of the log-out.
func TestForgetAcrossInstances(t *testing.T) {
	first, second := startForget(t), startForget(t)
	first.cdp.Know(known)
	second.cdp.Know(known)
	v := first.visitor()
	v.adopt(known)
	v.post("/logout", "")
	if v.id() != "" {
		t.Fatalf("the cookie is still there: %s", v.id())
	}
	v.w = second
	if v.get("/page"); v.id() == "" || v.id() == known {
		t.Errorf("the next page has %q", v.id())
	}
}

// TestForgottenCookieComesBack: an answer that was under way, or a script, sets
// the old ID again.
func TestForgottenCookieComesBack(t *testing.T) {
	for _, create := range []goaltrack.Create{goaltrack.CreateVisit, goaltrack.CreateNever} {
		w := startForget(t, func(c *goaltrack.Config) { c.Cookie.Create = create })
		w.cdp.Know(known)
		v := w.visitor()
		v.adopt(known)
		v.post("/logout", "")
		v.adopt(known)
		got := v.get("/page").Header["Set-Cookie"]
		switch {
		case create == goaltrack.CreateNever && !slices.Equal(got, []string{bidGone}):
			t.Errorf("never: Set-Cookie %q", got)
		case create == goaltrack.CreateVisit && (v.id() == known || v.id() == ""):
			t.Errorf("visit: ID %q", v.id())
		}
		w.done()
		w.cdp.Expect(t, "PAGE_VISITED").From(known).Never()
		w.cdp.Expect(t, "LOGGED_OUT").From(known).Once()
	}
}

// TestForgetWhileAPageLoads: a page that is still loading when the visitor logs
// out does not renew his cookie afterwards.
func TestForgetWhileAPageLoads(t *testing.T) {
	loading, loggedOut := make(chan struct{}), make(chan struct{})
	site := http.NewServeMux()
	site.Handle("POST /logout", answer(http.StatusSeeOther, "Location", "/"))
	site.HandleFunc("GET /page", func(w http.ResponseWriter, r *http.Request) {
		close(loading)
		<-loggedOut
		w.Header().Set("Cache-Control", "private")
		html(w, r)
	})
	w := newWorld(t, forgetRules, site)
	w.cdp.Know(known)
	v := w.visitor()
	v.adopt(known)
	page := make(chan []string)
	req := v.request(http.MethodGet, "/page", nil)
	go func() { page <- v.send(req).Header["Set-Cookie"] }()
	<-loading
	v.post("/logout", "")
	close(loggedOut)
	if got := <-page; got != nil {
		t.Errorf("the page set %q", got)
	}
	w.done()
	w.cdp.Expect(t, "PAGE_VISITED").From(known).Once() // he did begin it
}

// TestForgetEveryName: a cookie of a former name, or of the host beside one of
// the domain, would bring the old guest back.
func TestForgetEveryName(t *testing.T) {
	const other = "99999999-2222-4333-8444-555555555555"
	s := setup{rules: forgetRules, site: answer(http.StatusSeeOther, "Location", "/"), config: func(c *goaltrack.Config, s *cdptest.Server) {
		c.Sites[0].CDP, c.Cookie.Domain = s.Edge(), "127.0.0.1"
	}}
	w := s.start(t)
	w.cdp.Know(known)
	got := w.visitor().post("/logout", "", "Cookie", "sc_cid="+other+"; sc_test-context="+known+"; sc_rid="+other).Header["Set-Cookie"]
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

// TestForgetNobody: who has no ID has nothing to forget, and no guest is made
// for the cookie's sake.
func TestForgetNobody(t *testing.T) {
	w := startForget(t)
	if got := w.visitor().post("/logout", "").Header; got["Set-Cookie"] != nil || got["Cache-Control"] != nil {
		t.Errorf("header %v", got)
	}
	w.expect("LOGGED_OUT", "fired 1")
	w.cdp.Expect(t, "LOGGED_OUT").Once()
}

// TestForgetOnASharedAnswer: the cookie of an answer that a cache may keep is
// not touched, but this process remembers.
func TestForgetOnASharedAnswer(t *testing.T) {
	rules := strings.ReplaceAll(forgetRules, "/logout", "/cached")
	w := newWorld(t, rules, forgetSite(nil))
	w.cdp.Know(known)
	v := w.visitor()
	v.adopt(known)
	if got := v.post("/cached", "").Header["Set-Cookie"]; got != nil || w.note("cookie_public_answer") != 1 {
		t.Errorf("Set-Cookie %q, notes %v", got, w.tracker.Snapshot().Notes)
	}
	if v.get("/page"); v.id() == known {
		t.Error("he is still known")
	}
}

// TestSendForgets: a webhook can end a profile, too.
func TestSendForgets(t *testing.T) {
	w := startForget(t)
	w.cdp.Know(known)
	if err := w.tracker.Send(t.Context(), goaltrack.Visitor{BrowserID: known}, "LOGGED_OUT_BY_CODE", nil); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/elsewhere", nil)
	r.Header.Set("User-Agent", chrome)
	r.Header.Set("Cookie", bid+"="+known)
	if id := w.tracker.BrowserID(r); id != "" {
		t.Errorf("he is still %s", id)
	}
	w.done()
	w.cdp.Expect(t, "LOGGED_OUT_BY_CODE").From(known).Once()
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
	start := func() *world {
		return newWorld(t, rules, forgetSite(nil), func(c *goaltrack.Config) { c.Keys = []goaltrack.Key{key} })
	}
	first, second := start(), start()
	v := first.visitor()
	v.get("/typed")
	v.get("/typed")
	old := v.id()
	var lines []string
	for _, line := range v.post("/logout", "").Header["Set-Cookie"] {
		name, rest, _ := strings.Cut(line, "=")
		lines = append(lines, name[:3]+"="+rest)
	}
	if want := []string{"bid=; Max-Age=0; SameSite=None; Secure; Path=/", "gt_=; Max-Age=0; SameSite=None; Secure; Path=/"}; !slices.Equal(lines, want) {
		t.Errorf("Set-Cookie %q, want %q", lines, want)
	}
	v.w = second
	v.get("/typed")
	if v.id() == old || v.id() == "" {
		t.Errorf("the next one is %q", v.id())
	}
	second.expect("PAGE_VISITED", "fired 1")
	first.expect("PAGE_VISITED", "fired 1, already_counted 1")
}

// TestForgottenVisitComesBack: with the old cookies, brought back by a tab that
// was still loading, the next page counts for a new guest and replaces both.
func TestForgottenVisitComesBack(t *testing.T) {
	rules := "{version: 1, goals: [{goal: PAGE_VISITED, visit: /typed, count: once per visitor}, {goal: LOGGED_OUT, submit: /logout, forget: true}]}"
	w := newWorld(t, rules, forgetSite(nil))
	v := w.visitor()
	res := v.get("/typed")
	var cookies []string
	for _, c := range res.Cookies() {
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	if len(cookies) != 2 {
		t.Fatalf("cookies %q", cookies)
	}
	v.post("/logout", "")
	waitFor(t, func() bool { return w.tracker.Snapshot().Delivery[0].IDsReady > 0 })
	again := w.visitor().get("/typed", "Cookie", strings.Join(cookies, "; ")).Cookies()
	if len(again) != 2 || again[0].Value == res.Cookies()[0].Value || again[1].Value == res.Cookies()[1].Value {
		t.Errorf("first %v, then %v", res.Cookies(), again)
	}
	other := w.visitor().get("/other", "Cookie", strings.Join(cookies, "; ")).Header["Set-Cookie"]
	if len(other) != 2 || !strings.HasPrefix(other[1], "gt_") || !strings.Contains(other[1], "=; Max-Age=0;") {
		t.Errorf("on a page without a goal: %q", other)
	}
	w.expect("PAGE_VISITED", "fired 2")
}

// TestForgetTheVisitThatWasKeptBack: the log-out is a form of another site, such
// as that of a single sign-on, so the browser does not show the visit cookie. It
// goes all the same.
func TestForgetTheVisitThatWasKeptBack(t *testing.T) {
	rules := "{version: 1, goals: [{goal: PAGE_VISITED, visit: /typed, count: once per visitor}, {goal: LOGGED_OUT, submit: /logout, forget: true}]}"
	w := newWorld(t, rules, forgetSite(nil))
	v := w.visitor()
	v.get("/typed")
	back := w.visitor()
	res := back.post("/logout", "", "Sec-Fetch-Site", "cross-site", "Cookie", bid+"="+v.id())
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
		html(w, r)
	})
	site.Handle("POST /de/logout", answer(http.StatusSeeOther, "Location", "/de/"))
	w := setup{rules: rules, site: site, config: func(c *goaltrack.Config, s *cdptest.Server) {
		second := s.Direct()
		second.PointOfSale = "second"
		c.Sites = append(c.Sites, goaltrack.Site{CDP: second, PathPrefix: "/de"})
	}}.start(t)
	v := w.visitor()
	v.get("/page")
	v.get("/de/page")
	old := v.id()
	gone := 0
	for _, line := range v.post("/de/logout", "").Header["Set-Cookie"] {
		if strings.Contains(line, "=; Max-Age=0") {
			gone++
		}
	}
	if gone != 3 || v.id() != "" {
		t.Errorf("%d cookies are deleted, and he is %q", gone, v.id())
	}
	// An answer that was under way brings the ID back to the other site.
	if res := w.visitor().get("/page", "Cookie", bid+"="+old); strings.Contains(strings.Join(res.Header["Set-Cookie"], " "), old) {
		t.Errorf("Set-Cookie %q", res.Header["Set-Cookie"])
	}
	v.get("/page")
	w.expect("PAGE_VISITED", "fired 4") // twice by whoever came next, or came back
}
