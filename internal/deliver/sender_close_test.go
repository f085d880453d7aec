package deliver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/internal/bubble"
	"github.com/goaltrack/goaltrack/queue"
)

func TestFlushWaitsForWhatWasBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{}, func(c *call) error {
			switch {
			case c.goal == "EARLY" && c.try < 5, c.goal == "LATE" && c.try < 100:
				return retryIn(503, 0)
			}
			return nil
		})
		r.offer(1, "EARLY")
		flushed := make(chan time.Time)
		go func() {
			if err := r.Flush(t.Context()); err != nil {
				t.Error(err)
			}
			flushed <- time.Now()
		}()
		synctest.Wait()
		r.offer(2, "LATE")
		at := <-flushed
		if early := r.cdp().of("EARLY"); len(early) != 5 || !at.Equal(early[4].end) {
			t.Errorf("%d sends, the last ended %v before Flush returned", len(early), at.Sub(early[len(early)-1].end))
		}
		if a := r.balanced(); a.Delivered != 1 || a.Waiting != 1 {
			t.Errorf("%s", a)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
	})
}

func TestFlushWithNothingToWaitFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{}, nil)
		if took := r.settle(); took > 0 {
			t.Errorf("it took %v", took)
		}
		r.offer(1, "A")
		if err := r.close(time.Second); err != nil {
			t.Error(err)
		}
		if err := r.Flush(t.Context()); err != nil {
			t.Errorf("all is settled, yet %v", err)
		}
	})
}

func TestFlushOfAClosedSender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{}, script(errRefused))
		r.offer(1, "A")
		under := make(chan error)
		go func() { under <- r.Flush(t.Context()) }()
		synctest.Wait()
		if err := r.close(time.Second); !undelivered(err) {
			t.Error(err)
		}
		if err := <-under; !errors.Is(err, ErrClosed) {
			t.Errorf("a Flush under way: %v", err)
		}
		if err := r.Flush(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("a Flush after: %v", err)
		}
		if s := r.States(); len(s) != 1 || s[0].State != "closed" || s[0].Outcomes["not_processed"] == 0 {
			t.Errorf("states after: %v", s)
		}
	})
}

// undelivered reports whether err is one that Close returns at its deadline.
// That is the error of the context, or ErrUndelivered if what was left could
// only have come later.
func undelivered(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrUndelivered)
}

func TestClose(t *testing.T) {
	const timeout = 10 * time.Second
	for _, tc := range []struct {
		name   string
		events int
		answer func(*call) error
		took   time.Duration // of the CDP
		want   error
		late   bool // the error is one that comes at the deadline, whichever it is
		within time.Duration
		left   int // events dropped
	}{
		{"nothing to do", 0, nil, 0, nil, false, 0, 0},
		{"all well", 500, nil, 50 * time.Millisecond, nil, false, 2 * time.Second, 0},
		{"one 503 among 500", 500, func(c *call) error {
			if c.goal == "V250" && c.try < 3 {
				return status(503)
			}
			return nil
		}, 50 * time.Millisecond, nil, false, 3 * time.Second, 0},
		{"down, but not for long", 100, func(c *call) error {
			if c.start.Second() < 3 {
				return errRefused
			}
			return nil
		}, time.Millisecond, nil, false, 5 * time.Second, 0},
		{"hangs", 100, nil, time.Hour, nil, true, timeout, 100},
		{"down", 100, script(errRefused), time.Millisecond, nil, true, timeout, 100},
		{"401", 100, script(status(401)), 50 * time.Millisecond, nil, true, timeout, 100},
		{"a pause beyond the deadline", 100, script(retryIn(429, time.Minute)), 50 * time.Millisecond, ErrUndelivered, false, time.Second, 100},
		{"a pause beyond the deadline, more than the window", 3000, script(retryIn(429, time.Minute)), 50 * time.Millisecond, ErrUndelivered, false, time.Second, 3000},
		{"a pause within", 100, func(c *call) error {
			if c.try == 1 && c.goal == "V0" {
				return retryIn(429, 5*time.Second)
			}
			return nil
		}, 50 * time.Millisecond, nil, false, 7 * time.Second, 0},
		{"all unknown", 8, script(errReset), time.Millisecond, nil, false, timeout, 0},
	} {
		bubble.Run(t, tc.name, func(t *testing.T) {
			r := newRig(t, Options{BackoffBase: time.Minute}, tc.answer)
			r.cdp().took = tc.took
			r.offerMany(0, tc.events)
			begin := time.Now()
			if err := r.close(timeout); tc.late && !undelivered(err) || !tc.late && !errors.Is(err, tc.want) {
				t.Errorf("Close: %v, want %v", err, tc.want)
			}
			if took := time.Since(begin); took > tc.within {
				t.Errorf("Close took %v, want at most %v", took, tc.within)
			}
			a := r.balanced()
			if a.Waiting != 0 || a.Dropped["shutdown"] != uint64(tc.left) {
				t.Errorf("want %d dropped:\n%s", tc.left, a)
			}
			sends := len(r.cdp().all())
			if err := r.Sender.offer(t.Context(), 0, queue.Item{Body: testEvent("shop", "A", visitorID(1)), Key: "a"}); !errors.Is(err, queue.ErrClosed) {
				t.Errorf("an offer after Close: %v", err)
			}
			bubble.Pass(time.Hour)
			if n := len(r.cdp().all()); n != sends {
				t.Errorf("%d sends after Close", n-sends)
			}
		})
	}
}

