package deliver

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/internal/bubble"
	"github.com/goaltrack/goaltrack/internal/idpool"
	"github.com/goaltrack/goaltrack/queue"
)

// inOrder checks that a visitor's events neither overlap nor overtake: event k
// begins only when the last attempt of event k-1 has ended.
func (r *rig) inOrder(site string, goals ...string) {
	r.t.Helper()
	var before *call
	for _, goal := range goals {
		calls := r.cdps[site].of(goal)
		if len(calls) == 0 {
			r.t.Fatalf("%s was never sent", goal)
		}
		if before != nil && calls[0].start.Before(before.end) {
			r.t.Errorf("%s began %v before %s had ended", goal, before.end.Sub(calls[0].start), before.goal)
		}
		before = calls[len(calls)-1]
	}
}

func TestOrderOfAVisitorsEvents(t *testing.T) {
	for _, tc := range []struct {
		name   string
		answer func(*call) error
	}{
		{"all well", nil},
		{"half not processed", func(*call) error { return []error{nil, status(503)}[rand.N(2)] }},
		{"resets", func(c *call) error { return []error{errReset, errReset, nil}[min(c.try-1, 2)] }},
		{"some are bad", func(*call) error { return status([]int{400, 201, 503}[rand.N(3)]) }},
		{"an outage", func(c *call) error {
			if c.start.Minute()%10 < 5 {
				return errRefused
			}
			return nil
		}},
		{"pauses", func(*call) error {
			if rand.N(20) == 0 {
				return retryIn(429, 3*time.Second)
			}
			return nil
		}},
	} {
		bubble.Run(t, tc.name, func(t *testing.T) {
			const visitors, events = 12, 8
			r := newRig(t, Options{MaxAge: time.Hour}, tc.answer)
			goals := make([][]string, visitors)
			for e := range events {
				for v := range visitors {
					goal := fmt.Sprintf("V%dE%d", v, e)
					goals[v] = append(goals[v], goal)
					r.offer(v, goal)
				}
			}
			r.settle()
			for v := range visitors {
				r.inOrder("shop", goals[v]...)
			}
			if n := r.note("order_released"); n > 0 {
				t.Errorf("order_released %d", n)
			}
			if r.cdp().highest < min(visitors, 2) {
				t.Error("visitors waited for each other")
			}
		})
	}
}

// The visitor's first event is tried again and again; the others' go on.
func TestOthersOvertakeAStuckVisitor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{}, func(c *call) error {
			if c.goal == "STUCK" && c.try < 4 {
				return errRefused
			}
			return nil
		})
		r.offer(1, "STUCK")
		r.offer(1, "NEXT")
		r.offerMany(100, 200)
		r.settle()
		r.wantDelivered(202)
		r.inOrder("shop", "STUCK", "NEXT")
		done := r.cdp().of("STUCK")[3].end
		for _, c := range r.cdp().all() {
			if c.goal != "NEXT" && c.start.After(done) {
				t.Fatalf("%s waited for another visitor", c.goal)
			}
		}
	})
}

func TestBoundsOfOrder(t *testing.T) {
	for _, tc := range []struct {
		name             string
		visitors, events int // of each
		released         uint64
	}{
		{"as many as are parked", 1, 1 + maxParked, 0},
		{"one more", 1, 2 + maxParked, 1},
		{"many of one", 1, 200, 199 - maxParked},
		{"in all", 20, 1 + 40, 20*40 - maxParkedTotal},
	} {
		bubble.Run(t, tc.name, func(t *testing.T) {
			r := newRig(t, Options{}, script(errRefused))
			r.cdp().took = time.Minute // so that nothing ends before all are admitted
			for v := range tc.visitors {
				for e := range tc.events {
					r.offer(v, fmt.Sprintf("V%dE%d", v, e))
				}
			}
			bubble.Pass(time.Second)
			if n := r.note("order_released"); n != tc.released {
				t.Errorf("order_released %d, want %d", n, tc.released)
			}
			r.cdp().tell(nil)
			r.settle()
			r.wantDelivered(tc.visitors * tc.events)
		})
	}
}

