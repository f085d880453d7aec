package goaltest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/goaltest"
)

// mirror redirects from /to/{status}?where=, and else says what
// it was sent.
func mirror() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/to/{status}", func(w http.ResponseWriter, r *http.Request) {
		var status int
		_, _ = fmt.Sscan(r.PathValue("status"), &status)
		w.Header().Set("Location", r.URL.Query().Get("where"))
		w.WriteHeader(status)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		h := r.Header
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s%s site=%s referer=%s origin=%s type=%s body=%s", r.Method, r.Host, r.RequestURI,
			h.Get("Sec-Fetch-Site"), h.Get("Referer"), h.Get("Origin"), h.Get("Content-Type"), body)
	})
	return mux
}

// TestBrowserSends: what a browser sends, after what it did before.
func TestBrowserSends(t *testing.T) {
	form := url.Values{"a": {"b c"}}
	const formType = "application/x-www-form-urlencoded"
	for _, test := range []struct {
		name string
		do   func(*goaltest.Browser) *goaltest.Page
		want string
	}{
		{
			"typed in", func(b *goaltest.Browser) *goaltest.Page { return b.Open("/p?q=1#x") },
			"GET example.com/p?q=1 site=none referer= origin= type= body=",
		},
		{
			"link", func(b *goaltest.Browser) *goaltest.Page { b.Open("/a/p?q=1#x"); return b.Open("r") },
			"GET example.com/a/r site=same-origin referer=https://example.com/a/p?q=1 origin= type= body=",
		},
		{
			"blank page", func(b *goaltest.Browser) *goaltest.Page { b.Open("/p"); b.Blank(); return b.Open("/q") },
			"GET example.com/q site=none referer= origin= type= body=",
		},
		{
			"form", func(b *goaltest.Browser) *goaltest.Page { b.Open("/p"); return b.Submit("/q", form) },
			"POST example.com/q site=same-origin referer=https://example.com/p origin=https://example.com type=" + formType + " body=a=b+c",
		},
		{
			"form without a page", func(b *goaltest.Browser) *goaltest.Page { return b.Submit("/q", form) },
			"POST example.com/q site=same-origin referer=https://example.com/q origin=https://example.com type=" + formType + " body=a=b+c",
		},
		{
			"303", func(b *goaltest.Browser) *goaltest.Page { b.Open("/p"); return b.Submit("/to/303?where=/q", form) },
			"GET example.com/q site=same-origin referer=https://example.com/p origin= type= body=",
		},
		{
			"302", func(b *goaltest.Browser) *goaltest.Page { b.Open("/p"); return b.Submit("/to/302?where=/q", form) },
			"GET example.com/q site=same-origin referer=https://example.com/p origin= type= body=",
		},
		{
			"307", func(b *goaltest.Browser) *goaltest.Page { b.Open("/p"); return b.Submit("/to/307?where=/q", form) },
			"POST example.com/q site=same-origin referer=https://example.com/p origin=https://example.com type=" + formType + " body=a=b+c",
		},
		{
			"the page after a redirect", func(b *goaltest.Browser) *goaltest.Page { b.Open("/to/301?where=/q"); return b.Open("/r") },
			"GET example.com/r site=same-origin referer=https://example.com/q origin= type= body=",
		},
		{
			"download keeps the page", func(b *goaltest.Browser) *goaltest.Page { b.Open("/p"); b.Download("/f.pdf"); return b.Open("/q") },
			"GET example.com/q site=same-origin referer=https://example.com/p origin= type= body=",
		},
		{
			"another host", func(b *goaltest.Browser) *goaltest.Page { b.Open("/p"); return b.Open("https://shop.test/q") },
			"GET shop.test/q site=cross-site referer=https://example.com/ origin= type= body=",
		},
		{
			"a host below", func(b *goaltest.Browser) *goaltest.Page {
				b.Open("/p")
				return b.Submit("https://www.example.com/q", nil)
			},
			"POST www.example.com/q site=same-site referer=https://example.com/ origin=https://example.com type=" + formType + " body=",
		},
		{
			"over another origin and back", func(b *goaltest.Browser) *goaltest.Page {
				b.Open("https://shop.test/q")
				b.Blank()
				b.Open("https://example.com/p")
				return b.Submit("/to/307?where=https://shop.test/to/307%3Fwhere=https://example.com/q", form)
			},
			"POST example.com/q site=cross-site referer=https://example.com/p origin=null type=" + formType + " body=a=b+c",
		},
		{
			"one's own header", func(b *goaltest.Browser) *goaltest.Page {
				b.Header["Referer"], b.Header["Sec-Fetch-Site"] = nil, []string{"cross-site"}
				b.Open("/p")
				return b.Open("/q")
			},
			"GET example.com/q site=cross-site referer= origin= type= body=",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.do(goaltest.NewBrowser(t, mirror())).Body; got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestBrowserRedirects(t *testing.T) {
	b := goaltest.NewBrowser(t, mirror())
	p := b.Open("/to/302?where=/to/307%3Fwhere=/q#part")
	if want := []string{"https://example.com/to/302?where=/to/307%3Fwhere=/q#part", "https://example.com/to/307?where=/q#part"}; !slices.Equal(p.Redirects, want) {
		t.Errorf("redirects are %q, want %q", p.Redirects, want)
	}
	if p.URL != "https://example.com/q#part" || p.Status != http.StatusOK {
		t.Errorf("the page is %s, %d", p.URL, p.Status)
	}
	p = b.Open("/to/302?where=https://elsewhere.test/")
	if p.Status != http.StatusFound || p.Header.Get("Location") != "https://elsewhere.test/" || len(p.Redirects) > 0 {
		t.Errorf("the browser left: %d, %s, %q", p.Status, p.URL, p.Redirects)
	}
	if p = b.Open("/to/302?where=http://example.com/"); p.Status != http.StatusFound {
		t.Errorf("the browser went to http: %d, %s", p.Status, p.URL)
	}
	if p = b.Open("/to/303"); p.Status != http.StatusSeeOther {
		t.Errorf("an answer that leads nowhere became %d", p.Status)
	}
}

// TestBrowserOnLoopback: loopback addresses are as good as https.
func TestBrowserOnLoopback(t *testing.T) {
	server := httptest.NewServer(mirror())
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	if got, want := goaltest.NewBrowserAt(t, server.URL).Open("/p").Body, "GET "+host+"/p site=none referer= origin= type= body="; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestBrowserCookies(t *testing.T) {
	site := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, err := r.Cookie("__Host-seen"); err == nil {
			fmt.Fprint(w, "again "+c.Value)
		}
		http.SetCookie(w, &http.Cookie{Name: "__Host-seen", Value: "1", Path: "/", Secure: true, HttpOnly: true})
	})
	server := httptest.NewServer(site)
	t.Cleanup(server.Close)
	for name, b := range map[string]*goaltest.Browser{"handler": goaltest.NewBrowser(t, site), "running": goaltest.NewBrowserAt(t, server.URL)} {
		t.Run(name, func(t *testing.T) {
			if got := b.Open("/").Body; got != "" {
				t.Errorf("a new browser has a cookie: %s", got)
			}
			if got := b.Open("/").Body; got != "again 1" || b.Cookie("__Host-seen") != "1" {
				t.Errorf("the cookie was not kept: %q, %q", got, b.Cookie("__Host-seen"))
			}
			b.SetCookie("__Host-seen", "mine")
			if got := b.Open("/").Body; got != "again mine" {
				t.Errorf("the test's cookie was not sent: %q", got)
			}
			b.SetCookie("__Host-seen", "")
			if got := b.Open("/").Body; got != "" {
				t.Errorf("a cookie that was taken away was sent: %q", got)
			}
		})
	}
}

// TestBrowserWaitsForHandlers: what a handler does behind its answer is done.
func TestBrowserWaitsForHandlers(t *testing.T) {
	var done atomic.Bool
	goaltest.NewBrowser(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "2")
		_, _ = io.WriteString(w, "ok")
		_ = http.NewResponseController(w).Flush()
		time.Sleep(20 * time.Millisecond) // the browser has its answer now; load can only make this longer
		done.Store(true)
	})).Open("/")
	if !done.Load() {
		t.Error("the browser did not wait")
	}
}

