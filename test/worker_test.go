package test

import (
	"net/http"
	"testing"

	"github.com/goaltrack/goaltrack/internal/world"
)

// byWorker is what a worker sends that fetches something for itself, as Chromium 156 does.
var byWorker = []string{"Sec-Fetch-Dest", "empty", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Site", "same-origin", "Accept", "*/*"}

// TestFetchedByAWorker: what a service worker keeps for later is no download and no visit. A
// page of it counts when it is shown.
func TestFetchedByAWorker(t *testing.T) {
	const rules = aheadRules + `  - { goal: GUIDE_DOWNLOADED, download: "/files/{file}.pdf" }
  - { goal: ASKED, submit: /contact, success: redirect to /thanks }
`
	keep, page := step{"GET /files/guide.pdf", "/sw.js", byWorker}, step{"GET /pricing", "/sw.js?v=2", byWorker}
	for name, c := range map[string]struct {
		steps []step
		goal  string
		want  string
	}{
		"a file that it keeps":               {[]step{keep}, "GUIDE_DOWNLOADED", "prefetch 1"},
		"a file that a page's script got":    {[]step{{keep.what, "/pricing", byWorker}}, "GUIDE_DOWNLOADED", "fired 1"},
		"a file that it passes on":           {[]step{{keep.what, "/pricing", append([]string{"Sec-Fetch-Mode", "navigate"}, byWorker[:2]...)}}, "GUIDE_DOWNLOADED", "fired 1"},
		"a file that it was asked for":       {[]step{keep, {keep.what, "/pricing", link}}, "GUIDE_DOWNLOADED", "fired 1, prefetch 1"},
		"a form that it sends later":         {[]step{{"POST /contact", "/sw.js", byWorker}}, "ASKED", "fired 1"},
		"a click on a page with such a name": {[]step{{"GET /pricing", "/docs/node.js", append([]string{"HX-Boosted", "true"}, byWorker...)}}, "PRICING_VIEWED", "fired 1"},
		"a page that nobody looks at":        {[]step{page, {"GET /about", "/", link}}, "PRICING_VIEWED", "prefetch 1"},
		"a page that somebody looks at":      {[]step{page, {"GET /assets/a.css", "/pricing", file}}, "PRICING_VIEWED", "fired 1, prefetch 1"},
		"a page that is open":                {[]step{{"GET /pricing", "", nil}, page, {"GET /assets/a.css", "/pricing", file}}, "PRICING_VIEWED", "fired 1, prefetch 1"},
	} {
		t.Run(name, func(t *testing.T) {
			w := world.New(t, rules, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/files/guide.pdf" {
					w.Header().Set("Content-Type", "application/pdf")
				}
				aheadSite(w, r)
			}))
			browse(w.Visitor().Meet(), c.steps...)
			w.Expect(c.goal, c.want)
		})
	}
}
