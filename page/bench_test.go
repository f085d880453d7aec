package page_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/world"
	"github.com/goaltrack/goaltrack/page"
	"github.com/goaltrack/goaltrack/queue"
)

// benchRules are for a page that counts and for a click that counts.
const benchRules = `
version: 1
goals:
  - goal: PAGE_VIEWED
    visit: /products/{id}
  - goal: DEMO_CLICKED
    click: book-demo
    on: /products/{id}
`

// counting is a tracker that delivers to nobody, and a Page of it. Without a queue it has the
// one in memory.
func counting(tb testing.TB, q queue.Queue) (site, collector http.Handler, tracker *goaltrack.Tracker) {
	tb.Helper()
	rules, err := goaltrack.ParseRules([]byte(benchRules))
	if err != nil {
		tb.Fatal(err)
	}
	tracker, err = goaltrack.New(goaltrack.Config{
		Sites: []goaltrack.Site{{CDP: cdp.Direct{BaseURL: "http://127.0.0.1:1", ClientKey: cdptest.TestClientKey, PointOfSale: "shop"}}}, Rules: rules,
		Cookie: goaltrack.Cookie{Warm: -1}, Logger: slog.New(slog.DiscardHandler),
		Delivery: goaltrack.Delivery{Queue: q, QueueEvents: 10_000_000, QueueBytes: 8 << 30, BackoffBase: time.Minute}, // nobody is there
	})
	if err != nil {
		tb.Fatal(err)
	}
	p, err := page.New(tracker, page.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return tracker.Handler(http.HandlerFunc(world.HTML)), p, tracker
}

// visits are requests of many visitors, twenty of each, since one may not tell so much.
func visits(n int, method, target string, body func(i int) string) []*http.Request {
	list := make([]*http.Request, n)
	for i := range list {
		r := httptest.NewRequest(method, target, strings.NewReader(body(i)))
		r.Header = http.Header{
			"User-Agent": {world.Chrome}, "Accept": {"text/html"}, "Cookie": {"bid_" + cdptest.TestClientKey + "=11111111-2222-4333-8444-" + strconv.Itoa(1_000_000_000_000 + nextID/20)[1:]},
			"Sec-Fetch-Site": {"same-origin"}, "Sec-Fetch-Dest": {"document"}, "Sec-Fetch-Mode": {"navigate"},
		}
		nextID++
		if method == http.MethodPost {
			r.Header.Set("Sec-Fetch-Dest", "empty")
			r.Header.Set("Sec-Fetch-Mode", "cors")
			r.Header.Set("Content-Type", "application/json")
		}
		list[i] = r
	}
	return list
}

type nobody struct{ h http.Header }

func (n nobody) Header() http.Header         { return n.h }
func (n nobody) Write(p []byte) (int, error) { return len(p), nil }
func (n nobody) WriteHeader(int)             {}

// SetReadDeadline is what a server's writer has.
func (n nobody) SetReadDeadline(time.Time) error { return nil }

// BenchmarkCount compares a click that is told with a page that counts: the collector is
// to cost at most twice as much. Both are measured in turn, in the same process with one
// queue, and the figure is what the quickest of many turns took of a processor: what else
// the machine does makes no turn quicker. To keep a turn on one processor, run it with
// GOMAXPROCS=1, pinned with taskset.
func BenchmarkCount(b *testing.B) {
	site, collector, tracker := counting(b, nil)
	serve := func(handler http.Handler, list []*http.Request) time.Duration {
		begun := world.Processor()
		for _, r := range list {
			handler.ServeHTTP(nobody{http.Header{}}, r)
		}
		return (world.Processor() - begun) / turn
	}
	page, click, all := time.Hour, time.Hour, [2]time.Duration{}
	for b.Loop() {
		pages := visits(turn, http.MethodGet, "/products/7", func(int) string { return "" })
		clicks := visits(turn, http.MethodPost, "/goals/e/c", func(int) string {
			return `{"g":"DEMO_CLICKED","i":"` + strconv.Itoa(100_000_000+nextID) + `","u":"/products/7","d":{"plan":"pro"}}`
		})
		one, other := serve(site, pages), serve(collector, clicks)
		page, click = min(page, one), min(click, other)
		all[0], all[1] = all[0]+one, all[1]+other
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(page), "page-ns")
	b.ReportMetric(float64(click), "click-ns")
	b.ReportMetric(float64(click)/float64(page), "click/page")
	b.ReportMetric(float64(all[1])/float64(all[0]), "click/page-all") // of all turns, garbage and cold memory with them
	ended, end := context.WithCancel(b.Context())
	end()
	account, _ := tracker.Close(ended)
	if account.Fired == 0 || len(account.NotFired) > 0 {
		b.Errorf("%v", account)
	}
}

// turn is how many requests are served in one.
const turn = 1000
