package goaltrack

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/internal/facts"
	"github.com/goaltrack/goaltrack/internal/visit"
	"github.com/goaltrack/goaltrack/queue"
)

// sink is a queue that takes everything and hands out nothing, so that a
// measurement is of the request alone.
type sink struct{}

func (*sink) Append(context.Context, ...queue.Item) error { return nil }

func (*sink) Receive(ctx context.Context, _ int) ([]queue.Delivery, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (*sink) Stats() queue.Stats { return queue.Stats{} }

func (*sink) Close(context.Context) error { return nil }

// blank is a response writer that costs nothing.
type blank struct{ header http.Header }

func (b *blank) Header() http.Header               { return b.header }
func (b *blank) WriteHeader(int)                   {}
func (b *blank) Write(p []byte) (int, error)       { return len(p), nil }
func (b *blank) Flush()                            {}
func (b *blank) ReadFrom(io.Reader) (int64, error) { return 0, nil }

// scene is a request that is served again and again, with and without the
// tracker.
type scene struct {
	tracker        *Tracker
	alone, tracked http.Handler
	request        *http.Request
	body           *strings.Reader
	writer         blank
	turn           func() // before each request
}

func (s *scene) serve(h http.Handler) {
	clear(s.writer.header)
	if s.turn != nil {
		s.turn()
	}
	if s.body != nil {
		_, _ = s.body.Seek(0, io.SeekStart)
		s.request.Form, s.request.PostForm = nil, nil
	}
	h.ServeHTTP(&s.writer, s.request)
}

func newScene(tb testing.TB, rules string, handler http.HandlerFunc, line, body string, header ...string) *scene {
	tb.Helper()
	method, target, _ := strings.Cut(line, " ")
	parsed, err := ParseRules([]byte(rules))
	if err != nil {
		tb.Fatal(err)
	}
	tracker, err := New(Config{
		Sites:  []Site{{CDP: cdp.Direct{Region: cdp.EU, ClientKey: "key", PointOfSale: "shop.example"}, Currency: "EUR"}},
		Rules:  parsed,
		Logger: slog.New(slog.DiscardHandler),
		Cookie: Cookie{Warm: -1},
		DryRun: true,
	})
	if err != nil {
		tb.Fatal(err)
	}
	tracker.config.DryRun = false
	if err := tracker.connect(func() (store, error) { return store{queue: &sink{}}, nil }); err != nil { // it never waits, as our own queues
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, _ = tracker.Close(ctx)
	})
	u, err := url.Parse(target)
	if err != nil {
		tb.Fatal(err)
	}
	s := &scene{tracker: tracker, alone: handler, tracked: tracker.Handler(handler), writer: blank{make(http.Header)}}
	s.request = &http.Request{Method: method, URL: u, Host: "shop.example", Header: http.Header{
		"User-Agent":      {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36"},
		"Accept":          {"text/html,application/xhtml+xml,*/*;q=0.8"},
		"Accept-Encoding": {"gzip, br"},
		"Accept-Language": {"en"},
		"Cookie":          {"session=0123456789abcdef; bid_key=" + oldID + "; theme=dark"},
		"Sec-Fetch-Dest":  {"document"},
		"Sec-Fetch-Mode":  {"navigate"},
		"Sec-Fetch-Site":  {"same-origin"},
	}, Body: http.NoBody}
	if body != "" {
		s.body = strings.NewReader(body)
		s.request.Body, s.request.ContentLength = io.NopCloser(s.body), int64(len(body))
		s.request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		s.request.Header.Set(header[i], header[i+1])
	}
	s.request = s.request.WithContext(tb.Context())
	return s
}

// deaf is a sink that keeps nothing. What it costs to hand a fact to a real one is measured
// in package report.
type deaf struct{}

func (deaf) Report(fact.Fact) {}

// told gives the tracker a report.
func (s *scene) told() *scene {
	site := s.tracker.sites[0]
	s.tracker.config.Report = deaf{}
	site.facts = facts.Site{Sink: (*reportSink)(s.tracker), Name: site.Name, Zone: site.zone}
	return s
}

// seal gives the visitor a visit cookie.
func (s *scene) seal(tb testing.TB) *scene {
	tb.Helper()
	c, now := &s.tracker.sites[0].visits, visit.Minute(time.Now())
	payload, _ := (&visit.Visit{Start: now, Last: now}).Encode(c.Room, nil)
	value, err := c.Seal(payload, oldID, now)
	if err != nil {
		tb.Fatal(err)
	}
	s.request.Header.Set("Cookie", s.request.Header.Get("Cookie")+"; "+c.Name+"="+value)
	return s
}

// scenes are what a request can cost, each with the allocations it may have
// beyond the handler's own.
var scenes = []struct {
	name   string
	allocs float64
	fires  bool
	build  func(testing.TB) *scene
}{
	{"no rule of 1,000 can match", 0, false, func(tb testing.TB) *scene {
		var rules strings.Builder
		rules.WriteString("version: 1\ngoals:\n")
		for i := range 1000 {
			kind := [...]string{"visit", "submit"}[i%2]
			fmt.Fprintf(&rules, "  - { goal: GOAL_%d, %s: '/section%d/{id}/send' }\n", i, kind, i)
		}
		return newScene(tb, rules.String(), benchPage, "GET /static/site.css", "", "Sec-Fetch-Dest", "style", "Sec-Fetch-Mode", "no-cors")
	}},
	{"a navigation that fires nothing", 1, false, func(tb testing.TB) *scene {
		return newScene(tb, benchRules, benchPage, "GET /about/us", "")
	}},
	{"a visit that fires", 6, true, func(tb testing.TB) *scene {
		return newScene(tb, benchRules, benchPage, "GET /products/sku-42?utm_source=news", "")
	}},
	{"a navigation that fires nothing, with a report", 4, false, func(tb testing.TB) *scene {
		return newScene(tb, benchRules, benchPage, "GET /about/us", "").told()
	}},
	{"a visit that fires, with a report", 11, true, func(tb testing.TB) *scene {
		return newScene(tb, benchRules, benchPage, "GET /products/sku-42?utm_source=news", "").told()
	}},
	// Here the cookie is opened and sealed anew.
	{"a visit that counts once", 65, true, func(tb testing.TB) *scene {
		s := newScene(tb, onceRules, benchPage, "GET /products/sku-42", "").seal(tb)
		m, n := s.tracker.visits, []string{"1"}
		s.request.Header["X-N"] = n
		s.turn = func() { m.Forget(m.Key(s.tracker.sites[0].Name, oldID)) } // the process forgets the visitor, or it would not count again
		return s
	}},
	{"a navigation that fires nothing, with a visit cookie", 1, false, func(tb testing.TB) *scene {
		return newScene(tb, onceRules, benchPage, "GET /about/us", "").seal(tb)
	}},
	{"a form that fires", 10, true, func(tb testing.TB) *scene {
		return newScene(tb, benchRules, benchForm, "POST /contact", "csrf=0123456789abcdef&name=Ada+Lovelace&email=ada%40example.com&topic=sales&message=Hello",
			"Referer", "https://shop.example/contact")
	}},
}

const onceRules = `
version: 1
goals:
  - { goal: PRODUCT_VIEWED, visit: '/products/{id}', data: { productId: $path.id }, count: once per session for $header.x-n }
`

const benchRules = `
version: 1
goals:
  - { goal: PRODUCT_VIEWED, visit: '/products/{id}', data: { productId: $path.id } }
  - { goal: CONTACT_SENT, submit: /contact, data: { topic: $form.topic } }
`

var benchHTML = []byte("<!doctype html><html><head><title>Page</title></head><body>" + strings.Repeat("<p>text</p>", 60) + "</body></html>")

func benchPage(w http.ResponseWriter, _ *http.Request) {
	w.Header()["Content-Type"] = benchType
	_, _ = w.Write(benchHTML)
}

var benchType, benchThanks = []string{"text/html; charset=utf-8"}, []string{"/thanks"}

func benchForm(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	w.Header()["Location"] = benchThanks
	w.WriteHeader(http.StatusSeeOther)
}

func BenchmarkRequest(b *testing.B) {
	for _, c := range scenes {
		b.Run(c.name, func(b *testing.B) {
			s := c.build(b)
			for _, side := range []struct {
				name    string
				handler http.Handler
			}{{"alone", s.alone}, {"tracked", s.tracked}} {
				b.Run(side.name, func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						s.serve(side.handler)
					}
				})
			}
		})
	}
}

