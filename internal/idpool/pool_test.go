package idpool

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/bubble"
	"github.com/goaltrack/goaltrack/internal/logbook"
)

// poolRig is a pool with a CDP that takes its time.
type poolRig struct {
	*Pool
	made, atOnce, highest atomic.Int64
	fail                  atomic.Bool
	logs                  *logbook.Book

	counting sync.Mutex
	counts   map[string]uint64
}

// newPoolRig makes a pool in a bubble.
func newPoolRig(t *testing.T, warm int, took time.Duration, budget *Bucket) *poolRig {
	t.Helper()
	r := &poolRig{logs: &logbook.Book{}, counts: map[string]uint64{}}
	create := func(ctx context.Context) (cdp.Browser, error) {
		n := r.atOnce.Add(1)
		defer r.atOnce.Add(-1)
		r.highest.Store(max(r.highest.Load(), n))
		select {
		case <-time.After(took):
		case <-ctx.Done():
			return cdp.Browser{}, ctx.Err()
		}
		if r.fail.Load() {
			return cdp.Browser{}, errors.New("no")
		}
		return cdp.Browser{ID: fmt.Sprint("id-", r.made.Add(1))}, nil
	}
	r.Pool = New(Options{Create: create, Budget: budget, Note: r.count, Log: slog.New(r.logs), Warm: warm})
	t.Cleanup(r.Close)
	return r
}

func noLimit() *Bucket { return NewBucket(1e9, 1e9) }

func (r *poolRig) count(what string) {
	r.counting.Lock()
	defer r.counting.Unlock()
	r.counts[what]++
}

func (r *poolRig) note(what string) uint64 {
	r.counting.Lock()
	defer r.counting.Unlock()
	return r.counts[what]
}

func (r *poolRig) targetNow() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.target
}

func TestPoolWarms(t *testing.T) {
	for _, tc := range []struct{ warm, want int }{{-1, 0}, {0, 0}, {1, 1}, {2, 2}, {40, 40}, {10_000, maxReady}} {
		bubble.Run(t, strconv.Itoa(tc.warm), func(t *testing.T) {
			r := newPoolRig(t, tc.warm, 300*time.Millisecond, noLimit())
			<-r.warm
			bubble.Pass(5 * time.Second)
			if n := r.Size(); n != tc.want || r.made.Load() != int64(tc.want) {
				t.Errorf("%d ready, %d made, want %d", n, r.made.Load(), tc.want)
			}
			if n := r.highest.Load(); n > Flights {
				t.Errorf("%d requests at once", n)
			}
		})
	}
}

func TestPoolIsWarmAlsoWhenItFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newPoolRig(t, 2, 300*time.Millisecond, noLimit())
		r.fail.Store(true)
		begin := time.Now()
		<-r.warm
		if took := time.Since(begin); took != 300*time.Millisecond {
			t.Errorf("it took %v", took)
		}
	})
}

func TestPoolIDsAreUsedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newPoolRig(t, 10, 10*time.Millisecond, noLimit())
		seen := map[string]bool{}
		random := rand.New(rand.NewPCG(1, 2)) // the same in every run
		for range 500 {
			<-time.After(time.Duration(random.Int64N(int64(10 * time.Millisecond))))
			begin := time.Now()
			id := r.Take(Want{})
			if time.Since(begin) > 0 {
				t.Fatal("take waited")
			}
			if id != "" && seen[id] {
				t.Errorf("%s was handed out twice", id)
			}
			seen[id] = true
		}
		if len(seen) < 480 {
			t.Errorf("only %d of 500 had an ID", len(seen))
		}
	})
}

func TestPoolKeepsToTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := NewBucket(20, 200)
		pools := []*poolRig{newPoolRig(t, 2, 10*time.Millisecond, budget), newPoolRig(t, 2, 10*time.Millisecond, budget)}
		begin := time.Now()
		for time.Since(begin) < time.Minute {
			<-time.After(time.Millisecond)
			for _, p := range pools {
				p.Take(Want{})
			}
		}
		made := pools[0].made.Load() + pools[1].made.Load()
		if made > 200+60*20 || made < 60*20 {
			t.Errorf("%d IDs in a minute; 200 and then 20 a second are allowed", made)
		}
		if pools[0].note("id_limited") == 0 {
			t.Error("the limit was not noted")
		}
		// Nobody comes any more. What is made for nobody stays within bounds.
		bubble.Pass(time.Minute)
		for _, p := range pools {
			if n := p.Size(); n > maxReady/4 || p.targetNow() > 4 {
				t.Errorf("%d are ready for nobody, the target is %d", n, p.targetNow())
			}
		}
	})
}

