package queuetest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/goaltrack/goaltrack/queue"
)

var receiving = []check{
	{"Receive/oldest first, at most as many as asked", func(r *rig) {
		items := r.items(10)
		r.append(items[:1]...)
		r.append(items[1:7]...)
		r.append(items[7:]...)
		r.receive(items[:1]...)
		r.receive(items[1:5]...)
		r.receive(items[5:]...)
		r.nothing("all is handed out")
	}},
	{"Receive/fewer than one means one", func(r *rig) {
		items := r.items(3)
		r.append(items...)
		for i, n := range []int{0, -1} {
			got, err := r.queue.Receive(r.Context(), n)
			if err != nil || len(got) != 1 {
				r.Fatalf("Receive(%d): %d items, %v; want one", n, len(got), err)
			}
			if err := same(got[0].Item, items[i]); err != nil {
				r.Errorf("Receive(%d): %v", n, err)
			}
		}
	}},
	{"Receive/waits for an item", func(r *rig) {
		items := r.items(1)
		r.later(func() { r.append(items...) }, func() { r.receive(items...) })
	}},
	{"Receive/waits until its context ends", func(r *rig) {
		begin := time.Now()
		ctx, cancel := context.WithTimeout(r.Context(), r.delay)
		defer cancel()
		if got, err := r.queue.Receive(ctx, 1); !errors.Is(err, context.DeadlineExceeded) || len(got) > 0 || time.Since(begin) < r.delay {
			r.Errorf("Receive of an empty queue: %d items, %v after %v; want context.DeadlineExceeded after %v", len(got), err, time.Since(begin), r.delay)
		}
		items := r.items(1)
		r.append(items...)
		r.receive(items...)
	}},
	{"Receive/all who wait share what comes", func(r *rig) {
		const receivers, each = 5, 7
		items := r.items(receivers * each)
		var got sync.Map
		var all, wg sync.WaitGroup
		all.Add(len(items))
		ctx, cancel := r.soon()
		defer cancel()
		for range receivers {
			wg.Go(func() {
				for {
					some, err := r.queue.Receive(ctx, 3)
					if err != nil {
						return
					}
					for _, d := range some {
						if _, twice := got.LoadOrStore(string(d.Body), true); twice {
							r.Errorf("%q was handed out twice", d.Body)
							continue
						}
						all.Done()
					}
				}
			})
		}
		r.blocked()
		r.append(items...)
		all.Wait()
		cancel()
		wg.Wait()
	}},
	// One receiver knows when the next item is due and leaves. Another one that only
	// waits must get the item all the same.
	{"Receive/who leaves does not take the others' turn along", func(r *rig) {
		items := r.items(1)
		r.append(items...)
		held := r.receive(items...)
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			if got, err := r.queue.Receive(ctx, 1); err == nil {
				got[0].Nack(0) // with the real clock it may have come first
			}
		})
		r.blocked()
		wg.Go(func() { r.receive(items...) })
		r.blocked()
		held[0].Nack(r.delay)
		r.blocked()
		<-time.After(r.delay / 2)
		cancel()
		wg.Wait()
	}},
	{"Receive/nothing is lost with a receiver who leaves", func(r *rig) {
		for _, item := range r.items(100) {
			ctx, cancel := context.WithCancel(r.Context())
			var wg sync.WaitGroup
			var got []queue.Delivery
			wg.Go(func() { got, _ = r.queue.Receive(ctx, 1) })
			r.blocked()
			r.append(item)
			cancel() // at about the time the item comes
			wg.Wait()
			if len(got) == 0 {
				got = r.receive(item)
			}
			got[0].Ack()
		}
	}},
	{"Receive/what it gives is the receiver's", func(r *rig) {
		items := r.items(6)
		r.append(items...)
		got := r.receive(items[:3]...)
		first := got[0]
		clear(got)
		r.receive(items[3:]...)
		first.Nack(0)
		r.receive(items[0])
	}},
}

// later begins wait, and runs act a little later. The wait must not return before that.
func (r *rig) later(act, wait func()) {
	r.Helper()
	var wg sync.WaitGroup
	var acted atomic.Bool
	wg.Go(func() {
		wait()
		if !acted.Load() {
			r.Error("Receive returned before there was anything")
		}
	})
	r.blocked()
	<-time.After(r.delay / 10)
	acted.Store(true)
	act()
	wg.Wait()
}

