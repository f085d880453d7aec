package cdp

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func testClient(t *testing.T, site Site, o Options) *Client {
	t.Helper()
	c, err := New(site, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func directTo(base string) Direct {
	return Direct{BaseURL: base, ClientKey: "demoKey000", PointOfSale: "acme-shop", PlainHTTP: true}
}

func goal() *Event {
	return &Event{
		BrowserID: knownID, Type: "ACME:BROCHURE_REQUESTED", Channel: "WEB", Language: "en",
		Currency: "EUR", Page: "pricing", Ext: Ext{{"brochureId", "b-17"}, {"pages", 12}},
	}
}

func goalBody(site Site) []byte { return goal().AppendJSON(nil, site) }

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// write and drain are for handlers whose client may be gone.
func write(w io.Writer, s string) { _, _ = io.WriteString(w, s) }
func drain(r io.Reader)           { _, _ = io.Copy(io.Discard, r) }

func TestPostSendsTheVisitorsUserAgent(t *testing.T) {
	seen := make(chan *http.Request, 1)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { seen <- r; w.WriteHeader(http.StatusCreated) })
	c := testClient(t, directTo(s.URL), Options{UserAgent: "shop/3"})
	for _, tc := range []struct{ given, want string }{
		{"Mozilla/5.0 (Phone)", "Mozilla/5.0 (Phone)"},
		{"", "shop/3"},
		{"\x00\r\n", "shop/3"},
		{"Mozilla\r\nX-Evil: 1", "MozillaX-Evil: 1"},
		{strings.Repeat("a", 10_000), strings.Repeat("a", 512)},
	} {
		if _, err := c.Post(t.Context(), goalBody(c.site), tc.given); err != nil {
			t.Fatal(err)
		}
		r := <-seen
		if got := r.Header.Get("User-Agent"); got != tc.want {
			t.Errorf("User-Agent %q, want %q", got, tc.want)
		}
		if r.Header.Get("X-Evil") != "" || r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Idempotency-Key") != "" {
			t.Errorf("headers that must not be there: %v", r.Header)
		}
		if got := r.Header.Get("X-Client-Software-Id"); got != "goaltrack "+Version {
			t.Errorf("X-Client-Software-ID %q", got)
		}
	}
}

func TestReceipt(t *testing.T) {
	for _, tc := range []struct {
		body string
		want Receipt
	}{
		{`{"status":"OK","version":"1.2","client_key":"k","ref":"event-1","customer_ref":"guest-1"}`, Receipt{"event-1", "guest-1"}},
		{`{"status":"OK","clientKey":"k","ref":"event-1"}`, Receipt{Ref: "event-1"}},
		{`{"ref":17,"customer_ref":null,"client_key":[]}`, Receipt{}},
		{``, Receipt{}},
		{`null`, Receipt{}},
		{`[]`, Receipt{}},
		{`<html>`, Receipt{}},
	} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) { write(w, tc.body) })
		got, err := testClient(t, directTo(s.URL), Options{}).Send(t.Context(), goal())
		if err != nil || got != tc.want {
			t.Errorf("%s: %+v, %v", tc.body, got, err)
		}
	}
}

func TestGETTransport(t *testing.T) {
	var got *http.Request
	var body []byte
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusCreated)
	})
	site := directTo(s.URL)
	site.Transport = GET
	c := testClient(t, site, Options{})
	e := goal()
	e.Page = "50% off & more + \"100 €\""
	if _, err := c.Send(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	message := string(e.AppendJSON(nil, site))
	if got.Method != http.MethodGet || got.URL.Path != "/v1.2/event/create.json" || len(body) != 0 ||
		got.URL.Query().Get("client_key") != "demoKey000" || got.URL.Query().Get("message") != message {
		t.Errorf("%s %s with body %q", got.Method, got.URL, body)
	}
	if strings.Contains(got.URL.RawQuery, "+") || strings.Contains(message, "client_key") {
		t.Errorf("a space as + or the key twice: %s, %s", got.URL.RawQuery, message)
	}
	if got.ContentLength != 0 || len(got.TransferEncoding) > 0 {
		t.Errorf("a GET with content: %d, %v", got.ContentLength, got.TransferEncoding)
	}
	e.Page = strings.Repeat("€", 1000)
	got = nil
	if _, err := c.Send(t.Context(), e); OutcomeOf(err) != EventBad || got != nil {
		t.Errorf("9 KB of URL: %v, sent: %v", err, got != nil)
	}
}

