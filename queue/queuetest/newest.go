package queuetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/goaltrack/goaltrack/queue"
)

// fromTheEnd tests a [queue.NewestReceiver]. Any other engine passes.
var fromTheEnd = []check{
	{"Newest/newest first, at most as many as asked", withNewest(func(r *rig, e queue.NewestReceiver) {
		items := r.items(10)
		r.append(items[:7]...)
		r.newest(e, 2, items[6], items[5])
		r.append(items[7:]...)
		r.newest(e, 4, items[9], items[8], items[7], items[4])
		r.newest(e, 100, items[3], items[2], items[1], items[0])
		r.nothing("all is handed out")
	})},
	{"Newest/of none, none, at once", withNewest(func(r *rig, e queue.NewestReceiver) {
		begin := time.Now()
		r.newest(e, 3)
		items := r.items(2)
		r.append(items...)
		r.newest(e, 0)
		r.newest(e, -1)
		r.receive(items...)
		r.newest(e, 3)
		if passed := time.Since(begin); !r.engine.RealTime && passed > 0 {
			r.Errorf("it took %v to find nothing", passed)
		}
	})},
	{"Newest/Receive goes on without them", withNewest(func(r *rig, e queue.NewestReceiver) {
		items := r.items(9)
		r.append(items...)
		r.receive(items[0])
		r.newest(e, 2, items[8], items[7])
		r.receive(items[1:3]...)
		more := r.items(2)
		r.append(more...)
		r.newest(e, 1, more[1])
		r.receive(append(slices.Clone(items[3:7]), more[0])...)
		r.nothing("all is handed out")
	})},
	{"Newest/given back, when its time has come", withNewest(func(r *rig, e queue.NewestReceiver) {
		items := r.items(5)
		r.append(items...)
		got := r.newest(e, 4, items[4], items[3], items[2], items[1])
		got[0].Nack(r.delay)
		got[1].Nack(0)
		got[3].Nack(0)
		r.newest(e, 2, items[3], items[1])
		r.newest(e, 2, items[0])
		<-time.After(2 * r.delay)
		r.newest(e, 2, items[4])[0].Nack(0)
		got[0].Ack() // void
		r.receive(items[4])
		r.nothing("all is handed out")
	})},
	{"Newest/given back comes with Receive before new ones", withNewest(func(r *rig, e queue.NewestReceiver) {
		items := r.items(4)
		r.append(items...)
		for _, d := range r.newest(e, 2, items[3], items[2]) {
			d.Nack(0)
		}
		r.receive(items[2], items[3], items[0], items[1])
	})},
	{"Newest/settled in any order", withNewest(func(r *rig, e queue.NewestReceiver) {
		items := r.items(6)
		r.append(items...)
		got := r.newest(e, 3, items[5], items[4], items[3])
		r.stats("the last three handed out", 6, 6, 0, items[0].Time, 0)
		got[0].Ack()
		got[1].Dead("x")
		r.stats("the last two settled", 4, 6, 0, items[0].Time, 1)
		first := r.receive(items[:2]...)
		first[0].Ack()
		first[1].Ack()
		r.stats("the first two settled", 2, 6, 2, items[2].Time, 1)
		r.newest(e, 1, items[2])[0].Ack()
		r.stats("one left, handed out", 1, 6, 3, items[3].Time, 1)
		got[2].Ack()
		r.stats("all settled", 0, 6, 6, time.Time{}, 1)
		more := r.items(1)
		r.append(more...)
		r.stats("one more appended", 1, 7, 6, more[0].Time, 1)
	})},
	{"Newest/what was not settled is there for the next process", withNewest(func(r *rig, e queue.NewestReceiver) {
		if !r.engine.Keeps {
			return
		}
		items := r.items(8)
		r.append(items...)
		got := r.newest(e, 4, items[7], items[6], items[5], items[4])
		got[0].Ack()
		got[2].Nack(0)
		got[3].Dead("x")
		r.reopen()
		e = r.queue.(queue.NewestReceiver)
		r.newest(e, 2, items[6], items[5])[1].Ack()
		r.receive(items[:4]...)
		r.reopen()
		r.receive(append(slices.Clone(items[:4]), items[6])...)
		r.nothing("all is handed out")
	})},
	{"Newest/of many", withNewest(func(r *rig, e queue.NewestReceiver) {
		const n = 3000 // more than an engine may want to keep in memory
		items := r.items(n)
		for part := range slices.Chunk(items, 500) {
			r.append(part...)
		}
		front, back := 0, n
		for front < back {
			for _, d := range r.newest(e, 200, reversed(items[max(back-200, front):back])...) {
				if back%3 > 0 {
					d.Ack()
				}
			}
			back = max(back-200, front)
			some := items[front:min(front+100, back)]
			r.receive(some...)
			front += len(some)
		}
		r.newest(e, 1)
		r.nothing("all is handed out")
	})},
	{"Newest/from a closed queue", withNewest(func(r *rig, e queue.NewestReceiver) {
		r.append(r.items(1)...)
		r.close()
		if got, err := e.ReceiveNewest(r.Context(), 1); !errors.Is(err, queue.ErrClosed) || len(got) > 0 {
			r.Errorf("ReceiveNewest after Close: %d items, %v; want ErrClosed", len(got), err)
		}
	})},
	{"Newest/from both ends at once", withNewest(func(r *rig, e queue.NewestReceiver) {
		const n = 2000
		var out sync.Map
		var left atomic.Int64
		left.Store(n)
		ctx, cancel := r.soon()
		defer cancel()
		settle := func(got []queue.Delivery) {
			for _, d := range got {
				if _, twice := out.LoadOrStore(string(d.Body), true); twice {
					r.Errorf("%q was handed out twice", d.Body)
				}
				if d.Time.Unix()%10 == 0 && d.Key != "" {
					out.Delete(string(d.Body))
					d.Nack(0)
					continue
				}
				d.Ack()
				if left.Add(-1) == 0 {
					cancel()
				}
			}
		}
		batch := func(first int) []queue.Item {
			items := make([]queue.Item, 4)
			for k := range items {
				items[k] = queue.Item{Body: fmt.Append(nil, first+k), Key: "k", Priority: queue.High, Time: time.Unix(int64(first+k), 0)}
			}
			return items
		}
		// Nobody says who of the receivers gets an item, so ReceiveNewest gets some before
		// they begin.
		r.append(batch(0)...)
		got, err := e.ReceiveNewest(ctx, 5)
		if len(got) == 0 || err != nil {
			r.Fatalf("ReceiveNewest of four items: %d, %v", len(got), err)
		}
		settle(got)
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				for ctx.Err() == nil {
					got, err := r.queue.Receive(ctx, 5)
					if err != nil {
						return
					}
					for i := range got { // Receive settles those given back, too
						got[i].Key = ""
					}
					settle(got)
				}
			})
			wg.Go(func() {
				for ctx.Err() == nil {
					got, err := e.ReceiveNewest(ctx, 5)
					if err != nil && ctx.Err() == nil {
						r.Errorf("ReceiveNewest: %v", err)
						return
					}
					settle(got)
					<-time.After(r.delay / 1000)
				}
			})
		}
		for i := 4; i < n; i += 4 {
			items := batch(i)
			for {
				err := r.queue.Append(ctx, items...)
				if Taken(err) {
					break
				}
				if !errors.Is(err, queue.ErrFull) || ctx.Err() != nil {
					r.Fatalf("Append: %v, %v", err, ctx.Err())
				}
				<-time.After(time.Microsecond)
			}
		}
		wg.Wait()
		if s := r.queue.Stats(); left.Load() != 0 || s.Waiting != 0 || s.Done != n || s.Last != n {
			r.Errorf("%d items of %d are left: Stats are %+v", left.Load(), n, s)
		}
	})},
}

func withNewest(run func(*rig, queue.NewestReceiver)) func(*rig) {
	return func(r *rig) {
		if e, ok := r.queue.(queue.NewestReceiver); ok {
			run(r, e)
		}
	}
}

// newest asks for the n newest items and checks that exactly these come, in this order and
// at once.
func (r *rig) newest(e queue.NewestReceiver, n int, want ...queue.Item) []queue.Delivery {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), time.Minute)
	defer cancel()
	got, err := e.ReceiveNewest(ctx, n)
	if err != nil || len(got) != len(want) {
		r.Fatalf("ReceiveNewest(%d) gave %s and error %v, want %s", n, names(bodies(got)), err, names(of(want)))
	}
	for i, d := range got {
		if err := same(d.Item, want[i]); err != nil {
			r.Fatalf("ReceiveNewest(%d) gave %s, want %s: item %d: %v", n, names(bodies(got)), names(of(want)), i+1, err)
		}
	}
	return got
}

func reversed(items []queue.Item) []queue.Item {
	items = slices.Clone(items)
	slices.Reverse(items)
	return items
}
