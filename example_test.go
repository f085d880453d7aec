package goaltrack_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
)

// In an example there is no tenant to talk to. DryRun decides and counts, and
// opens no connection; without it, the CDP would be told.
var exampleSites = []goaltrack.Site{{
	CDP:      cdp.Direct{Region: cdp.EU, ClientKey: "sndbx123", PointOfSale: "shop.example"},
	Language: "EN", Currency: "EUR",
}}

// ask sends a request as a browser would.
func ask(h http.Handler, method, path string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "https://shop.example"+path, strings.NewReader(form.Encode()))
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	r.Header.Set("Accept", "text/html")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// The whole of it: a site, its goals, and who gets told. The first form is
// refused by the site, so it is no goal.
func Example() {
	rules, err := goaltrack.ParseRules([]byte(`
version: 1
goals:
  - goal: PRICING_VISITED
    visit: /pricing
  - goal: CONTACT_SENT
    submit: /contact
    data: { topic: $form.topic }
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	tracker, err := goaltrack.New(goaltrack.Config{Sites: exampleSites, Rules: rules, DryRun: true})
	if err != nil {
		fmt.Println(err)
		return
	}

	site := http.NewServeMux()
	site.HandleFunc("GET /pricing", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "<!doctype html><h1>Pricing</h1>")
	})
	site.HandleFunc("POST /contact", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("email") == "" {
			http.Error(w, "We need your address.", http.StatusUnprocessableEntity)
			return
		}
		http.Redirect(w, r, "/thanks", http.StatusSeeOther)
	})
	handler := tracker.Handler(site) // to be served by an http.Server

	ask(handler, http.MethodGet, "/pricing", nil)
	ask(handler, http.MethodPost, "/contact", url.Values{"topic": {"sales"}})
	ask(handler, http.MethodPost, "/contact", url.Values{"topic": {"sales"}, "email": {"ada@example.com"}})

	for _, g := range tracker.Snapshot().Goals {
		fmt.Println(g.Goal, "fired", g.Fired, "not", g.NotFired)
	}
	// Output:
	// PRICING_VISITED fired 1 not map[]
	// CONTACT_SENT fired 1 not map[not_successful:1]
}

// New tells all that is wrong with a configuration at once.
func ExampleNew() {
	_, err := goaltrack.New(goaltrack.Config{
		Sites:          []goaltrack.Site{{CDP: cdp.Direct{Region: cdp.EU, ClientKey: "sndbx123", PointOfSale: "shop"}, Language: "english"}},
		Views:          "browser",
		RequireConsent: true,
	})
	fmt.Println(err)
	// Output:
	// goaltrack: Sites[0]: Language: "english" is not a language such as EN or de-DE
	// Views: "browser" is not one of "off", "server" and "rules"
	// RequireConsent: no Consent reader is set, so nobody could ever be counted
}

// With gorilla/mux, Handler is a middleware. Mounted on a router it knows the
// route, whose name a rule may test.
func ExampleTracker_Handler() {
	rules, err := goaltrack.NewRules(goaltrack.Goal{Name: "PRODUCT_VISITED", Visit: "/**", If: goaltrack.Conditions{"route": "product"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	tracker, err := goaltrack.New(goaltrack.Config{Sites: exampleSites, Rules: rules, DryRun: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	page := func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "<!doctype html><p>%s", mux.Vars(r)["id"])
	}
	router := mux.NewRouter()
	router.Use(tracker.Handler)
	router.HandleFunc("/products/{id}", page).Name("product")
	router.HandleFunc("/help/{id}", page).Name("help")

	ask(router, http.MethodGet, "/products/42", nil)
	ask(router, http.MethodGet, "/help/42", nil)
	goal := tracker.Snapshot().Goals[0]
	fmt.Println(goal.Goal, "fired", goal.Fired, "not", goal.NotFired)
	// Output: PRODUCT_VISITED fired 1 not map[condition:1]
}

// Goals that count once are known by a cookie that the first of the keys seals.
// Keys are random bytes, made once ("openssl rand -hex 32") and kept where the
// site keeps its secrets. The second key is that of before, whose cookies are
// still read.
func ExampleConfig_keys() {
	secret := func(hex64 string) []byte {
		key, err := hex.DecodeString(hex64)
		if err != nil {
			fmt.Println(err)
		}
		return key
	}
	rules, err := goaltrack.NewRules(goaltrack.Goal{Name: "PRICING_VIEWED", Visit: "/pricing", Count: "once per session"})
	if err != nil {
		fmt.Println(err)
		return
	}
	config := goaltrack.Config{Sites: exampleSites, Rules: rules, DryRun: true, Keys: []goaltrack.Key{
		{Hash: secret("9f8e7d6c5b4a39281706f5e4d3c2b1a09f8e7d6c5b4a39281706f5e4d3c2b1a0"), Block: secret("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")},
		{Hash: secret("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"), Block: secret("00112233445566778899aabbccddeeff")},
	}}
	_, err = goaltrack.New(config)
	fmt.Println(err)

	config.Keys[0].Hash = []byte("too short")
	_, err = goaltrack.New(config)
	fmt.Println(err)
	// Output:
	// <nil>
	// goaltrack: Keys[0]: Hash: 9 bytes are fewer than 32
}

// First the server stops, then the tracker: what the last requests raised is
// delivered, too. Each gets a context that has not ended yet.
func ExampleTracker_Close() {
	tracker, err := goaltrack.New(goaltrack.Config{Sites: exampleSites, DryRun: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	server := &http.Server{Handler: tracker.Handler(http.NotFoundHandler()), ReadHeaderTimeout: 5 * time.Second}
	// In a main program: ctx, stop := signal.NotifyContext(...); <-ctx.Done()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		fmt.Println("shutdown:", err)
	}
	ctx, cancel = context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	account, err := tracker.Close(ctx)
	fmt.Println(account, err)
	// Output:
	// decisions 0 = fired 0 + not fired 0
	// accepted 0 = delivered 0 + dead 0 + dropped 0 + waiting 0 <nil>
}

// A server that waits for Ready before it listens has an ID for its first visitor.
// If the CDP does not answer, the site starts all the same.
func ExampleTracker_Ready() {
	stand := httptest.NewServer(cdptest.New(cdptest.Options{})) // stands in for the CDP
	defer stand.Close()
	tracker, err := goaltrack.New(goaltrack.Config{
		Sites: []goaltrack.Site{{CDP: cdp.Direct{BaseURL: stand.URL, ClientKey: "test", PointOfSale: "shop"}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _, _ = tracker.Close(context.Background()) }()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err = tracker.Ready(ctx)
	if err != nil {
		slog.Warn("no browser IDs yet", "error", err)
	}
	fmt.Println("an ID, or the reason why not:", tracker.Snapshot().Delivery[0].IDsReady > 0 || err != nil)
	// Output: an ID, or the reason why not: true
}

// In front of a site that another server answers, goaltrack reads JSON as it
// passes. The site behind it would use br, which goaltrack cannot read, if
// AskReadable did not take it off the request.
func ExampleTracker_AskReadable() {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("the site is asked for", r.Header.Get("Accept-Encoding"))
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"accepted": true}`)
	}))
	defer site.Close()
	target, err := url.Parse(site.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	tracker, err := goaltrack.New(goaltrack.Config{Sites: exampleSites, DryRun: true, Rules: mustRules(goaltrack.Goal{
		Name: "SIGNED_UP", Submit: goaltrack.Submit{Path: "/api/signup"}, SuccessIf: goaltrack.Conditions{"response.json.accepted": true},
	})})
	if err != nil {
		fmt.Println(err)
		return
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	handler := tracker.Handler(tracker.AskReadable(proxy))

	r := httptest.NewRequest(http.MethodPost, "https://shop.example/api/signup", strings.NewReader("email=ada"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Accept-Encoding", "br, gzip")
	handler.ServeHTTP(httptest.NewRecorder(), r)
	fmt.Println("fired", tracker.Snapshot().Fired)
	// Output:
	// the site is asked for gzip
	// fired 1
}

// A page for those who run the site, or a monitor, reads a Snapshot. It says why
// goals did not count and what to write in the rule.
func ExampleTracker_Snapshot() {
	tracker, err := goaltrack.New(goaltrack.Config{Sites: exampleSites, DryRun: true, Rules: contactRules()})
	if err != nil {
		fmt.Println(err)
		return
	}
	site := tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		http.Error(w, "We need your address.", http.StatusUnprocessableEntity)
	}))
	ask(site, http.MethodPost, "/contact", url.Values{})

	s := tracker.Snapshot() // json.Marshal writes it, too
	for _, g := range s.Goals {
		fmt.Println(g.Goal, "fired", g.Fired)
		for _, m := range g.NearMisses {
			fmt.Printf("%d time: %s\n", m.Times, m.What)
		}
	}
	fmt.Println(s.Recent[0].Fate)
	// Output:
	// CONTACT_SENT fired 0
	// 1 time: answered 422; success needs a redirect to another page, 201, 202 or 204
	// not_successful
}

