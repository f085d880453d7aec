package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/world"
)

func TestNeverWritesToAnUninterestedRequest(t *testing.T) {
	var gotW http.ResponseWriter
	var gotR *http.Request
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { gotW, gotR = w, r })
	w := world.New(t, world.EachTrigger, handler, func(c *goaltrack.Config) { c.Cookie.Create = goaltrack.CreateGoal })
	wrapped := w.Tracker.Handler(handler)
	for _, c := range []struct{ method, path, dest string }{
		{http.MethodGet, "/nothing/here", "document"},
		{http.MethodPost, "/page", "document"},
		{http.MethodGet, "/form", "document"},
		{http.MethodHead, "/page", "document"},
		{http.MethodOptions, "/form", "empty"},
		{http.MethodGet, "/style.css", "style"},
	} {
		r := httptest.NewRequest(c.method, c.path, nil)
		r.Header.Set("Sec-Fetch-Dest", c.dest)
		before := r.Header.Clone()
		rec := httptest.NewRecorder()
		wrapped.ServeHTTP(rec, r)
		if gotW != http.ResponseWriter(rec) || gotR != r {
			t.Errorf("%s %s: the handler did not get the writer and the request that came", c.method, c.path)
		}
		if len(rec.Header()) != 0 || len(r.Header) != len(before) {
			t.Errorf("%s %s: a header was added: %v", c.method, c.path, rec.Header())
		}
	}
}

func TestNeverReplacesAnotherSetCookie(t *testing.T) {
	site := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "1"})
		http.SetCookie(w, &http.Cookie{Name: "theme", Value: "dark"})
		world.HTML(w, r)
	})
	w := world.New(t, world.EachTrigger, site)
	v := w.Visitor()
	got := v.Get("/page").Header["Set-Cookie"]
	if len(got) != 3 || got[0] != "session=1" || got[1] != "theme=dark" || !strings.HasPrefix(got[2], "bid_"+cdptest.TestClientKey+"=") {
		t.Errorf("Set-Cookie: %q", got)
	}
}

func TestNeverSetsACookieOnAPublicAnswer(t *testing.T) {
	for _, header := range [][]string{
		{"Cache-Control", "public"},
		{"Cache-Control", "max-age=60"},
		{"Cache-Control", "s-maxage=60"},
		{"Cache-Control", "immutable"},
		{"Cache-Control", "must-revalidate"},
		{"Cache-Control", ""},
		{"Expires", "Wed, 21 Oct 2037 07:28:00 GMT"},
		{"CDN-Cache-Control", "max-age=60"},
		{"Surrogate-Control", "max-age=60"},
	} {
		t.Run(strings.Join(header, " "), func(t *testing.T) {
			site := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set(header[0], header[1])
				world.HTML(w, r)
			})
			w := world.New(t, world.EachTrigger, site, func(c *goaltrack.Config) { c.Views = goaltrack.ViewsServer })
			res := w.Visitor().Get("/page")
			if got := res.Header["Set-Cookie"]; got != nil {
				t.Errorf("Set-Cookie: %q", got)
			}
			if got := res.Header[http.CanonicalHeaderKey(header[0])]; len(got) != 1 || got[0] != header[1] {
				t.Errorf("%s: %q", header[0], got)
			}
			w.Expect("VIEW", "no_browser_id 1")
			if w.Note("cookie_public_answer") == 0 {
				t.Error("nothing notes why there is no cookie")
			}
		})
	}
}

