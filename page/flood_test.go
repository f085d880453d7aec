package page_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/goaltest"
	"github.com/goaltrack/goaltrack/internal/bubble"
	"github.com/goaltrack/goaltrack/internal/world"
	"github.com/goaltrack/goaltrack/page"
)

// TestFlood: whoever asks for very many pages takes nothing from others: a page of theirs that a
// cache answered counts, one that they have open is known, and one that was shown does not count
// again. Where all have one address, that bounds nobody. In fake time, which passes between the
// pages of a flood.
func TestFlood(t *testing.T) {
	if testing.Short() {
		t.Skip("it asks for very many pages")
	}
	const many = 66_000
	theirs := func(i int) string { return fmt.Sprintf("11111111-2222-4333-8444-%012d", i) }
	for name, c := range map[string]struct {
		flood func(i int) sender
		other sender // where the others come from
	}{
		"from the addresses of one customer, behind a proxy": {
			func(i int) sender { return sender{"192.0.2.1:1", fmt.Sprintf("2001:db8:1:2::%x", i), theirs(i)} },
			sender{address: "192.0.2.1:1", forwarded: "2001:db8:1:3::1"},
		},
		"from the address that all have": {
			func(i int) sender { return sender{"203.0.113.1:1", "", theirs(i)} }, sender{address: "203.0.113.1:1"},
		},
	} {
		bubble.Run(t, name, func(t *testing.T) {
			site := newBare(t, "{version: 1, goals: [{goal: SEEN, visit: '/p/**'}]}", page.Options{})
			serve, tell, fired := site.serve, site.tell, site.fired
			const others = 20
			other := func(i int) sender { c.other.id = theirs(1_000_000 + i); return c.other }
			for i := range others {
				serve(other(i), http.MethodGet, "/p/open", "")
			}
			for i := range many {
				serve(c.flood(i), http.MethodGet, "/p/flood", "")
				if i%1000 == 0 {
					bubble.Pass(time.Second)
				}
			}
			before := fired()
			for i := range others {
				tell(other(i), "/p/open", "") // which has counted
			}
			if n := fired() - before; n != 0 {
				t.Errorf("%d pages counted twice", n)
			}
			for i := range others {
				tell(other(i), "/p/cached", "")
			}
			if n := fired() - before; n < others-1 {
				t.Errorf("%d of %d pages counted that a cache answered", n, others)
			}
			before = fired()
			for i := range others {
				serve(other(i), http.MethodGet, "/p/open", "", "Sec-Purpose", "prefetch")
				serve(other(i), http.MethodGet, "/a.css", "", "Referer", "http://example.com/p/open", "Sec-Fetch-Dest", "style", "Sec-Fetch-Mode", "no-cors")
			}
			if n := fired() - before; n != 0 {
				t.Errorf("%d pages counted by what came from a tab that has them open", n)
			}
			for i := range others {
				serve(other(i), http.MethodGet, "/p/ahead", "", "Sec-Purpose", "prefetch")
				serve(other(i), http.MethodGet, "/a.css", "", "Referer", "http://example.com/p/ahead", "Sec-Fetch-Dest", "style", "Sec-Fetch-Mode", "no-cors")
			}
			if n := fired() - before; n < others-1 {
				t.Errorf("%d of %d pages counted that were fetched ahead and shown", n, others)
			}
		})
	}
}

// bare is a site with a Page whose requests come without a network, so that each is over when it
// is served.
type bare struct {
	tracker *goaltrack.Tracker
	site    http.Handler
	page    *page.Page
}

func newBare(t *testing.T, rules string, o page.Options) *bare {
	t.Helper()
	tracker, err := goaltrack.New(goaltrack.Config{
		Sites: []goaltrack.Site{{CDP: cdp.Direct{Region: cdp.EU, ClientKey: cdptest.TestClientKey, PointOfSale: "shop"}}}, Rules: world.MustParse(t, rules),
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, DryRun: true, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = tracker.Close(t.Context()) })
	pages, err := page.New(tracker, o)
	if err != nil {
		t.Fatal(err)
	}
	return &bare{tracker, pages.Around(tracker.Handler(http.HandlerFunc(world.HTML))), pages}
}

// sender is who sends a request.
type sender struct{ address, forwarded, id string }

func (b *bare) serve(from sender, method, target, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.RemoteAddr = from.address
	r.Header = http.Header{
		"User-Agent": {world.Chrome}, "Accept": {"text/html"}, "Cookie": {"bid_" + cdptest.TestClientKey + "=" + from.id},
		"Sec-Fetch-Site": {"same-origin"}, "Sec-Fetch-Dest": {"document"}, "Sec-Fetch-Mode": {"navigate"},
	}
	if from.forwarded != "" {
		r.Header.Set("X-Forwarded-For", from.forwarded)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	b.site.ServeHTTP(w, r)
	return w
}

// tell says that a page is shown, whose script has a stamp, "" for none.
func (b *bare) tell(from sender, path, stamp string) {
	body := message("", path, "")
	if stamp != "" {
		body = strings.TrimSuffix(body, "}") + `,"p":"` + stamp + `"}`
	}
	b.serve(from, http.MethodPost, "/goals/e/c", body, "Content-Type", "application/json", "Sec-Fetch-Dest", "empty", "Sec-Fetch-Mode", "cors")
}

// fired is how often the goal SEEN has counted.
func (b *bare) fired() (n int) {
	_, _ = fmt.Sscanf(goaltest.Fates(b.tracker, "SEEN"), "fired %d", &n)
	return n
}
