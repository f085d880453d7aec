package goaltrack_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/mux"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
)

const shopRules = `
version: 1
goals:
  - goal: PRICING_VIEWED
    visit: /pricing
    value: 5
  - goal: PRODUCT_VIEWED
    visit: /products/{id}
    unless: { path: /products/compare }
    data: { productId: $path.id }
  - goal: NEWSLETTER_SIGNUP
    submit: /newsletter
    if: { form.email: present }
  - goal: CONTACT_SENT
    submit: /contact
    success: 303 to /thanks
    data: { topic: $form.topic }
  - goal: BROCHURE_DOWNLOADED
    download: /files/**/{file}.pdf
    data: { file: $path.file }
  - goal: ORDER_PLACED
    submit: /checkout
    success: 303 to /orders/{orderId}
    value: { from: $form.total, currency: EUR, max: 20000 }
    data: { orderId: $redirect.orderId }
  - goal: ORDER_PAID
    code: true
`

// shop answers as small sites do.
func shop() http.Handler {
	mux := http.NewServeMux()
	page := func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<!doctype html><p>A page.") }
	mux.HandleFunc("GET /", page)
	mux.HandleFunc("POST /newsletter", func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.FormValue("email"), "@") {
			w.WriteHeader(http.StatusUnprocessableEntity)
			return
		}
		http.Redirect(w, r, "/welcome", http.StatusSeeOther)
	})
	mux.HandleFunc("POST /contact", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("topic") == "" {
			page(w, r)
			return
		}
		http.Redirect(w, r, "/thanks", http.StatusSeeOther)
	})
	mux.HandleFunc("POST /checkout", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("total") == "" {
			http.Redirect(w, r, "/checkout?declined=1", http.StatusSeeOther)
			return
		}
		http.Redirect(w, r, "/orders/A-1001", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /files/2026/eu/guide.pdf", func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "guide.pdf", time.Time{}, strings.NewReader(strings.Repeat("%PDF", 1000)))
	})
	return mux
}

func TestRequestBecomesGoal(t *testing.T) {
	w := newWorld(t, shopRules, shop(), func(c *goaltrack.Config) { c.Views = goaltrack.ViewsServer })
	v := w.visitor()
	v.get("/?utm_source=news&UTM_Campaign=spring%20sale")
	w.flush()
	v.get("/pricing")
	v.get("/products/sku-42")
	v.get("/products/compare")
	v.post("/newsletter", "email=ada%40example.com", "Referer", w.site.URL+"/about/us")
	v.post("/newsletter", "email=nonsense")
	v.post("/contact", "topic=")
	v.post("/contact", "topic=sales")
	v.post("/checkout", "total=129.90")
	v.get("/files/2026/eu/guide.pdf")
	account := w.done()
	id := v.id()
	if id == "" {
		t.Fatal("the visitor has no browser ID")
	}
	w.cdp.Expect(t, "PRICING_VIEWED").On("pricing").From(id).With("goalValue", 5.0).With("goalCurrency", "EUR").Once()
	w.cdp.Expect(t, "PRODUCT_VIEWED").On("products").From(id).With("productId", "sku-42").Once()
	w.cdp.Expect(t, "NEWSLETTER_SIGNUP").On("us").From(id).Once()
	w.cdp.Expect(t, "CONTACT_SENT").On("contact").From(id).With("topic", "sales").Once()
	w.cdp.Expect(t, "BROCHURE_DOWNLOADED").From(id).With("file", "guide").Once()
	w.cdp.Expect(t, "ORDER_PLACED").From(id).With("orderId", "A-1001").With("goalValue", 129.9).Once()
	w.cdp.Expect(t, "VIEW").From(id).Times(4)
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
		shop.HandleFunc("/products/{id}", html).Name(name)
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
			m.HandleFunc("GET /shop/products/{id}", html)
			return t.Handler(m)
		}, "condition 1", "fired 1", "products"},
		"inside a ServeMux": {func(t *goaltrack.Tracker) http.Handler {
			m := http.NewServeMux()
			m.Handle("GET /shop/products/{id}", t.Handler(http.HandlerFunc(html)))
			return m
		}, "condition 1", "fired 1", "products"},
		"a ServeMux of subtrees": {func(t *goaltrack.Tracker) http.Handler {
			m := http.NewServeMux()
			m.HandleFunc("/shop/", html)
			return t.Handler(m)
		}, "route_unknown 1", "route_unknown 1", "42"},
	} {
		t.Run(name, func(t *testing.T) {
			w := setup{rules: rules, mount: c.mount, config: func(c *goaltrack.Config, _ *cdptest.Server) { c.Views = goaltrack.ViewsServer }}.start(t)
			v := w.visitor().meet()
			v.get("/shop/products/42")
			w.expect("BY_NAME", c.byName)
			w.expect("BY_TEMPLATE", c.byTemplate)
			w.expect("VIEW", "fired 1")
			w.cdp.Expect(t, "VIEW").Once()
		})
	}
}