func TestEventsOfOneRequestShareTheirNewID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{}, func(c *call) error {
			if c.try == 1 {
				return status(503)
			}
			return nil
		})
		for i := range 20 {
			key := fmt.Sprint("request-", i)
			r.offerAnonymous(key, fmt.Sprint("A", i))
			r.offerAnonymous(key, fmt.Sprint("B", i))
		}
		r.settle()
		r.wantDelivered(40)
		ids := map[string]bool{}
		for i := range 20 {
			a, b := r.cdp().of(fmt.Sprint("A", i)), r.cdp().of(fmt.Sprint("B", i))
			for _, c := range append(a, b...) {
				if c.id != a[0].id || c.id == "" {
					t.Errorf("request %d: ID %q after %q", i, c.id, a[0].id)
				}
			}
			ids[a[0].id] = true
			r.inOrder("shop", fmt.Sprint("A", i), fmt.Sprint("B", i))
		}
		if len(ids) != 20 || r.cdp().made != 20 {
			t.Errorf("%d IDs used, %d made, want 20", len(ids), r.cdp().made)
		}
	})
}

// Also when the first of them is set aside, so that they go independently.
func TestAReleasedEventKeepsTheMadeID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{}, refuses("A", 403))
		n := 0
		r.cdp().create = func() error {
			if n++; n == 1 {
				return status(403)
			}
			return nil
		}
		r.offerAnonymous("request-1", "A") // set aside without an ID
		r.offerAnonymous("request-1", "B")
		bubble.Pass(time.Second)
		r.cdp().tell(nil)
		r.settle()
		if a, b := r.cdp().of("A"), r.cdp().of("B"); a[0].id != b[0].id || r.cdp().made != 1 {
			t.Errorf("IDs %s and %s, %d made", a[0].id, b[0].id, r.cdp().made)
		}
	})
}

func TestIDBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{}, nil)
		for i := range 1000 {
			r.offerAnonymous(fmt.Sprint("request-", i), fmt.Sprint("E", i))
		}
		took := r.settle()
		r.wantDelivered(1000)
		if took < 40*time.Second || r.note("id_limited") == 0 || r.logs.Count("does not answer") > 0 {
			t.Errorf("1,000 IDs in %v, %d times limited; 200 and then 20 a second are allowed", took, r.note("id_limited"))
		}
	})
}

func TestIDBudgetForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{}, nil)
		r.mayMake(idpool.NewBucket(1e-12, 0))
		r.offerAnonymous("request-1", "E")
		r.settle()
		r.wantDead(map[string]uint64{"id_limited": 1})
	})
}

// One site is in trouble with many events; the other's flow meanwhile.
func TestSitesDoNotHinderEachOther(t *testing.T) {
	for _, tc := range []struct {
		name   string
		others int // sites in the same trouble
		answer func(*call) error
		took   time.Duration
	}{
		{"held", 1, script(status(401)), 50 * time.Millisecond},
		{"down", 1, script(errRefused), 50 * time.Millisecond},
		{"paused", 1, script(retryIn(429, time.Hour)), 50 * time.Millisecond},
		{"hangs", 1, script(errReset), 10 * time.Second},
		{"slow", 1, nil, 9 * time.Second},
		{"three held", 3, script(status(401)), 50 * time.Millisecond},
		{"thirty hang", 30, script(errReset), 10 * time.Second},
	} {
		if testing.Short() && tc.others == 1 && tc.name != "hangs" {
			continue // the same code runs in each, and each takes half a second of a processor under the race detector
		}
		bubble.Run(t, tc.name, func(t *testing.T) {
			names := []string{"good"}
			for i := range tc.others {
				names = append(names, fmt.Sprint("bad", i))
			}
			r := newRig(t, Options{MaxAge: 24 * time.Hour}, nil, names...)
			for _, bad := range names[1:] {
				r.cdps[bad].tell(tc.answer)
				r.cdps[bad].took = tc.took
				for v := range 2400 / tc.others {
					r.offerTo(bad, v, fmt.Sprintf("%sV%d", bad, v), queue.High)
				}
			}
			bubble.Pass(5 * time.Second)
			var goals []string
			for v := range 100 {
				goals = append(goals, fmt.Sprint("GOOD", v))
				r.offerTo("good", v, goals[v], queue.High)
			}
			begin := time.Now()
			bubble.Pass(2 * time.Second)
			if n := len(r.cdps["good"].all()); n != 100 {
				t.Errorf("%d of 100 were sent", n)
			}
			for _, c := range r.cdps["good"].all() {
				if late := c.end.Sub(begin); late > 2*time.Second {
					t.Errorf("%s took %v", c.goal, late)
				}
			}
			if a := r.balanced(); a.Delivered < 100 {
				t.Errorf("%s", a)
			}
		})
	}
}

