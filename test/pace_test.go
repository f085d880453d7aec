package test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/bubble"
	"github.com/goaltrack/goaltrack/internal/world"
)

// slowAnswer is how long the CDP of these tests takes, offered how many requests a
// second there are.
const (
	slowAnswer = 2 * time.Second
	offered    = 5000
)

// slowCDP is an http.RoundTripper that takes its time, and knows how many it had at once.
type slowCDP struct{ flying, highest atomic.Int64 }

func (c *slowCDP) RoundTrip(r *http.Request) (*http.Response, error) {
	_, _ = io.Copy(io.Discard, r.Body)
	_ = r.Body.Close()
	n := c.flying.Add(1)
	defer c.flying.Add(-1)
	for h := c.highest.Load(); n > h; h = c.highest.Load() {
		if c.highest.CompareAndSwap(h, n) {
			break
		}
	}
	timer := time.NewTimer(slowAnswer)
	defer timer.Stop()
	select {
	case <-timer.C:
		return &http.Response{StatusCode: http.StatusCreated, Header: http.Header{}, Body: http.NoBody}, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// slowly is a tracker at a slow CDP, and a function that serves one request with it or
// without and returns how long that took.
func slowly(t *testing.T) (tracker *goaltrack.Tracker, c *slowCDP, request func(tracked bool) time.Duration) {
	t.Helper()
	c = &slowCDP{}
	tracker, err := goaltrack.New(goaltrack.Config{
		Sites:  []goaltrack.Site{{CDP: cdp.Direct{BaseURL: "https://cdp.example", ClientKey: "key", PointOfSale: "shop"}}},
		Rules:  world.MustParse(t, "version: 1\ngoals:\n  - goal: PAGE_VISITED\n    visit: /page\n"),
		Cookie: goaltrack.Cookie{Warm: -1},
		Logger: slog.New(slog.DiscardHandler),
		// A line finds out in no time whether it works, and has its full width.
		Delivery: goaltrack.Delivery{HTTPClient: &http.Client{Transport: c}, ProbeBase: time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	site := http.HandlerFunc(world.HTML)
	handler, visitors := tracker.Handler(site), 0
	return tracker, c, func(tracked bool) time.Duration {
		visitors++
		r := httptest.NewRequest(http.MethodGet, "/page", nil)
		r.Header.Set("User-Agent", world.Chrome)
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		r.Header.Set("Sec-Fetch-Dest", "document")
		r.Header.Set("Cookie", fmt.Sprintf("bid_key=%08x-0000-4000-8000-000000000000", visitors))
		w, h := httptest.NewRecorder(), handler
		if !tracked {
			h = site
		}
		begin := time.Now()
		h.ServeHTTP(w, r)
		return time.Since(begin)
	}
}

// TestASlowCDPSlowsNobody offers 5,000 events a second to a CDP that takes two
// seconds for each answer. No request waits for anything, not even a nanosecond of
// fake time. As many events are under way as there are workers, and no goroutine is
// added. What does not fit is refused with a named reason. What tracking costs a
// processor meanwhile is measured by TestPace.
func TestASlowCDPSlowsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker, c, request := slowly(t)
		goroutines := 0
		for n := range 5 * offered / 2 { // more than are queued
			if took := request(true); took > 0 {
				t.Fatalf("request %d waited for %v", n, took)
			}
			if n%(offered/100) != 0 {
				continue
			}
			bubble.Pass(10 * time.Millisecond)
			if goroutines == 0 && c.flying.Load() == 16 {
				goroutines = runtime.NumGoroutine()
			}
			if now := runtime.NumGoroutine(); goroutines > 0 && now > goroutines+4 {
				t.Fatalf("%d goroutines, %d when all workers had work", now, goroutines)
			}
		}
		s := tracker.Snapshot()
		if c.highest.Load() != 16 || s.Delivery[0].InFlight != 16 {
			t.Errorf("%d under way at once, %d now; want 16", c.highest.Load(), s.Delivery[0].InFlight)
		}
		if s.NotFired["queue_full"] == 0 || s.NotFired["queue_full"]+s.Accepted != s.Decisions || s.Waiting > 8000 || s.Waiting < 7900 {
			t.Errorf("%s", s.Account)
		}
		account, _ := tracker.Close(ended(t)) // most of it cannot be delivered
		if !account.Balanced() {
			t.Errorf("%s", account)
		}
	})
}

var pace = flag.Bool("pace", false, "measure what tracking adds to a request while the CDP is slow (TestPace)")

// TestPace measures the same in real time: what tracking adds to the p99 of a request, over
// some interleaved pairs. It says nothing on a machine that others use.
func TestPace(t *testing.T) {
	if !*pace {
		t.Skip("it measures; see .ci/measure")
	}
	tracker, _, request := slowly(t)
	p99 := func(tracked bool) time.Duration {
		var took []time.Duration
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for begin := time.Now(); time.Since(begin) < 200*time.Millisecond; <-tick.C {
			for len(took) < 1+int(time.Since(begin).Seconds()*offered) {
				took = append(took, request(tracked))
			}
		}
		slices.Sort(took)
		return took[len(took)*99/100]
	}
	for tracker.Snapshot().NotFired["queue_full"] == 0 {
		p99(true)
	}
	var over []time.Duration
	for i := range 9 {
		first := p99(i%2 == 0)
		second := p99(i%2 != 0)
		if i%2 == 0 {
			over = append(over, first-second)
		} else {
			over = append(over, second-first)
		}
	}
	slices.Sort(over)
	t.Logf("the request path's p99 is %v over that of no tracking (median of %d interleaved pairs, %v to %v)", over[4], len(over), over[0], over[8])
	if over[4] > time.Millisecond {
		t.Error("want at most a millisecond")
	}
	_, _ = tracker.Close(ended(t))
}

// ended is a context whose time is up.
func ended(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
