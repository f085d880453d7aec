package test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/faultproxy"
	"github.com/goaltrack/goaltrack/internal/world"
)

var soakFor = flag.Duration("soak", 2*time.Second, "how long TestSoak runs")

// oracle is a CDP that knows which events it has. It keeps a bit for each, so
// that it does not grow with what it is sent.
type oracle struct {
	mood atomic.Int32 // what it answers for a while

	mu      sync.Mutex
	arrived []uint64 // by the number in the event's data
	all     int
	twice   int // arrivals of events that were there already
}

const (
	well    int32 = iota
	flaky         // every fault, every other time
	refuses       // 401 for all
	busy          // 429 with Retry-After
)

func (o *oracle) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // cut off by the proxy
	}
	code := http.StatusCreated
	switch o.mood.Load() {
	case flaky:
		code = []int{201, 201, 201, 201, 500, 502, 503, 408}[rand.N(8)]
	case refuses:
		code = http.StatusUnauthorized
	case busy:
		w.Header().Set("Retry-After", "1")
		code = http.StatusTooManyRequests
	}
	if strings.Contains(r.URL.Path, "create") {
		if code == http.StatusCreated {
			_, _ = fmt.Fprintf(w, `{"ref":"%08x-0000-4000-9000-000000000000"}`, rand.Uint32())
			return
		}
		w.WriteHeader(code)
		return
	}
	var e struct {
		Ext struct {
			N string `json:"n"`
		} `json:"ext"`
	}
	n := 0
	if json.Unmarshal(body, &e) == nil {
		_, _ = fmt.Sscan(e.Ext.N, &n)
	}
	if n%100 == 99 {
		code = http.StatusUnprocessableEntity // one in a hundred is bad
	}
	if code < 300 || code == http.StatusBadGateway { // a gateway gave up, the CDP did not
		o.note(n)
	}
	w.WriteHeader(code)
}

func (o *oracle) note(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.arrived) <= n/64 {
		o.arrived = append(o.arrived, 0)
	}
	bit := uint64(1) << (n % 64)
	if o.all++; o.arrived[n/64]&bit != 0 {
		o.twice++
	}
	o.arrived[n/64] |= bit
}

func (o *oracle) has(n int) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return n/64 < len(o.arrived) && o.arrived[n/64]&(1<<(n%64)) != 0
}

// soak is a site under load, whose CDP and the way to it misbehave.
type soak struct {
	*testing.T
	cdp     *oracle
	proxy   *faultproxy.Proxy
	tracker *goaltrack.Tracker
	site    http.Handler
	offered int // numbers given out
}

const soakRules = `
version: 1
goals:
  - { goal: PAGE_VISITED, visit: /page, data: { n: $query.n } }
  - { goal: FORM_SENT, submit: /form, data: { n: $query.n }, value: 5 }
  - { goal: FILE_TAKEN, download: /file, data: { n: $query.n } }
`