// Waits that began before Close are cut short, too.
func TestCloseHurries(t *testing.T) {
	for name, fault := range map[string]error{"not processed": errRefused, "held": status(401), "set aside": status(403)} {
		bubble.Run(t, name, func(t *testing.T) {
			r := newRig(t, Options{BackoffBase: time.Hour, BackoffMax: time.Hour, MaxAge: 100 * time.Hour}, script(fault))
			r.cdp().shown = func(string) error { return fault }
			visitors := 50
			if name == "set aside" {
				visitors = 1
			}
			for i := range 50 {
				r.offer(i%visitors, fmt.Sprint("E", i))
			}
			bubble.Pass(30 * time.Minute)
			r.cdp().tell(nil)
			begin := time.Now()
			if err := r.close(10 * time.Second); err != nil {
				t.Error(err)
			}
			if took := time.Since(begin); took > 2*time.Second {
				t.Errorf("Close took %v", took)
			}
			r.wantDelivered(50)
		})
	}
}

// An answer that comes while Close is giving up still counts.
func TestCloseCountsTheLastAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{}, nil)
		r.offerMany(100, 40)
		r.settle() // the line is at its full width
		r.cdp().took = 2 * time.Second
		r.offerMany(0, 40) // 16 and 16 in time, 8 under way at the deadline
		if err := r.close(5 * time.Second); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if a := r.balanced(); a.Delivered != 40+32 || a.Dropped["shutdown"] != 8 || a.PossibleDuplicates != 0 {
			t.Errorf("%s", a)
		}
	})
}

func TestCloseWithAContextThatHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{}, nil)
		r.offerMany(0, 100)
		begin := time.Now()
		if err := r.close(0); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if time.Since(begin) > 0 {
			t.Errorf("it took %v", time.Since(begin))
		}
	})
}

// One site pauses beyond the deadline; the other's events have not even been
// fetched when Close begins.
func TestCloseWithOneSitePaused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{}, nil, "bad", "good")
		r.cdps["bad"].tell(script(retryIn(429, time.Hour)))
		r.offerTo("bad", 1, "A", queue.Normal)
		bubble.Pass(time.Second)
		for v := range 50 {
			r.offerTo("good", v, fmt.Sprint("G", v), queue.Normal)
		}
		begin := time.Now()
		if err := r.close(10 * time.Second); !errors.Is(err, ErrUndelivered) {
			t.Error(err)
		}
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("Close took %v", took)
		}
		r.wantDelivered(50)
	})
}

// In real time: who waits for another's Close waits for a mutex, which fake time
// does not wait out.
func TestCloseWhileOthersOffer(t *testing.T) {
	r := newRigOn(t, queue.NewMemory(100_000, 16<<20), Options{}, nil)
	r.cdp().took = 100 * time.Microsecond
	var wg sync.WaitGroup
	var mu sync.Mutex
	begun := make(chan struct{})
	for g := range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				id := visitorID(g*100_000 + i)
				err := r.Sender.offer(t.Context(), 0, queue.Item{Body: testEvent("shop", fmt.Sprintf("G%dE%d", g, i), id), Key: id, Time: time.Now()})
				if errors.Is(err, queue.ErrClosed) {
					return
				}
				if err != nil {
					t.Errorf("offer: %v", err)
					return
				}
				mu.Lock()
				if r.offered++; r.offered == 500 {
					close(begun)
				}
				mu.Unlock()
			}
		})
	}
	<-begun
	for range 3 {
		wg.Go(func() {
			if err := r.close(20 * time.Second); err != nil {
				t.Errorf("Close: %v", err)
			}
			r.States()
			_ = r.Flush(t.Context())
		})
	}
	wg.Wait()
	if a := r.balanced(); a.Delivered != a.Accepted {
		t.Errorf("%s", a)
	}
}