// In a test of a site, the stand-in of package cdptest takes the place of the
// CDP, and Flush makes sure that everything has arrived. With a *testing.T at
// hand, cdptest.NewServer and its Expect make this shorter still.
func ExampleTracker_Flush() {
	stand := cdptest.New(cdptest.Options{})
	server := httptest.NewServer(stand)
	defer server.Close()

	rules, err := goaltrack.NewRules(goaltrack.Goal{Name: "CONTACT_SENT", Submit: goaltrack.Submit{Path: "/contact"}, Data: map[string]any{"topic": "$form.topic"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	tracker, err := goaltrack.New(goaltrack.Config{
		Sites: []goaltrack.Site{{CDP: cdp.Direct{BaseURL: server.URL, ClientKey: "test", PointOfSale: "shop"}}},
		Rules: rules,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	defer func() { _, _ = tracker.Close(ctx) }()

	site := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm() // what the site does not read, it did not accept
		http.Redirect(w, r, "/thanks", http.StatusSeeOther)
	})
	ask(tracker.Handler(site), http.MethodPost, "/contact", url.Values{"topic": {"sales"}})

	account, err := tracker.Flush(ctx)
	fmt.Println(account, err)
	for _, e := range stand.Events() {
		fmt.Println(e.Type, "on", e.Page, "about", e.Ext["topic"])
	}
	// Output:
	// decisions 1 = fired 1 + not fired 0
	// accepted 1 = delivered 1 + dead 0 + dropped 0 + waiting 0 <nil>
	// CONTACT_SENT on contact about sales
}
