package test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/world"
)

const wireRules = `
version: 1
goals:
  - { goal: SEEN, visit: /page, count: once per session }
  - { goal: SENT, submit: /page, success: 200, count: once per session }
`

// gtShop is the name of the visit cookie of a site named shop.
var gtShop = func() string {
	sum := sha256.Sum256([]byte("shop"))
	return fmt.Sprintf("gt_%x", sum[:4])
}()

// TestVisitCookieOnTheWire tells which answers carry the visit cookie, and what
// else they get.
func TestVisitCookieOnTheWire(t *testing.T) {
	page := func(header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Add(header[i], header[i+1])
			}
			_, _ = io.WriteString(w, "<p>A page.")
		}
	}
	post := []string{"Content-Type", "application/x-www-form-urlencoded"}
	for name, c := range map[string]struct {
		site    http.HandlerFunc
		method  string
		header  []string
		set     bool
		control string // Cache-Control
	}{
		"nothing said":            {site: page(), set: true, control: "private"},
		"private":                 {site: page("Cache-Control", "private, max-age=9"), set: true, control: "private, max-age=9"},
		"no-store":                {site: page("Cache-Control", "no-store"), set: true, control: "no-store"},
		"public":                  {site: page("Cache-Control", "public"), control: "public"},
		"max-age":                 {site: page("Cache-Control", "max-age=60"), control: "max-age=60"},
		"no-cache":                {site: page("Cache-Control", "no-cache"), set: true, control: "private, no-cache"},
		"public, no-cache":        {site: page("Cache-Control", "public, no-cache"), control: "public, no-cache"},
		"Expires":                 {site: page("Expires", "Wed, 21 Oct 2037 07:28:00 GMT")},
		"Surrogate-Control":       {site: page("Surrogate-Control", "max-age=60")},
		"HTML by its first bytes": {site: world.HTML, set: true, control: "private"},
		"HTML in a string":        {site: func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "\n <html>") }, set: true, control: "private"},
		"HTML by a later byte": {site: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "<")
			_, _ = io.WriteString(w, "html>")
		}},
		"no HTML":                   {site: func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "text") }},
		"an error":                  {site: func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusInternalServerError) }},
		"not found":                 {site: http.NotFound},
		"304":                       {site: world.Answer(http.StatusNotModified, "Cache-Control", "private").ServeHTTP, control: "private"},
		"HEAD":                      {site: page(), method: http.MethodHead},
		"plain HTTP":                {site: page(), header: []string{"Host", "example.test", "Sec-Fetch-Site", ""}},
		"a page from another site":  {site: page(), header: []string{"Sec-Fetch-Site", "cross-site"}, set: true, control: "private"},
		"a form":                    {site: page(), method: http.MethodPost, header: post, set: true, control: "private"},
		"a form of another site":    {site: page(), method: http.MethodPost, header: append(post, "Sec-Fetch-Site", "cross-site")},
		"a form of a sister host":   {site: page(), method: http.MethodPost, header: append(post, "Sec-Fetch-Site", "same-site"), set: true, control: "private"},
		"a form of another origin":  {site: page(), method: http.MethodPost, header: append(post, "Sec-Fetch-Site", "", "Origin", "https://bank.example", "X-Forwarded-Proto", "https")},
		"a form of no origin":       {site: page(), method: http.MethodPost, header: append(post, "Sec-Fetch-Site", "", "Origin", "null", "X-Forwarded-Proto", "https")},
		"a form of its own origin":  {site: page(), method: http.MethodPost, header: append(post, "Sec-Fetch-Site", "", "Origin", "https://127.0.0.1:99", "X-Forwarded-Proto", "https"), set: true, control: "private"},
		"the application's own":     {site: page("Set-Cookie", gtShop+"=mine")},
		"another of the same start": {site: page("Set-Cookie", gtShop+"x=mine"), set: true, control: "private"},
	} {
		t.Run(name, func(t *testing.T) {
			w := world.New(t, wireRules, c.site, func(config *goaltrack.Config) { config.Sites[0].Name = "shop" })
			if c.method == "" {
				c.method = http.MethodGet
			}
			v := w.Visitor().Meet()
			if name == "plain HTTP" {
				v.Header.Del("Cookie")
			}
			res := v.Do(c.method, "/page", "", c.header...)
			set := 0
			for _, line := range res.Header["Set-Cookie"] {
				if gtCookie.MatchString(line) && strings.HasPrefix(line, gtShop+"=") && len(line) <= 1024 {
					set++
				}
			}
			if (set == 1) != c.set {
				t.Errorf("Set-Cookie %q", res.Header["Set-Cookie"])
			}
			if got := res.Header.Get("Cache-Control"); got != c.control {
				t.Errorf("Cache-Control %q, want %q", got, c.control)
			}
		})
	}
}

