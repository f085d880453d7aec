package goaltrack_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/gorilla/mux"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/world"
)

func TestRequestBecomesGoal(t *testing.T) {
	w := world.New(t, world.ShopRules, world.Shop(), func(c *goaltrack.Config) { c.Views = goaltrack.ViewsServer })
	v := w.Visitor()
	v.Get("/?utm_source=news&UTM_Campaign=spring%20sale")
	w.Flush()
	v.Get("/pricing")
	v.Get("/products/sku-42")
	v.Get("/products/compare")
	v.Post("/newsletter", "email=ada%40example.com", "Referer", w.Site.URL+"/about/us")
	v.Post("/newsletter", "email=nonsense")
	v.Post("/contact", "topic=")
	v.Post("/contact", "topic=sales")
	v.Post("/checkout", "total=129.90")
	v.Get("/files/2026/eu/guide.pdf")
	account := w.Done()
	id := v.ID()
	if id == "" {
		t.Fatal("the visitor has no browser ID")
	}
	w.CDP.Expect(t, "PRICING_VIEWED").On("pricing").From(id).With("goalValue", 5.0).With("goalCurrency", "EUR").Once()
	w.CDP.Expect(t, "PRODUCT_VIEWED").On("products").From(id).With("productId", "sku-42").Once()
	w.CDP.Expect(t, "NEWSLETTER_SIGNUP").On("us").From(id).Once()
	w.CDP.Expect(t, "CONTACT_SENT").On("contact").From(id).With("topic", "sales").Once()
	w.CDP.Expect(t, "BROCHURE_DOWNLOADED").From(id).With("file", "guide").Once()
	w.CDP.Expect(t, "ORDER_PLACED").From(id).With("orderId", "A-1001").With("goalValue", 129.9).Once()
	w.CDP.Expect(t, "VIEW").From(id).Times(4)
	if account.Waiting != 0 || !account.Balanced() {
		t.Errorf("account:\n%v", account)
	}
}

// TestMounts: the goal counts once however often the tracker is mounted, and a
// route is known wherever the innermost mount can see it.
func TestMounts(t *testing.T) {
	const rules = `
version: 1
goals:
  - { goal: BY_NAME, visit: '/shop/**', if: { route: product } }
  - { goal: BY_TEMPLATE, visit: '/shop/**', if: { route: '/shop/products/{id}' } }
`
	named := func(tracker *goaltrack.Tracker, name string, outside, router, sub bool) http.Handler {
		r := mux.NewRouter()
		if router {
			r.Use(tracker.Handler)
		}
		shop := r.PathPrefix("/shop").Subrouter()
		if sub {
			shop.Use(tracker.Handler)
		}
		shop.HandleFunc("/products/{id}", world.HTML).Name(name)
		if outside {
			return tracker.Handler(r)
		}
		return r
	}
	for name, c := range map[string]struct {
		mount              func(*goaltrack.Tracker) http.Handler
		byName, byTemplate string
		page               string
	}{
		"outside a mux router": {
			func(t *goaltrack.Tracker) http.Handler { return named(t, "product", true, false, false) },
			"route_unknown 1", "route_unknown 1", "42",
		},
		"on the router": {
			func(t *goaltrack.Tracker) http.Handler { return named(t, "product", false, true, false) },
			"fired 1", "condition 1", "products",
		},
		"on the subrouter": {
			func(t *goaltrack.Tracker) http.Handler { return named(t, "", false, false, true) },
			"condition 1", "fired 1", "products",
		},
		"outside and on the router": {
			func(t *goaltrack.Tracker) http.Handler { return named(t, "product", true, true, false) },
			"fired 1", "condition 1", "products",
		},
		"everywhere": {
			func(t *goaltrack.Tracker) http.Handler { return named(t, "", true, true, true) },
			"condition 1", "fired 1", "products",
		},
		"outside a ServeMux": {func(t *goaltrack.Tracker) http.Handler {
			m := http.NewServeMux()
			m.HandleFunc("GET /shop/products/{id}", world.HTML)
			return t.Handler(m)
		}, "condition 1", "fired 1", "products"},
		"inside a ServeMux": {func(t *goaltrack.Tracker) http.Handler {
			m := http.NewServeMux()
			m.Handle("GET /shop/products/{id}", t.Handler(http.HandlerFunc(world.HTML)))
			return m
		}, "condition 1", "fired 1", "products"},
		"a ServeMux of subtrees": {func(t *goaltrack.Tracker) http.Handler {
			m := http.NewServeMux()
			m.HandleFunc("/shop/", world.HTML)
			return t.Handler(m)
		}, "route_unknown 1", "route_unknown 1", "42"},
	} {
		t.Run(name, func(t *testing.T) {
			w := world.Setup{Rules: rules, Mount: c.mount, Config: func(c *goaltrack.Config, _ *cdptest.Server) { c.Views = goaltrack.ViewsServer }}.Start(t)
			v := w.Visitor().Meet()
			v.Get("/shop/products/42")
			w.Expect("BY_NAME", c.byName)
			w.Expect("BY_TEMPLATE", c.byTemplate)
			w.Expect("VIEW", "fired 1")
			w.CDP.Expect(t, "VIEW").Once()
		})
	}
}

