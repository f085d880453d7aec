package test

import (
	"net/http"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/internal/world"
)

// TestAskReadable: only between the tracker and a proxy, and only if a rule that
// may still count reads the answer, is a request narrowed, and that on a copy.
func TestAskReadable(t *testing.T) {
	const rules = `
version: 1
goals:
  - { goal: READS, submit: /reads, success: { response.json.ok: true } }
  - { goal: TAKES, submit: /takes, success: 2xx, data: { id: $response.json.id } }
  - { goal: CHECKS, submit: /checks, if: { query.a: b }, success: { response.json.ok: true } }
  - { goal: LOOKS, submit: /looks, success: { response.type: application/json } }
  - { goal: PAUSED, submit: /paused, success: { response.json.ok: true }, status: paused }
`
	for _, test := range []struct {
		name, path string
		proxy      bool
		header     []string
		want       string
	}{
		{"application", "/reads", false, nil, "br, gzip"},
		{"proxy", "/reads", true, nil, "gzip"},
		{"proxy, data", "/takes", true, nil, "gzip"},
		{"proxy, condition holds", "/checks?a=b", true, nil, "gzip"},
		{"proxy, condition does not hold", "/checks", true, nil, "br, gzip"},
		{"proxy, type alone", "/looks", true, nil, "br, gzip"},
		{"proxy, paused", "/paused", true, nil, "br, gzip"},
		{"proxy, no rule", "/none", true, nil, "br, gzip"},
		{"proxy, bot", "/reads", true, []string{"User-Agent", "Googlebot/2.1"}, "br, gzip"},
		{"proxy, opted out", "/reads", true, []string{"Sec-GPC", "1"}, "br, gzip"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got, outside, method string
			site := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got, method = r.Header.Get("Accept-Encoding"), r.Method
				_ = r.ParseForm()
				jsonAnswer(http.StatusOK, "application/json", `{"ok":true}`).ServeHTTP(w, r)
			}))
			w := world.Setup{Rules: rules, Mount: func(tracker *goaltrack.Tracker) http.Handler {
				if test.proxy {
					site = tracker.AskReadable(site)
				}
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					tracker.Handler(site).ServeHTTP(w, r)
					outside = r.Header.Get("Accept-Encoding")
					if r.PostForm.Get("a") != "b" {
						t.Error("the form that the handler parsed is not seen outside")
					}
				})
			}}.Start(t)
			w.Visitor().Meet().Post(test.path, "a=b", append([]string{"Accept-Encoding", "br, gzip"}, test.header...)...)
			w.Done()
			if got != test.want || outside != "br, gzip" || method != http.MethodPost {
				t.Errorf("%s asks for %q, want %q; outside it is %q", method, got, test.want, outside)
			}
		})
	}
}
