package test

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/logbook"
	"github.com/goaltrack/goaltrack/internal/world"
)

// TestViewVariant: a VIEW says which variant was shown, by the first that tells.
func TestViewVariant(t *testing.T) {
	for name, c := range map[string]struct {
		path   string
		answer []string // header of the answer: a name, its value, and so on
		say    string   // what the handler says
		header string   // Config.VariantHeader
		want   any      // pageVariantId, nil for none
	}{
		"nothing":                         {path: "/about"},
		"the address":                     {path: "/about?variantid=B", want: "B"},
		"an address with junk":            {path: "/about?variantid=%00%3C"},
		"the answer":                      {path: "/about", answer: []string{"X-Sc-Rewrite", "/_site_default/_variantId_B/about"}, want: "B"},
		"a component's":                   {path: "/pricing", answer: []string{"X-Sc-Rewrite", "/pricing/_variantId_abc_def"}, want: "abc_def"},
		"its plain one":                   {path: "/about", answer: []string{"X-Sc-Rewrite", "/_variantId__default/about"}, want: "default"},
		"an answer without one":           {path: "/about", answer: []string{"X-Sc-Rewrite", "/_site_default/about"}},
		"the address before the answer":   {path: "/about?variantid=B", answer: []string{"X-Sc-Rewrite", "/_variantId_C/about"}, want: "B"},
		"the handler before both":         {path: "/about?variantid=B", answer: []string{"X-Sc-Rewrite", "/_variantId_C/about"}, say: "scope_page1_en_d", want: "scope_page1_en_d"},
		"a header of the site's own":      {path: "/about?variantid=B", answer: []string{"X-Variant", "page1_en_e", "X-Sc-Rewrite", "/_variantId_C/about"}, header: "X-Variant", want: "page1_en_e"},
		"which is not there":              {path: "/about", answer: []string{"X-Sc-Rewrite", "/_variantId_C/about"}, header: "X-Variant", want: "C"},
		"said where the answer is broken": {path: "/about", answer: []string{"X-Sc-Rewrite", "/_variantId_/about"}, say: "p_en_b", want: "p_en_b"},
		"a visitor's own":                 {path: "/_variantId_%25%25/a", answer: []string{"X-Sc-Rewrite", "/_variantId_%%/a"}},
	} {
		t.Run(name, func(t *testing.T) {
			var tracker *goaltrack.Tracker
			w := world.New(t, "goals: [{goal: SEEN, visit: /about}]", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				for i := 0; i+1 < len(c.answer); i += 2 {
					rw.Header().Set(c.answer[i], c.answer[i+1])
				}
				if c.say != "" {
					if err := tracker.SetVariant(r, c.say); err != nil {
						t.Error(err)
					}
				}
				r.URL.RawQuery = "variantid=of-the-handler"
				world.HTML(rw, r)
			}), func(config *goaltrack.Config) { config.Views, config.VariantHeader = goaltrack.ViewsServer, c.header })
			tracker = w.Tracker
			w.Visitor().Meet().Get(c.path)
			w.Expect("VIEW", "fired 1")
			for _, e := range w.CDP.Events() {
				ext, _ := e.Body["ext"].(map[string]any)
				if got := ext["pageVariantId"]; e.Type == "VIEW" && got != c.want || e.Type != "VIEW" && got != nil {
					t.Errorf("%s: the variant is %v, want %v", e.Type, got, c.want)
				}
			}
		})
	}
}

// TestViewVariantUnknown: a variant that is seen and cannot be sent stops the site's VIEW
// events, and nothing else, with one line in the log, unless a setting decides.
func TestViewVariantUnknown(t *testing.T) {
	site := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/tested" {
			w.Header().Set("X-Sc-Rewrite", "/_variantId_hero_B/_variantId_foot_C/tested")
		}
		world.HTML(w, r)
	})
	for name, c := range map[string]struct {
		without bool
		view    string
		errors  int
	}{
		"stops":   {false, "fired 1, variant_unknown 3", 1},
		"decided": {true, "fired 4", 0},
	} {
		t.Run(name, func(t *testing.T) {
			var log logbook.Book
			w := world.Setup{
				Rules: "goals: [{goal: SEEN, visit: /tested}]", Site: site,
				Config: func(config *goaltrack.Config, _ *cdptest.Server) {
					config.Views, config.ViewsWithoutVariants, config.Logger = goaltrack.ViewsServer, c.without, slog.New(&log)
				},
			}.Start(t)
			v := w.Visitor().Meet()
			for _, path := range []string{"/", "/tested", "/tested", "/"} {
				v.Get(path)
			}
			w.Expect("VIEW", c.view)
			w.Expect("SEEN", "fired 2")
			if n := log.Count("ERROR "); n != c.errors {
				t.Errorf("%d errors in the log, want %d\n%s", n, c.errors, strings.Join(log.Lines(), "\n"))
			}
		})
	}
}

// TestSetVariantIsChecked: what cannot be sent is an error.
func TestSetVariantIsChecked(t *testing.T) {
	w := world.New(t, "", http.HandlerFunc(world.HTML))
	r := w.Visitor().Request(http.MethodGet, "/", nil)
	for _, id := range []string{"", "a b", "<script>", strings.Repeat("a", 201)} {
		if err := w.Tracker.SetVariant(r, id); !errors.Is(err, goaltrack.ErrInvalid) {
			t.Errorf("%.20q: %v", id, err)
		}
	}
	if err := w.Tracker.SetVariant(r, "page_en_b"); err != nil {
		t.Error(err)
	}
}

// TestViewsBesideAScript: page views that a script in the page may send, too, are told
// once, and the page is not changed.
func TestViewsBesideAScript(t *testing.T) {
	const script = `<script src="https://d1mj578wat5n4o.cloudfront.net/sitecore-engage-v.1.4.3.min.js"></script>`
	for name, c := range map[string]struct {
		views goaltrack.Views
		page  string
		want  int
	}{
		"a script":       {goaltrack.ViewsServer, script, 1},
		"far down":       {goaltrack.ViewsServer, strings.Repeat("<p>A page.", 2000) + script, 0},
		"none":           {goaltrack.ViewsServer, "<p>A page.", 0},
		"no views of us": {goaltrack.ViewsOff, script, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var log logbook.Book
			page := "<!doctype html>" + c.page
			w := world.Setup{
				Site: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					for part := range strings.SplitAfterSeq(page, ">") {
						_, _ = io.WriteString(w, part)
					}
				}),
				Config: func(config *goaltrack.Config, _ *cdptest.Server) {
					config.Views, config.Logger = c.views, slog.New(&log)
				},
			}.Start(t)
			var all sync.WaitGroup
			v := w.Visitor().Meet()
			for range 3 {
				all.Go(func() {
					if body, _ := io.ReadAll(v.Get("/").Body); string(body) != page {
						t.Error("the page is changed")
					}
				})
			}
			all.Wait()
			w.Done()
			if n := log.Count("Sitecore's scripts"); n != c.want {
				t.Errorf("%d warnings, want %d", n, c.want)
			}
		})
	}
}