func TestBucket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBucket(20, 200)
		count := func() (n int) {
			for b.take(0) {
				n++
			}
			return n
		}
		for _, step := range []struct {
			wait time.Duration
			want int
		}{{0, 200}, {0, 0}, {time.Second, 20}, {time.Minute, 200}, {49 * time.Millisecond, 0}, {time.Millisecond, 1}} {
			<-time.After(step.wait)
			if n := count(); n != step.want {
				t.Errorf("after %v: %d tokens, want %d", step.wait, n, step.want)
			}
		}
		<-time.After(b.wait(0))
		if !b.take(0) {
			t.Error("wait is too short")
		}
		if w := NewBucket(1e-300, 0).wait(0); w != time.Hour {
			t.Errorf("a rate of nearly nothing: wait %v", w)
		}
	})
}

func TestPoolPausesWhenTheCDPFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newPoolRig(t, 100, 100*time.Millisecond, noLimit())
		bubble.Pass(time.Second)
		r.fail.Store(true)
		for range 100 {
			r.Take(Want{})
		}
		before := r.atOnceTotal()
		begin := time.Now()
		for time.Since(begin) < time.Hour {
			<-time.After(time.Second)
			r.Take(Want{})
		}
		if n := r.atOnceTotal() - before; n > 60*3 {
			t.Errorf("%d attempts in an hour", n)
		}
		if n := r.logs.Count("makes no browser IDs"); n != 1 {
			t.Errorf("%d lines about it", n)
		}
		r.fail.Store(false)
		bubble.Pass(time.Minute)
		missed := 0
		for range 100 {
			<-time.After(time.Second)
			if r.Take(Want{}) == "" {
				missed++
			}
		}
		if missed > 3 { // the target has gone to 0 meanwhile
			t.Errorf("%d of 100 visitors got no ID though the CDP is well", missed)
		}
		if r.logs.Count("makes browser IDs again") != 1 {
			t.Errorf("log %q", r.logs.Lines())
		}
	})
}

// atOnceTotal counts all attempts so far, by the ledger of the budget.
func (r *poolRig) atOnceTotal() int {
	r.budget.mu.Lock()
	defer r.budget.mu.Unlock()
	return int(r.budget.burst - r.budget.tokens)
}

func TestPoolThrowsOldIDsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newPoolRig(t, 8, 100*time.Millisecond, noLimit())
		bubble.Pass(9*time.Minute + 50*time.Second)
		if r.Size() != 8 || r.targetNow() != 0 {
			t.Errorf("%d ready, target %d", r.Size(), r.targetNow())
		}
		bubble.Pass(30 * time.Second)
		if r.Size() != 0 || r.note("id_thrown_away") != 8 || r.made.Load() != 8 {
			t.Errorf("%d ready, %d thrown away, %d made", r.Size(), r.note("id_thrown_away"), r.made.Load())
		}
		if id := r.Take(Want{}); id != "" {
			t.Errorf("took %s", id)
		}
		bubble.Pass(time.Second)
		if id := r.Take(Want{}); id != "id-9" {
			t.Errorf("took %q", id)
		}
	})
}

func TestPoolNeverHandsOutAnOldID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newPoolRig(t, 1, time.Millisecond, noLimit())
		bubble.Pass(shortAge + time.Millisecond)
		if id := r.Take(Want{}); id != "" {
			t.Errorf("took %s", id)
		}
	})
}