// TestPageOfARoute: an ID in the path is never the name of a page if a route
// says which part is the ID.
func TestPageOfARoute(t *testing.T) {
	w := setup{config: func(c *goaltrack.Config, _ *cdptest.Server) { c.Views = goaltrack.ViewsServer }, mount: func(t *goaltrack.Tracker) http.Handler {
		r := mux.NewRouter()
		r.Use(t.Handler)
		r.HandleFunc("/products/{id}", html)
		r.HandleFunc("/products/{id}/reviews/{n}", html)
		r.PathPrefix("/").HandlerFunc(html)
		return r
	}}.start(t)
	v := w.visitor().meet()
	for _, path := range []string{"/products/42", "/products/42/reviews/7", "/blog/spring", "/"} {
		v.get(path)
	}
	w.flush()
	for _, page := range []string{"products", "reviews", "spring", "Home Page"} {
		w.cdp.Expect(t, "VIEW").On(page).Once()
	}
}

func TestStripPrefix(t *testing.T) {
	type original struct{}
	w := setup{
		rules: "{version: 1, goals: [{goal: PAGE_VISITED, visit: '/app/{page}', data: {page: $path.page}}]}",
		config: func(c *goaltrack.Config, _ *cdptest.Server) {
			c.Path = func(r *http.Request) string { return r.Context().Value(original{}).(string) }
		},
		mount: func(t *goaltrack.Tracker) http.Handler {
			inner := http.StripPrefix("/app", t.Handler(http.HandlerFunc(html)))
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				inner.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), original{}, r.URL.Path)))
			})
		},
	}.start(t)
	w.visitor().meet().get("/app/pricing")
	w.flush()
	w.cdp.Expect(t, "PAGE_VISITED").On("app").With("page", "pricing").Once()
}

// TestTwoTrackers: two trackers around one site do not disturb each other.
func TestTwoTrackers(t *testing.T) {
	outer := newWorld(t, neverRules, http.NotFoundHandler(), func(c *goaltrack.Config) {
		c.Sites[0].CDP = cdp.Direct{BaseURL: c.Sites[0].CDP.(cdp.Direct).BaseURL, ClientKey: "other", PointOfSale: "shop"}
	})
	var inner *goaltrack.Tracker
	site := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, b := outer.tracker.BrowserID(r), inner.BrowserID(r)
		if a == "" || b == "" || a == b {
			t.Errorf("IDs %q and %q", a, b)
		}
		if err := outer.tracker.Trigger(r, "RAISED", nil); err != nil {
			t.Error(err)
		}
		html(w, r)
	})
	w := setup{rules: neverRules, mount: func(t *goaltrack.Tracker) http.Handler {
		inner = t
		return outer.tracker.Handler(t.Handler(outer.tracker.Handler(site)))
	}}.start(t)
	if got := w.visitor().get("/page").Header["Set-Cookie"]; len(got) != 2 {
		t.Errorf("Set-Cookie: %q", got)
	}
	w.expect("PAGE_VISITED", "fired 1")
	outer.expect("PAGE_VISITED", "fired 1")
	outer.expect("RAISED", "fired 1")
}

