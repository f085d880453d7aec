package web

import (
	"encoding/base64"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/report/live"
)

const previewRules = `version: 1
goals:
  - { goal: PRICED, label: Prices looked at, visit: /pricing, value: 5 }
  - { goal: SENT, label: Form sent, submit: /contact, success: redirect to /thanks, data: { topic: $form.topic }, identify: { email: $form.email, verified: true }, identityProvider: email }
  - { goal: ONCE, visit: /once, count: once per session }
  - { goal: CALLED, code: true }
`

// previewed is a site whose visitors can be marked.
type previewed struct {
	*httptest.Server

	t       *testing.T
	preview *live.Preview
	cdp     *cdptest.Server
	tracker *goaltrack.Tracker
}

func newPreviewed(t *testing.T, change func(*goaltrack.Config)) *previewed {
	t.Helper()
	s := &previewed{t: t, cdp: cdptest.NewServer(t, cdptest.Options{})}
	var err error
	if s.preview, err = live.NewPreview(make([]byte, 32)); err != nil {
		t.Fatal(err)
	}
	rules, err := goaltrack.ParseRules([]byte(previewRules))
	if err != nil {
		t.Fatal(err)
	}
	config := goaltrack.Config{
		Sites: []goaltrack.Site{{CDP: cdp.Direct{BaseURL: s.cdp.URL, ClientKey: "key", PointOfSale: "shop"}, Currency: "EUR"}},
		Rules: rules, Preview: s.preview, Keys: []goaltrack.Key{{Hash: make([]byte, 32), Block: make([]byte, 32)}},
	}
	if change != nil {
		change(&config)
	}
	if s.tracker, err = goaltrack.New(config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = s.tracker.Close(t.Context()) })
	if err := s.tracker.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	site := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method != http.MethodPost:
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<h1>A page</h1>")
		case r.FormValue("topic") == "":
			w.WriteHeader(http.StatusUnprocessableEntity)
		default:
			_ = s.tracker.Trigger(r, "CALLED", nil)
			http.Redirect(w, r, "/thanks", http.StatusSeeOther)
		}
	})
	s.Server = httptest.NewServer(Preview(s.preview, nil, s.tracker.Handler(site)))
	t.Cleanup(s.Close)
	return s
}

// visitor is somebody with a browser of their own.
func (s *previewed) visitor() *http.Client {
	jar, _ := cookiejar.New(nil)
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// ask sends a request as a browser does.
func (s *previewed) ask(v *http.Client, method, path string, form url.Values, header ...string) (*http.Response, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36")
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Dest", "document")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", s.URL)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := v.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return res, string(body)
}

// link makes a link, as a path of the site.
func (s *previewed) link(dry bool) string {
	s.t.Helper()
	link, err := s.preview.Link(s.URL+"/contact?a=b", dry)
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.TrimPrefix(link, s.URL)
}

// mark marks the browser of a visitor.
func (s *previewed) mark(v *http.Client, dry bool) {
	s.t.Helper()
	link := s.link(dry)
	res, body := s.ask(v, http.MethodGet, link, nil, "Sec-Fetch-Site", "cross-site")
	if res.StatusCode != http.StatusOK || !strings.Contains(body, say("preview.begin")) || len(res.Cookies()) > 0 {
		s.t.Fatalf("%s %v\n%s", res.Status, res.Header, body)
	}
	res, _ = s.ask(v, http.MethodPost, link, nil)
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "?gt_preview=show" {
		s.t.Fatalf("%s %v", res.Status, res.Header)
	}
	c := res.Cookies()[0]
	if c.Name != live.PreviewName || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.MaxAge != 7200 || c.Path != "/" {
		s.t.Errorf("cookie %v", c)
	}
}

func (s *previewed) shown(v *http.Client) string {
	s.t.Helper()
	_, body := s.ask(v, http.MethodGet, "/?gt_preview=show", nil)
	_, body, _ = strings.Cut(body, "</style>")
	return html.UnescapeString(plain(body))
}

// use does what visitors do.
func (s *previewed) use(v *http.Client) {
	s.t.Helper()
	s.ask(v, http.MethodGet, "/pricing", nil)
	s.ask(v, http.MethodPost, "/contact", url.Values{"email": {"ann@example.com"}})
	s.ask(v, http.MethodPost, "/contact", url.Values{"topic": {"tea"}, "email": {"ann@example.com"}})
	s.ask(v, http.MethodPost, "/elsewhere", nil)
	if _, err := s.tracker.Flush(s.t.Context()); err != nil {
		s.t.Error(err)
	}
}