// TestNoVisitCookieWithoutNeed: a rule that every goal counts by needs none, and
// neither does one that is paused.
func TestNoVisitCookieWithoutNeed(t *testing.T) {
	for _, goal := range []string{"", "count: every", "count: once per session, status: paused", "data: { source: utm.source }", "if: { utm.source: present }"} {
		var log syncBuffer
		w := world.Setup{Rules: "{version: 1, goals: [{goal: SEEN, visit: /page, " + goal + "}]}", Site: http.HandlerFunc(world.HTML), Log: &log}.Start(t)
		if res := w.Visitor().Get("/page?utm_source=mail"); visitCookie(t, res) != "" {
			t.Errorf("%s: Set-Cookie %q", goal, res.Header["Set-Cookie"])
		}
		w.Done()
		if strings.Contains(log.String(), "Keys") {
			t.Errorf("%s: logged %s", goal, &log)
		}
	}
}

// TestKeyless: without keys it works in one process, which the log says once.
func TestKeyless(t *testing.T) {
	var log syncBuffer
	w := world.Setup{Rules: countRules, Site: countSite, Log: &log}.Start(t)
	v := w.Visitor()
	v.Get("/session")
	v.Get("/session")
	if err := w.Tracker.SetRules(world.MustParse(t, countRules)); err != nil {
		t.Fatal(err)
	}
	w.Expect("SEEN_SESSION", "fired 1, already_counted 1")
	if n := strings.Count(log.String(), "no Keys are set"); n != 1 {
		t.Errorf("said %d times:\n%s", n, &log)
	}
}

