package world

import (
	"bytes"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"github.com/goaltrack/goaltrack/cdp/cdptest"
)

// Chrome is a current browser's user agent.
const Chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36"

// Visitor is a browser with its cookies. Header is sent with each of its
// requests.
type Visitor struct {
	World  *World
	Client *http.Client
	Header http.Header
}

// Visitor makes a browser that was never here. It opens pages by hand, follows
// no redirects and has no cookies.
func (w *World) Visitor() *Visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.Fatal(err)
	}
	return &Visitor{World: w, Client: &http.Client{
		Jar:           secureJar{jar},
		Transport:     w.Site.Client().Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, Header: http.Header{
		"User-Agent": {Chrome}, "Accept": {"text/html,*/*;q=0.8"},
		"Sec-Fetch-Dest": {"document"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Site": {"none"},
	}}
}

// secureJar keeps Secure cookies for loopback addresses over plain HTTP.
// Browsers do so, but net/http/cookiejar does not.
type secureJar struct{ http.CookieJar }

// SetCookies implements [http.CookieJar].
func (j secureJar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	for _, c := range cookies {
		c.Secure = false
	}
	j.CookieJar.SetCookies(u, cookies)
}

// Request makes a request of this browser. header has pairs of a name and a
// value, which are added or replace others. The value "" removes a header.
func (v *Visitor) Request(method, path string, body io.Reader, header ...string) *http.Request {
	v.World.Helper()
	req, err := http.NewRequestWithContext(v.World.Context(), method, v.World.Site.URL+path, body)
	if err != nil {
		v.World.Fatal(err)
	}
	req.Header = v.Header.Clone()
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

// Send sends a request and reads the whole answer. The answer can be read
// again.
func (v *Visitor) Send(req *http.Request) *http.Response {
	v.World.Helper()
	res, err := v.Client.Do(req)
	if err != nil {
		v.World.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		v.World.Fatal(err)
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res
}

// Do sends a request with a body ("" for none) and reads the whole answer. The
// body is a form unless a header says otherwise.
func (v *Visitor) Do(method, path, body string, header ...string) *http.Response {
	v.World.Helper()
	if body != "" {
		header = append([]string{"Content-Type", "application/x-www-form-urlencoded"}, header...)
	}
	return v.Send(v.Request(method, path, strings.NewReader(body), header...))
}

// Get is [Visitor.Do] for a page.
func (v *Visitor) Get(path string, header ...string) *http.Response {
	v.World.Helper()
	return v.Do(http.MethodGet, path, "", header...)
}

// Post is [Visitor.Do] for a form, such as "a=b&c=d".
func (v *Visitor) Post(path, form string, header ...string) *http.Response {
	v.World.Helper()
	return v.Do(http.MethodPost, path, form, header...)
}

// ID is the visitor's browser ID, "" if they have none.
func (v *Visitor) ID() string {
	u, _ := url.Parse(v.World.Site.URL)
	for _, c := range v.Client.Jar.Cookies(u) {
		if c.Name == "bid_"+cdptest.TestClientKey {
			return c.Value
		}
	}
	return ""
}

// Known is a browser ID that the CDP made some other day.
const Known = "11111111-2222-4333-8444-555555555555"

// Meet makes the CDP know the visitor, by the ID [Known].
func (v *Visitor) Meet() *Visitor {
	v.World.CDP.Know(Known)
	v.Header.Set("Cookie", "bid_"+cdptest.TestClientKey+"="+Known)
	return v
}

// Answers has the site's banner keep an answer in a cookie, in place of the one before.
func (v *Visitor) Answers(cookie, answer string) {
	u, err := url.Parse(v.World.Site.URL)
	if err != nil {
		v.World.Fatal(err)
	}
	v.Client.Jar.SetCookies(u, []*http.Cookie{{Name: cookie, Value: answer, Path: "/"}}) //nolint:gosec // As the script of a banner sets it.
}