func TestCreateAndShow(t *testing.T) {
	const guest = "b2f0a9d4-71c3-4c0f-8d7e-5e9c4a6b3f21"
	browser := Browser{knownID, guest}
	for _, tc := range []struct {
		name         string
		status       int
		body         string
		create, show Outcome
		want         Browser
	}{
		{"documented", 200, `{"status":"OK","version":"1.2","client_key":"k","ref":"` + knownID + `","customer_ref":"` + guest + `"}`, Accepted, Accepted, browser},
		{"show's spelling", 200, `{"clientKey":"k","ref":"` + knownID + `","customer":{"ref":"` + guest + `"}}`, Accepted, Accepted, browser},
		{"browserRef", 201, `{"browserRef":"` + knownID + `"}`, Accepted, Accepted, Browser{ID: knownID}},
		{"BOM", 200, "\uFEFF" + `{"ref":"` + knownID + `"}`, Accepted, Accepted, Browser{ID: knownID}},
		{"not a UUID", 200, `{"status":"OK","ref":"undefined"}`, Unknown, Unknown, Browser{}},
		{"no ref", 200, `{"status":"OK"}`, Unknown, Unknown, Browser{}},
		{"captive portal", 200, `<html>please log in</html>`, Unknown, Unknown, Browser{}},
		{"error in a 200", 200, `{"status":"ERROR","error_msg":"no such key"}`, SenderBad, SenderBad, Browser{}},
		{"unknown in a 200", 200, `{"status":"NOT_FOUND","error_msg":"invalid browser ref"}`, SenderBad, BrowserUnknown, Browser{}},
		{"not found", 404, `{"status":"NOT_FOUND","error_msg":"invalid browser ref"}`, SenderBad, BrowserUnknown, Browser{}},
		{"not found, 400", 400, `{"status":"NOT_FOUND","error_msg":"invalid browser ref"}`, SenderBad, BrowserUnknown, Browser{}},
		{"another 404", 404, `no such page`, SenderBad, SenderBad, Browser{}},
		{"wrong key", 401, ``, SenderBad, SenderBad, Browser{}},
		{"bad request", 400, `{"status":"BAD_REQUEST"}`, SenderBad, SenderBad, Browser{}},
		{"busy", 503, ``, NotProcessed, NotProcessed, Browser{}},
		{"broken", 500, ``, Unknown, Unknown, Browser{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(tc.status); write(w, tc.body) })
			c := testClient(t, directTo(s.URL), Options{})
			got, err := c.CreateBrowser(t.Context())
			if OutcomeOf(err) != tc.create || tc.create == Accepted && got != tc.want {
				t.Errorf("create: %+v, %v; want %v", got, err, tc.create)
			}
			got, err = c.Show(t.Context(), knownID)
			if OutcomeOf(err) != tc.show || tc.show == Accepted && got != tc.want {
				t.Errorf("show: %+v, %v; want %v", got, err, tc.show)
			}
		})
	}
}

func TestShowURL(t *testing.T) {
	var uri, header string
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		uri, header = r.URL.RequestURI(), r.Header.Get("x-sitecore-contextid")
		write(w, `{"ref":"`+knownID+`"}`)
	})
	for _, tc := range []struct {
		site        Site
		uri, header string
	}{
		{directTo(s.URL), "/v1.2/browser/" + knownID + "/show.json?client_key=demoKey000&api_token=demoKey000", ""},
		{&Edge{BaseURL: s.URL + "/", ContextID: "ctx", SiteName: "a b"}, "/v1/events/v1.2/browser/" + knownID + "/show.json?sitecoreContextId=ctx&client_key=&api_token=", ""},
		{Edge{BaseURL: s.URL, ContextID: "ctx", SiteName: "a b", ContextHeader: true}, "/v1/events/v1.2/browser/" + knownID + "/show.json?client_key=&api_token=", "ctx"},
	} {
		if _, err := testClient(t, tc.site, Options{}).Show(t.Context(), knownID); err != nil || uri != tc.uri || header != tc.header {
			t.Errorf("%s, header %q, %v", uri, header, err)
		}
	}
	uri = ""
	if _, err := testClient(t, directTo(s.URL), Options{}).Show(t.Context(), "../../x"); OutcomeOf(err) != EventBad || uri != "" {
		t.Errorf("an ID that is none: %v, asked %q", err, uri)
	}
}

