package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/cdp/cdptest"
)

const pageRules = `
version: 1
goals:
  - { goal: DEMO_CLICKED, click: book-demo, on: "/products/{id}", data: { product: $path.id } }
  - { goal: PRICING_VIEWED, visit: /pricing }
`

// pagesOf starts a proxy for a site that answers 418, with these flags.
func pagesOf(t *testing.T, flags ...string) (proxy *running, stand *cdptest.Server) {
	t.Helper()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	t.Cleanup(site.Close)
	stand = cdptest.NewServer(t, cdptest.Options{})
	return start(t, append([]string{
		"proxy", "--listen=127.0.0.1:0", "--to=" + site.URL, "--rules=" + write(t, "goals.yaml", pageRules),
		"--cdp=" + stand.URL, "--client-key=key", "--pos=shop",
	}, flags...)...), stand
}

// fromPage sends a request as a script in a page does.
func fromPage(t *testing.T, method, url, body string) (status int, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"User-Agent": {person}, "Content-Type": {"application/json"}, "Sec-Fetch-Site": {"same-origin"}, "Sec-Fetch-Dest": {"empty"}, "Sec-Fetch-Mode": {"cors"}}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(answer)
}

// TestProxyPages: the proxy serves loader, script and collector at the path, and nothing
// else there; all other requests are the site's.
func TestProxyPages(t *testing.T) {
	for name, c := range map[string]struct {
		flags []string
		path  string
		kept  int // pages that a cache answered
	}{
		"as it comes":       {[]string{"--page"}, "/goals/e", 1},
		"at another path":   {[]string{"--page", "--page-path=/_x"}, "/_x", 1},
		"several processes": {[]string{"--page", "--page-several"}, "/goals/e", 0},
	} {
		t.Run(name, func(t *testing.T) {
			proxy, stand := pagesOf(t, c.flags...)
			at := proxy.url + c.path
			_, loader := fromPage(t, http.MethodGet, at+"/s.js", "")
			file, _, ok := strings.Cut(strings.TrimPrefix(loader, `import("./`), `"`)
			if _, script := fromPage(t, http.MethodGet, at+"/"+file, ""); !ok || !strings.Contains(script, "DEMO_CLICKED") {
				t.Errorf("the loader is %q, and the script %q", loader, script)
			}
			for _, body := range []string{`{"g":"DEMO_CLICKED","i":"event-01","u":"/products/7","d":{}}`, `{"g":"","i":"event-02","u":"/pricing","d":{}}`} {
				if status, _ := fromPage(t, http.MethodPost, at+"/c", body); status != http.StatusNoContent {
					t.Errorf("%s: %d", body, status)
				}
			}
			for path, want := range map[string]int{c.path: 404, c.path + "/": 404, c.path + "/r/v1.2/events": 404, c.path + "/x": 404, c.path + "x": 418, "/": 418} {
				if status, _ := fromPage(t, http.MethodGet, proxy.url+path, ""); status != want {
					t.Errorf("%s: %d, want %d", path, status, want)
				}
			}
			if _, out := proxy.stop(); !strings.Contains(out, fmt.Sprintf("decisions %d = fired %[1]d", 1+c.kept)) {
				t.Errorf("%s", out)
			}
			stand.Expect(t, "DEMO_CLICKED").With("product", "7").Once()
			stand.Expect(t, "PRICING_VIEWED").Times(c.kept)
			if log := proxy.stderr.String(); !strings.Contains(log, c.path+"/s.js") {
				t.Errorf("the log has no tag:\n%s", log)
			}
		})
	}
}

// TestProxyInjects: the tag gets into pages that nobody can change.
func TestProxyInjects(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		say(w, "<html><head><title>a</title></head><body>b</body></html>")
	}))
	defer site.Close()
	stand := cdptest.NewServer(t, cdptest.Options{})
	proxy := start(t, "proxy", "--listen=127.0.0.1:0", "--to="+site.URL, "--rules="+write(t, "goals.yaml", pageRules),
		"--cdp="+stand.URL, "--client-key=key", "--pos=shop", "--page", "--page-path=/_x", "--page-inject")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, proxy.url+"/pricing", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"User-Agent": {person}, "Accept": {"text/html"}, "Accept-Encoding": {"gzip"}}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if want := `<html><head><title>a</title><script src="/_x/s.js" defer></script></head><body>b</body></html>`; string(text) != want || err != nil {
		t.Errorf("%s (%v)", text, err)
	}
	if _, out := proxy.stop(); !strings.Contains(out, "fired 1") {
		t.Errorf("%s", out)
	}
}

// TestProxyWithoutPages: nothing is there, and the log says what goals need.
func TestProxyWithoutPages(t *testing.T) {
	proxy, _ := pagesOf(t)
	if status, _ := fromPage(t, http.MethodGet, proxy.url+"/goals/e/s.js", ""); status != http.StatusTeapot {
		t.Errorf("%d", status)
	}
	proxy.stop()
	if log := proxy.stderr.String(); !strings.Contains(log, "never count without --page") {
		t.Errorf("%s", log)
	}
}

// TestPageFaults: what does not go together.
func TestPageFaults(t *testing.T) {
	for _, c := range []struct {
		flags []string
		want  string
	}{
		{[]string{"--page-path=/_x"}, "--page-path: it needs --page or --relay"},
		{[]string{"--page-several"}, "--page-several: it needs --page"},
		{[]string{"--page", "--page-path=_x"}, `--page-path: "_x" is not a path such as /goals/e`},
		{[]string{"--page", "--page-path=/a/../b"}, "is not a path"},
		{[]string{"--page", "--page-path=derived"}, `"derived" needs --keys`},
	} {
		v, err := proxyValues(append([]string{"--to=http://127.0.0.1:1", "--rules=" + write(t, "goals.yaml", pageRules), "--cdp=http://127.0.0.1:2", "--client-key=key", "--pos=shop"}, c.flags...), noEnv)
		if err != nil {
			t.Fatal(err)
		}
		if err := new(proxyProgram).check(v, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.flags, err, c.want)
		}
	}
}
