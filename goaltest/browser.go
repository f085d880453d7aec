package goaltest

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/goaltrack/goaltrack/internal/loopback"
)

// UserAgent is what a [Browser] says it is: a current Chrome on Windows.
const UserAgent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36"

// maxRedirects is how many redirects browsers follow
// (https://fetch.spec.whatwg.org/#http-redirect-fetch).
const maxRedirects = 20

// Page is what a browser got in the end.
type Page struct {
	// URL is the address after all redirects.
	URL string
	// Status is that of the answer.
	Status int
	// Header is that of the answer.
	Header http.Header
	// Body is the whole body.
	Body string
	// Redirects are the addresses that redirected, in order. The first is the one asked
	// for. It is empty if nothing redirected.
	Redirects []string
}

// Browser goes to pages as a person's browser does. It keeps cookies, follows redirects,
// and sends what browsers send: User-Agent, Accept, Accept-Language, Sec-Fetch-*, Referer
// of the page before, and Origin with forms. It fetches only what it is told to, so no
// images and no scripts, and it keeps no cache. What happens inside a page is for a real
// browser.
//
// An address that cannot be asked ends the test. A status is no error, whatever it is.
// Use a Browser in one goroutine, that of its test.
type Browser struct {
	// Header is added to every request. A name in it replaces the browser's own value, and
	// nil takes that away: Header["Referer"] = nil. Default: empty.
	Header http.Header

	tb     testing.TB
	client *http.Client
	base   *url.URL
	page   *url.URL        // where the browser is, nil on a blank page
	opened map[string]bool // origins
	any    bool            // every host is that of the handler
	busy   *busy
}

// NewBrowser makes a browser for a handler. It serves the handler over TLS on a loopback
// address until the test ends. To the handler the site is https://example.com. To come to
// another host, open its whole address, such as https://shop.example/contact: every host
// is answered by this handler.
//
// When Open, Submit or Download return, the handler has returned. goaltrack decides just
// then, so all is decided. Wait for what is sent with [goaltrack.Tracker.Flush].
func NewBrowser(tb testing.TB, site http.Handler) *Browser {
	tb.Helper()
	busy := &busy{}
	busy.idle.L = &busy.mu
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		busy.add(1)
		defer busy.add(-1)
		site.ServeHTTP(w, r)
	}))
	tb.Cleanup(server.Close)
	roots := server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
		},
		TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "example.com", MinVersion: tls.VersionTLS12}, // the name in httptest's certificate
	}
	tb.Cleanup(transport.CloseIdleConnections)
	b := newBrowser(tb, transport, &url.URL{Scheme: "https", Host: "example.com", Path: "/"})
	b.any, b.busy = true, busy
	return b
}

// NewBrowserAt makes a browser for a site that runs already, such as
// http://127.0.0.1:8080. It asks no other host. An answer is there before the site's
// handler has returned, so give events a moment: Expect(...).Within(time.Second).
func NewBrowserAt(tb testing.TB, address string) *Browser {
	tb.Helper()
	base, err := url.Parse(address)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		tb.Fatalf("goaltest: %q is no address of a site, such as http://127.0.0.1:8080", address)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	tb.Cleanup(transport.CloseIdleConnections)
	return newBrowser(tb, transport, base)
}

func newBrowser(tb testing.TB, transport http.RoundTripper, base *url.URL) *Browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return &Browser{
		Header: http.Header{}, tb: tb, base: base, opened: map[string]bool{originOf(base): true},
		client: &http.Client{Jar: jar, Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // go follows them, as a browser does
		}},
	}
}

// Open goes to a page. On a blank page, as in the beginning, this is an address typed in;
// later it is a click on a link in the page before. The address is a path, or a whole
// one, or relative to the page before. A redirect to a host that was never opened, or to
// http in place of https, is not followed. So no test leaves for the internet; the page
// is then that answer.
func (b *Browser) Open(address string) *Page {
	b.tb.Helper()
	return b.visit(http.MethodGet, address, "", true)
}

// Submit sends a form by POST, and goes to what is answered. The form is in the page
// before; on a blank page, in a page of the same address. A form that is sent by GET is a
// page to [Browser.Open].
func (b *Browser) Submit(address string, form url.Values) *Page {
	b.tb.Helper()
	return b.visit(http.MethodPost, address, form.Encode(), true)
}