func TestNeverSendsWhatNoRuleNames(t *testing.T) {
	site := world.Answer(http.StatusSeeOther, "Location", "/thanks?token=s3cret-location")
	w := world.New(t, world.EachTrigger, site)
	v := w.Visitor().Meet()
	v.Header.Set("Cookie", v.Header.Get("Cookie")+"; session=s3cret-session")
	v.Post("/form?reset=s3cret-query", "email=s3cret%40mail&password=s3cret-password&topic=sales&note=s3cret-note",
		"Authorization", "Bearer s3cret-bearer", "X-Forwarded-For", "192.0.2.66", "Referer", w.Site.URL+"/contact?s3cret-referer")
	w.Flush()
	w.CDP.Expect(t, "FORM_SENT").On("contact").From(world.Known).With("topic", "sales").Once()
	for _, r := range w.CDP.Requests() {
		if all := fmt.Sprint(r.URL, r.Header, string(r.Body)); strings.Contains(all, "s3cret") || strings.Contains(all, "192.0.2.66") || strings.Contains(all, "127.0.0.1:0") {
			t.Errorf("the CDP was told\n%s", all)
		}
	}
	if snapshot, err := json.Marshal(w.Tracker.Snapshot()); err != nil || bytes.Contains(snapshot, []byte("s3cret")) || bytes.Contains(snapshot, []byte(world.Known)) {
		t.Errorf("the snapshot tells\n%s, %v", snapshot, err)
	}
}

func TestNeverCountsTwice(t *testing.T) {
	for name, visit := range map[string]struct {
		header []string
		want   string
	}{
		"a visit":       {nil, "fired 1"},
		"a prefetch":    {[]string{"Sec-Purpose", "prefetch"}, "prefetch 1"},
		"a bot":         {[]string{"User-Agent", "Googlebot/2.1"}, "bot 1"},
		"an opt-out":    {[]string{"Sec-Gpc", "1"}, "gpc 1"},
		"an if: failed": {[]string{"X-No", "1"}, "condition 1"},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			rules := "{version: 1, goals: [{goal: PAGE_VISITED, visit: /page, unless: {header.x-no: present}}]}"
			w := world.Setup{
				Rules: rules,
				Mount: func(t *goaltrack.Tracker) http.Handler {
					return t.Handler(t.Handler(t.Handler(http.HandlerFunc(world.HTML))))
				},
				Config: func(c *goaltrack.Config, _ *cdptest.Server) {
					c.Views = goaltrack.ViewsServer
					c.Consent = func(*http.Request) goaltrack.Consent { asked++; return goaltrack.ConsentGranted }
				},
			}.Start(t)
			res := w.Visitor().Get("/page", visit.header...)
			if n := len(res.Header["Set-Cookie"]); n > 1 {
				t.Errorf("%d cookies", n)
			}
			w.Expect("PAGE_VISITED", visit.want)
			if asked > 1 {
				t.Errorf("the Consent reader was asked %d times", asked)
			}
			if w.Fates("VIEW") != strings.Replace(visit.want, "condition", "fired", 1) {
				t.Errorf("VIEW: %s", w.Fates("VIEW"))
			}
		})
	}
}

func TestNeverMakesAGuestForAScanner(t *testing.T) {
	site := http.NewServeMux()
	site.HandleFunc("GET /page", world.HTML)
	w := world.New(t, world.EachTrigger, site, func(c *goaltrack.Config) { c.Cookie.Warm = -1 })
	for _, c := range []struct {
		name, path string
		header     []string
	}{
		{"a path that is not there", "/wp-login.php", nil},
		{"a bot", "/page", []string{"User-Agent", "sqlmap/1.8"}},
		{"a program", "/page", []string{"Accept", "*/*", "Sec-Fetch-Dest", "", "Sec-Fetch-Mode", "", "User-Agent", "Go-http-client/1.1"}},
		{"a script of the page", "/page", []string{"Sec-Fetch-Dest", "empty", "Sec-Fetch-Mode", "cors"}},
		{"an image", "/page", []string{"Sec-Fetch-Dest", "image", "Sec-Fetch-Mode", "no-cors"}},
		{"a prefetch", "/page", []string{"Sec-Purpose", "prefetch;prerender"}},
	} {
		if res := w.Visitor().Get(c.path, c.header...); res.Header["Set-Cookie"] != nil {
			t.Errorf("%s: Set-Cookie %q", c.name, res.Header["Set-Cookie"])
		}
	}
	w.Done()
	if n := w.CDP.Made(); n != 0 {
		t.Errorf("%d guests were made", n)
	}
}