func TestNoIDNoRequest(t *testing.T) {
	rec := &recorder{}
	c := testClient(t, directTo("http://127.0.0.1:1"), Options{HTTPClient: &http.Client{Transport: rec}})
	e := goal()
	e.BrowserID = ""
	if _, err := c.Send(t.Context(), e); OutcomeOf(err) != EventBad {
		t.Errorf("Send without ID: %v", err)
	}
	if _, err := c.Send(t.Context(), nil); OutcomeOf(err) != EventBad {
		t.Errorf("Send of nil: %v", err)
	}
	for _, body := range []string{"", "{}", string(e.AppendJSON(nil, c.site)), `{"browser_id":"undefined","type":"E","page":"0123456789012345678901234567890"}`} {
		if _, err := c.Post(t.Context(), []byte(body), ""); OutcomeOf(err) != EventBad {
			t.Errorf("Post of %q: %v", body, err)
		}
	}
	if rec.req != nil {
		t.Error("something was sent")
	}
}

func TestNewReportsEveryFault(t *testing.T) {
	for _, tc := range []struct {
		site Site
		o    Options
		want []string
	}{
		{nil, Options{}, []string{"no site"}},
		{(*Direct)(nil), Options{}, []string{"nil *Direct"}},
		{(*Edge)(nil), Options{}, []string{"nil *Edge"}},
		{Direct{}, Options{}, []string{"Region or BaseURL", "ClientKey", "PointOfSale"}},
		{&Direct{Region: "mars", ClientKey: "a;b", PointOfSale: " x ", Transport: "PUT"}, Options{}, []string{"mars", "cookie name", "space around", "PUT"}},
		{Direct{BaseURL: "api.example", ClientKey: "k", PointOfSale: "a\nb"}, Options{}, []string{"want https://host", "control"}},
		{Direct{BaseURL: "https://api.example/v2.1/", ClientKey: "k", PointOfSale: "p"}, Options{}, []string{"ends in /v2.1"}},
		{Direct{BaseURL: "https://u:p@api.example/?q", ClientKey: "k", PointOfSale: "\xff"}, Options{}, []string{"user information", "UTF-8"}},
		{Direct{BaseURL: "http://api.example", ClientKey: "k", PointOfSale: "p"}, Options{}, []string{"allow it with PlainHTTP"}},
		{Direct{BaseURL: "HTTP://10.0.0.1:80/x", ClientKey: "k", PointOfSale: "p"}, Options{}, []string{"plain HTTP"}},
		{Direct{BaseURL: "http://localhost.example", ClientKey: "k", PointOfSale: "p"}, Options{}, []string{"plain HTTP"}},
		{Direct{BaseURL: "http://127.0.0.1.example", ClientKey: "k", PointOfSale: "p"}, Options{}, []string{"plain HTTP"}},
		{Edge{BaseURL: "http://edge.example", ContextID: "c", SiteName: "s"}, Options{}, []string{"plain HTTP"}},
		{Direct{BaseURL: "https://a b/%zz", ClientKey: "k", PointOfSale: "p"}, Options{}, []string{"not a URL"}},
		{Edge{}, Options{Workers: -1, Timeout: -1, UserAgent: "a\nb"}, []string{"ContextID", "SiteName", "Workers", "timeout", "UserAgent"}},
		{Edge{BaseURL: "https://edge.example/v1", ContextID: "c", SiteName: "s"}, Options{}, []string{"ends in /v1"}},
	} {
		c, err := New(tc.site, tc.o)
		if err == nil || c != nil {
			t.Errorf("%+v: no error", tc.site)
			continue
		}
		for _, want := range tc.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: %v; want %q in it", tc.site, err, want)
			}
		}
		if n := strings.Count(err.Error(), "\n") + 1; n != len(tc.want) {
			t.Errorf("%+v: %d faults, want %d:\n%v", tc.site, n, len(tc.want), err)
		}
	}
}

func TestSites(t *testing.T) {
	hosts := map[Region]string{EU: "eu", US: "us", AP: "ap", JP: "jpe"}
	for region, label := range hosts {
		d := Direct{Region: region, ClientKey: "k", PointOfSale: "p"}
		if err := d.Validate(); err != nil {
			t.Error(err)
		}
		if got := d.endpoints().events; got != "https://api-engage-"+label+".sitecorecloud.io/v1.2/events" {
			t.Error(got)
		}
	}
	for _, base := range []string{"https://cdp.example", "https://cdp.example/", "https://cdp.example/v1.2", "https://cdp.example/v1.2/"} {
		d := Direct{Region: US, BaseURL: base, ClientKey: "k", PointOfSale: "p"}
		if got := d.endpoints().events; got != "https://cdp.example/v1.2/events" || d.Validate() != nil {
			t.Errorf("%s: %s, %v", base, got, d.Validate())
		}
	}
	e := Edge{ContextID: "a&b", SiteName: "ü +/"}
	if got := e.endpoints().events; got != "https://edge-platform.sitecorecloud.io/v1/events/v1.2/events?sitecoreContextId=a%26b&siteId=%C3%BC%20%2B%2F" {
		t.Error(got)
	}
	if got := e.LegacyCookieNames(); len(got) != 2 || got[0] != "sc_a&b" || got[1] != "sc_rid" {
		t.Error(got)
	}
	if got := (Direct{ClientKey: "Key"}).LegacyCookieNames(); len(got) != 1 || got[0] != "BID_Key" {
		t.Error(got)
	}
}

