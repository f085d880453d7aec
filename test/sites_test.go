package test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/world"
)

// TestSites: of several sites, a request belongs to the one whose host and path fit best.
func TestSites(t *testing.T) {
	other := cdptest.NewServer(t, cdptest.Options{ClientKeys: []string{"other"}, PointsOfSale: []string{"de", "blog"}})
	direct := func(pos string) cdp.Direct { d := other.Direct(); d.PointOfSale = pos; return d }
	w := world.Setup{
		Rules: "{version: 1, goals: [{goal: PAGE_VISITED, visit: '/**', data: {host: shop}}]}",
		Site:  http.HandlerFunc(world.HTML),
		Config: func(c *goaltrack.Config, main *cdptest.Server) {
			c.Sites = []goaltrack.Site{
				{CDP: main.Direct(), Hosts: []string{"*.shop.example"}},
				{Name: "germany", CDP: direct("de"), Hosts: []string{"*.shop.example", "shop.example"}, PathPrefix: "/de/", Language: "de-DE", Currency: "EUR"},
				{CDP: direct("blog"), Hosts: []string{"blog.shop.example"}, Channel: "auto"},
			}
			c.Cookie.Warm = 5
		},
	}.Start(t)
	visit := func(host, path string, header ...string) string {
		res := w.Visitor().Get(path, append([]string{"Host", host}, header...)...)
		name, _, _ := strings.Cut(strings.Join(res.Header["Set-Cookie"], ", "), "=")
		return name
	}
	for _, c := range []struct{ host, path, cookie string }{
		{"www.shop.example", "/a", "bid_test-key"},
		{"WWW.Shop.Example:8080", "/a", "bid_test-key"},
		{"www.shop.example", "/design", "bid_test-key"},
		{"www.shop.example", "/de/a", "bid_other"},
		{"shop.example", "/de", "bid_other"},
		{"blog.shop.example", "/a", "bid_other"},
		{"shop.example", "/a", ""},
		{"other.example", "/a", ""},
	} {
		if got := visit(c.host, c.path); got != c.cookie {
			t.Errorf("%s%s: cookie %q, want %q", c.host, c.path, got, c.cookie)
		}
	}
	visit("blog.shop.example", "/phone", "Sec-CH-UA-Mobile", "?1")
	w.Expect("PAGE_VISITED", "fired 7")
	w.CDP.Expect(t, "PAGE_VISITED").Times(3)
	for _, e := range other.Expect(t, "PAGE_VISITED").Where("pos", func(e cdptest.Event) bool { return e.PointOfSale == "de" }).Times(2) {
		if e.Language != "DE" || e.Currency != "EUR" || e.Channel != "WEB" {
			t.Errorf("germany: %s", e.Raw)
		}
	}
	other.Expect(t, "PAGE_VISITED").On("a").Where("pos", func(e cdptest.Event) bool { return e.PointOfSale == "blog" && e.Channel == "WEB" }).Once()
	other.Expect(t, "PAGE_VISITED").On("phone").Where("pos", func(e cdptest.Event) bool { return e.Channel == "MOBILE_WEB" }).Once()
}