// The lines of the table in docs/counting.md of what once means, each by its name
// there. TestDocsGuarantees holds the two together.
var guarantees = map[string]func(t *testing.T){
	"Two tabs, one after the other": func(t *testing.T) {
		w, v := countWorld(t)
		v.Get("/session")
		v.Get("/other")
		v.Get("/session")
		w.Expect("SEEN_SESSION", "fired 1, already_counted 1")
	},
	"A link is clicked twice, and the first page is left while it loads": TestCountOfAPageThatWasLeft,
	"A double click": func(t *testing.T) {
		w, v := countWorld(t)
		v.Get("/other") // they have a browser ID by then
		var clicks sync.WaitGroup
		for range 8 {
			clicks.Go(func() { v.Post("/form", "email=a") })
		}
		clicks.Wait()
		w.Expect("FORM_SENT", "fired 1, already_counted 7")
	},
	"The page after a form is loaded again, or the form is sent again": func(t *testing.T) {
		w, v := countWorld(t)
		for range 3 {
			v.Post("/form", "email=a")
			v.Get("/thanks")
		}
		w.Expect("FORM_SENT", "fired 1, already_counted 2")
	},
	"Several servers, one request after the other": TestCountAcrossInstances,
	"The server is started anew": func(t *testing.T) {
		f := newFleet(t, testKey('k'))
		v := f.Visitor()
		walk(v, "/visitor")
		f.deploy(func() { walk(v, "/visitor"); walk(v, "/visitor") }, testKey('k'))
		f.close()
		f.CDP.Expect(t, "SEEN_VISITOR").From(v.ID()).Once()
	},
	"Back from a payment page with a form (3-D Secure)": func(t *testing.T) {
		w, v := countWorld(t)
		before := visitCookie(t, v.Get("/session"))
		// The browser keeps the visit cookie back, and sends that of the ID.
		back := w.Visitor()
		for range 2 {
			res := back.Post("/form", "email=a", "Sec-Fetch-Site", "cross-site", "Origin", "https://bank.example", "Cookie", "bid_"+cdptest.TestClientKey+"="+v.ID())
			if line := visitCookie(t, res); line != "" || before == "" {
				t.Errorf("the cookie %q is wiped by %q", before, line)
			}
		}
		v.Get("/session")
		w.Done()
		if got := w.Fates("SEEN_SESSION"); got != "fired 1, already_counted 1" {
			t.Errorf("SEEN_SESSION: %s", got)
		}
		if got := w.Fates("FORM_SENT"); got != "fired 1, already_counted 1" {
			t.Errorf("FORM_SENT: %s", got)
		}
	},
	"A page that a cache may keep, a page the browser still has (304), a form read too late": func(t *testing.T) {
		for name, site := range map[string]http.HandlerFunc{
			"public": func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Cache-Control", "public")
				world.HTML(w, r)
			},
			"asked": func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Cache-Control", "public, no-cache")
				world.HTML(w, r)
			},
			"304": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) },
			"late": func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "/thanks", http.StatusSeeOther)
				_, _ = io.Copy(io.Discard, r.Body)
			},
		} {
			w := world.New(t, countRules, site)
			v := w.Visitor().Meet()
			goal := "SEEN_SESSION"
			for range 2 {
				path := "/session"
				if name == "late" {
					path, goal = "POST /form?email=a", "FORM_SENT"
				}
				if line := visitCookie(t, walk(v, path)); line != "" {
					t.Errorf("%s: %q", name, line)
				}
			}
			w.Expect(goal, "fired 1, already_counted 1")
		}
	},
	"Somebody puts an older copy of the cookie back": func(t *testing.T) {
		f := newFleet(t, testKey('k'))
		v := f.Visitor()
		walk(v, "/other")
		walk(v, "/other")
		v.Header.Set("Cookie", "bid_"+cdptest.TestClientKey+"="+v.ID()) // the cookie of before, which is none
		v.Client.Jar = nil
		for range 4 {
			walk(v, "/visitor")
		}
		f.close()
		if n := len(f.CDP.Events()); n != 2 {
			t.Errorf("counted %d times by two servers", n)
		}
	},
	"The visitor deletes their cookies": func(t *testing.T) {
		w, v := countWorld(t)
		v.Get("/visitor")
		v.Client.Jar = w.Visitor().Client.Jar
		v.Get("/visitor")
		w.Expect("SEEN_VISITOR", "fired 2")
	},
	"No cookies at all": func(t *testing.T) {
		w, v := countWorld(t)
		v.Client.Jar = nil
		v.Post("/form", "email=a")
		v.Post("/form", "email=a")
		w.Expect("FORM_SENT", "fired 2")
	},
	"The application sends the goal without a request of the visitor (`Send`)": func(t *testing.T) {
		w := world.New(t, "{version: 1, goals: [{goal: PAID, code: true, count: once per $app.order}]}", countSite)
		w.CDP.Know(world.Known)
		for _, order := range []string{"1", "2", "1"} {
			if err := w.Tracker.Send(t.Context(), goaltrack.Visitor{BrowserID: world.Known}, "PAID", goaltrack.Data{"order": order}); err != nil {
				t.Error(err)
			}
		}
		w.Expect("PAID", "fired 2, already_counted 1")
	},
}

func countWorld(t *testing.T) (*world.World, *world.Visitor) {
	t.Helper()
	w := world.New(t, countRules, countSite, func(c *goaltrack.Config) { c.Keys = []goaltrack.Key{testKey('k')} })
	return w, w.Visitor()
}

// TestDocsGuarantees runs what the page for marketers promises, line by line.
func TestDocsGuarantees(t *testing.T) {
	_, table, _ := strings.Cut(readText(t, countingPage), "| What happens | It counts |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	told := 0
	for _, row := range regexp.MustCompile(`(?m)^\| ([^|]+) \| [^-]`).FindAllStringSubmatch(table, -1) {
		told++
		if guarantees[row[1]] == nil {
			t.Errorf("nothing tests %q", row[1])
			continue
		}
		t.Run(row[1], guarantees[row[1]])
	}
	if told != len(guarantees) {
		t.Errorf("the page tells of %d cases, and %d are tested", told, len(guarantees))
	}
}

// TestDraftCountsForItself: the goal begins anew when it goes live.
func TestDraftCountsForItself(t *testing.T) {
	rules := func(status string) *goaltrack.Rules {
		return world.MustParse(t, "{version: 1, goals: [{goal: SEEN, visit: /page, count: once per visitor, status: "+status+"}]}")
	}
	w := world.New(t, "", http.HandlerFunc(world.HTML), func(c *goaltrack.Config) { c.Rules = rules("draft") })
	v := w.Visitor()
	v.Get("/page")
	v.Get("/page")
	if err := w.Tracker.SetRules(rules("live")); err != nil {
		t.Fatal(err)
	}
	v.Get("/page")
	v.Get("/page")
	w.Expect("SEEN", "fired 1, already_counted 2, draft 1")
}

// TestCountOfTriggered: goals raised in code obey count: and after:, within a
// request and after it.
func TestCountOfTriggered(t *testing.T) {
	const rules = `
version: 1
goals:
  - { goal: RAISED, code: true, count: once per session for $app.order }
  - { goal: BOUGHT, code: true, after: [RAISED] }
  - { goal: SEEN, visit: /page }
`
	var w *world.World
	site := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		for _, order := range []any{"1", "2", "1", nil} {
			data := goaltrack.Data{"order": order}
			if order == nil {
				data = nil
			}
			if err := w.Tracker.Trigger(r, "RAISED", data); err != nil && r.URL.Path != "/untracked" {
				t.Error(err)
			}
		}
		if err := w.Tracker.Trigger(r, "BOUGHT", nil); err != nil {
			t.Error(err)
		}
		world.HTML(rw, r)
	})
	w = world.New(t, rules, site)
	v := w.Visitor()
	v.Get("/page")
	v.Get("/page")
	v.Post("/untracked", "a=b") // not followed
	w.Done()
	if got := w.Fates("RAISED"); got != "fired 2, already_counted 7, value_missing 3" {
		t.Errorf("RAISED: %s", got)
	}
	if got := w.Fates("BOUGHT"); got != "fired 2, not_after 1" {
		t.Errorf("BOUGHT: %s", got)
	}
}

