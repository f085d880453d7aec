package test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/world"
)

const countRules = `
version: 1
goals:
  - { goal: SEEN_SESSION, visit: /session, count: once per session }
  - { goal: SEEN_VISITOR, visit: /visitor, count: once per visitor }
  - { goal: SEEN_DAY, visit: /day, count: once per day }
  - { goal: FILE_FETCHED, download: '/files/{file}.pdf', count: once per session for $path.file }
  - { goal: ORDERED, submit: /order, success: '303 to /orders/{id}', count: once per $redirect.id }
  - { goal: FORM_SENT, submit: /form, if: { form.email: present }, count: once per session }
  - { goal: STEP_ONE, visit: /one }
  - { goal: STEP_TWO, visit: /two }
  - { goal: ARRIVED, visit: /three, after: [STEP_ONE, STEP_TWO] }
  - { goal: NEWCOMER, visit: /first, session: 1 }
  - { goal: RETURNED, visit: /first, session: ">= 2" }
  - { goal: STRAYED, visit: /four, after: STEP_ONE, not after: [STEP_TWO, FORM_SENT] }
`

// countSite says what its pages and files are, reads its forms, and sends orders to the
// page of their number.
var countSite = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	if strings.HasSuffix(r.URL.Path, ".pdf") {
		w.Header().Set("Content-Type", "application/pdf")
	}
	switch r.URL.Path {
	case "/order":
		http.Redirect(w, r, "/orders/"+r.FormValue("id"), http.StatusSeeOther)
	case "/form":
		_ = r.ParseForm()
		http.Redirect(w, r, "/thanks", http.StatusSeeOther)
	}
})

var gtCookie = regexp.MustCompile(`^gt_[0-9a-f]{8}=([0-9]+)\.([\w=-]+); Max-Age=34560000; HttpOnly; SameSite=Lax; Secure; Path=/$`)

// visitCookie is the line that sets the visit cookie, "" if there is none.
func visitCookie(t *testing.T, res *http.Response) string {
	t.Helper()
	for _, line := range res.Header["Set-Cookie"] {
		if strings.HasPrefix(line, "gt_") {
			if !gtCookie.MatchString(line) || len(line) > 1024 {
				t.Errorf("the visit cookie is %q", line)
			}
			return line
		}
	}
	return ""
}

// testKey makes a key of one byte repeated.
func testKey(b byte) goaltrack.Key {
	return goaltrack.Key{Hash: []byte(strings.Repeat(string(rune(b)), 32)), Block: []byte(strings.Repeat(string(rune(b)), 16))}
}

// TestCountScopes: each scope of count: on one instance, with a browser.
func TestCountScopes(t *testing.T) {
	for name, c := range map[string]struct {
		goal  string
		paths []string
		want  string
	}{
		"session":                {"SEEN_SESSION", []string{"/session", "/session", "/other", "/session"}, "fired 1, already_counted 2"},
		"visitor":                {"SEEN_VISITOR", []string{"/visitor", "/visitor"}, "fired 1, already_counted 1"},
		"day":                    {"SEEN_DAY", []string{"/day", "/day"}, "fired 1, already_counted 1"},
		"for a value":            {"FILE_FETCHED", []string{"/files/a.pdf", "/files/b.pdf", "/files/a.pdf"}, "fired 2, already_counted 1"},
		"per value":              {"ORDERED", []string{"POST /order?id=1", "POST /order?id=2", "POST /order?id=1"}, "fired 2, already_counted 1"},
		"a form sent again":      {"FORM_SENT", []string{"POST /form?email=a", "POST /form?email=a"}, "fired 1, already_counted 1"},
		"after":                  {"ARRIVED", []string{"/one", "/two", "/three", "/three"}, "fired 2"},
		"after, not in order":    {"ARRIVED", []string{"/two", "/one", "/three"}, "not_after 1"},
		"after, one missing":     {"ARRIVED", []string{"/two", "/three"}, "not_after 1"},
		"the first session":      {"NEWCOMER", []string{"/first", "/other", "/first"}, "fired 2"},
		"a later session":        {"RETURNED", []string{"/first", "/first"}, "other_session 2"},
		"not after":              {"STRAYED", []string{"/one", "/four", "/two", "/four"}, "fired 1, came_before 1"},
		"not after a form":       {"STRAYED", []string{"/one", "POST /form?email=a", "/four"}, "came_before 1"},
		"not after one refused":  {"STRAYED", []string{"/one", "POST /form?email=", "/four"}, "fired 1"},
		"not after, nor after":   {"STRAYED", []string{"/two", "/four"}, "not_after 1"},
		"after, another between": {"ARRIVED", []string{"/one", "/session", "/one", "/two", "/other", "/three"}, "fired 1"},
	} {
		t.Run(name, func(t *testing.T) {
			w := world.New(t, countRules, countSite, func(c *goaltrack.Config) { c.Keys = []goaltrack.Key{testKey('k')} })
			v := w.Visitor()
			for _, path := range c.paths {
				walk(v, path)
			}
			w.Expect(c.goal, c.want)
		})
	}
}

