package relay

import (
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/world"
)

// blank is a response writer that costs nothing.
type blank struct{ header http.Header }

func (b *blank) Header() http.Header         { return b.header }
func (b *blank) WriteHeader(int)             {}
func (b *blank) Write(p []byte) (int, error) { return len(p), nil }

// BenchmarkEvent: an event from the request to the queue, with the page's rules. An event
// without a rule is to take at most 20 microseconds of a processor. That is measured in the
// quickest of many turns, which what else the machine does makes no quicker.
func BenchmarkEvent(b *testing.B) {
	for name, rules := range map[string]string{
		"no rule": "{version: 1, goals: [{goal: SEEN, visit: /a}]}",
		"a rule":  "{version: 1, goals: [{goal: SEEN, event: CONTACT_FORM_SENT}]}",
	} {
		b.Run(name, func(b *testing.B) {
			parsed, err := goaltrack.ParseRules([]byte(rules))
			if err != nil {
				b.Fatal(err)
			}
			tracker, err := goaltrack.New(goaltrack.Config{
				Sites:  []goaltrack.Site{{CDP: cdp.Direct{Region: cdp.EU, ClientKey: "key", PointOfSale: "shop"}, Currency: "EUR"}},
				Rules:  parsed,
				Logger: slog.New(slog.DiscardHandler), Cookie: goaltrack.Cookie{Warm: -1}, Delivery: goaltrack.Delivery{Queue: new(world.Sink)},
			})
			if err != nil {
				b.Fatal(err)
			}
			h, err := New(tracker, Options{})
			if err != nil {
				b.Fatal(err)
			}
			const id = "11111111-2222-4333-8444-555555555555"
			begin, end := `{"type":"CONTACT_FORM_SENT","product_id":"42","ext":{"goal":"contact","value":12.5,"n":`, `},"browser_id":"`+id+`","channel":"WEB","client_key":"key","currency":"EUR","language":"EN","page":"contact","pos":"shop"}`
			r, _ := http.NewRequestWithContext(b.Context(), http.MethodPost, "https://shop.example"+Path+"/v1.2/events", nil)
			r.Header = http.Header{
				"Content-Type": {"application/json"}, "Sec-Fetch-Site": {"same-origin"}, "Cookie": {"bid_key=" + id}, "Referer": {"https://shop.example/products/42"},
				"User-Agent": {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36"},
			}
			w := &blank{http.Header{}}
			const turn = 200
			quickest, bodies := time.Hour, make([]string, turn)
			b.ReportAllocs()
			for n := 0; b.Loop(); {
				for i := range bodies {
					n++
					bodies[i] = begin + strconv.Itoa(n) + end
				}
				begun := world.Processor()
				for _, body := range bodies {
					clear(w.header)
					r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
					h.ServeHTTP(w, r)
				}
				quickest = min(quickest, (world.Processor()-begun)/turn)
			}
			b.ReportMetric(0, "ns/op") // of a turn
			b.ReportMetric(float64(quickest), "cpu-ns/event-quickest")
		})
	}
}