// TestPageOfARoute: an ID in the path is never the name of a page if a route
// says which part is the ID.
func TestPageOfARoute(t *testing.T) {
	w := world.Setup{Config: func(c *goaltrack.Config, _ *cdptest.Server) { c.Views = goaltrack.ViewsServer }, Mount: func(t *goaltrack.Tracker) http.Handler {
		r := mux.NewRouter()
		r.Use(t.Handler)
		r.HandleFunc("/products/{id}", world.HTML)
		r.HandleFunc("/products/{id}/reviews/{n}", world.HTML)
		r.PathPrefix("/").HandlerFunc(world.HTML)
		return r
	}}.Start(t)
	v := w.Visitor().Meet()
	for _, path := range []string{"/products/42", "/products/42/reviews/7", "/blog/spring", "/"} {
		v.Get(path)
	}
	w.Flush()
	for _, page := range []string{"products", "reviews", "spring", "Home Page"} {
		w.CDP.Expect(t, "VIEW").On(page).Once()
	}
}

func TestStripPrefix(t *testing.T) {
	type original struct{}
	w := world.Setup{
		Rules: "{version: 1, goals: [{goal: PAGE_VISITED, visit: '/app/{page}', data: {page: $path.page}}]}",
		Config: func(c *goaltrack.Config, _ *cdptest.Server) {
			c.Path = func(r *http.Request) string { return r.Context().Value(original{}).(string) }
		},
		Mount: func(t *goaltrack.Tracker) http.Handler {
			inner := http.StripPrefix("/app", t.Handler(http.HandlerFunc(world.HTML)))
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				inner.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), original{}, r.URL.Path)))
			})
		},
	}.Start(t)
	w.Visitor().Meet().Get("/app/pricing")
	w.Flush()
	w.CDP.Expect(t, "PAGE_VISITED").On("app").With("page", "pricing").Once()
}

// TestTwoTrackers: two trackers around one site do not disturb each other.
func TestTwoTrackers(t *testing.T) {
	outer := world.New(t, world.EachTrigger, http.NotFoundHandler(), func(c *goaltrack.Config) {
		c.Sites[0].CDP = cdp.Direct{BaseURL: c.Sites[0].CDP.(cdp.Direct).BaseURL, ClientKey: "other", PointOfSale: "shop"}
	})
	var inner *goaltrack.Tracker
	site := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, b := outer.Tracker.BrowserID(r), inner.BrowserID(r)
		if a == "" || b == "" || a == b {
			t.Errorf("IDs %q and %q", a, b)
		}
		if err := outer.Tracker.Trigger(r, "RAISED", nil); err != nil {
			t.Error(err)
		}
		world.HTML(w, r)
	})
	w := world.Setup{Rules: world.EachTrigger, Mount: func(t *goaltrack.Tracker) http.Handler {
		inner = t
		return outer.Tracker.Handler(t.Handler(outer.Tracker.Handler(site)))
	}}.Start(t)
	if got := w.Visitor().Get("/page").Header["Set-Cookie"]; len(got) != 2 {
		t.Errorf("Set-Cookie: %q", got)
	}
	w.Expect("PAGE_VISITED", "fired 1")
	outer.Expect("PAGE_VISITED", "fired 1")
	outer.Expect("RAISED", "fired 1")
}