// walk goes to a page, or sends a form written as a path and its fields.
func walk(v *world.Visitor, path string) *http.Response {
	v.World.Helper()
	if form, ok := strings.CutPrefix(path, "POST "); ok {
		path, form, _ = strings.Cut(form, "?")
		return v.Post(path, form)
	}
	return v.Get(path)
}

// fleet are instances of one site behind a proxy that takes them in turn. They
// share nothing but keys.
type fleet struct {
	*world.World
	instances []*world.World
	turn      atomic.Uint64
}

// newFleet starts instances with those keys; redeploy replaces one of them.
func newFleet(t *testing.T, keys ...goaltrack.Key) *fleet {
	t.Helper()
	f := &fleet{World: &world.World{T: t, CDP: cdptest.NewServer(t, cdptest.Options{})}}
	for range 2 {
		f.instances = append(f.instances, f.instance(keys))
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		u, err := url.Parse(f.instances[f.turn.Add(1)%2].Site.URL)
		if err != nil {
			t.Error(err)
		}
		r.SetURL(u)
		r.Out.Host = r.In.Host
	}}
	f.Site = httptest.NewServer(proxy)
	t.Cleanup(f.Site.Close)
	return f
}

func (f *fleet) instance(keys []goaltrack.Key) *world.World {
	return world.Setup{Rules: countRules, Site: countSite, Config: func(c *goaltrack.Config, _ *cdptest.Server) {
		c.Sites[0].CDP = f.CDP.Direct()
		c.Keys = keys
	}}.Start(f.T)
}

// deploy replaces one instance after the other by one with those keys. Between
// the two, and after, the visitor does what walk says.
func (f *fleet) deploy(walk func(), keys ...goaltrack.Key) {
	for i := range f.instances {
		f.instances[i].Done()
		f.instances[i] = f.instance(keys)
		walk()
	}
}

// close waits until the instances have delivered everything.
func (f *fleet) close() {
	for _, i := range f.instances {
		i.Done()
	}
}

// TestCountAcrossInstances: sequential requests count exactly once, whichever
// instance serves them, while the keys are changed in two deploys.
func TestCountAcrossInstances(t *testing.T) {
	former, latter := testKey('1'), testKey('2')
	f := newFleet(t, former)
	v := f.Visitor()
	all := func() {
		for _, path := range []string{"/session", "/visitor", "/day", "/files/a.pdf", "POST /order?id=7", "POST /form?email=a"} {
			walk(v, path)
			walk(v, path)
			walk(v, path)
		}
	}
	walk(v, "/one") // the way of after: goes through both deploys
	all()
	f.deploy(all, former, latter)
	walk(v, "/two")
	f.deploy(all, latter, former)
	walk(v, "/three")
	f.deploy(all, latter) // whoever came by since has a cookie of the new key
	f.close()
	for _, goal := range []string{"SEEN_SESSION", "SEEN_VISITOR", "SEEN_DAY", "FILE_FETCHED", "ORDERED", "FORM_SENT", "ARRIVED"} {
		f.CDP.Expect(t, goal).From(v.ID()).Once()
	}
}

// TestCountWithoutKeysInCommon is the other side: it is the cookie that the
// instances count by.
func TestCountWithoutKeysInCommon(t *testing.T) {
	f := newFleet(t, testKey('1'))
	f.instances[1].Done()
	f.instances[1] = f.instance([]goaltrack.Key{testKey('2')})
	v := f.Visitor()
	for range 4 {
		walk(v, "/visitor")
	}
	f.close()
	if n := len(f.CDP.Events()); n != 2 {
		t.Errorf("%d events, want one of each instance", n)
	}
}