// How the pool follows the rate of new visitors: these are the figures that
// decide whether a visitor's first page can have an ID.
func TestPoolFollowsTheRate(t *testing.T) {
	for _, tc := range []struct {
		rate  float64 // new visitors a second
		took  time.Duration
		learn time.Duration // after this, 99.9 % have an ID
		ready int           // at most, kept ready at the end
	}{
		{200, 300 * time.Millisecond, 5 * time.Second, 130},
		{200, 50 * time.Millisecond, 5 * time.Second, 60},
		{20, 300 * time.Millisecond, 30 * time.Second, 30},
		{1, 300 * time.Millisecond, time.Minute, 10},
	} {
		bubble.Run(t, fmt.Sprintf("%v a second, %v", tc.rate, tc.took), func(t *testing.T) {
			r := newPoolRig(t, 2, tc.took, noLimit())
			<-r.warm
			begin, random := time.Now(), rand.New(rand.NewPCG(1, 2)) // the same in every run
			var all, missed, used int
			var last time.Duration // of the misses at the start
			for time.Since(begin) < tc.learn+time.Duration(20_000/tc.rate*float64(time.Second)) {
				<-time.After(time.Duration(random.ExpFloat64() / tc.rate * float64(time.Second)))
				id, now := r.Take(Want{}), time.Since(begin)
				if id != "" {
					used++
				}
				if now > tc.learn {
					all++
					if id == "" {
						missed++
					}
				} else if id == "" {
					last = now
				}
				if waste := int(r.made.Load()) - used; waste > maxReady {
					t.Fatalf("%d were made that nobody took", waste)
				}
			}
			t.Logf("missed in the first %v: all until %v at the latest; then %d of %d; target %d, %d ready", tc.learn, last, missed, all, r.targetNow(), r.Size())
			if float64(missed) > 0.001*float64(all)+3 { // 3: Poisson's luck
				t.Errorf("%d of %d had no ID", missed, all)
			}
			if n := r.Size(); n > tc.ready {
				t.Errorf("%d are kept ready", n)
			}
			bubble.Pass(2 * time.Minute)
			if n := r.targetNow(); n != 0 {
				t.Errorf("nobody comes, and the target is %d", n)
			}
		})
	}
}

// A burst on a quiet site must not make guests by the hundred.
func TestPoolIsNotCarriedAwayByABurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newPoolRig(t, 2, 300*time.Millisecond, noLimit())
		bubble.Pass(time.Minute)
		for range 12 {
			r.Take(Want{})
		}
		bubble.Pass(time.Minute)
		if n := r.made.Load(); n > 2+12 {
			t.Errorf("%d IDs were made for 12 visitors", n)
		}
	})
}

// A worker can wait for the ID it needs, so nothing is made in advance for it.
func TestWorkersMakeNoMoreThanTheyNeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newPoolRig(t, 0, 100*time.Millisecond, noLimit())
		for range 10 {
			if id, err := r.Get(t.Context(), true); id == "" || err != nil {
				t.Errorf("%q, %v", id, err)
			}
		}
		bubble.Pass(time.Minute)
		if n := r.made.Load(); n != 10 || r.note("id_made") != 10 {
			t.Errorf("%d were made", n)
		}
		r.budget = NewBucket(1, 0)
		if _, err := r.Get(t.Context(), true); !errors.Is(err, ErrLimited) {
			t.Errorf("%v", err)
		}
	})
}

func TestPoolCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newPoolRig(t, 100, time.Hour, noLimit())
		synctest.Wait()
		begin := time.Now()
		r.Close()
		r.Close()
		if time.Since(begin) > 0 || r.atOnce.Load() != 0 {
			t.Errorf("after %v, %d requests are under way", time.Since(begin), r.atOnce.Load())
		}
		<-r.warm
		highest := r.highest.Load()
		if r.Take(Want{}) != "" {
			t.Error("an ID from a closed pool")
		}
		bubble.Pass(time.Hour)
		if r.highest.Load() != highest || r.atOnce.Load() != 0 {
			t.Error("a closed pool makes IDs")
		}
	})
}

func TestPoolSurvivesAPanic(t *testing.T) {
	synctest.Test(t, func(*testing.T) {
		create := func(context.Context) (cdp.Browser, error) { panic("a transport of the user's") }
		p := New(Options{Create: create, Budget: noLimit(), Note: func(string) {}, Log: slog.New(slog.DiscardHandler), Warm: 1})
		<-p.warm
		p.Close()
	})
}

// TestTheLogSaysThatTheBudgetRefuses: once when it begins, and once when it is over.
func TestTheLogSaysThatTheBudgetRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newPoolRig(t, 0, time.Millisecond, NewBucket(0.001, 1))
		for range 100 {
			_, _ = r.Get(t.Context(), true)
			_ = r.Take(Want{})
		}
		synctest.Wait()
		if n := r.logs.Count(logLimited); n != 1 {
			t.Errorf("%d lines say that it begins: %q", n, r.logs.Lines())
		}
		bubble.Pass(3 * time.Hour)
		if n := r.logs.Count(logUnlimited); n == 0 {
			t.Errorf("no line says that it is over: %q", r.logs.Lines())
		}
	})
}
