package queuetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/goaltrack/goaltrack/queue"
)

var atOnce = []check{
	{"AtOnce/many append, receive and settle; each item is settled exactly once", func(r *rig) {
		const appenders, receivers, each = 8, 4, 150
		var appended, received sync.WaitGroup
		var acked, dead, left atomic.Int64
		left.Store(appenders * each)
		var settled sync.Map
		ctx, cancel := r.soon()
		defer cancel()
		for i := range receivers {
			random := rand.New(rand.NewPCG(uint64(i), 1)) //nolint:gosec // Any numbers will do.
			received.Go(func() {
				for {
					got, err := r.queue.Receive(ctx, 1+random.IntN(10))
					if err != nil {
						if !errors.Is(err, context.Canceled) {
							r.Errorf("Receive: %v, and %d items are not settled", err, left.Load())
						}
						return
					}
					for _, d := range got {
						switch random.IntN(6) {
						case 0:
							d.Nack(time.Duration(random.IntN(100)) * time.Microsecond)
							continue
						case 1:
							d.Dead("x")
							dead.Add(1)
						default:
							d.Ack()
							acked.Add(1)
						}
						if _, twice := settled.LoadOrStore(string(d.Body), true); twice {
							r.Errorf("%q was settled, and handed out again", d.Body)
						}
						if left.Add(-1) == 0 {
							cancel()
						}
					}
					if s := r.queue.Stats(); s.Done > s.Last || s.Waiting < 0 || s.Bytes < 0 || (s.Waiting == 0) != (s.Bytes == 0) {
						r.Errorf("Stats at one moment: %+v", s)
					}
				}
			})
		}
		for a := range appenders {
			appended.Go(func() {
				for i := range each {
					item := queue.Item{Body: fmt.Appendf(nil, "%d-%d", a, i), Priority: queue.High, Time: time.Unix(int64(i), 0)}
					for {
						err := r.queue.Append(ctx, item)
						if Taken(err) {
							break
						}
						if !errors.Is(err, queue.ErrFull) || ctx.Err() != nil {
							r.Errorf("Append: %v, %v", err, ctx.Err())
							return
						}
						<-time.After(time.Microsecond)
					}
				}
			})
		}
		appended.Wait()
		received.Wait()
		if s := r.queue.Stats(); s.Done != appenders*each || s.Last != s.Done || s.Waiting != 0 || s.Dead != uint64(dead.Load()) || acked.Load()+dead.Load() != appenders*each {
			r.Errorf("%d items went through, %d acknowledged and %d dead: Stats are %+v", appenders*each, acked.Load(), dead.Load(), s)
		}
	}},
	{"AtOnce/what one appender appends stays in its order", func(r *rig) {
		const appenders, each = 6, 100
		var wg sync.WaitGroup
		for a := range appenders {
			wg.Go(func() {
				for i := range each {
					r.append(queue.Item{Body: fmt.Appendf(nil, "%d %d", a, i), Priority: queue.High, Time: time.Now()})
				}
			})
		}
		wg.Wait()
		var next [appenders]int
		ctx, cancel := r.soon()
		defer cancel()
		for n := 0; n < appenders*each; {
			got, err := r.queue.Receive(ctx, 7)
			if err != nil {
				r.Fatalf("Receive: %v after %d of %d items", err, n, appenders*each)
			}
			for _, d := range got {
				var a, i int
				if _, err := fmt.Sscan(string(d.Body), &a, &i); err != nil || i != next[a] {
					r.Fatalf("appender %d: item %q came, want number %d (%v)", a, d.Body, next[a], err)
				}
				next[a]++
			}
			n += len(got)
		}
	}},
	{"AtOnce/a batch stays together", func(r *rig) {
		const appenders, batches, size = 5, 20, 4
		var wg sync.WaitGroup
		for a := range appenders {
			wg.Go(func() {
				for b := range batches {
					items := make([]queue.Item, size)
					for i := range items {
						items[i] = queue.Item{Body: fmt.Appendf(nil, "%d %d %d", a, b, i), Priority: queue.High, Time: time.Now()}
					}
					r.append(items...)
				}
			})
		}
		wg.Wait()
		ctx, cancel := r.soon()
		defer cancel()
		var all []string
		for len(all) < appenders*batches*size {
			got, err := r.queue.Receive(ctx, 1000)
			if err != nil {
				r.Fatalf("Receive: %v after %d items", err, len(all))
			}
			all = append(all, bodies(got)...)
		}
		for i := 0; i < len(all); i += size {
			var a, b, first int
			_, _ = fmt.Sscan(all[i], &a, &b, &first)
			for k := range size {
				if want := fmt.Sprintf("%d %d %d", a, b, k); all[i+k] != want {
					r.Fatalf("another's item got between: %s, want %s in place %d", names(all[i:i+size]), want, k+1)
				}
			}
		}
	}},
	// The memory of settled items is freed, even if somebody holds one old delivery
	// for ever and another is never settled.
	{"AtOnce/what is settled is freed", func(r *rig) {
		const size, n = 16 << 10, 500
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		var kept []queue.Delivery
		ctx, cancel := r.soon()
		defer cancel()
		for i := range n {
			r.append(queue.Item{Body: make([]byte, size), Priority: queue.High, Time: time.Now()})
			got, err := r.queue.Receive(ctx, 1)
			if err != nil {
				r.Fatal(err)
			}
			switch i {
			case 0:
				kept = append(kept, got[0]) // never settled
				continue
			case 1:
				kept = append(kept, got[0]) // settled, and held all the same
			case 2, 3:
				got[0].Nack(0)
				if got, err = r.queue.Receive(ctx, 1); err != nil {
					r.Fatal(err)
				}
			}
			got[0].Ack()
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > n*size/4 {
			r.Errorf("%d items of %d KiB went through, one is left, and %d KiB are still in use", n, size>>10, grown>>10)
		}
		runtime.KeepAlive(kept)
		runtime.KeepAlive(r.queue)
	}},
}
