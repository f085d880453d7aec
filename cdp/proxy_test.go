package cdp_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/goaltrack/goaltrack/cdp"
)

// TestProxyAsksForPassword: an outgoing proxy that answers 407 is told as such, its password is
// not, and the event surely was not processed.
func TestProxyAsksForPassword(t *testing.T) {
	for status, want := range map[int]bool{http.StatusProxyAuthRequired: true, http.StatusForbidden: false} {
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		defer proxy.Close()
		address, err := url.Parse(proxy.URL)
		if err != nil {
			t.Fatal(err)
		}
		address.User = url.UserPassword("user", "secret")
		transport := cdp.NewTransport(1)
		transport.Proxy = http.ProxyURL(address)
		client, err := cdp.New(cdp.Direct{Region: cdp.EU, ClientKey: "key", PointOfSale: "shop"}, cdp.Options{HTTPClient: &http.Client{Transport: transport}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.CreateBrowser(t.Context())
		e, ok := errors.AsType[*cdp.Error](err)
		if !ok || e.Outcome != cdp.NotProcessed || errors.Is(err, cdp.ErrProxyAuth) != want {
			t.Errorf("%d: %v", status, err)
		}
	}
}
