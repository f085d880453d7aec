package goaltrack_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
)

// chrome is a current browser's user agent.
const chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36"

// world is a site, the tracker around it, and the CDP it reports to.
type world struct {
	*testing.T
	cdp     *cdptest.Server
	tracker *goaltrack.Tracker
	site    *httptest.Server
}

// newWorld starts a world. Its account has to balance at the end of every test.
func newWorld(t *testing.T, rules string, site http.Handler, adjust ...func(*goaltrack.Config)) *world {
	t.Helper()
	w := &world{T: t, cdp: cdptest.NewServer(t, cdptest.Options{})}
	config := goaltrack.Config{
		Sites:    []goaltrack.Site{{CDP: w.cdp.Direct(), Language: "EN", Currency: "EUR"}},
		Logger:   slog.New(slog.DiscardHandler),
		Delivery: goaltrack.Delivery{BackoffBase: 5 * time.Millisecond, BackoffMax: 50 * time.Millisecond},
	}
	if rules != "" {
		var err error
		if config.Rules, err = goaltrack.ParseRules([]byte(rules)); err != nil {
			t.Fatal(err)
		}
	}
	for _, a := range adjust {
		a(&config)
	}
	var err error
	if w.tracker, err = goaltrack.New(config); err != nil {
		t.Fatal(err)
	}
	if err := w.tracker.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.site = httptest.NewServer(w.tracker.Handler(site))
	t.Cleanup(func() {
		w.site.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		account, err := w.tracker.Close(ctx)
		if err != nil {
			t.Errorf("Close: %v\n%v", err, account)
		}
		if !account.Balanced() {
			t.Errorf("the account does not balance:\n%v", account)
		}
	})
	return w
}

// flush waits until all is delivered.
func (w *world) flush() goaltrack.Account {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), 10*time.Second)
	defer cancel()
	account, err := w.tracker.Flush(ctx)
	if err != nil {
		w.Fatalf("Flush: %v\n%v", err, account)
	}
	return account
}

// visitor is a browser with its cookies.
type visitor struct {
	w      *world
	client *http.Client
	header http.Header
}

func (w *world) visitor() *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.Fatal(err)
	}
	return &visitor{w: w, client: &http.Client{
		Jar:           secureJar{jar},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, header: http.Header{
		"User-Agent": {chrome}, "Accept": {"text/html,*/*;q=0.8"},
		"Sec-Fetch-Dest": {"document"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Site": {"none"},
	}}
}

// secureJar keeps Secure cookies for loopback addresses over plain HTTP, as
// browsers do and net/http/cookiejar does not.
type secureJar struct{ http.CookieJar }

func (j secureJar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	for _, c := range cookies {
		c.Secure = false
	}
	j.CookieJar.SetCookies(u, cookies)
}

func (v *visitor) do(method, path, body string, header ...string) *http.Response {
	v.w.Helper()
	req, err := http.NewRequestWithContext(v.w.Context(), method, v.w.site.URL+path, strings.NewReader(body))
	if err != nil {
		v.w.Fatal(err)
	}
	req.Header = v.header.Clone()
	if body != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := v.client.Do(req)
	if err != nil {
		v.w.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.ReadAll(res.Body); err != nil {
		v.w.Fatal(err)
	}
	return res
}

func (v *visitor) get(path string, header ...string) *http.Response {
	v.w.Helper()
	return v.do(http.MethodGet, path, "", header...)
}

func (v *visitor) post(path, form string, header ...string) *http.Response {
	v.w.Helper()
	return v.do(http.MethodPost, path, form, header...)
}

// id is the visitor's browser ID, "" if he has none.
func (v *visitor) id() string {
	u, _ := url.Parse(v.w.site.URL)
	for _, c := range v.client.Jar.Cookies(u) {
		if c.Name == "bid_"+cdptest.TestClientKey {
			return c.Value
		}
	}
	return ""
}

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
	account := w.flush()
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
