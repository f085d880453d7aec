package queuetest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/goaltrack/goaltrack/queue"
)

var counting = []check{
	{"Stats/of an empty queue", func(r *rig) {
		if s := r.queue.Stats(); s != (queue.Stats{}) {
			r.Errorf("Stats of an empty queue: %+v", s)
		}
	}},
	{"Stats/tell what waits", func(r *rig) {
		items := r.items(4)
		r.append(items...)
		r.stats("4 appended", 4, 4, 0, items[0].Time, 0)
		got := r.receive(items...)
		r.stats("4 handed out", 4, 4, 0, items[0].Time, 0)
		got[1].Ack()
		r.stats("the second acknowledged", 3, 4, 0, items[0].Time, 0)
		got[0].Ack()
		r.stats("the first two acknowledged", 2, 4, 2, items[2].Time, 0)
		got[3].Dead("x")
		r.stats("the last dead", 1, 4, 2, items[2].Time, 1)
		got[2].Nack(0)
		r.stats("the third given back", 1, 4, 2, items[2].Time, 1)
		r.receive(items[2])[0].Ack()
		r.stats("all settled", 0, 4, 4, time.Time{}, 1)
		more := r.items(1)
		r.append(more...)
		r.stats("one more appended", 1, 5, 4, more[0].Time, 1)
	}},
	{"Stats/bytes go with bodies and keys", func(r *rig) {
		small := r.items(10)
		r.append(small...)
		few := r.queue.Stats().Bytes
		large := r.items(1)
		large[0].Body = []byte(strings.Repeat("x", 2000))
		large[0].Key = strings.Repeat("k", 200)
		r.append(large...)
		if grown := r.queue.Stats().Bytes - few; grown < 2200 || grown > 2200+500 {
			r.Errorf("an item of 2,200 bytes adds %d to Stats.Bytes", grown)
		}
		r.settleAll(11)
		if s := r.queue.Stats(); s.Bytes != 0 {
			r.Errorf("nothing waits, and Stats.Bytes is %d", s.Bytes)
		}
	}},
}

var closing = []check{
	{"Close/ends Append and Receive", func(r *rig) {
		r.append(r.items(2)...)
		r.close()
		if err := r.queue.Append(r.Context(), r.items(1)...); !errors.Is(err, queue.ErrClosed) {
			r.Errorf("Append after Close: %v, want ErrClosed", err)
		}
		if got, err := r.queue.Receive(r.Context(), 1); !errors.Is(err, queue.ErrClosed) || len(got) > 0 {
			r.Errorf("Receive after Close: %d items, %v; want ErrClosed", len(got), err)
		}
		if s := r.queue.Stats(); s.Waiting != 2 {
			r.Errorf("2 items waited when the queue was closed; Stats are %+v", s)
		}
	}},
	{"Close/tells what is lost", func(r *rig) {
		items := r.items(3)
		r.append(items...)
		r.receive(items[0])[0].Ack()
		r.close()
		want := 2
		if r.engine.Keeps {
			want = 0
		}
		if s := r.queue.Stats(); s.Lost != want || s.Waiting != 2 {
			r.Errorf("2 items were left at Close (kept: %v): Stats are %+v, want %d lost", r.engine.Keeps, s, want)
		}
	}},
	{"Close/wakes who waits", func(r *rig) {
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				if got, err := r.queue.Receive(r.Context(), 1); !errors.Is(err, queue.ErrClosed) || len(got) > 0 {
					r.Errorf("Receive during Close: %d items, %v; want ErrClosed", len(got), err)
				}
			})
		}
		r.blocked()
		r.close()
		wg.Wait()
	}},
	{"Close/again, and at once", func(r *rig) {
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(r.close)
		}
		wg.Wait()
		r.close()
	}},
	{"Close/with an ended context does not hang", func(r *rig) {
		r.append(r.items(10)...)
		ended, cancel := context.WithCancel(r.Context())
		cancel()
		if err := r.queue.Close(ended); err != nil && !errors.Is(err, context.Canceled) {
			r.Errorf("Close with an ended context: %v, want none or context.Canceled", err)
		}
		if err := r.queue.Append(r.Context(), r.items(1)...); !errors.Is(err, queue.ErrClosed) {
			r.Errorf("Append after such a Close: %v, want ErrClosed", err)
		}
	}},
	{"Close/leaves deliveries harmless", func(r *rig) {
		items := r.items(3)
		r.append(items...)
		got := r.receive(items...)
		r.close()
		got[0].Ack()
		got[1].Nack(0)
		got[2].Dead("late")
		r.queue.Stats()
	}},
	{"Close/while others append", func(r *rig) {
		var wg sync.WaitGroup
		ctx, cancel := r.soon()
		defer cancel()
		for range 4 {
			items := r.items(100)
			wg.Go(func() {
				for _, i := range items {
					if err := r.queue.Append(ctx, i); errors.Is(err, queue.ErrClosed) {
						return
					} else if !Taken(err) {
						r.Errorf("Append during Close: %v, want none or ErrClosed", err)
					}
				}
			})
		}
		r.close()
		wg.Wait()
		if r.engine.Keeps {
			kept := r.queue.Stats().Waiting
			r.open()
			if s := r.queue.Stats(); s.Waiting != kept {
				r.Errorf("%d items waited at Close, %d after reopening", kept, s.Waiting)
			}
		}
	}},
}