// BenchmarkOverhead takes turns at serving 100 requests with and without the
// tracker, and reports by how much the median and the quickest turns differ. On
// a machine that has other work to do, the quickest tell what the code costs.
func BenchmarkOverhead(b *testing.B) {
	const turn = 100
	for _, c := range scenes {
		b.Run(c.name, func(b *testing.B) {
			s := c.build(b)
			var alone, tracked []time.Duration
			take := func(h http.Handler) time.Duration {
				began := time.Now()
				for range turn {
					s.serve(h)
				}
				return time.Since(began)
			}
			for b.Loop() {
				alone, tracked = append(alone, take(s.alone)), append(tracked, take(s.tracked))
			}
			slices.Sort(alone)
			slices.Sort(tracked)
			over := func(i int) float64 { return float64(tracked[i]-alone[i]) / turn }
			b.ReportMetric(0, "ns/op") // of both
			b.ReportMetric(over(0), "ns/request-quickest")
			b.ReportMetric(over(len(alone)/2), "ns/request-median")
		})
	}
}

// TestRequestAllocs keeps what a request costs from growing unnoticed.
func TestRequestAllocs(t *testing.T) {
	if testing.Short() {
		t.Skip("under the race detector a sync.Pool of the library forgets at random: https://go.dev/src/sync/pool.go")
	}
	for _, c := range scenes {
		t.Run(c.name, func(t *testing.T) {
			s := c.build(t)
			before := s.tracker.account()
			alone := testing.AllocsPerRun(1000, func() { s.serve(s.alone) })
			tracked := testing.AllocsPerRun(1000, func() { s.serve(s.tracked) })
			if tracked-alone > c.allocs {
				t.Errorf("%v allocations more than the handler's %v, want at most %v", tracked-alone, alone, c.allocs)
			}
			if after := s.tracker.account(); after.Accepted > before.Accepted != c.fires {
				t.Errorf("fires %t, want %t:\n%v", !c.fires, c.fires, after)
			}
		})
	}
}

// TestRequestSize keeps a request within the next size in which memory is handed out
// (https://go.dev/src/internal/runtime/gc/sizeclasses.go).
func TestRequestSize(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) < 8 {
		t.Skip("the sizes are those of 64 bits")
	}
	if is := unsafe.Sizeof(tracked{}); is > 1536 {
		t.Errorf("a request takes %d bytes, want at most 1536", is)
	}
	if is := unsafe.Sizeof(withBody{}); is > 1792 {
		t.Errorf("a request with a body takes %d bytes, want at most 1792", is)
	}
}
