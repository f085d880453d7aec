package test

import (
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gorilla/mux"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/world"
)

// loopback are the tests' own addresses, where their proxies are.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// TestOnePathOnTheWire: however an address is spelled, rules, sources and pages
// see one, and the site gets what came.
func TestOnePathOnTheWire(t *testing.T) {
	const rules = `
version: 1
goals:
  - { goal: PRODUCT_VIEWED, visit: "/shop/{id}", data: { id: $path.id } }
  - { goal: CITY_VIEWED, visit: /münchen }
  - { goal: DECOMPOSED, visit: "/mu\u0308nchen" }
`
	for _, test := range []struct{ target, path, goals string }{
		{"/shop/tea", "/shop/tea", "PRODUCT_VIEWED tea"},
		{"/shop/tea;jsessionid=1C22591EA3096B15B6D026154F236FCE", "/shop/tea;jsessionid=1C22591EA3096B15B6D026154F236FCE", "PRODUCT_VIEWED tea"},
		{"/shop;jsessionid=1C22/tea;v=1", "/shop;jsessionid=1C22/tea;v=1", "PRODUCT_VIEWED tea"},
		{"/shop/tea%3Bjsessionid=1C22591EA3096B15B6D026154F236FCE", "/shop/tea;jsessionid=1C22591EA3096B15B6D026154F236FCE", "PRODUCT_VIEWED tea"},
		{"//shop//tea", "//shop//tea", "PRODUCT_VIEWED tea"},
		{"/shop/x/../tea", "/shop/x/../tea", "PRODUCT_VIEWED tea"},
		{"/shop/%2e/tea%20", "/shop/./tea ", "PRODUCT_VIEWED tea"},
		{"/mu%CC%88nchen", "/mu\u0308nchen", "CITY_VIEWED, DECOMPOSED"},
		{"/m%C3%BCnchen%C2%A0", "/münchen\u00a0", "CITY_VIEWED, DECOMPOSED"},
	} {
		t.Run(test.target, func(t *testing.T) {
			var path string
			w := world.New(t, rules, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				path = r.URL.Path
				world.HTML(w, r)
			}))
			w.Visitor().Meet().Get(test.target)
			w.Done()
			if path != test.path {
				t.Errorf("the site got %q, want %q", path, test.path)
			}
			var sent []string
			for _, e := range w.CDP.Events() {
				id, _ := e.Ext["id"].(string)
				sent = append(sent, strings.TrimSpace(e.Type+" "+id))
			}
			slices.Sort(sent)
			got := strings.Join(sent, ", ")
			if got != test.goals {
				t.Errorf("sent %q, want %q", got, test.goals)
			}
		})
	}
}

// TestPrefixOnTheWire: behind a proxy that shows the site under a prefix, rules
// are written without it, and a form sent back is refused.
func TestPrefixOnTheWire(t *testing.T) {
	const rules = `
version: 1
goals:
  - { goal: CONTACT_SENT, submit: /contact }
  - { goal: ORDERED, submit: "/checkout/{cart}", success: "redirect to /orders/{id}", data: { cart: $path.cart, id: $redirect.id } }
`
	forwarded := func(c *goaltrack.Config) { c.TrustedProxies = loopback }
	set := func(c *goaltrack.Config) { c.PathPrefix = "/shop/" }
	for _, test := range []struct {
		title            string
		config           func(*goaltrack.Config)
		header           []string
		target, location string
		contact, ordered string
	}{
		{"stripped by the proxy, back to the form", forwarded, []string{"X-Forwarded-Prefix", "/shop"}, "/contact", "/shop/contact?error=1", "not_successful 1", "none"},
		{"stripped by the proxy, accepted", forwarded, []string{"X-Forwarded-Prefix", "/shop"}, "/contact", "/shop/thanks", "fired 1", "none"},
		{"two proxies", forwarded, []string{"X-Forwarded-Prefix", "/eu, /shop"}, "/contact", "/eu/shop/contact?error=1", "not_successful 1", "none"},
		{"the site heeds it not", forwarded, []string{"X-Forwarded-Prefix", "/shop"}, "/contact", "/contact?error=1", "not_successful 1", "none"},
		{"a target", forwarded, []string{"X-Forwarded-Prefix", "/shop"}, "/checkout/7", "/shop/orders/A-1", "none", "fired 1"},
		{"sent by anybody", func(*goaltrack.Config) {}, []string{"X-Forwarded-Prefix", "/thanks"}, "/contact", "/thanks/contact", "fired 1", "none"},
		{"set, stripped", set, nil, "/contact", "/shop/contact?error=1", "not_successful 1", "none"},
		{"set, not stripped", set, nil, "/shop/contact", "/shop/contact?error=1", "not_successful 1", "none"},
		{"set, not stripped, accepted", set, nil, "/shop/contact", "/shop/thanks", "fired 1", "none"},
		{"set, relative", set, nil, "/shop/contact", "contact?error=1", "not_successful 1", "none"},
		{"set, a target", set, nil, "/shop/checkout/7", "../orders/A-1", "none", "fired 1"},
	} {
		t.Run(test.title, func(t *testing.T) {
			w := world.New(t, rules, world.Answer(http.StatusSeeOther, "Location", test.location), test.config)
			w.Visitor().Meet().Post(test.target, "a=b", test.header...)
			w.Expect("CONTACT_SENT", test.contact)
			w.Expect("ORDERED", test.ordered)
		})
	}
}

// TestPrefixAndRoutes: a router inside, which sees the whole path, still tells
// its routes.
func TestPrefixAndRoutes(t *testing.T) {
	site := mux.NewRouter()
	site.HandleFunc("/shop/products/{id}", world.HTML)
	w := world.New(t, "{version: 1, goals: [{goal: P, visit: '/products/{id}', if: {route: '/shop/products/{id}'}}]}", nil, func(c *goaltrack.Config) {
		c.PathPrefix = "/shop"
	})
	site.Use(w.Tracker.Handler)
	w.Site.Config.Handler = site
	w.Visitor().Meet().Get("/shop/products/42")
	w.Expect("P", "fired 1")
}

// TestPathPrefixFaults: what is no prefix is refused at the start.
func TestPathPrefixFaults(t *testing.T) {
	for _, prefix := range []string{"shop", "https://shop.example/shop", "/shop?a", "/a,b", "/{shop}", "/shop/*"} {
		_, err := goaltrack.New(goaltrack.Config{
			Sites: []goaltrack.Site{{CDP: cdp.Direct{Region: cdp.EU, ClientKey: "key", PointOfSale: "shop"}}}, PathPrefix: prefix, DryRun: true,
		})
		if err == nil || !strings.Contains(err.Error(), "PathPrefix: "+strconv.Quote(prefix)+" is not a path such as /shop") {
			t.Errorf("%q: %v", prefix, err)
		}
	}
}

// TestPrefixInRules: a rule that is written with the prefix does not go unsaid.
func TestPrefixInRules(t *testing.T) {
	var log syncBuffer
	world.Setup{
		Rules:  "{version: 1, goals: [{goal: ONE, visit: /shop/tea}, {goal: TWO, visit: /tea}, {goal: THREE, visit: /shopping}]}",
		Site:   http.HandlerFunc(world.HTML),
		Log:    &log,
		Config: func(c *goaltrack.Config, _ *cdptest.Server) { c.PathPrefix = "/shop" },
	}.Start(t)
	if text := log.String(); strings.Count(text, "has the PathPrefix") != 1 || !strings.Contains(text, "goal=ONE path=/shop/tea") {
		t.Errorf("it said\n%s", text)
	}
}
