package deliver

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/goaltrack/goaltrack/queue"
)

// playQueue is a queue that never makes anybody wait.
type playQueue struct {
	p        *play
	items    []*playItem // waiting, oldest first
	back     []*playItem // given back for later
	due      time.Time   // none of them may be looked for before
	capacity int
	count    int
}

type playItem struct {
	queue.Item
	q       *playQueue
	e       *playEvent
	later   time.Time
	settled bool
}

func (q *playQueue) Append(context.Context, ...queue.Item) error { panic("not used") }

func (q *playQueue) Close(context.Context) error { return nil }

func (q *playQueue) Stats() queue.Stats { return queue.Stats{Waiting: q.count} }

func (q *playQueue) Receive(_ context.Context, n int) (out []queue.Delivery, _ error) {
	if now := time.Now(); len(q.back) > 0 && !q.due.After(now) {
		next := now.Add(math.MaxInt64)
		q.back = slices.DeleteFunc(q.back, func(i *playItem) bool {
			if len(out) == n || i.later.After(now) {
				if i.later.Before(next) {
					next = i.later
				}
				return false
			}
			out = append(out, queue.NewDelivery(i.Item, i))
			return true
		})
		q.due = next
	}
	for ; len(out) < n && len(q.items) > 0; q.items = q.items[1:] {
		out = append(out, queue.NewDelivery(q.items[0].Item, q.items[0]))
	}
	return out, nil
}

func (q *playQueue) ReceiveNewest(_ context.Context, n int) (out []queue.Delivery, _ error) {
	for ; len(out) < n && len(q.items) > 0; q.items = q.items[:len(q.items)-1] {
		i := q.items[len(q.items)-1]
		out = append(out, queue.NewDelivery(i.Item, i))
	}
	return out, nil
}

func (i *playItem) Ack() { i.settle("delivered") }

func (i *playItem) Dead(reason string) bool {
	i.settle(reason)
	return true
}

func (i *playItem) Nack(after time.Duration) {
	i.later = time.Now().Add(after)
	if len(i.q.back) == 0 || i.later.Before(i.q.due) {
		i.q.due = i.later
	}
	i.q.back = append(i.q.back, i)
	i.q.p.wakeAt(i.later)
}

func (i *playItem) settle(fate string) {
	if i.settled {
		i.q.p.t.Errorf("event %d ends twice: %s and %s", i.e.number, i.e.fate, fate)
	}
	i.settled = true
	i.e.fate, i.e.done = fate, i.q.p.now()
	i.q.count--
}
