package test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/world"
)

// paceFor is how long each half of a pair takes in TestASlowCDPSlowsNobody.
const (
	paceFor   = 200 * time.Millisecond
	pacePairs = 9
)

// TestASlowCDPSlowsNobody offers 5,000 events a second to a CDP that takes two
// seconds for each answer. As many requests are under way as there are workers,
// and no goroutine is added. What does not fit is refused with a named reason.
// The site's own answers take as long as without any tracking.
func TestASlowCDPSlowsNobody(t *testing.T) {
	var flying, highest atomic.Int64
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		n := flying.Add(1)
		defer flying.Add(-1)
		for h := highest.Load(); n > h; h = highest.Load() {
			if highest.CompareAndSwap(h, n) {
				break
			}
		}
		timer := time.NewTimer(2 * time.Second)
		defer timer.Stop()
		select {
		case <-timer.C:
			w.WriteHeader(http.StatusCreated)
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(slow.Close)
	tracker, err := goaltrack.New(goaltrack.Config{
		Sites:  []goaltrack.Site{{CDP: cdp.Direct{BaseURL: slow.URL, ClientKey: "key", PointOfSale: "shop"}}},
		Rules:  world.MustParse(t, "version: 1\ngoals:\n  - goal: PAGE_VISITED\n    visit: /page\n"),
		Cookie: goaltrack.Cookie{Warm: -1},
		Logger: slog.New(slog.DiscardHandler),
		// A line finds out in no time whether it works, and has its full width.
		Delivery: goaltrack.Delivery{ProbeBase: time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	site := http.HandlerFunc(world.HTML)
	tracked := tracker.Handler(site)
	visitors := 0
	request := func(h http.Handler) time.Duration {
		visitors++
		r := httptest.NewRequest(http.MethodGet, "/page", nil)
		r.Header.Set("User-Agent", world.Chrome)
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		r.Header.Set("Sec-Fetch-Dest", "document")
		r.Header.Set("Cookie", fmt.Sprintf("bid_key=%08x-0000-4000-8000-000000000000", visitors))
		w := httptest.NewRecorder()
		begin := time.Now()
		h.ServeHTTP(w, r)
		return time.Since(begin)
	}
	// p99 offers 5,000 requests a second for a while.
	p99 := func(h http.Handler) time.Duration {
		var took []time.Duration
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		begin := time.Now()
		for range tick.C {
			past := time.Since(begin)
			for len(took) < int(past.Seconds()*5000) {
				took = append(took, request(h))
			}
			if past > paceFor {
				break
			}
		}
		slices.Sort(took)
		return took[len(took)*99/100]
	}
	for p99(tracked); flying.Load() < 16; {
		p99(tracked) // fills the queue and the workers
	}
	goroutines := runtime.NumGoroutine()
	// round is the median of what tracking adds to the p99, over some pairs.
	round := func() time.Duration {
		var over []time.Duration
		for i := range pacePairs {
			var ours, bare time.Duration
			if i%2 == 0 {
				ours, bare = p99(tracked), p99(site)
			} else {
				bare, ours = p99(site), p99(tracked)
			}
			over = append(over, ours-bare)
			if n := runtime.NumGoroutine(); n > goroutines+4 {
				t.Errorf("%d goroutines, %d at the beginning", n, goroutines)
			}
		}
		slices.Sort(over)
		t.Logf("the request path's p99 is %v over that of no tracking (median of %d interleaved pairs, %v to %v)",
			over[pacePairs/2], pacePairs, over[0], over[pacePairs-1])
		return over[pacePairs/2]
	}
	// On a machine that others load, one round says little: the best of three counts.
	best := round()
	for range 2 {
		if best > time.Millisecond {
			best = min(best, round())
		}
	}
	if best > time.Millisecond {
		t.Errorf("the request path's p99 is %v over that of no tracking", best)
	}
	s := tracker.Snapshot()
	if highest.Load() != 16 || s.Delivery[0].InFlight != 16 {
		t.Errorf("%d under way at once, %d now; want 16", highest.Load(), s.Delivery[0].InFlight)
	}
	if s.NotFired["queue_full"] == 0 || s.NotFired["queue_full"]+s.Accepted != s.Decisions || s.Waiting > 8000 || s.Waiting < 7900 {
		t.Errorf("%s", s.Account)
	}
	account, _ := tracker.Close(ended(t)) // most of it cannot be delivered
	if !account.Balanced() {
		t.Errorf("%s", account)
	}
}

// ended is a context whose time is up.
func ended(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
