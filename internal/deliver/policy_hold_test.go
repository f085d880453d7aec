package deliver

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/bubble"
	"github.com/goaltrack/goaltrack/queue"
)

// refuses answers the events of one goal with a status, all others well.
func refuses(goal string, code int) func(*call) error {
	return func(c *call) error {
		if c.goal == goal {
			return status(code)
		}
		return nil
	}
}

func TestOneBlockedEventStopsNobody(t *testing.T) {
	for _, tc := range []struct {
		name          string
		before, after int // good events of the same goal
		code          int
		buried        bool
	}{
		{"among others", 100, 1000, 403, true},
		{"among others, with 401", 100, 1000, 401, true},
		{"the first of the day", 0, 1000, 405, true},
		{"the last of the day", 100, 0, 403, false},
		{"the only one", 0, 0, 403, false},
	} {
		bubble.Run(t, tc.name, func(t *testing.T) {
			bad := visitorID(9999)
			r := newRig(t, Options{}, func(c *call) error {
				if c.id == bad {
					return status(tc.code)
				}
				return nil
			})
			for v := range tc.before {
				r.offer(v, "SENT")
			}
			bubble.Pass(5 * time.Second)
			r.offer(9999, "SENT")
			for v := range tc.after {
				bubble.Pass(100 * time.Millisecond)
				r.offer(10_000+v, "SENT")
			}
			bubble.Pass(10 * time.Second)
			r.wantDelivered(tc.before + tc.after)
			if tc.buried {
				r.settle()
				r.wantDead(map[string]uint64{"blocked": 1})
				if n := len(r.cdp().all()) - tc.before - tc.after; n != 4 {
					t.Errorf("it was sent %d times", n)
				}
			} else {
				r.wantDead(map[string]uint64{})
				if a := r.balanced(); a.Waiting != 1 || r.States()[0].Benched != 1 {
					t.Errorf("%s", a)
				}
			}
			if n := r.logs.Count("ERROR"); n > 0 || r.States()[0].State != "ok" {
				t.Errorf("%d errors logged, state %q", n, r.States()[0].State)
			}
		})
	}
}

// The visitor's other events do not wait for the one that is refused.
func TestABlockedEventReleasesItsVisitor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{}, refuses("BAD", 403))
		r.offer(1, "BAD")
		r.offer(1, "GOOD")
		bubble.Pass(500 * time.Millisecond)
		r.wantDelivered(1)
		if n := r.note("order_released"); n != 1 || r.note("benched") != 1 {
			t.Errorf("order_released %d, benched %d", n, r.note("benched"))
		}
		r.cdp().tell(nil)
		r.settle()
		r.wantDelivered(2)
		if r.note("pardoned") != 1 {
			t.Errorf("pardoned %d", r.note("pardoned"))
		}
	})
}

// A refused event may not wait for ever for one like it: when others were accepted
// for as long as events are kept, it is given up.
func TestAnEventOfAGoalThatIsRefusedEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{}, refuses("BAD", 403))
		for v := range 30 {
			r.offer(v, "BAD")
		}
		for v := range 3600 {
			r.offer(1000+v, "GOOD")
			bubble.Pass(time.Second)
			if v == 500 {
				r.wantDead(map[string]uint64{})
				if s := r.States()[0]; s.State != "ok" || len(s.HeldGoals) != 1 || s.HeldGoals[0] != "BAD" {
					t.Errorf("%+v", s)
				}
			}
		}
		r.settle()
		r.wantDelivered(3600)
		r.wantDead(map[string]uint64{"blocked": 30})
		if n := r.logs.Count("ERROR"); n != 1 || r.logs.Count("goal=BAD") == 0 {
			t.Errorf("%q", r.logs.Lines())
		}
	})
}

func TestASingleVisitorsEventsAreKept(t *testing.T) {
	for _, tc := range []struct {
		name   string
		events int
		code   int
		shown  error // what Show says meanwhile
		wait   time.Duration
	}{
		{"one, 401 for posts alone", 1, 401, nil, 12 * time.Hour},
		{"three, 401 for all", 3, 401, status(401), 12 * time.Hour},
		{"three, 403 for posts alone", 3, 403, nil, 12 * time.Hour},
		{"one, 403 for all", 1, 403, status(403), 12 * time.Hour},
		{"forty, 302 for posts alone", 40, 302, nil, 12 * time.Hour},
		{"hundreds, 401 for all", 300, 401, status(401), time.Hour},
	} {
		bubble.Run(t, tc.name, func(t *testing.T) {
			r := newRig(t, Options{}, script(status(tc.code)))
			r.cdp().shown = func(string) error { return tc.shown }
			for i := range tc.events {
				r.offer(1, fmt.Sprint("E", i))
			}
			bubble.Pass(11 * time.Minute)
			if s := r.States()[0].State; s != "held" {
				t.Errorf("state %q", s)
			}
			if r.logs.Count("WARN goaltrack: the CDP has refused the first event") != 1 || r.logs.Count("ERROR goaltrack: the CDP refuses this sender") != 1 || r.logs.Count("ERROR")+r.logs.Count("WARN") != 2 {
				t.Errorf("%q", r.logs.Lines())
			}
			before := len(r.cdp().all())
			bubble.Pass(tc.wait)
			if n := len(r.cdp().all()) - before; float64(n) > 61*tc.wait.Hours()+1 {
				t.Errorf("%d sends in %v", n, tc.wait)
			}
			r.wantDead(map[string]uint64{})
			r.cdp().tell(nil)
			r.settle()
			r.wantDelivered(tc.events)
		})
	}
}

func TestHoldLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 700
		r := newRig(t, Options{}, script(status(401)))
		r.offerMany(0, n)
		bubble.Pass(17 * time.Second)
		if s := r.States()[0].State; s != "held" {
			t.Errorf("state %q", s)
		}
		bubble.Pass(72 * time.Hour)
		if probes := len(r.cdp().all()); probes < 71*60 || probes > 72*60+200 {
			t.Errorf("%d probes in 72 hours", probes)
		}
		r.wantDead(map[string]uint64{})

		// The key works again, but the CDP is not quite well: the age of the
		// backlog is not held against it.
		r.cdp().tell(func(*call) error {
			if rand.N(5) == 0 {
				return status(503)
			}
			return nil
		})
		r.settle()
		r.wantDelivered(n)
		if errs, infos := r.logs.Count("ERROR"), r.logs.Count("takes events again"); errs != 1 || infos != 1 {
			t.Errorf("%d errors and %d all-clears logged: %q", errs, infos, r.logs.Lines())
		}
	})
}

// Nor is it during the hold: probes meet all kinds of trouble.
func TestAHoldWithOutages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{}, script(status(401)))
		r.offerMany(0, 50)
		bubble.Pass(time.Hour)
		n := 0
		r.cdp().tell(func(*call) error {
			if n++; n%3 == 0 {
				return status(401)
			}
			return retryIn(503, 20*time.Second)
		})
		before := len(r.cdp().all())
		bubble.Pass(10 * time.Hour)
		r.wantDead(map[string]uint64{})
		if sends := len(r.cdp().all()) - before; sends > 10*60*3 {
			t.Errorf("%d probes in 10 hours", sends)
		}
		if s := r.States()[0].State; s != "held" && s != "down" && s != "paused" {
			t.Errorf("state %q", s)
		}
		r.cdp().tell(nil)
		r.settle()
		r.wantDelivered(50)
	})
}

func TestRejectionsDuringAHoldAreFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{}, script(status(401)))
		r.offerMany(0, 200)
		bubble.Pass(time.Minute)
		r.cdp().tell(script(status(400)))
		before := len(r.cdp().all())
		bubble.Pass(time.Hour)
		if n := r.account().Dead["rejected_400"]; n > 19 {
			t.Errorf("%d events were given up", n)
		}
		if n := len(r.cdp().all()) - before; n > 200 {
			t.Errorf("%d sends in an hour of a hold", n)
		}
		r.cdp().tell(nil)
		r.settle()
	})
}

func TestFlappingKeysLoseNothing(t *testing.T) {
	for i, tc := range []struct {
		name     string
		visitors int
		works    func(begin time.Time) bool
	}{
		{"half of all answers", 50, func(time.Time) bool { return rand.N(2) == 0 }},
		{"every other minute", 50, func(begin time.Time) bool { return int(time.Since(begin).Minutes())%2 == 1 }},
		{"every other second", 50, func(begin time.Time) bool { return int(time.Since(begin).Seconds())%2 == 1 }},
		{"one visitor, every other minute", 1, func(begin time.Time) bool { return int(time.Since(begin).Minutes())%2 == 1 }},
		{"one visitor, every other hour", 1, func(begin time.Time) bool { return int(time.Since(begin).Hours())%2 == 1 }},
	} {
		if testing.Short() && i%3 > 0 {
			continue // the same code runs in each
		}
		bubble.Run(t, tc.name, func(t *testing.T) {
			begin := time.Now()
			r := newRig(t, Options{}, func(*call) error {
				if tc.works(begin) {
					return nil
				}
				return status(401)
			})
			r.cdp().shown = func(string) error {
				if tc.works(begin) {
					return nil
				}
				return status(401)
			}
			for i := range 1000 {
				bubble.Pass(rand.N(500 * time.Millisecond))
				r.offer(i%tc.visitors, fmt.Sprint("E", i))
			}
			r.settle()
			r.wantDelivered(1000)
		})
	}
}

func TestCreationRefusedIsTheSendersFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{}, nil)
		r.cdp().create = func() error { return status(401) }
		for i := range 5 {
			r.offerAnonymous(fmt.Sprint("request-", i), fmt.Sprint("E", i))
		}
		bubble.Pass(time.Hour)
		if s := r.States()[0].State; s != "held" {
			t.Errorf("state %q", s)
		}
		r.wantDead(map[string]uint64{})
		r.cdp().mu.Lock()
		r.cdp().create = nil
		r.cdp().mu.Unlock()
		r.settle()
		r.wantDelivered(5)
	})
}

// offerAnonymous offers an event of a visitor without a browser ID.
func (r *rig) offerAnonymous(key, goal string) {
	r.t.Helper()
	r.offerItem(queue.Item{Body: testEvent("shop", goal, ""), Key: key, Time: time.Now()})
}

func TestOutcomeOfTheRigIsThatOfTheClient(t *testing.T) {
	for code, want := range map[int]cdp.Outcome{
		201: cdp.Accepted, 302: cdp.SenderBad, 400: cdp.EventBad, 401: cdp.SenderBad, 403: cdp.SenderBad, 405: cdp.SenderBad, 408: cdp.NotProcessed, 413: cdp.EventBad,
		422: cdp.EventBad, 425: cdp.NotProcessed, 429: cdp.NotProcessed, 500: cdp.Unknown, 502: cdp.Unknown, 503: cdp.NotProcessed, 504: cdp.Unknown,
	} {
		if got := cdp.OutcomeOf(status(code)); got != want {
			t.Errorf("%d: %v, want %v", code, got, want)
		}
	}
}
