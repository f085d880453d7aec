package test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/internal/world"
)

// script is what browsers send with a fetch of a script on the same site.
var script = []string{"Sec-Fetch-Dest", "empty", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Site", "same-origin", "Accept", "*/*"}

// components is a fetch by the app router of Next.js, with what it has of the page.
func components(tree string, more ...string) []string {
	return append(append([]string{"RSC", "1", "Next-Router-State-Tree", url.PathEscape(tree)}, script...), more...)
}

// fetchedSite answers each address with the type that the frameworks do.
func fetchedSite(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasSuffix(r.URL.Path, ".json"):
		w.Header().Set("Content-Type", "application/json")
	case strings.HasSuffix(r.URL.Path, ".data"):
		w.Header().Set("Content-Type", "text/x-script")
	case r.Header.Get("RSC") != "":
		w.Header().Set("Content-Type", "text/x-component")
	default:
		w.Header().Set("Content-Type", "text/html")
	}
}

// TestFetchedNavigations: what counts of the requests by which frameworks go to a page.
// The headers are those that browsers sent (.ci/frameworks).
func TestFetchedNavigations(t *testing.T) {
	const rules = `
version: 1
goals:
  - { goal: PRODUCT_VIEWED, visit: "/products/{id}", data: { product: $path.id } }
  - { goal: GERMAN_VIEWED, visit: "/de/products/{id}" }
  - { goal: HOME_VIEWED, visit: / }
  - { goal: DASH_VIEWED, visit: /dash }
  - { goal: PRICING_VIEWED, visit: /pricing }
  - { goal: EXPORTED, download: /export.data }
  - { goal: EVERYTHING, visit: "/{section}/{id}", count: once per session for $path.id }
`
	const (
		open    = `["",{"children":["dash",{"children":["__PAGE__",{},null,null]},null,null]},null,null,true]`
		refresh = `["",{"children":["dash",{"children":["__PAGE__",{}]}]},null,"refetch"]`
		deeper  = `["",{"children":["target",{"children":["__PAGE__",{},null,null,0]},null,"refetch",0]},null,null,16]`
	)
	for name, c := range map[string]struct {
		steps  []step
		locale string
		goal   string
		want   string
	}{
		"data without a locale":            {[]step{{"GET /_next/data/B1/products/42.json", "/", script}}, "", "PRODUCT_VIEWED", "fired 1"},
		"data with the default locale":     {[]step{{"GET /_next/data/B1/en/products/42.json?id=42", "/", script}}, "", "PRODUCT_VIEWED", "fired 1"},
		"the home page's":                  {[]step{{"GET /_next/data/B1/en.json", "/products/42", script}}, "", "HOME_VIEWED", "fired 1"},
		"with another, both are tried":     {[]step{{"GET /_next/data/B1/de/products/42.json", "/", script}}, "", "GERMAN_VIEWED", "fired 1"},
		"from a page with that locale":     {[]step{{"GET /_next/data/B1/de/products/42.json", "/de", script}}, "", "PRODUCT_VIEWED", "none"},
		"and a goal for it":                {[]step{{"GET /_next/data/B1/de/products/42.json", "/de", script}}, "", "GERMAN_VIEWED", "fired 1"},
		"the default is said":              {[]step{{"GET /_next/data/B1/en/products/42.json", "/", script}}, "en", "PRODUCT_VIEWED", "fired 1"},
		"and is another":                   {[]step{{"GET /_next/data/B1/de/products/42.json", "/", script}}, "en", "PRODUCT_VIEWED", "none"},
		"one page, however it is reached":  {[]step{{"GET /products/42", "/", link}, {"GET /_next/data/B1/en/products/42.json", "/", script}}, "", "EVERYTHING", "fired 1, already_counted 1"},
		"data fetched ahead, then clicked": {[]step{{"GET /_next/data/B1/en/products/42.json?id=42", "/", append(script, "Purpose", "prefetch", "X-Middleware-Prefetch", "1")}, {"GET /_next/data/B1/en/products/42.json?id=42", "/", script}}, "", "PRODUCT_VIEWED", "fired 1, prefetch 1"},
		"data fetched ahead, then shown":   {[]step{{"GET /_next/data/B1/en/products/42.json?id=42", "/", append(script, "Purpose", "prefetch")}, {"GET /assets/a.png", "/products/42", file}}, "", "PRODUCT_VIEWED", "fired 1, prefetch 1"},

		"components of a click":             {[]step{{"GET /dash?_rsc=1", "/", components(open)}}, "", "DASH_VIEWED", "fired 1"},
		"refresh":                           {[]step{{"GET /dash", "/", link}, {"GET /dash?_rsc=1", "/dash", components(refresh)}, {"GET /dash?_rsc=2", "/dash", components(refresh)}}, "", "DASH_VIEWED", "fired 1, not_navigation 2"},
		"a click on what is there in part":  {[]step{{"GET /dash?_rsc=1", "/", components(deeper)}}, "", "DASH_VIEWED", "fired 1"},
		"components fetched ahead":          {[]step{{"GET /dash?_rsc=1", "/", components(open, "Next-Router-Prefetch", "1")}}, "", "DASH_VIEWED", "prefetch 1"},
		"and clicked":                       {[]step{{"GET /dash?_rsc=1", "/", components(open, "Next-Router-Prefetch", "1")}, {"GET /dash?_rsc=2", "/", components(open)}}, "", "DASH_VIEWED", "fired 1, prefetch 1"},
		"and shown without another request": {[]step{{"GET /dash?_rsc=1", "/", components(open, "Next-Router-Prefetch", "1")}, {"GET /other?_rsc=3", "/dash", components(open, "Next-Router-Prefetch", "1")}}, "", "DASH_VIEWED", "fired 1, prefetch 1"},

		"SvelteKit":                          {[]step{{"GET /pricing/__data.json", "/", script}}, "", "PRICING_VIEWED", "not_navigation 1"},
		"Nuxt":                               {[]step{{"GET /pricing/_payload.json", "/", script}}, "", "PRICING_VIEWED", "not_navigation 1"},
		"React Router":                       {[]step{{"GET /pricing.data", "/", script}}, "", "PRICING_VIEWED", "not_navigation 1"},
		"React Router, home":                 {[]step{{"GET /_root.data", "/pricing", script}}, "", "HOME_VIEWED", "not_navigation 1"},
		"by an old browser":                  {[]step{{"GET /pricing.data", "/", fileOfTheOld}}, "", "PRICING_VIEWED", "not_navigation 1"},
		"a file with such a name":            {[]step{{"GET /export.data", "/", link}}, "", "EXPORTED", "fired 1"},
		"Astro, Unpoly":                      {[]step{{"GET /pricing", "/", script}}, "", "PRICING_VIEWED", "not_navigation 1"},
		"Astro, which fetches it ahead, too": {[]step{{"GET /pricing", "/", append(script, "Sec-Purpose", "prefetch")}, {"GET /pricing", "/", script}, {"GET /", "/pricing", script}}, "", "PRICING_VIEWED", "fired 1, not_navigation 1, prefetch 1"},
		"a link that is fetched ahead":       {[]step{{"GET /pricing", "/", append(script, "Sec-Purpose", "prefetch")}, {"GET /assets/a.css", "/pricing", file}}, "", "PRICING_VIEWED", "fired 1, prefetch 1"},
		"such a link, opened":                {[]step{{"GET /pricing", "/", append(script, "Sec-Purpose", "prefetch")}, {"GET /pricing", "/", link}, {"GET /assets/a.css", "/pricing", file}}, "", "PRICING_VIEWED", "fired 1, prefetch 1"},
		"Turbo":                              {[]step{{"GET /pricing", "/", append(script, "X-Turbo-Request-Id", "1")}}, "", "PRICING_VIEWED", "fired 1"},
		"Turbo, the page that is open":       {[]step{{"GET /pricing?a=b", "/pricing?a=b", append(script, "X-Turbo-Request-Id", "1")}}, "", "PRICING_VIEWED", "not_navigation 1"},
		"Turbo, another query":               {[]step{{"GET /pricing?a=c", "/pricing?a=b", append(script, "X-Turbo-Request-Id", "1")}}, "", "PRICING_VIEWED", "fired 1"},
		"Inertia":                            {[]step{{"GET /pricing", "/", append(script, "X-Inertia", "true")}}, "", "PRICING_VIEWED", "fired 1"},
		"Inertia, a part":                    {[]step{{"GET /pricing", "/", append(script, "X-Inertia", "true", "X-Inertia-Partial-Component", "Page")}}, "", "PRICING_VIEWED", "not_navigation 1"},
		"Inertia, the page that is open":     {[]step{{"GET /pricing", "/pricing", append(script, "X-Inertia", "true")}}, "", "PRICING_VIEWED", "not_navigation 1"},
		"Inertia, ahead and shown":           {[]step{{"GET /pricing", "/", append(script, "X-Inertia", "true", "Purpose", "prefetch")}, {"GET /", "/pricing", append(script, "X-Inertia", "true")}}, "", "PRICING_VIEWED", "fired 1, prefetch 1"},
	} {
		t.Run(name, func(t *testing.T) {
			w := world.New(t, rules, http.HandlerFunc(fetchedSite), func(config *goaltrack.Config) { config.NextDefaultLocale = c.locale })
			browse(w.Visitor().Meet(), c.steps...)
			w.Expect(c.goal, c.want)
			if c.goal == "PRODUCT_VIEWED" && strings.HasPrefix(c.want, "fired") {
				w.CDP.Expect(t, c.goal).With("product", "42").On("products").Once()
			}
		})
	}
}

// TestRefreshIsNoView: a script that asks for the page that is open is no page view.
func TestRefreshIsNoView(t *testing.T) {
	w := world.New(t, "", http.HandlerFunc(fetchedSite), func(c *goaltrack.Config) { c.Views = goaltrack.ViewsServer })
	const refresh = `["",{"children":["dash",{}]},null,"refetch",16]`
	browse(w.Visitor().Meet(), step{"GET /dash", "/", link}, step{"GET /dash?_rsc=1", "/dash", components(refresh)})
	w.Done()
	if got := fmt.Sprint(w.CDP.Types()); got != "[VIEW]" {
		t.Errorf("the CDP got %s", got)
	}
}

// TestNextDefaultLocaleIsChecked: a locale is one segment.
func TestNextDefaultLocaleIsChecked(t *testing.T) {
	w := world.New(t, "", http.HandlerFunc(world.HTML))
	_, err := goaltrack.New(goaltrack.Config{Sites: []goaltrack.Site{{CDP: w.CDP.Direct()}}, NextDefaultLocale: "/en"})
	if err == nil || !strings.Contains(err.Error(), "NextDefaultLocale") {
		t.Errorf("the error is %v", err)
	}
}

// TestFetchedPagesThatLeadOn: a script that is led to another page shows that one, and the status
// says nothing of it.
func TestFetchedPagesThatLeadOn(t *testing.T) {
	const (
		data     = "/_next/data/B1/members.json"
		redirect = `{"pageProps":{"__N_REDIRECT":"/login","__N_REDIRECT_STATUS":307},"__N_SSP":true}`
		page     = `{"pageProps":{"title":"Members"}}`
	)
	boosted := slices.Concat(script, []string{"HX-Boosted", "true"})
	for name, c := range map[string]struct {
		path           string
		header, answer []string
		body           string
		want           string
	}{
		"data of a page":              {data, script, []string{"Content-Type", "application/json"}, page, "fired 1"},
		"of much text":                {data, script, []string{"Content-Type", "application/json"}, page + strings.Repeat(" ", 20<<10), "fired 1"},
		"that leads on":               {data, script, []string{"Content-Type", "application/json"}, redirect, "status 1"},
		"packed":                      {data, script, []string{"Content-Type", "application/json", "Content-Encoding", "gzip"}, packed(redirect, "gzip"), "status 1"},
		"by a header":                 {data, script, []string{"Content-Type", "application/json", "X-Nextjs-Redirect", "/login"}, "{}", "status 1"},
		"JSON of Inertia":             {"/members", append(script, "X-Inertia", "true"), []string{"Content-Type", "application/json"}, redirect, "fired 1"},
		"htmx":                        {"/members", boosted, []string{"Content-Type", "text/html"}, "<p>", "fired 1"},
		"htmx, led on":                {"/members", boosted, []string{"Content-Type", "text/html", "HX-Redirect", "/login"}, "", "status 1"},
		"htmx, by a location":         {"/members", boosted, []string{"Content-Type", "text/html", "HX-Location", `{"path":"/login"}`}, "", "status 1"},
		"htmx, the page again":        {"/members", boosted, []string{"Content-Type", "text/html", "HX-Refresh", "true"}, "", "status 1"},
		"htmx, where a cache is":      {"/members", boosted, []string{"Content-Type", "text/html", "X-Location", "Berlin"}, "", "fired 1"},
		"Turbo, a header of a form's": {"/members", append(script, "X-Turbo-Request-Id", "1"), []string{"Content-Type", "text/html", "X-Redirect", "/login"}, "", "fired 1"},
		"a page without a script":     {"/members", link, []string{"Content-Type", "text/html", "HX-Redirect", "/login"}, "", "fired 1"},
	} {
		t.Run(name, func(t *testing.T) {
			rules := "{version: 1, goals: [{goal: SEEN, visit: /members}, {goal: ONCE, visit: /members, count: once per session}]}"
			w := world.New(t, rules, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				for a := c.answer; len(a) > 0; a = a[2:] {
					w.Header().Set(a[0], a[1])
				}
				w.WriteHeader(http.StatusOK) // as a proxy does, before the body
				_, _ = io.WriteString(w, c.body)
			}))
			w.Visitor().Meet().Get(c.path, c.header...)
			w.Expect("SEEN", c.want)
			w.Expect("ONCE", c.want)
		})
	}
}

// TestDataIsReadAsItComes: for the data of a page nobody asks the site for another encoding, since
// what leads on is too short to be packed. What is packed otherwise counts.
func TestDataIsReadAsItComes(t *testing.T) {
	w := world.Setup{
		Rules: "{version: 1, goals: [{goal: SEEN, visit: /members}]}",
		Mount: func(tracker *goaltrack.Tracker) http.Handler {
			return tracker.Handler(tracker.AskReadable(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if got := r.Header.Get("Accept-Encoding"); got != "br, gzip" {
					t.Errorf("the site is asked for %q", got)
				}
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set("Content-Encoding", "br")
				_, _ = io.WriteString(w, "\x8b\x02\x80{}\x03")
			})))
		},
	}.Start(t)
	w.Visitor().Meet().Get("/_next/data/B1/members.json", append(script, "Accept-Encoding", "br, gzip")...)
	w.Expect("SEEN", "fired 1")
}