// ends is a test that notes why it ended.
type ends struct {
	testing.TB
	why string
}

func (e *ends) Helper() {}
func (e *ends) Fatalf(format string, args ...any) {
	e.why = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// TestBrowserEndsTheTest: what cannot be asked ends the test, and says why.
func TestBrowserEndsTheTest(t *testing.T) {
	server := httptest.NewServer(mirror())
	t.Cleanup(server.Close)
	for _, test := range []struct {
		name string
		do   func(tb testing.TB)
		want string
	}{
		{"no address", func(tb testing.TB) { goaltest.NewBrowserAt(tb, "127.0.0.1:80") }, "is no address of a site"},
		{"no host", func(tb testing.TB) { goaltest.NewBrowserAt(tb, "/contact") }, "is no address of a site"},
		{"another host", func(tb testing.TB) { goaltest.NewBrowserAt(tb, server.URL).Open("https://example.com/") }, "is on another host"},
		{"http", func(tb testing.TB) { goaltest.NewBrowser(tb, mirror()).Open("http://example.com/") }, "is served over https"},
		{"no path", func(tb testing.TB) { goaltest.NewBrowser(tb, mirror()).Open("%zz") }, "invalid URL escape"},
		{"no page", func(tb testing.TB) { goaltest.NewBrowser(tb, mirror()).Open("mailto:a@b.example") }, "is not a page of a site"},
		{"for ever", func(tb testing.TB) {
			goaltest.NewBrowser(tb, http.RedirectHandler("/", http.StatusFound)).Open("/")
		}, "redirects more than 20 times"},
		{"Host header", func(tb testing.TB) {
			b := goaltest.NewBrowser(tb, mirror())
			b.Header.Set("Host", "shop.test")
			b.Open("/")
		}, "in place of a Host header"},
	} {
		t.Run(test.name, func(t *testing.T) {
			e, done := &ends{TB: t}, make(chan struct{})
			go func() { defer close(done); test.do(e) }()
			<-done
			if !strings.Contains(e.why, test.want) {
				t.Errorf("it said %q, want %q", e.why, test.want)
			}
		})
	}
}

// TestExamplesOf is run by TestExamplesFail in a process of its own.
func TestExamplesOf(t *testing.T) {
	file := os.Getenv("GOALTEST_FILE")
	if file == "" {
		t.Skip("TestExamplesFail runs it")
	}
	goaltest.Examples(t, file)
}

// TestExamplesFail: what is wrong with a file fails the right subtest, by its line.
func TestExamplesFail(t *testing.T) {
	for file, want := range map[string][]string{
		"testdata/goals.yaml": {"--- PASS: TestExamplesOf/CONTACT_SENT/goals.yaml:18"},
		"testdata/wrong.yaml": {
			"--- PASS: TestExamplesOf/PRICING_VIEWED/wrong.yaml:6 ", "--- FAIL: TestExamplesOf/PRICING_VIEWED/wrong.yaml:6#01",
			"--- FAIL: TestExamplesOf/PRICING_VIEWED/wrong.yaml:7", "wrong.yaml:6:31: goal PRICING_VIEWED: the example \"GET /prices\" does not count",
			"goal TEA_VIEWED has no examples",
		},
		"testdata/none.yaml":   {"--- FAIL", "no goal in testdata/none.yaml has examples"},
		"testdata/faulty.yaml": {"--- FAIL", "faulty.yaml:3:", "vist"},
		"testdata/absent.yaml": {"--- FAIL", "absent.yaml"},
	} {
		t.Run(file, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestExamplesOf$", "-test.v")
			cmd.Env = append(os.Environ(), "GOALTEST_FILE="+file)
			out, err := cmd.CombinedOutput()
			if (err == nil) != (file == "testdata/goals.yaml") {
				t.Errorf("it ended with %v", err)
			}
			for _, w := range want {
				if !strings.Contains(string(out), w) {
					t.Errorf("%q is not in\n%s", w, out)
				}
			}
		})
	}
}