// Sites of one tenant share their visitors; one site's trouble is not theirs.
func TestAVisitorOfTwoSites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{}, nil, "good", "bad")
		r.cdps["bad"].tell(script(errRefused))
		r.offerTo("bad", 1, "A", queue.Normal)
		r.offerTo("good", 1, "B", queue.Normal)
		bubble.Pass(time.Second)
		if n := len(r.cdps["good"].all()); n != 1 {
			t.Errorf("%d events were sent", n)
		}
	})
}

// What does not fit into a site's share of the window goes back to the queue,
// and comes again in order.
func TestOrderBeyondTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRigOn(t, queue.NewMemory(10_000, 16<<20), Options{}, nil, "shop", "other")
		const visitors, events = 600, 5
		for e := range events {
			for v := range visitors {
				r.offerTo("shop", v, fmt.Sprintf("V%dE%d", v, e), queue.High)
			}
		}
		r.settle()
		r.wantDelivered(visitors * events)
		for v := range visitors {
			var goals []string
			for e := range events {
				goals = append(goals, fmt.Sprintf("V%dE%d", v, e))
			}
			r.inOrder("shop", goals...)
		}
		if n := r.note("order_released"); n > 0 {
			t.Errorf("order_released %d", n)
		}
	})
}

// While nothing can be sent, nobody looks again and again.
func TestNoBusyLoop(t *testing.T) {
	for name, sites := range map[string][]string{"one site": {"shop"}, "two sites": {"shop", "other"}} {
		bubble.Run(t, name, func(t *testing.T) {
			q := &countingQueue{Memory: queue.NewMemory(10_000, 16<<20)}
			r := newRigOn(t, q, Options{}, script(status(401)), sites...)
			r.offerMany(0, 3000)
			bubble.Pass(time.Second)
			before := q.receives.Load()
			bubble.Pass(10 * time.Second)
			if limit := 10 * 40 * len(sites); int(q.receives.Load()-before) > limit {
				t.Errorf("%d receives in ten seconds", q.receives.Load()-before)
			}
		})
	}
}

// unordered is a queue that keeps the order of some of its items only.
type unordered struct {
	*queue.Memory
	gives func(queue.Delivery) bool // whether it gives the order up
}

func (u unordered) Receive(ctx context.Context, n int) ([]queue.Delivery, error) {
	got, err := u.Memory.Receive(ctx, n)
	for i, d := range got {
		if u.gives(d) {
			got[i] = queue.NewDelivery(d.Item, outOfOrder{d})
		}
	}
	return got, err
}

type outOfOrder struct{ queue.Delivery }

func (outOfOrder) OutOfOrder() bool { return true }

// TestOrderThatTheQueueGaveUp: it is noted for each event that the queue says it of, and for no
// other.
func TestOrderThatTheQueueGaveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := unordered{queue.NewMemory(100, 1<<20), func(d queue.Delivery) bool { return d.Key < visitorID(3) }}
		r := newRigOn(t, q, Options{}, nil)
		r.offerMany(0, 10)
		r.settle()
		r.wantDelivered(10)
		if n := r.note("order_released"); n != 3 {
			t.Errorf("order_released %d, want 3", n)
		}
	})
}