func TestSites(t *testing.T) {
	other := cdptest.NewServer(t, cdptest.Options{ClientKeys: []string{"other"}, PointsOfSale: []string{"de", "blog"}})
	direct := func(pos string) cdp.Direct { d := other.Direct(); d.PointOfSale = pos; return d }
	w := world.Setup{
		Rules: "{version: 1, goals: [{goal: PAGE_VISITED, visit: '/**', data: {host: shop}}]}",
		Site:  http.HandlerFunc(world.HTML),
		Config: func(c *goaltrack.Config, main *cdptest.Server) {
			c.Sites = []goaltrack.Site{
				{CDP: main.Direct(), Hosts: []string{"*.shop.example"}},
				{Name: "germany", CDP: direct("de"), Hosts: []string{"*.shop.example", "shop.example"}, PathPrefix: "/de/", Language: "de-DE", Currency: "EUR"},
				{CDP: direct("blog"), Hosts: []string{"blog.shop.example"}, Channel: "auto"},
			}
			c.Cookie.Warm = 5
		},
	}.Start(t)
	visit := func(host, path string, header ...string) string {
		res := w.Visitor().Get(path, append([]string{"Host", host}, header...)...)
		name, _, _ := strings.Cut(strings.Join(res.Header["Set-Cookie"], ", "), "=")
		return name
	}
	for _, c := range []struct{ host, path, cookie string }{
		{"www.shop.example", "/a", "bid_test-key"},
		{"WWW.Shop.Example:8080", "/a", "bid_test-key"},
		{"www.shop.example", "/design", "bid_test-key"},
		{"www.shop.example", "/de/a", "bid_other"},
		{"shop.example", "/de", "bid_other"},
		{"blog.shop.example", "/a", "bid_other"},
		{"shop.example", "/a", ""},
		{"other.example", "/a", ""},
	} {
		if got := visit(c.host, c.path); got != c.cookie {
			t.Errorf("%s%s: cookie %q, want %q", c.host, c.path, got, c.cookie)
		}
	}
	visit("blog.shop.example", "/phone", "Sec-CH-UA-Mobile", "?1")
	w.Expect("PAGE_VISITED", "fired 7")
	w.CDP.Expect(t, "PAGE_VISITED").Times(3)
	for _, e := range other.Expect(t, "PAGE_VISITED").Where("pos", func(e cdptest.Event) bool { return e.PointOfSale == "de" }).Times(2) {
		if e.Language != "DE" || e.Currency != "EUR" || e.Channel != "WEB" {
			t.Errorf("germany: %s", e.Raw)
		}
	}
	other.Expect(t, "PAGE_VISITED").On("a").Where("pos", func(e cdptest.Event) bool { return e.PointOfSale == "blog" && e.Channel == "WEB" }).Once()
	other.Expect(t, "PAGE_VISITED").On("phone").Where("pos", func(e cdptest.Event) bool { return e.Channel == "MOBILE_WEB" }).Once()
}

// TestRulesChangeWhileTheSiteRuns also runs under the race detector.
func TestRulesChangeWhileTheSiteRuns(t *testing.T) {
	one := world.MustParse(t, "{version: 1, goals: [{goal: ONE, visit: /page}, {goal: CALLED, code: true}]}")
	two := world.MustParse(t, "{version: 1, goals: [{goal: TWO, visit: /page}, {goal: CALLED, code: true}]}")
	w := world.New(t, "", http.HandlerFunc(world.HTML), func(c *goaltrack.Config) { c.Rules = one })
	v := w.Visitor().Meet()
	v.Get("/page")
	const visits = 50
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range visits {
				v.Get("/page")
			}
		})
	}
	for i := range 200 {
		if err := w.Tracker.SetRules([]*goaltrack.Rules{one, two}[i%2]); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	account := w.Done()
	if account.Fired != 4*visits+1 || account.Delivered != account.Fired {
		t.Errorf("account:\n%v", account)
	}
}

func TestRequestsEndUnderTheirRules(t *testing.T) {
	var w *world.World
	site := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		next := world.MustParse(t, "{version: 1, goals: [{goal: OTHER, visit: /page}]}")
		if err := w.Tracker.SetRules(next); err != nil {
			t.Error(err)
		}
		if err := errors.Join(w.Tracker.Trigger(r, "RAISED", nil), w.Tracker.Confirm(r, "FORM_SENT")); err != nil {
			t.Errorf("the rules the request began with are gone: %v", err)
		}
		world.HTML(rw, r)
	})
	w = world.New(t, "{version: 1, goals: [{goal: FORM_SENT, submit: /form, success: confirmed}, {goal: RAISED, code: true}]}", site)
	w.Visitor().Meet().Post("/form", "a=b")
	w.Done()
	w.CDP.Expect(t, "FORM_SENT").Once()
	w.CDP.Expect(t, "RAISED").Once()
}

func TestRulesRefused(t *testing.T) {
	w := world.New(t, "{version: 1, goals: [{goal: ONE, visit: /page}]}", http.HandlerFunc(world.HTML), func(c *goaltrack.Config) { c.Sites[0].Currency = "" })
	for _, rules := range []*goaltrack.Rules{nil, world.MustParse(t, "{version: 1, goals: [{goal: TWO, visit: /page, value: 5}]}")} {
		if err := w.Tracker.SetRules(rules); err == nil {
			t.Error("no error")
		}
	}
	w.Visitor().Meet().Get("/page")
	w.Expect("ONE", "fired 1")
	w.Expect("TWO", "none")
}

func TestClosedTracker(t *testing.T) {
	w := world.New(t, world.EachTrigger, http.HandlerFunc(world.HTML))
	first, err := w.Tracker.Close(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v := w.Visitor().Meet()
	if res := v.Get("/page"); res.StatusCode != http.StatusOK {
		t.Error(res.Status)
	}
	w.Site.Close()
	if got := w.Fates("PAGE_VISITED"); got != "closed 1" {
		t.Errorf("PAGE_VISITED: %s", got)
	}
	if again, err := w.Tracker.Close(t.Context()); err != nil || again.Decisions != first.Decisions {
		t.Errorf("Close again: %v\n%v", err, again)
	}
	if err := w.Tracker.Send(t.Context(), goaltrack.Visitor{BrowserID: world.Known}, "RAISED", nil); !errors.Is(err, goaltrack.ErrRefused) {
		t.Errorf("Send: %v", err)
	}
}
