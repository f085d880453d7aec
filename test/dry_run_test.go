package test

import (
	"net/http"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/internal/world"
)

const dryRules = `
version: 1
goals:
  - { goal: SEEN, visit: /page }
  - { goal: SENT, submit: /form, success: 422 }
  - { goal: DRAFTED, visit: /page, status: draft }
  - { goal: SUSPECT, submit: /form, success: 422, bots: count }
`

// TestDryRunDecidesAsLive: what a live site would not send for want of a browser that
// keeps cookies, a dry run does not count either.
func TestDryRunDecidesAsLive(t *testing.T) {
	type request struct {
		method, path string
		header       []string
	}
	get := func(header ...string) request { return request{http.MethodGet, "/page", header} }
	post := func(header ...string) request { return request{http.MethodPost, "/form", header} }
	plain := []string{"Host", "shop.example", "Sec-Fetch-Site", ""} // over plain HTTP, and no loopback address
	for name, tc := range map[string]struct {
		request
		create goaltrack.Create
		public bool
		want   map[string]string
	}{
		"a browser":               {request: get(), want: map[string]string{"SEEN": "fired 1", "VIEW": "fired 1", "DRAFTED": "draft 1"}},
		"without https":           {request: get(plain...), want: map[string]string{"SEEN": "insecure 1", "VIEW": "insecure 1", "DRAFTED": "draft 1"}},
		"https at a proxy":        {request: get(append(plain, "X-Forwarded-Proto", "https")...), want: map[string]string{"SEEN": "fired 1"}},
		"a browser on https":      {request: get(append(plain, "Sec-Fetch-Site", "none")...), want: map[string]string{"SEEN": "fired 1"}},
		"known without https":     {request: get(append(plain, "Cookie", "bid_test-key="+world.Known)...), want: map[string]string{"SEEN": "fired 1"}},
		"no browser":              {request: get("Accept", "*/*", "Sec-Fetch-Site", "", "Sec-Fetch-Mode", "", "Sec-Fetch-Dest", ""), want: map[string]string{"SEEN": "not_a_browser 1", "DRAFTED": "draft 1"}},
		"no browser, known":       {request: get("Accept", "*/*", "Sec-Fetch-Site", "", "Sec-Fetch-Mode", "", "Sec-Fetch-Dest", "", "Cookie", "bid_test-key="+world.Known), want: map[string]string{"SEEN": "fired 1"}},
		"an error":                {request: post(), want: map[string]string{"SENT": "no_browser_id 1"}},
		"an error, known":         {request: post("Cookie", "bid_test-key="+world.Known), want: map[string]string{"SENT": "fired 1", "SUSPECT": "fired 1"}},
		"the script makes IDs":    {request: get(), create: goaltrack.CreateNever, want: map[string]string{"SEEN": "no_browser_id 1", "VIEW": "no_browser_id 1"}},
		"a page that caches keep": {request: get(), public: true, want: map[string]string{"SEEN": "fired 1", "VIEW": "no_browser_id 1"}},
		"only goals make IDs":     {request: get(), create: goaltrack.CreateGoal, want: map[string]string{"SEEN": "fired 1", "VIEW": "fired 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, dry := range []bool{false, true} {
				site := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if tc.public {
						w.Header().Set("Cache-Control", "public, max-age=60")
					}
					w.Header().Set("Content-Type", "text/html")
					if r.Method == http.MethodPost {
						_ = r.ParseForm()
						w.WriteHeader(http.StatusUnprocessableEntity)
					}
					_, _ = w.Write([]byte("<!doctype html>"))
				})
				w := world.New(t, dryRules, site, func(c *goaltrack.Config) {
					c.DryRun, c.Views, c.Cookie.Create = dry, goaltrack.ViewsServer, tc.create
				})
				w.CDP.Know(world.Known)
				body := ""
				if tc.method == http.MethodPost {
					body = "a=b"
				}
				w.Visitor().Do(tc.method, tc.path, body, tc.header...)
				for goal, want := range tc.want {
					w.Done()
					if got := w.Fates(goal); got != want {
						t.Errorf("dry run %v: %s: %s, want %s", dry, goal, got, want)
					}
				}
			}
		})
	}
}