func newSoak(t *testing.T) *soak {
	t.Helper()
	s := &soak{T: t, cdp: &oracle{}}
	server := httptest.NewServer(s.cdp)
	t.Cleanup(server.Close)
	s.proxy = faultproxy.New(t, server.Listener.Addr().String())
	var err error
	s.tracker, err = goaltrack.New(goaltrack.Config{
		Sites:  []goaltrack.Site{{CDP: cdp.Direct{BaseURL: s.proxy.URL(), ClientKey: "key", PointOfSale: "shop"}, Currency: "EUR"}},
		Rules:  world.MustParse(t, soakRules),
		Cookie: goaltrack.Cookie{Warm: -1},
		Logger: slog.New(slog.DiscardHandler),
		Delivery: goaltrack.Delivery{
			Timeout: 250 * time.Millisecond, MaxAge: time.Hour, QueueEvents: 2000,
			BackoffBase: time.Millisecond, BackoffMax: 20 * time.Millisecond, ProbeBase: 5 * time.Millisecond, ProbeMax: 50 * time.Millisecond,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", world.HTML)
	mux.Handle("POST /form", world.Answer(http.StatusSeeOther, "Location", "/thanks"))
	mux.Handle("GET /file", world.Answer(http.StatusOK, "Content-Type", "application/pdf"))
	s.site = s.tracker.Handler(mux)
	return s
}

// mix is what visitors do.
var mix = [...]string{"GET /page", "GET /page", "POST /form", "GET /file", "GET /elsewhere"}

// request is one by one of five hundred visitors.
func (s *soak) request(target string) {
	method, path, _ := strings.Cut(target, " ")
	r := httptest.NewRequest(method, fmt.Sprintf("%s?n=%d", path, s.offered), nil)
	s.offered++
	r.Header.Set("User-Agent", world.Chrome)
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Dest", "document")
	r.Header.Set("Cookie", fmt.Sprintf("bid_key=%08x-0000-4000-8000-000000000000", rand.N(500)))
	s.site.ServeHTTP(httptest.NewRecorder(), r)
}

// misbehave plays faults until ctx ends: of the CDP, of the connections, and
// now and then of the port.
func (s *soak) misbehave(ctx context.Context) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	defer func() {
		s.cdp.mood.Store(well)
		s.proxy.Always(faultproxy.None)
		if err := s.proxy.Up(); err != nil {
			s.Error(err)
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s.cdp.mood.Store([]int32{well, well, flaky, flaky, refuses}[rand.N(5)])
		if rand.N(100) == 0 {
			s.cdp.mood.Store(busy) // costs a second or more
		}
		dice := rand.New(rand.NewPCG(rand.Uint64(), 1))
		var mu sync.Mutex
		share := rand.N(40)
		s.proxy.Play(func() faultproxy.Fault {
			mu.Lock()
			defer mu.Unlock()
			switch {
			case dice.IntN(400) == 0:
				return faultproxy.Hang
			case dice.IntN(100) < share:
				return faultproxy.Random(dice)
			}
			return faultproxy.None
		})
		if rand.N(10) == 0 {
			s.proxy.Down()
		} else if err := s.proxy.Up(); err != nil {
			s.Error(err)
		}
	}
}

// TestSoak runs mixed traffic under every fault at random. When the faults have
// ended, every event has one fate, what the account calls delivered has arrived,
// a fresh event arrives, and neither goroutines nor memory have grown.
func TestSoak(t *testing.T) {
	s := newSoak(t)
	ctx, cancel := context.WithTimeout(t.Context(), *soakFor)
	defer cancel()
	var faults sync.WaitGroup
	faults.Go(func() { s.misbehave(ctx) })
	type sample struct {
		goroutines int
		heap       uint64
	}
	var samples []sample
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for begin := time.Now(); ctx.Err() == nil; <-tick.C {
		s.request(mix[rand.N(len(mix))])
		if time.Since(begin) > time.Duration(len(samples)+1)*(*soakFor)/20 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			samples = append(samples, sample{runtime.NumGoroutine(), m.HeapAlloc})
		}
	}
	faults.Wait()
	settle, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	a, err := s.tracker.Flush(settle)
	t.Logf("%d requests in %v, %d arrivals, %d of them twice\n%s", s.offered, *soakFor, s.cdp.all, s.cdp.twice, a)
	if err != nil || !a.Balanced() || a.Waiting > 0 {
		t.Errorf("%v: %d waiting: %+v", err, a.Waiting, s.tracker.Snapshot().Delivery)
	}
	different := uint64(s.cdp.all - s.cdp.twice)
	if different < a.Delivered || uint64(s.cdp.twice) > a.PossibleDuplicates {
		t.Errorf("%d different events arrived, %d of them twice", different, s.cdp.twice)
	}
	s.offered += 1000 - s.offered%1000 // no bad one
	fresh := s.offered
	s.request("POST /form")
	if _, err := s.tracker.Flush(settle); err != nil || !s.cdp.has(fresh) {
		t.Errorf("a fresh event did not arrive: %v", err)
	}
	half := len(samples) / 2
	early, late := samples[half/2:half], samples[len(samples)-half/2:]
	high := func(of []sample) (most sample) {
		for _, m := range of {
			most.goroutines, most.heap = max(most.goroutines, m.goroutines), max(most.heap, m.heap)
		}
		return most
	}
	e, l := high(early), high(late)
	t.Logf("at most %d goroutines and %d KB early, %d and %d KB late", e.goroutines, e.heap>>10, l.goroutines, l.heap>>10)
	if l.goroutines > max(e.goroutines, 150)+50 || // some for each connection
		l.heap > e.heap+8<<20 {
		t.Error("they grew")
	}
	if account, err := s.tracker.Close(settle); err != nil || !account.Balanced() {
		t.Errorf("%v\n%s", err, account)
	}
}
