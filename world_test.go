package goaltrack_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
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

// setup says how a world differs from the simplest one.
type setup struct {
	rules  string
	site   http.Handler                             // what the tracker goes around
	mount  func(*goaltrack.Tracker) http.Handler    // the whole, if it is more than that
	config func(*goaltrack.Config, *cdptest.Server) // the last word on the configuration
	http2  bool
	// unsettled: events may be left at the end
	unsettled bool
	log       io.Writer
}

// newWorld starts a world. Its account has to balance at the end of every test.
func newWorld(t *testing.T, rules string, site http.Handler, adjust ...func(*goaltrack.Config)) *world {
	t.Helper()
	return setup{rules: rules, site: site, config: func(c *goaltrack.Config, _ *cdptest.Server) {
		for _, a := range adjust {
			a(c)
		}
	}}.start(t)
}

func (s setup) start(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, cdp: cdptest.NewServer(t, cdptest.Options{})}
	config := goaltrack.Config{
		Sites:    []goaltrack.Site{{CDP: w.cdp.Direct(), Language: "EN", Currency: "EUR"}},
		Logger:   slog.New(slog.DiscardHandler),
		Delivery: goaltrack.Delivery{BackoffBase: 5 * time.Millisecond, BackoffMax: 50 * time.Millisecond},
	}
	if s.log != nil {
		config.Logger = slog.New(slog.NewTextHandler(s.log, nil))
	}
	if s.rules != "" {
		config.Rules = mustParse(t, s.rules)
	}
	if s.config != nil {
		s.config(&config, w.cdp)
	}
	var err error
	if w.tracker, err = goaltrack.New(config); err != nil {
		t.Fatal(err)
	}
	if err := w.tracker.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s.mount == nil {
		s.mount = func(tracker *goaltrack.Tracker) http.Handler { return tracker.Handler(s.site) }
	}
	w.site = httptest.NewUnstartedServer(s.mount(w.tracker))
	w.site.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	if s.http2 {
		w.site.EnableHTTP2 = true
		w.site.StartTLS()
	} else {
		w.site.Start()
	}
	if s.unsettled {
		t.Cleanup(func() { w.closeNow() })
	} else {
		t.Cleanup(w.end)
	}
	return w
}

// end closes everything and looks at the account.
func (w *world) end() {
	w.site.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	account, err := w.tracker.Close(ctx)
	if err != nil {
		w.Errorf("Close: %v\n%v", err, account)
	}
	if !account.Balanced() {
		w.Errorf("the account does not balance:\n%v", account)
	}
}

func mustParse(tb testing.TB, text string) *goaltrack.Rules {
	tb.Helper()
	rules, err := goaltrack.ParseRules([]byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	return rules
}

// flush waits until all is delivered.
func (w *world) flush() goaltrack.Account {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
	defer cancel()
	account, err := w.tracker.Flush(ctx)
	if err != nil {
		w.Fatalf("Flush: %v\n%v", err, account)
	}
	return account
}

// done waits until every handler has returned and every event is delivered. A
// client may have its answer before that.
func (w *world) done() goaltrack.Account {
	w.Helper()
	w.site.Close()
	return w.flush()
}

// fates tells how the decisions about a goal ended: "fired 2, bot 1", or "none".
func (w *world) fates(goal string) string {
	for _, g := range w.tracker.Snapshot().Goals {
		if g.Goal != goal {
			continue
		}
		var parts []string
		if g.Fired > 0 {
			parts = append(parts, fmt.Sprint("fired ", g.Fired))
		}
		for _, fate := range slices.Sorted(maps.Keys(g.NotFired)) {
			parts = append(parts, fmt.Sprint(fate, " ", g.NotFired[fate]))
		}
		if parts != nil {
			return strings.Join(parts, ", ")
		}
	}
	return "none"
}

// expect compares the fates of a goal, when every handler has returned.
func (w *world) expect(goal, want string) {
	w.Helper()
	w.done()
	if got := w.fates(goal); got != want {
		w.Errorf("%s: %s, want %s", goal, got, want)
	}
}

// note tells how often the snapshot notes something.
func (w *world) note(what string) uint64 { return w.tracker.Snapshot().Notes[what] }

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
		Transport:     w.site.Client().Transport,
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

// request makes a request of this browser, with more or other headers: "" takes
// one away.
func (v *visitor) request(method, path string, body io.Reader, header ...string) *http.Request {
	v.w.Helper()
	req, err := http.NewRequestWithContext(v.w.Context(), method, v.w.site.URL+path, body)
	if err != nil {
		v.w.Fatal(err)
	}
	req.Header = v.header.Clone()
	for i := 0; i+1 < len(header); i += 2 {
		switch name, value := header[i], header[i+1]; {
		case value == "":
			req.Header.Del(name)
		case name == "Host":
			req.Host = value
		default:
			req.Header.Set(name, value)
		}
	}
	return req
}

// send sends a request and reads the whole answer, which stays readable.
func (v *visitor) send(req *http.Request) *http.Response {
	v.w.Helper()
	res, err := v.client.Do(req)
	if err != nil {
		v.w.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		v.w.Fatal(err)
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res
}

func (v *visitor) do(method, path, body string, header ...string) *http.Response {
	v.w.Helper()
	if body != "" {
		header = append([]string{"Content-Type", "application/x-www-form-urlencoded"}, header...)
	}
	return v.send(v.request(method, path, strings.NewReader(body), header...))
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

// known is a browser ID that the CDP made some other day.
const known = "11111111-2222-4333-8444-555555555555"

// meet makes the visitor one whom the CDP knows.
func (v *visitor) meet() *visitor {
	v.w.cdp.Know(known)
	v.header.Set("Cookie", "bid_"+cdptest.TestClientKey+"="+known)
	return v
}

// html answers with a page.
func html(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, "<!doctype html><p>A page.")
}

// answer makes a handler that gives one status and headers.
func answer(status int, header ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
	})
}