// Download clicks on a link to a file and reads all of it. The browser stays on its page.
func (b *Browser) Download(address string) *Page {
	b.tb.Helper()
	return b.visit(http.MethodGet, address, "", false)
}

// Blank leaves the site. The next page is opened as by an address typed in, without a
// Referer. Cookies stay.
func (b *Browser) Blank() { b.page = nil }

// SetCookie gives the browser a cookie for the site, such as an answer to a consent
// banner. The value "" takes it away.
func (b *Browser) SetCookie(name, value string) {
	c := &http.Cookie{Name: name, Value: value, Path: "/"} //nolint:gosec // G124: the browser only sends it, and a browser sends no attributes
	if value == "" {
		c.MaxAge = -1
	}
	b.client.Jar.SetCookies(b.here(), []*http.Cookie{c})
}

// Cookie is the value of a cookie that the browser would send to the page where it is, ""
// if there is none.
func (b *Browser) Cookie(name string) string {
	for _, c := range b.client.Jar.Cookies(b.here()) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// here is the page, or on a blank page the first page of the site.
func (b *Browser) here() *url.URL {
	if b.page != nil {
		return b.page
	}
	return b.base
}

// visit asks for an address and follows redirects.
func (b *Browser) visit(method, address, body string, stay bool) *Page {
	b.tb.Helper()
	to, err := b.here().Parse(address)
	switch {
	case err != nil:
		b.tb.Fatalf("goaltest: %v", err)
	case to.Host == "" || to.Scheme != "https" && to.Scheme != "http":
		b.tb.Fatalf("goaltest: %q is not a page of a site", address)
	case b.any && to.Scheme == "https":
		b.opened[originOf(to)] = true
	case b.any:
		b.tb.Fatalf("goaltest: %q: the handler is served over https", address)
	case !b.opened[originOf(to)]:
		b.tb.Fatalf("goaltest: %q is on another host than %s", address, originOf(b.base))
	}
	from := b.page
	if from == nil && method == http.MethodPost {
		from = to
	}
	n := newNavigation(from, method, body)
	p := &Page{}
	for {
		next := b.ask(n, to, p)
		if next == nil || !b.opened[originOf(next)] {
			break
		}
		if p.Redirects = append(p.Redirects, to.String()); len(p.Redirects) > maxRedirects {
			b.tb.Fatalf("goaltest: %s redirects more than %d times", address, maxRedirects)
		}
		n.redirected(p.Status, to)
		to = next
	}
	p.URL = to.String()
	if stay {
		b.page = to
	}
	return p
}

// ask sends one request and fills the page. It returns where the answer redirects to, nil
// if it does not.
func (b *Browser) ask(n *navigation, to *url.URL, p *Page) *url.URL {
	b.tb.Helper()
	req, err := http.NewRequestWithContext(b.tb.Context(), n.method, to.String(), strings.NewReader(n.body))
	if err != nil {
		b.tb.Fatalf("goaltest: %v", err)
	}
	req.Header = n.header(to)
	for name, values := range b.Header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	if host := req.Header.Get("Host"); host != "" {
		b.tb.Fatalf("goaltest: open https://%s/ in place of a Host header", host)
	}
	res, err := b.client.Do(req)
	if err != nil {
		b.tb.Fatalf("goaltest: %v", err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.tb.Fatalf("goaltest: %s %s: %v", n.method, to, err)
	}
	if b.busy != nil {
		b.busy.wait()
	}
	p.Status, p.Header, p.Body = res.StatusCode, res.Header, string(text)
	switch res.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		if next, err := res.Location(); err == nil {
			if next.Fragment == "" {
				next.Fragment = to.Fragment // https://www.rfc-editor.org/rfc/rfc9110#section-10.2.2
			}
			return next
		}
	}
	return nil
}

// busy counts the requests whose handler has not returned.
type busy struct {
	mu   sync.Mutex
	idle sync.Cond
	n    int
}

func (b *busy) add(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.n += n; b.n == 0 {
		b.idle.Broadcast()
	}
}

func (b *busy) wait() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.n > 0 {
		b.idle.Wait()
	}
}

// trustworthy says that nobody in between can change what is sent
// (https://www.w3.org/TR/secure-contexts/#is-origin-trustworthy).
func trustworthy(u *url.URL) bool {
	return u.Scheme == "https" || loopback.IsOrBelow(u.Hostname())
}