// TestPreviewExplains: every goal of every request, what is sent, and what the CDP says.
func TestPreviewExplains(t *testing.T) {
	s := newPreviewed(t, nil)
	v := s.visitor()
	s.mark(v, false)
	if got := s.shown(v); !strings.Contains(got, say("preview.nothing")) || !strings.Contains(got, say("preview.counts")) {
		t.Errorf("at first:\n%s", got)
	}
	s.use(v)
	page := s.shown(v)
	for _, want := range []string{
		"GET /pricing The site answered 200. Prices looked at Counted fired {", say("preview.delivered"),
		"POST /contact The site answered 422. Form sent The answer is not what success: says not_successful line 4: answered 422; success needs a redirect to /thanks",
		"POST /contact The site answered 303, and led to /thanks. Form sent Counted fired {", "\"topic\":\"tea\"", "CALLED Counted fired",
		"POST /elsewhere " + say("preview.noGoal"), "the path /elsewhere does not match /contact", "needs GET, the request is POST", "raised in code, not by a request",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("it does not say %q:\n%s", want, page)
		}
	}
	if strings.Contains(page, "ann@example.com") || !strings.Contains(page, "***") {
		t.Errorf("it says who the visitor is:\n%s", page)
	}
	if a := s.tracker.Snapshot(); a.Fired != 3 || a.Delivered != 4 {
		t.Errorf("%+v", a.Account)
	}
	if res, _ := s.ask(v, http.MethodPost, "/?gt_preview=end", nil); res.Cookies()[0].MaxAge >= 0 {
		t.Errorf("the end: %v", res.Header)
	}
	if got := s.shown(v); !strings.Contains(got, say("preview.unmarked")) {
		t.Errorf("after the end:\n%s", got)
	}
}

// TestPreviewOfViews: a page view, and who the visitor is, are explained as goals are.
func TestPreviewOfViews(t *testing.T) {
	for _, dry := range []bool{false, true} {
		s := newPreviewed(t, func(c *goaltrack.Config) { c.Views = goaltrack.ViewsServer })
		v := s.visitor()
		s.mark(v, dry)
		s.ask(v, http.MethodGet, "/pricing", nil)
		s.ask(v, http.MethodPost, "/known", url.Values{"topic": {"tea"}})
		page := s.shown(v)
		for _, want := range []string{"GET /pricing", "Prices looked at", "VIEW", "\"type\":\"VIEW\"", "POST /known"} {
			if !strings.Contains(page, want) {
				t.Errorf("dry %v: it does not say %q:\n%s", dry, want, page)
			}
		}
		if a := s.tracker.Snapshot(); (a.Fired == 0) != dry || a.Notes["recovered"] > 0 {
			t.Errorf("dry %v: %+v", dry, a.Account)
		}
	}
}

// TestPreviewDry: nothing is sent, counted or remembered, no cookie is set, and all is
// explained as if it were.
func TestPreviewDry(t *testing.T) {
	s := newPreviewed(t, nil)
	v := s.visitor()
	s.mark(v, true)
	s.use(v)
	for range 2 {
		if res, _ := s.ask(v, http.MethodGet, "/once", nil); len(res.Cookies()) > 0 {
			t.Errorf("cookies: %v", res.Cookies())
		}
	}
	page := s.shown(v)
	for _, want := range []string{"Prices looked at " + say("reason.preview") + " preview {", say("preview.notSent"), say("preview.dry"), "not_successful", "\"topic\""} {
		if !strings.Contains(page, want) {
			t.Errorf("it does not say %q:\n%s", want, page)
		}
	}
	if strings.Contains(page, "already_counted") {
		t.Errorf("it is remembered:\n%s", page)
	}
	a := s.tracker.Snapshot()
	if a.Fired != 0 || a.Accepted != 0 || a.NotFired["preview"] != a.Decisions || a.Decisions == 0 {
		t.Errorf("%+v", a.Account)
	}
	for _, g := range a.Goals {
		if len(g.NearMisses) > 0 {
			t.Errorf("%s: near misses %v", g.Goal, g.NearMisses)
		}
	}
	if u, _ := url.Parse(s.URL); len(v.Jar.Cookies(u)) != 1 {
		t.Errorf("cookies: %v", v.Jar.Cookies(u))
	}
	other := s.visitor()
	s.ask(other, http.MethodGet, "/pricing", nil)
	if a := s.tracker.Snapshot(); a.Fired != 1 {
		t.Errorf("somebody else does not count: %+v", a.Account)
	}
}

// TestPreviewIsOnesOwn: whoever has the link sees nothing of what others do who have it.
func TestPreviewIsOnesOwn(t *testing.T) {
	s := newPreviewed(t, nil)
	ann, bob, eve := s.visitor(), s.visitor(), s.visitor()
	s.mark(ann, false)
	s.mark(bob, false)
	s.ask(ann, http.MethodGet, "/pricing", nil)
	s.ask(eve, http.MethodGet, "/pricing", nil)
	if got := s.shown(bob); strings.Contains(got, "/pricing") {
		t.Errorf("bob sees ann's requests:\n%s", got)
	}
	if got := s.shown(eve); !strings.Contains(got, say("preview.unmarked")) {
		t.Errorf("eve sees:\n%s", got)
	}
	if got := s.shown(ann); strings.Count(got, "GET /pricing") != 1 {
		t.Errorf("ann sees:\n%s", got)
	}
}

