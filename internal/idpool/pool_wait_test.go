package idpool

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/internal/bubble"
)

// takeAll has n visitors ask for an ID at once and tells what they got and how
// long the slowest waited.
func (r *poolRig) takeAll(ctx context.Context, n int, wait time.Duration) (got map[string]int, slowest time.Duration) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	got = make(map[string]int)
	begin := time.Now()
	for range n {
		wg.Go(func() {
			id := r.TakeWithin(ctx, wait, Want{})
			mu.Lock()
			defer mu.Unlock()
			got[id]++
			slowest = max(slowest, time.Since(begin))
		})
	}
	wg.Wait()
	return got, slowest
}

// What Cookie.Wait promises: an ID when one comes in time, and never more than
// the bound.
func TestWaitForAnID(t *testing.T) {
	for _, tc := range []struct {
		name     string
		visitors int
		took     time.Duration // for one ID
		wait     time.Duration
		served   int
		slowest  time.Duration
	}{
		{"one, in time", 1, 300 * time.Millisecond, time.Second, 1, 300 * time.Millisecond},
		{"one, too slow", 1, 300 * time.Millisecond, 100 * time.Millisecond, 0, 100 * time.Millisecond},
		{"not at all", 1, 300 * time.Millisecond, 0, 0, 0},
		{"forty", 40, 300 * time.Millisecond, time.Second, 40, 300 * time.Millisecond},
		{"more than may wait", 2 * Flights, 300 * time.Millisecond, time.Second, Flights, 300 * time.Millisecond},
	} {
		bubble.Run(t, tc.name, func(t *testing.T) {
			r := newPoolRig(t, 0, tc.took, noLimit())
			got, slowest := r.takeAll(t.Context(), tc.visitors, tc.wait)
			if n := got[""]; tc.visitors-n != tc.served || slowest != tc.slowest {
				t.Errorf("%d of %d got an ID, the slowest after %v", tc.visitors-n, tc.visitors, slowest)
			}
			for id, n := range got {
				if id != "" && n > 1 {
					t.Errorf("%d people share %s", n, id)
				}
			}
			if late := uint64(0); tc.slowest == tc.wait && tc.wait > 0 {
				late = uint64(tc.visitors)
				if r.note("id_wait_timed_out") != late {
					t.Errorf("%d timed out, want %d", r.note("id_wait_timed_out"), late)
				}
			}
			bubble.Pass(time.Minute)
			if made := int(r.made.Load()); made > tc.served+maxReady || made < tc.served {
				t.Errorf("%d made for %d", made, tc.served)
			}
			if len(r.waiting) > 0 {
				t.Errorf("%d still wait", len(r.waiting))
			}
		})
	}
}

// An ID that comes too late for the one who waited is the next one's.
func TestALateIDIsNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newPoolRig(t, 0, 300*time.Millisecond, noLimit())
		if id := r.TakeWithin(t.Context(), 100*time.Millisecond, Want{}); id != "" {
			t.Errorf("took %s", id)
		}
		bubble.Pass(time.Second)
		if id := r.TakeWithin(t.Context(), 0, Want{}); id != "id-1" {
			t.Errorf("took %q", id)
		}
	})
}

// Those who came first are served first.
func TestWaitersAreServedInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newPoolRig(t, 0, 300*time.Millisecond, noLimit())
		var order []int
		var wg sync.WaitGroup
		var mu sync.Mutex
		for i := range 5 {
			wg.Go(func() {
				if id := r.TakeWithin(t.Context(), time.Second, Want{}); id != fmt.Sprint("id-", i+1) {
					t.Errorf("visitor %d got %q", i, id)
				}
				mu.Lock()
				defer mu.Unlock()
				order = append(order, i)
			})
			bubble.Pass(10 * time.Millisecond)
		}
		wg.Wait()
		if fmt.Sprint(order) != "[0 1 2 3 4]" {
			t.Errorf("served in the order %v", order)
		}
	})
}

func TestWaitEndsWithTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newPoolRig(t, 0, 300*time.Millisecond, noLimit())
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		got, slowest := r.takeAll(ctx, 3, time.Second)
		if got[""] != 3 || slowest != 50*time.Millisecond || r.note("id_wait_timed_out") != 0 {
			t.Errorf("%v after %v, notes %d", got, slowest, r.note("id_wait_timed_out"))
		}
	})
}

// A CDP that fails makes those who wait wait no longer, and the others not at
// all until it makes an ID again.
func TestNobodyWaitsForADeadCDP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newPoolRig(t, 0, 100*time.Millisecond, noLimit())
		r.fail.Store(true)
		got, slowest := r.takeAll(t.Context(), 20, time.Second)
		if got[""] != 20 || slowest != 100*time.Millisecond {
			t.Errorf("%v after %v", got, slowest)
		}
		begin := time.Now()
		var waited time.Duration
		for time.Since(begin) < 10*time.Minute {
			at := time.Now()
			r.TakeWithin(t.Context(), time.Second, Want{})
			waited += time.Since(at)
			bubble.Pass(time.Second)
		}
		if waited > 0 {
			t.Errorf("visitors waited %v in all", waited)
		}
		r.fail.Store(false)
		bubble.Pass(2 * time.Minute)
		r.TakeWithin(t.Context(), time.Second, Want{})
		bubble.Pass(time.Second)
		if id := r.TakeWithin(t.Context(), time.Second, Want{}); id == "" {
			t.Error("the CDP is well, and there is no ID")
		}
	})
}

// A CDP that does not answer at all costs those who wait at the time one wait.
func TestNobodyWaitsTwiceForASilentCDP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newPoolRig(t, 0, 5*time.Second, noLimit())
		r.fail.Store(true)
		if got, slowest := r.takeAll(t.Context(), 20, time.Second); got[""] != 20 || slowest != time.Second {
			t.Errorf("%v after %v", got, slowest)
		}
		if got, slowest := r.takeAll(t.Context(), 20, time.Second); got[""] != 20 || slowest != 0 {
			t.Errorf("%v after another %v", got, slowest)
		}
	})
}

// Nobody waits for an ID that the rate limit does not allow.
func TestNobodyWaitsForTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newPoolRig(t, 0, 100*time.Millisecond, NewBucket(1, 3))
		got, slowest := r.takeAll(t.Context(), 10, 5*time.Second)
		if got[""] != 7 || slowest != 100*time.Millisecond || r.note("id_limited") == 0 {
			t.Errorf("%v after %v", got, slowest)
		}
	})
}

func TestAClosingPoolSendsWaitersHome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newPoolRig(t, 0, time.Hour, noLimit())
		done := make(chan string, 1)
		go func() { done <- r.TakeWithin(t.Context(), time.Minute, Want{}) }()
		synctest.Wait()
		begin := time.Now()
		r.Close()
		if id := <-done; id != "" || time.Since(begin) > 0 {
			t.Errorf("%q after %v", id, time.Since(begin))
		}
		if r.TakeWithin(t.Context(), time.Minute, Want{}); time.Since(begin) > 0 {
			t.Error("a closed pool makes visitors wait")
		}
	})
}

// With Wait, the pool follows the rate of new visitors as without: after a while
// nobody has to wait.
func TestWaitingTeachesThePool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newPoolRig(t, 2, 300*time.Millisecond, noLimit())
		<-r.warm
		var wg sync.WaitGroup
		var mu sync.Mutex
		var waited, missed, used int
		begin := time.Now()
		for i := range 4000 { // 20 s
			bubble.Pass(5 * time.Millisecond)
			wg.Go(func() {
				at := time.Now()
				id := r.TakeWithin(t.Context(), time.Second, Want{})
				mu.Lock()
				defer mu.Unlock()
				if id == "" {
					missed++
				} else {
					used++
				}
				if time.Since(at) > 0 && i >= 1000 {
					waited++
				}
			})
		}
		wg.Wait()
		over := int(r.made.Load()) - used
		t.Logf("200 a second for %v: %d got no ID; after 5 s %d waited; %d IDs were made for nobody", time.Since(begin), missed, waited, over)
		if missed > 0 || waited > 3 || over > maxReady {
			t.Errorf("missed %d, waited %d, %d too many", missed, waited, over)
		}
	})
}