// A queue that outlives the process keeps what Close could not deliver, and the
// next sender finds it.
func TestCloseLeavesADurableQueueItsEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept := &durable{Memory: queue.NewMemory(1000, 1<<20)}
		first := newRigOn(t, kept, Options{}, script(errRefused))
		first.offerMany(0, 30)
		if err := first.close(3 * time.Second); !undelivered(err) {
			t.Error(err)
		}
		if a := first.balanced(); a.Waiting != 30 || len(a.Dropped) != 0 {
			t.Errorf("%s", a)
		}
		second := newRigOn(t, kept.reopen(t), Options{}, nil)
		if err := second.close(10 * time.Second); err != nil {
			t.Error(err)
		}
		if a := second.balanced(); a.Recovered != 30 || a.Delivered != 30 {
			t.Errorf("%s", a)
		}
	})
}

// durable plays a queue on disk: what a Memory held when it was closed is there
// again when it is reopened.
type durable struct {
	*queue.Memory
	items     []queue.Item
	recovered int
}

func (d *durable) Stats() queue.Stats {
	s := d.Memory.Stats()
	s.Lost, s.Recovered = 0, uint64(d.recovered)
	return s
}

func (d *durable) Append(ctx context.Context, items ...queue.Item) error {
	d.items = append(d.items, items...)
	return d.Memory.Append(ctx, items...)
}

func (d *durable) reopen(t *testing.T) *durable {
	t.Helper()
	again := &durable{Memory: queue.NewMemory(1000, 1<<20), recovered: len(d.items)}
	if err := again.Append(t.Context(), d.items...); err != nil {
		t.Fatal(err)
	}
	return again
}

func TestOfferIsAllOrNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRigOn(t, queue.NewMemory(10, 4000), Options{}, script(errRefused))
		item := func(goal string) queue.Item {
			return queue.Item{Body: testEvent("shop", goal, visitorID(1)), Key: "1", Priority: queue.High, Time: time.Now()}
		}
		for _, tc := range []struct {
			items []queue.Item
			want  error
		}{
			{[]queue.Item{item("A"), item("B")}, nil},
			{[]queue.Item{{Body: make([]byte, 5000)}}, queue.ErrTooLarge},
			{[]queue.Item{item("C"), {Body: make([]byte, 5000)}}, queue.ErrTooLarge},
			{make([]queue.Item, 9), queue.ErrFull},
		} {
			if err := r.Sender.offer(t.Context(), 0, tc.items...); !errors.Is(err, tc.want) {
				t.Errorf("%d items: %v, want %v", len(tc.items), err, tc.want)
			}
		}
		r.offered = 2
		if a := r.balanced(); a.Waiting != 2 {
			t.Errorf("%s", a)
		}
	})
}

// A queue that fails is tried again, and said to fail once.
func TestAQueueThatCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &failingQueue{Memory: queue.NewMemory(100, 1<<20), failing: true}
		r := newRigOn(t, q, Options{}, nil)
		r.offerMany(0, 10)
		bubble.Pass(time.Hour)
		q.set(false)
		r.settle()
		r.wantDelivered(10)
		if bad, good := r.logs.Count("cannot be read"), r.logs.Count("can be read again"); bad != 1 || good != 1 {
			t.Errorf("%d and %d lines", bad, good)
		}
	})
}

type failingQueue struct {
	*queue.Memory
	mu      sync.Mutex
	failing bool
}

func (q *failingQueue) set(failing bool) {
	q.mu.Lock()
	q.failing = failing
	q.mu.Unlock()
}

func (q *failingQueue) Receive(ctx context.Context, n int) ([]queue.Delivery, error) {
	q.mu.Lock()
	failing := q.failing
	q.mu.Unlock()
	if failing {
		return nil, errors.New("the disk is gone")
	}
	return q.Memory.Receive(ctx, n)
}

// The short waits of Close are no silence of the CDP's.
func TestShortWaitsOfCloseAreNoSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{}, refuses("BAD", http.StatusForbidden))
		r.offerMany(0, 30)
		bubble.Pass(5 * time.Second)
		for v := range 40 {
			r.offer(1000+v, "BAD")
		}
		bubble.Pass(3 * time.Second)
		begin := time.Now()
		if err := r.close(20 * time.Second); !errors.Is(err, ErrUndelivered) {
			t.Error(err)
		}
		// Each is tried once more, a quarter of a second apart, and no longer.
		if took := time.Since(begin); took > 41*300*time.Millisecond {
			t.Errorf("Close took %v", took)
		}
		if a := r.balanced(); a.Delivered != 30 || a.Dropped["shutdown"] != 40 {
			t.Errorf("%s", a)
		}
		if n := r.logs.Count("ERROR"); n > 0 {
			t.Errorf("%q", r.logs.Lines())
		}
	})
}