var settling = []check{
	{"Nack/given back comes before new, oldest first", func(r *rig) {
		items := r.items(6)
		r.append(items...)
		got := r.receive(items[:4]...)
		got[2].Nack(0)
		got[0].Nack(-time.Hour)
		r.receive(items[0], items[2], items[4], items[5])
	}},
	{"Nack/no sooner than it says", func(r *rig) {
		items := r.items(3)
		r.append(items...)
		got := r.receive(items...)
		begin := time.Now()
		got[0].Nack(3 * r.delay)
		got[1].Nack(r.delay)
		got[2].Nack(2 * r.delay)
		r.nothing("all were given back for later")
		for i, next := range []int{1, 2, 0} {
			r.receive(items[next])
			if passed, want := time.Since(begin), time.Duration(i+1)*r.delay; passed < want {
				r.Errorf("given back for %v, handed out after %v", want, passed)
			}
		}
	}},
	{"Nack/wakes who waits", func(r *rig) {
		items := r.items(1)
		r.append(items...)
		got := r.receive(items...)
		r.later(func() { got[0].Nack(0) }, func() { r.receive(items...) })
	}},
	{"Nack/a later one does not hold up an earlier one", func(r *rig) {
		items := r.items(2)
		r.append(items...)
		got := r.receive(items...)
		got[0].Nack(1<<63 - 1) // for ever
		got[1].Nack(r.delay)
		begin := time.Now()
		r.receive(items[1])
		if passed := time.Since(begin); passed < r.delay || !r.engine.RealTime && passed > 2*r.delay {
			r.Errorf("given back for %v, handed out after %v", r.delay, passed)
		}
		r.nothing("the other was given back for 292 years")
	}},
	{"Nack/while nothing is due, Receive sleeps", func(r *rig) {
		const n = 50
		items := r.items(n)
		r.append(items...)
		got := r.receive(items...)
		begin := time.Now()
		for i, d := range got {
			d.Nack(time.Duration(i) * r.delay / n)
		}
		r.receive(items...)
		if passed, want := time.Since(begin), r.delay*(n-1)/n; passed < want {
			r.Errorf("all %d were handed out after %v, the last was not due before %v", n, passed, want)
		}
	}},
	{"Nack/many times", func(r *rig) {
		items := r.items(1)
		r.append(items...)
		for range 100 {
			r.receive(items...)[0].Nack(0)
		}
		r.receive(items...)[0].Ack()
		r.stats("given back 100 times, then acknowledged", 0, 1, 1, time.Time{}, 0)
	}},
	{"Ack/once; further calls do nothing", func(r *rig) {
		items := r.items(5)
		r.append(items...)
		got := r.receive(items[:4]...)
		got[0].Ack()
		got[1].Dead("bad")
		for range 2 {
			for _, d := range got[:2] {
				d.Ack()
				d.Dead("again")
				d.Nack(0)
			}
		}
		r.stats("one acknowledged, one dead, then every call again", 3, 5, 2, items[2].Time, 1)
		r.receive(items[4])
		r.nothing("all is handed out or settled")
	}},
	// Whoever gave an item back cannot decide any more what becomes of it.
	{"Ack/a delivery given back is void", func(r *rig) {
		items := r.items(1)
		r.append(items...)
		old := r.receive(items...)[0]
		old.Nack(0)
		old.Ack()
		r.stats("given back, then acknowledged", 1, 1, 0, items[0].Time, 0)
		again := r.receive(items...)[0]
		old.Ack()
		old.Dead("no")
		old.Nack(0)
		r.nothing("the item is out; an old delivery was settled")
		r.stats("the item is out; an old delivery was settled", 1, 1, 0, items[0].Time, 0)
		again.Ack()
		r.stats("acknowledged", 0, 1, 1, time.Time{}, 0)
	}},
	{"Ack/of many who try, one succeeds", func(r *rig) {
		items := r.items(50)
		r.append(items...)
		dead := r.queue.Stats().Dead
		for _, d := range r.receive(items...) {
			var wg sync.WaitGroup
			for i := range 6 {
				wg.Go(func() {
					if i%2 == 0 {
						d.Ack()
					} else {
						d.Dead("raced")
					}
				})
			}
			wg.Wait()
		}
		s := r.queue.Stats()
		if s.Waiting != 0 || s.Bytes != 0 || s.Done != 50 || s.Dead-dead > 50 {
			r.Errorf("50 items were settled by 6 each at once: %+v", s)
		}
	}},
	{"Ack/in any order", func(r *rig) {
		items := r.items(100)
		r.append(items...)
		got := r.receive(items...)
		for i := range got {
			got[(i*37)%100].Ack()
		}
		r.stats("100 items are acknowledged", 0, 100, 100, time.Time{}, 0)
	}},
	{"Ack/by copies of the delivery", func(r *rig) {
		items := r.items(1)
		r.append(items...)
		one := r.receive(items...)[0]
		two := one
		one.Ack()
		two.Dead("no")
		r.stats("acknowledged, and dead by a copy", 0, 1, 1, time.Time{}, 0)
	}},
}
