package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// openShop is the example while it runs.
type openShop struct {
	url     string
	stop    context.CancelFunc
	ended   chan error
	lines   chan string
	printed string // all that was read of lines
}

func init() { cdpTimeout = 10 * time.Minute } // a busy machine may stop for half a minute

// open runs the example until the test closes it.
func open(t *testing.T, args ...string) *openShop {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	s := &openShop{stop: stop, ended: make(chan error, 1), lines: make(chan string, 1000)}
	go func() { s.ended <- run(ctx, append([]string{"-listen", "127.0.0.1:0"}, args...), s) }()
	select {
	case first := <-s.lines:
		s.printed = first
		s.url = regexp.MustCompile(`The shop +(http://127\.0\.0\.1:\d+)/`).FindStringSubmatch(first)[1]
	case err := <-s.ended:
		t.Fatalf("the shop did not open: %v", err)
	case <-time.After(time.Minute):
		t.Fatal("the shop did not open")
	}
	return s
}

// Write receives the standard output of the example.
func (s *openShop) Write(p []byte) (int, error) {
	s.lines <- string(p)
	return len(p), nil
}

// close closes the shop and returns everything it printed.
func (s *openShop) close(t *testing.T) string {
	t.Helper()
	s.stop()
	select {
	case err := <-s.ended:
		if err != nil {
			t.Errorf("the shop did not close well: %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("the shop did not close")
	}
	close(s.lines)
	for line := range s.lines {
		s.printed += line
	}
	return s.printed
}

// visitor is a person with a browser.
type visitor struct {
	shop   *openShop
	client *http.Client
	at     string // the page on the screen
	pages  int    // how many there were
	order  string // the ID of the first order, {id} in a step
}

// visitor returns somebody who has just come in. The shop never waits for a
// browser ID. So a visitor of the first moment may have to look twice before
// there is a cookie.
func (s *openShop) visitor(t *testing.T) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	v := &visitor{shop: s, client: &http.Client{Jar: loopbackJar{jar}, Timeout: time.Minute}}
	for start := time.Now(); v.browserID(t) == ""; {
		if time.Since(start) > time.Minute {
			t.Fatal("the visitor gets no browser ID")
		}
		v.pages = 0
		v.take(t, step{name: "the door", path: "/"})
	}
	return v
}

func (v *visitor) fill(s string) string { return strings.ReplaceAll(s, "{id}", v.order) }

// take takes a step and compares the shop's answer.
func (v *visitor) take(t *testing.T, s step) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), s.method, v.shop.url+v.fill(s.path), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{
		"User-Agent":                {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"},
		"Accept":                    {"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"},
		"Accept-Language":           {"en-GB,en;q=0.9"},
		"Sec-Fetch-Dest":            {"document"},
		"Sec-Fetch-Mode":            {"navigate"},
		"Sec-Fetch-Site":            {cmp.Or(s.site, "same-origin")},
		"Sec-Fetch-User":            {"?1"},
		"Upgrade-Insecure-Requests": {"1"},
	}
	if s.form != "" {
		r.Method = http.MethodPost
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(s.form)), int64(len(s.form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if v.at != "" {
		r.Header.Set("Referer", v.at)
	}
	resp, err := v.client.Do(r)
	if err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	if id, ok := strings.CutPrefix(resp.Request.URL.Path, "/orders/"); ok && v.order == "" { // the first order
		v.order = id
	}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		v.at = resp.Request.URL.String()
		if resp.Request.Method == http.MethodGet && resp.StatusCode == http.StatusOK {
			v.pages++
		}
	}
	via := 0
	if resp.Request.Response != nil {
		via = resp.Request.Response.StatusCode
	}
	end := cmp.Or(s.end, s.path)
	if got := resp.Request.URL.RequestURI(); got != v.fill(end) {
		t.Errorf("%s: ended up at %s, want %s", s.name, got, v.fill(end))
	}
	if via != s.via || resp.StatusCode != cmp.Or(s.status, http.StatusOK) {
		t.Errorf("%s: answered %d via %d, want %d via %d", s.name, resp.StatusCode, via, cmp.Or(s.status, http.StatusOK), s.via)
	}
}

// browserID returns the ID in the visitor's cookie, "" without one.
func (v *visitor) browserID(t *testing.T) string {
	t.Helper()
	u, err := url.Parse(v.shop.url)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range v.client.Jar.Cookies(u) {
		if strings.HasPrefix(c.Name, "bid_") {
			return c.Value
		}
	}
	return ""
}

// loopbackJar keeps and sends Secure cookies at plain http addresses. Browsers
// do so for loopback addresses, which are potentially trustworthy
// (https://www.w3.org/TR/secure-contexts/); net/http/cookiejar does not.
type loopbackJar struct{ jar http.CookieJar }

func (j loopbackJar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	j.jar.SetCookies(secure(u), cookies)
}
func (j loopbackJar) Cookies(u *url.URL) []*http.Cookie { return j.jar.Cookies(secure(u)) }

func secure(u *url.URL) *url.URL {
	s := *u
	s.Scheme = "https"
	return &s
}
