package test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/internal/world"
)

const waitRules = `
version: 1
goals:
  - {goal: GOOD, visit: /good}
  - {goal: ALSO, visit: /good}
  - {goal: RAISED, code: true}
`

// TestWaitOfARequest: with Delivery.Wait, a request returns when its events have
// met their fate, and not later than that time.
func TestWaitOfARequest(t *testing.T) {
	down := func(string) (int, error) { return 503, nil }
	for _, tc := range []struct {
		name   string
		path   string
		answer func(string) (int, error)
		took   time.Duration
		out    uint64 // how many waits ran out
	}{
		{"two events of one visitor", "/good", nil, 100 * time.Millisecond, 0},
		{"no event", "/other", nil, 0, 0},
		{"no event while the CDP is down", "/other", down, 0, 0},
		{"the CDP is down", "/good", down, 3 * time.Second, 1},
		{"the CDP refuses the sender", "/good", func(string) (int, error) { return 401, nil }, 3 * time.Second, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tracker, cdp := faked(t, waitRules, func(c *goaltrack.Config) { c.Delivery.Wait = 3 * time.Second })
				cdp.tell(tc.answer)
				begin := time.Now()
				page(tracker, 1, tc.path)
				if took := time.Since(begin); took != tc.took {
					t.Errorf("the request took %v, want %v", took, tc.took)
				}
				if n := tracker.Snapshot().Notes["wait_timed_out"]; n != tc.out {
					t.Errorf("%d waits ran out, want %d", n, tc.out)
				}
				cdp.tell(nil)
				if a, err := tracker.Close(t.Context()); err != nil || a.Delivered != a.Accepted {
					t.Errorf("%v, %v", a, err)
				}
			})
		})
	}
}

func TestWaitOfSendAndTrigger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker, cdp := faked(t, waitRules, func(c *goaltrack.Config) { c.Delivery.Wait = 3 * time.Second })
		timed := func(what string, want time.Duration, f func() error) {
			t.Helper()
			begin := time.Now()
			if err := f(); err != nil || time.Since(begin) != want {
				t.Errorf("%s: %v after %v, want %v", what, err, time.Since(begin), want)
			}
		}
		send := func() error {
			return tracker.Send(t.Context(), goaltrack.Visitor{BrowserID: world.Known}, "RAISED", nil)
		}
		trigger := func() error {
			r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://shop.example/hook", nil)
			r.Header.Set("User-Agent", world.Chrome)
			r.Header.Set("Cookie", "bid_k="+world.Known)
			return tracker.Trigger(r, "RAISED", nil)
		}
		timed("Send", 50*time.Millisecond, send)
		timed("Trigger", 50*time.Millisecond, trigger)
		cdp.tell(func(string) (int, error) { return 503, nil })
		timed("Send", 3*time.Second, send)
		if n := tracker.Snapshot().Notes["wait_timed_out"]; n != 1 {
			t.Errorf("%d waits ran out", n)
		}
		cdp.tell(nil)
		if _, err := tracker.Close(t.Context()); err != nil {
			t.Error(err)
		}
		timed("Send after Close", 0, func() error {
			if err := send(); !errors.Is(err, goaltrack.ErrClosed) {
				return err
			}
			return nil
		})
	})
}