func TestSites(t *testing.T) {
	other := cdptest.NewServer(t, cdptest.Options{ClientKeys: []string{"other"}, PointsOfSale: []string{"de", "blog"}})
	direct := func(pos string) cdp.Direct { d := other.Direct(); d.PointOfSale = pos; return d }
	w := setup{
		rules: "{version: 1, goals: [{goal: PAGE_VISITED, visit: '/**', data: {host: shop}}]}",
		site:  http.HandlerFunc(html),
		config: func(c *goaltrack.Config, main *cdptest.Server) {
			c.Sites = []goaltrack.Site{
				{CDP: main.Direct(), Hosts: []string{"*.shop.example"}},
				{Name: "germany", CDP: direct("de"), Hosts: []string{"*.shop.example", "shop.example"}, PathPrefix: "/de/", Language: "de-DE", Currency: "EUR"},
				{CDP: direct("blog"), Hosts: []string{"blog.shop.example"}, Channel: "auto"},
			}
			c.Cookie.Warm = 5
		},
	}.start(t)
	visit := func(host, path string, header ...string) string {
		res := w.visitor().get(path, append([]string{"Host", host}, header...)...)
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
	w.expect("PAGE_VISITED", "fired 7")
	w.cdp.Expect(t, "PAGE_VISITED").Times(3)
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
	one := mustParse(t, "{version: 1, goals: [{goal: ONE, visit: /page}, {goal: CALLED, code: true}]}")
	two := mustParse(t, "{version: 1, goals: [{goal: TWO, visit: /page}, {goal: CALLED, code: true}]}")
	w := newWorld(t, "", http.HandlerFunc(html), func(c *goaltrack.Config) { c.Rules = one })
	v := w.visitor().meet()
	v.get("/page")
	const visits = 50
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range visits {
				v.get("/page")
			}
		})
	}
	for i := range 200 {
		if err := w.tracker.SetRules([]*goaltrack.Rules{one, two}[i%2]); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	account := w.done()
	if account.Fired != 4*visits+1 || account.Delivered != account.Fired {
		t.Errorf("account:\n%v", account)
	}
}

func TestRequestsEndUnderTheirRules(t *testing.T) {
	var w *world
	site := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		next := mustParse(t, "{version: 1, goals: [{goal: OTHER, visit: /page}]}")
		if err := w.tracker.SetRules(next); err != nil {
			t.Error(err)
		}
		if err := errors.Join(w.tracker.Trigger(r, "RAISED", nil), w.tracker.Confirm(r, "FORM_SENT")); err != nil {
			t.Errorf("the rules the request began with are gone: %v", err)
		}
		html(rw, r)
	})
	w = newWorld(t, "{version: 1, goals: [{goal: FORM_SENT, submit: /form, success: confirmed}, {goal: RAISED, code: true}]}", site)
	w.visitor().meet().post("/form", "a=b")
	w.done()
	w.cdp.Expect(t, "FORM_SENT").Once()
	w.cdp.Expect(t, "RAISED").Once()
}

func TestRulesRefused(t *testing.T) {
	w := newWorld(t, "{version: 1, goals: [{goal: ONE, visit: /page}]}", http.HandlerFunc(html), func(c *goaltrack.Config) { c.Sites[0].Currency = "" })
	for _, rules := range []*goaltrack.Rules{nil, mustParse(t, "{version: 1, goals: [{goal: TWO, visit: /page, value: 5}]}")} {
		if err := w.tracker.SetRules(rules); err == nil {
			t.Error("no error")
		}
	}
	w.visitor().meet().get("/page")
	w.expect("ONE", "fired 1")
	w.expect("TWO", "none")
}

func TestClosedTracker(t *testing.T) {
	w := newWorld(t, neverRules, http.HandlerFunc(html))
	first, err := w.tracker.Close(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v := w.visitor().meet()
	if res := v.get("/page"); res.StatusCode != http.StatusOK {
		t.Error(res.Status)
	}
	w.site.Close()
	if got := w.fates("PAGE_VISITED"); got != "closed 1" {
		t.Errorf("PAGE_VISITED: %s", got)
	}
	if again, err := w.tracker.Close(t.Context()); err != nil || again.Decisions != first.Decisions {
		t.Errorf("Close again: %v\n%v", err, again)
	}
	if err := w.tracker.Send(t.Context(), goaltrack.Visitor{BrowserID: known}, "RAISED", nil); !errors.Is(err, goaltrack.ErrRefused) {
		t.Errorf("Send: %v", err)
	}
}
