package queuetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/queue"
)

// keeping tests an engine that outlives its process.
func keeping(e Engine) []check {
	if !e.Keeps {
		return nil
	}
	return []check{
		{"Keep/what was not settled comes again, oldest first", func(r *rig) {
			items := r.items(8)
			items[5].Body, items[5].Key = nil, ""
			items[6].Time = time.Time{}
			items[7].Priority = queue.Low
			r.append(items...)
			got := r.receive(items[:5]...)
			got[0].Ack()
			got[1].Nack(0)
			got[2].Nack(time.Hour)
			got[3].Dead("bad")
			r.reopen() // items[4] is still handed out
			left := append(append([]queue.Item(nil), items[1:3]...), items[4:]...)
			if s := r.queue.Stats(); s.Waiting != len(left) || s.Bytes <= 0 || !s.Oldest.Equal(items[1].Time) || s.Last < s.Done+uint64(len(left)) || s.Dead != 0 || s.Lost != 0 || s.Recovered != uint64(len(left)) {
				r.Errorf("%d of 8 items were left before reopening; Stats are %+v", len(left), s)
			}
			r.receive(left...)
			r.nothing("all that was left is handed out")
		}},
		{"Keep/what was settled does not come again", func(r *rig) {
			items := r.items(40)
			r.append(items...)
			for i, d := range r.receive(items...) {
				if i%2 == 0 {
					d.Ack()
				} else {
					d.Dead("every second")
				}
			}
			r.reopen()
			r.nothing("all was settled before reopening")
			if s := r.queue.Stats(); s.Waiting != 0 || s.Bytes != 0 || s.Last != s.Done || !s.Oldest.IsZero() {
				r.Errorf("all was settled before reopening; Stats are %+v", s)
			}
		}},
		{"Keep/new items come after those kept", func(r *rig) {
			kept := r.items(3)
			r.append(kept...)
			r.reopen()
			last := r.queue.Stats().Last
			added := r.items(2)
			r.append(added...)
			if s := r.queue.Stats(); s.Last != last+2 || s.Waiting != 5 {
				r.Errorf("Last was %d, then 2 items were appended to 3 kept: %+v", last, s)
			}
			r.receive(append(kept, added...)...)
		}},
		{"Keep/over many openings", func(r *rig) {
			var waiting []queue.Item
			for round := range 12 {
				added := r.items(5)
				r.append(added...)
				waiting = append(waiting, added...)
				n := 2 + round%4
				for _, d := range r.receive(waiting[:n]...) {
					d.Ack()
				}
				waiting = waiting[n:]
				r.reopen()
				if s := r.queue.Stats(); s.Waiting != len(waiting) {
					r.Fatalf("opened %d times: %d items should wait, Stats are %+v", round+2, len(waiting), s)
				}
			}
			r.receive(waiting...)
		}},
		{"Keep/an old delivery says nothing to the next queue", func(r *rig) {
			items := r.items(2)
			r.append(items...)
			old := r.receive(items...)
			r.reopen()
			old[0].Ack()
			old[1].Dead("late")
			r.receive(items...)
			if s := r.queue.Stats(); s.Waiting != 2 || s.Dead != 0 {
				r.Errorf("deliveries of the queue that was closed were settled: Stats of the next are %+v", s)
			}
		}},
		{"Keep/the number of the newest item never goes back", func(r *rig) {
			var last uint64
			for range 4 {
				items := r.items(3)
				r.append(items...)
				for _, d := range r.receive(items...) {
					d.Ack()
				}
				s := r.queue.Stats()
				if s.Last-s.Done != 0 || s.Last < last {
					r.Fatalf("all is settled; Stats are %+v, Last was %d before", s, last)
				}
				r.reopen()
				last = r.queue.Stats().Last
			}
		}},
		{"Keep/many items of many sizes", func(r *rig) {
			var items []queue.Item
			for i := range 400 {
				item := r.items(1)[0]
				item.Body = []byte(strings.Repeat(fmt.Sprint(i, "."), 1+(i*i)%300))
				items = append(items, item)
			}
			for batch := range 8 {
				r.append(items[batch*50 : (batch+1)*50]...)
			}
			got := r.receive(items[:300]...)
			var left []queue.Item
			for i, d := range got {
				if i%10 == 3 {
					left = append(left, items[i])
				} else {
					d.Ack()
				}
			}
			left = append(left, items[300:]...)
			r.reopen()
			r.receive(left...)
			r.nothing("all that was left is handed out")
		}},
		{"Keep/the queue stays bounded over openings", func(r *rig) {
			if r.engine.Bytes <= 0 {
				return // no bound is known
			}
			n := r.fill(queue.High, r.engine.Bytes/100)
			r.reopen()
			if more := r.fill(queue.High, r.engine.Bytes/100); more > n/10 {
				r.Errorf("%d items filled the queue, and %d more went in after reopening", n, more)
			}
		}},
	}
}