func TestInjectedClientIsCopied(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Cookie") != "" {
			t.Error("a cookie was sent")
		}
		http.SetCookie(w, &http.Cookie{Name: "lb", Value: "1"})
		http.Redirect(w, r, "/elsewhere?secret", http.StatusFound)
	})
	jar := jarFunc(func() []*http.Cookie { return []*http.Cookie{{Name: "a", Value: "b"}} })
	followed := false
	mine := &http.Client{Jar: jar, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { followed = true; return nil }}
	c := testClient(t, directTo(s.URL), Options{HTTPClient: mine})
	_, err := c.Send(t.Context(), goal())
	if e, ok := errors.AsType[*Error](err); !ok || e.Outcome != SenderBad || e.Status != 302 || e.Message != "redirect to /elsewhere" {
		t.Errorf("%v", err)
	}
	if followed || mine.Transport != nil || mine.Jar == nil {
		t.Error("the caller's client was followed or changed")
	}
}

type jarFunc func() []*http.Cookie

func (jarFunc) SetCookies(*url.URL, []*http.Cookie) {}
func (f jarFunc) Cookies(*url.URL) []*http.Cookie   { return f() }

// A kept connection that breaks must not make the transport send a GET again:
// it would count an event, or make a guest, twice.
func TestNothingIsSentTwice(t *testing.T) {
	var requests atomic.Int32
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if requests.Add(1) > 1 {
			panic(http.ErrAbortHandler)
		}
		write(w, `{"ref":"`+knownID+`"}`)
	})
	site := directTo(s.URL)
	site.Transport = GET
	for name, call := range map[string]func(*Client, context.Context) error{
		"GET event":  func(c *Client, ctx context.Context) error { _, err := c.Send(ctx, goal()); return err },
		"new ID":     func(c *Client, ctx context.Context) error { _, err := c.CreateBrowser(ctx); return err },
		"POST event": nil,
	} {
		requests.Store(0)
		site := site
		if call == nil {
			site.Transport = POST
			call = func(c *Client, ctx context.Context) error { _, err := c.Send(ctx, goal()); return err }
		}
		c := testClient(t, site, Options{Workers: 1})
		if err := call(c, t.Context()); err != nil {
			t.Fatal(name, err)
		}
		err := call(c, t.Context())
		if name != "POST event" && !errors.Is(err, errNotTwice) {
			t.Errorf("%s: %v", name, err)
		}
		if OutcomeOf(err) != Unknown || requests.Load() != 2 {
			t.Errorf("%s: %v after %d requests, want unknown after 2", name, err, requests.Load())
		}
	}
}

// TestPlainHTTP: only this machine is asked over plain HTTP, unless that is allowed.
func TestPlainHTTP(t *testing.T) {
	for _, site := range []Site{
		Direct{BaseURL: "http://localhost:7000", ClientKey: "k", PointOfSale: "p"},
		Direct{BaseURL: "http://LOCALHOST", ClientKey: "k", PointOfSale: "p"},
		Direct{BaseURL: "http://cdp.localhost.", ClientKey: "k", PointOfSale: "p"},
		Direct{BaseURL: "http://127.3.2.1", ClientKey: "k", PointOfSale: "p"},
		Direct{BaseURL: "http://[::1]:7000", ClientKey: "k", PointOfSale: "p"},
		Direct{BaseURL: "http://[::ffff:127.0.0.1]", ClientKey: "k", PointOfSale: "p"},
		Direct{BaseURL: "http://cdp.internal", ClientKey: "k", PointOfSale: "p", PlainHTTP: true},
		Direct{BaseURL: "https://cdp.internal", ClientKey: "k", PointOfSale: "p"},
		Edge{BaseURL: "http://edge.internal", ContextID: "c", SiteName: "s", PlainHTTP: true},
	} {
		if err := site.Validate(); err != nil {
			t.Errorf("%+v: %v", site, err)
		}
	}
}
