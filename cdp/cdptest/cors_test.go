package cdptest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestBrowsersMayAsk: what a browser needs before it lets a page's script send
// an event, and that asking for it counts as nothing.
func TestBrowsersMayAsk(t *testing.T) {
	c := New(Options{})
	c.Fault(Status(http.StatusServiceUnavailable).Times(1))
	ask := func(method, target, body string, header ...string) *http.Response {
		t.Helper()
		r := httptest.NewRequest(method, target, strings.NewReader(body))
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		c.ServeHTTP(w, r)
		return w.Result()
	}
	const origin = "https://shop.example"

	for _, path := range []string{"/v1.2/events", "/v1/events/v1.2/events?siteId=shop", "/v1.2/browser/create.json?client_key=k"} {
		res := ask(http.MethodOptions, path, "", "Origin", origin, "Access-Control-Request-Method", "POST",
			"Access-Control-Request-Headers", "content-type,x-library-version,x-sitecore-contextid")
		h := res.Header
		if res.StatusCode != http.StatusNoContent || h.Get("Access-Control-Allow-Origin") != "*" ||
			!strings.Contains(h.Get("Access-Control-Allow-Methods"), "POST") ||
			h.Get("Access-Control-Allow-Headers") != "content-type,x-library-version,x-sitecore-contextid" {
			t.Errorf("%s: %d %v", path, res.StatusCode, h)
		}
	}
	if n := len(c.Requests()); n != 0 {
		t.Errorf("%d of the questions are recorded as calls", n)
	}

	res := ask(http.MethodGet, "/v1.2/browser/create.json?client_key=k", "", "Origin", origin)
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("the questions used the fault up, or a script cannot see it: %d %v", res.StatusCode, res.Header)
	}
	res = ask(http.MethodGet, "/v1.2/browser/create.json?client_key=k", "", "Origin", origin)
	if res.StatusCode != http.StatusOK || res.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("a script cannot read its ID: %d %v", res.StatusCode, res.Header)
	}
	// The list page is for people, and shows what strangers must not read.
	if res = ask(http.MethodGet, "/events.json", "", "Origin", origin); res.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("any page may read the list of what arrived")
	}
	// A server is told nothing about browsers.
	if res = ask(http.MethodOptions, "/v1.2/events", ""); res.StatusCode != http.StatusMethodNotAllowed || res.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("OPTIONS without a browser: %d %v", res.StatusCode, res.Header)
	}
}