// TestPreviewCannotBeForced: no page of others can mark a browser, and no link that is
// forged, changed or a cookie.
func TestPreviewCannotBeForced(t *testing.T) {
	s := newPreviewed(t, nil)
	v := s.visitor()
	for name, header := range map[string][]string{
		"a form of another site":               {"Sec-Fetch-Site", "cross-site"},
		"one of a sibling":                     {"Sec-Fetch-Site", "same-site"},
		"one in a browser without Sec-Fetch-*": {"Sec-Fetch-Site", "", "Origin", "https://evil.example"},
	} {
		if res, _ := s.ask(v, http.MethodPost, s.link(false), nil, header...); res.StatusCode != http.StatusForbidden || len(res.Cookies()) > 0 {
			t.Errorf("%s: %s %v", name, res.Status, res.Cookies())
		}
	}
	token := strings.TrimPrefix(s.link(false), "/contact?a=b&gt_preview=")
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(token, err)
	}
	raw[1] ^= 1
	other, _ := live.NewPreview([]byte(strings.Repeat("k", 32)))
	foreign, _ := other.Link(s.URL, false)
	cookie, _ := s.preview.Mark(token)
	for name, bad := range map[string]string{
		"changed": base64.RawURLEncoding.EncodeToString(raw), "of another key": strings.TrimPrefix(foreign, s.URL+"?gt_preview="),
		"a cookie": cookie, "empty": "", "long": strings.Repeat("A", 5000),
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if res, _ := s.ask(v, method, "/?gt_preview="+bad, nil); res.StatusCode != http.StatusNotFound || len(res.Cookies()) > 0 {
				t.Errorf("%s, %s: %s %v", name, method, res.Status, res.Cookies())
			}
		}
	}
	// Neither does a link do for the cookie.
	s.ask(v, http.MethodGet, "/pricing", nil, "Cookie", "gt_preview="+token)
	if got := s.preview.Watch(token); got != nil {
		t.Error("a link is taken for a cookie")
	}
}

func TestPreviewIsForNobodysCache(t *testing.T) {
	s := newPreviewed(t, nil)
	for _, path := range []string{s.link(false), "/?gt_preview=show", "/?gt_preview=x"} {
		res, body := s.ask(s.visitor(), http.MethodGet, path, nil)
		h := res.Header
		if h.Get("Cache-Control") != "private, no-store" || !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") ||
			!strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") || strings.Contains(body, "<script") {
			t.Errorf("%s: %v", path, h)
		}
	}
	if _, body := s.ask(s.visitor(), http.MethodGet, "/pricing?a=gt_preview", nil); !strings.Contains(body, "A page") {
		t.Error("a parameter that only looks like it is answered")
	}
}

// TestPreviewOfRefused: whoever may not be counted is told why.
func TestPreviewOfRefused(t *testing.T) {
	s := newPreviewed(t, nil)
	v := s.visitor()
	s.mark(v, false)
	s.ask(v, http.MethodGet, "/pricing", nil, "Sec-GPC", "1")
	if got := s.shown(v); !strings.Contains(got, "Nothing of this request can count: "+say("reason.gpc")) || !strings.Contains(got, "GET /pricing") {
		t.Errorf("shown:\n%s", got)
	}
	if a := s.tracker.Snapshot(); a.NotFired["gpc"] != 1 || a.Decisions != 1 {
		t.Errorf("%+v", a.Account)
	}
}

func TestPreviewPage(t *testing.T) {
	preview, err := live.NewPreview(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	pages, err := New(Options{Store: storeOf(t), Authorize: Open, Preview: preview})
	if err != nil {
		t.Fatal(err)
	}
	if body := get(t, pages, "/preview?address=https%3A%2F%2Fshop.example%2Fcontact&dry=1", http.StatusOK); !strings.Contains(body, `href="https://shop.example/contact?gt_preview=`) {
		t.Errorf("no link:\n%s", body)
	}
	for _, wrong := range []string{"javascript:alert(1)", "shop.example", "https://"} {
		if body := get(t, pages, "/preview?address="+url.QueryEscape(wrong), http.StatusOK); !strings.Contains(body, say("preview.wrong")) || strings.Contains(body, "gt_preview=") {
			t.Errorf("%s:\n%s", wrong, body)
		}
	}
}

// TestMarkIsSecure: the mark is Secure wherever the browser speaks TLS, whichever header the
// proxy in front says it by.
func TestMarkIsSecure(t *testing.T) {
	s := newPreviewed(t, nil)
	for name, c := range map[string]struct {
		header []string
		want   bool
	}{
		"at home":           {nil, false},
		"X-Forwarded-Proto": {[]string{"X-Forwarded-Proto", "https, http"}, true},
		"Forwarded":         {[]string{"Forwarded", "for=192.0.2.1;proto=https"}, true},
		"CloudFront":        {[]string{"Cloudfront-Forwarded-Proto", "https"}, true},
		"plain HTTP":        {[]string{"Forwarded", "for=192.0.2.1;proto=http"}, false},
	} {
		res, _ := s.ask(s.visitor(), http.MethodPost, s.link(false), nil, c.header...)
		if cookies := res.Cookies(); len(cookies) != 1 || cookies[0].Secure != c.want {
			t.Errorf("%s: %v", name, cookies)
		}
	}
}