// TestCountStands: what a handler says after the header decides about the event,
// and no more about the count.
func TestCountStands(t *testing.T) {
	var w *world.World
	w = world.New(t, wireRules, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		world.HTML(rw, r)
		if r.URL.RawQuery == "reject" {
			_ = w.Tracker.Reject(r, "SEEN")
		}
	}))
	v := w.Visitor()
	if visitCookie(t, v.Get("/page?reject")) == "" {
		t.Error("no cookie")
	}
	v.Get("/page")
	w.Expect("SEEN", "already_counted 1, rejected_by_handler 1")
}

// TestOriginOfTheVisit: $utm and $referrer are those of the session's first page.
func TestOriginOfTheVisit(t *testing.T) {
	const rules = `
version: 1
goals:
  - goal: SENT
    submit: /form
    data: { source: $utm.source, campaign: $utm.campaign, from: $referrer }
`
	long := strings.Repeat("x", 99) + "é"
	for name, c := range map[string]struct {
		first, referrer        string // the first page
		form                   string
		source, campaign, from any
	}{
		"an advertisement":            {"/?utm_source=mail&utm_campaign=may", "https://news.example/a/b?secret=1#c", "/form", "mail", "may", "https://news.example/a/b"},
		"the form has others":         {"/?utm_source=mail", "", "/form?utm_source=ad&utm_campaign=june", "mail", nil, nil},
		"only the form has any":       {"/", "", "/form?utm_source=ad", "ad", nil, nil},
		"a long one":                  {"/?utm_source=" + long, "", "/form", strings.Repeat("x", 99), nil, nil},
		"the site's own page":         {"/", "SITE/other", "/form", nil, nil, nil},
		"a redirect comes first":      {"/redirect?utm_source=mail", "", "/form", "mail", nil, nil},
		"a page that caches may keep": {"/public?utm_source=mail", "", "/form?utm_source=ad", "other", nil, nil}, // it carries no cookie
	} {
		t.Run(name, func(t *testing.T) {
			w := world.New(t, rules, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/public":
					w.Header().Set("Cache-Control", "public")
				case "/redirect":
					http.Redirect(w, r, "/", http.StatusFound)
					return
				case "/form":
					_ = r.ParseForm()
					http.Redirect(w, r, "/thanks", http.StatusSeeOther)
					return
				}
				world.HTML(w, r)
			}))
			v := w.Visitor().Meet()
			v.Header.Del("Cookie")
			v.Client.Jar.SetCookies(must(http.NewRequest(http.MethodGet, w.Site.URL, nil)).URL, []*http.Cookie{{Name: "bid_" + cdptest.TestClientKey, Value: world.Known}})
			v.Get(c.first, "Referer", strings.Replace(c.referrer, "SITE", w.Site.URL, 1))
			v.Get("/second?utm_source=other")
			v.Post(c.form, "a=b", "Referer", "https://pay.example/")
			w.Flush()
			e := w.CDP.Expect(t, "SENT").Once()
			if e.Ext["source"] != c.source || e.Ext["campaign"] != c.campaign || e.Ext["from"] != c.from {
				t.Errorf("sent %v", e.Ext)
			}
		})
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
