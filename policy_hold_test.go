package goaltrack

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
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
		before, after int // good events
		code          int
	}{
		{"among others", 100, 100, 403},
		{"among others, with 401", 100, 100, 401},
		{"the last of the day", 100, 0, 403},
		{"the only one", 0, 0, 403},
		{"the first of the day", 0, 100, 405},
	} {
		bubble(t, tc.name, func(t *testing.T) {
			for range 8 { // whatever the waits
				r := newRig(t, Delivery{}, refuses("BAD", tc.code))
				r.offerMany(0, tc.before)
				after(time.Second)
				r.offer(9999, "BAD")
				for v := range tc.after {
					after(100 * time.Millisecond)
					r.offer(1000+v, fmt.Sprint("LATER", v))
				}
				if took := r.settle(); took > 10*time.Second {
					t.Errorf("Flush waited %v", took)
				}
				r.wantDead(map[string]uint64{"blocked": 1})
				r.wantDelivered(tc.before + tc.after)
				if n := len(r.cdp().of("BAD")); n != maxStrikes {
					t.Errorf("it was sent %d times", n)
				}
				if n := r.logs.count("ERROR"); n > 0 || r.states()[0].State != "ok" {
					t.Errorf("%d errors logged, state %q", n, r.states()[0].State)
				}
			}
		})
	}
}

// The visitor's other events do not wait for the one that is blocked.
func TestABlockedEventReleasesItsVisitor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Delivery{}, refuses("BAD", 403))
		r.offer(1, "BAD")
		r.offer(1, "GOOD")
		r.settle()
		r.wantDead(map[string]uint64{"blocked": 1})
		if n := r.note("order_released"); n != 1 {
			t.Errorf("order_released %d", n)
		}
		if good := r.cdp().of("GOOD")[0]; good.start.After(r.cdp().of("BAD")[1].start) {
			t.Error("the good event waited for the bad one")
		}
	})
}

func TestTwoBlockedVisitorsEndInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Delivery{}, func(c *call) error {
			if c.goal == "BAD1" || c.goal == "BAD2" {
				return status(403)
			}
			return nil
		})
		r.offer(1, "BAD1")
		r.offer(2, "BAD2")
		for v := range 200 {
			after(100 * time.Millisecond)
			r.offer(100+v, fmt.Sprint("GOOD", v))
		}
		r.settle()
		r.wantDead(map[string]uint64{"blocked": 2})
		r.wantDelivered(200)
		late := 0
		for _, c := range r.cdp().all() {
			if c.err == nil && c.start.Sub(r.cdp().all()[0].start) > 30*time.Second {
				late++
			}
		}
		if late > 0 {
			t.Errorf("%d good events were held up", late)
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
		bubble(t, tc.name, func(t *testing.T) {
			r := newRig(t, Delivery{}, script(status(tc.code)))
			r.cdp().shown = func(string) error { return tc.shown }
			for i := range tc.events {
				r.offer(1, fmt.Sprint("E", i))
			}
			after(time.Minute)
			if s := r.states()[0].State; s != "held" {
				t.Errorf("state %q", s)
			}
			if r.logs.count("refuses") != 1 && tc.events == 1 {
				t.Errorf("nobody was told: %q", r.logs.lines)
			}
			before := len(r.cdp().all())
			after(tc.wait)
			if n := len(r.cdp().all()) - before; float64(n) > 60*3*float64(min(tc.events, badRun))*tc.wait.Hours() {
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
		r := newRig(t, Delivery{}, script(status(401)))
		r.offerMany(0, n)
		after(120 * time.Millisecond) // too soon for a probe
		burst := len(r.cdp().all())
		if s := r.states()[0].State; s != "held" || burst > 33 {
			t.Fatalf("state %q after %d sends", s, burst)
		}
		after(72 * time.Hour)
		probes := r.cdp().all()[burst:]
		if len(probes) < 72*60 || len(probes) > 72*60*3 {
			t.Errorf("%d probes in 72 hours", len(probes))
		}
		last := map[string]int{}
		for i, p := range probes {
			if i > 0 {
				gap := p.start.Sub(probes[i-1].end)
				if most := time.Second << min(i, 6); gap < 100*time.Millisecond || gap > min(most, time.Minute) {
					t.Errorf("probe %d came %v after the one before", i, gap)
				}
			}
			if at, again := last[p.goal]; again && i-at < n {
				t.Errorf("%s was a probe again after %d others", p.goal, i-at-1)
			}
			last[p.goal] = i
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
		if errs, infos := r.logs.count("ERROR"), r.logs.count("takes events again"); errs != 1 || infos != 1 {
			t.Errorf("%d errors and %d all-clears logged", errs, infos)
		}
	})
}

// Nor is it during the hold: probes meet all kinds of trouble.
func TestAHoldWithOutages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Delivery{}, script(status(401)))
		r.offerMany(0, 50)
		after(time.Hour)
		n := 0
		r.cdp().tell(func(*call) error {
			if n++; n%3 == 0 {
				return status(401)
			}
			return retryIn(503, 20*time.Second)
		})
		before := len(r.cdp().all())
		after(10 * time.Hour)
		r.wantDead(map[string]uint64{})
		if sends := len(r.cdp().all()) - before; sends > 10*60*3 {
			t.Errorf("%d probes in 10 hours", sends)
		}
		if s := r.states()[0].State; s != "held" && s != "paused" {
			t.Errorf("state %q", s)
		}
		r.cdp().tell(nil)
		r.settle()
		r.wantDelivered(50)
	})
}

func TestRejectionsDuringAHoldAreFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Delivery{}, script(status(401)))
		r.offerMany(0, 200)
		after(time.Minute)
		r.cdp().tell(script(status(400)))
		before := len(r.cdp().all())
		after(time.Hour)
		if n := r.account().Dead["rejected_400"]; n > badRun {
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
	for _, tc := range []struct {
		name     string
		visitors int
		works    func(begin time.Time) bool
	}{
		{"half of all answers", 50, func(time.Time) bool { return rand.N(2) == 0 }},
		{"one answer in ten", 50, func(time.Time) bool { return rand.N(10) == 0 }},
		{"every other minute", 50, func(begin time.Time) bool { return int(time.Since(begin).Minutes())%2 == 1 }},
		{"every other second", 50, func(begin time.Time) bool { return int(time.Since(begin).Seconds())%2 == 1 }},
		{"one visitor, every other minute", 1, func(begin time.Time) bool { return int(time.Since(begin).Minutes())%2 == 1 }},
		{"one visitor, every other hour", 1, func(begin time.Time) bool { return int(time.Since(begin).Hours())%2 == 1 }},
	} {
		bubble(t, tc.name, func(t *testing.T) {
			begin := time.Now()
			r := newRig(t, Delivery{}, func(*call) error {
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
				after(rand.N(500 * time.Millisecond))
				r.offer(i%tc.visitors, fmt.Sprint("E", i))
			}
			r.settle()
			r.wantDelivered(1000)
		})
	}
}

func TestCreationRefusedIsTheSendersFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Delivery{}, nil)
		r.cdp().create = func() error { return status(401) }
		for i := range 5 {
			r.offerAnonymous(fmt.Sprint("request-", i), fmt.Sprint("E", i))
		}
		after(time.Hour)
		if s := r.states()[0].State; s != "held" {
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
