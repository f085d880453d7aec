package queuetest_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/queue"
	"github.com/goaltrack/goaltrack/queue/queuetest"
)

const size = 64 << 10

// defect is a queue with one thing wrong.
type defect struct {
	queue.Queue
	append  func(q queue.Queue, ctx context.Context, items []queue.Item) error
	receive func(q queue.Queue, ctx context.Context, n int) ([]queue.Delivery, error)
	ticket  func(d queue.Delivery) queue.Ticket
	stats   func(s *queue.Stats)
}

func (d *defect) Append(ctx context.Context, items ...queue.Item) error {
	if d.append != nil {
		return d.append(d.Queue, ctx, items)
	}
	return d.Queue.Append(ctx, items...)
}

func (d *defect) Receive(ctx context.Context, n int) ([]queue.Delivery, error) {
	receive := queue.Queue.Receive
	if d.receive != nil {
		receive = d.receive
	}
	got, err := receive(d.Queue, ctx, n)
	for i := range got {
		if d.ticket != nil {
			got[i] = queue.NewDelivery(got[i].Item, d.ticket(got[i]))
		}
	}
	return got, err
}

func (d *defect) Stats() queue.Stats {
	s := d.Queue.Stats()
	if d.stats != nil {
		d.stats(&s)
	}
	return s
}

// ticket settles as its functions say, where there are any.
type ticket struct {
	queue.Delivery
	ack  func(queue.Delivery)
	nack func(queue.Delivery, time.Duration)
	dead func(queue.Delivery)
}

func (t ticket) Ack() {
	if t.ack == nil {
		t.Delivery.Ack()
	} else {
		t.ack(t.Delivery)
	}
}

func (t ticket) Nack(after time.Duration) {
	if t.nack == nil {
		t.Delivery.Nack(after)
	} else {
		t.nack(t.Delivery, after)
	}
}

func (t ticket) Dead(reason string) bool {
	if t.dead == nil {
		return t.Delivery.Dead(reason)
	}
	t.dead(t.Delivery)
	return true
}

// newestDefect is a queue with something wrong at its other end.
type newestDefect struct {
	*queue.Memory
	newest func(m *queue.Memory, ctx context.Context, n int) ([]queue.Delivery, error)
}

func (d *newestDefect) ReceiveNewest(ctx context.Context, n int) ([]queue.Delivery, error) {
	return d.newest(d.Memory, ctx, n)
}

func newestWith(wrong func(m *queue.Memory, ctx context.Context, n int) ([]queue.Delivery, error)) func() queue.Queue {
	return func() queue.Queue { return &newestDefect{queue.NewMemory(1<<20, size), wrong} }
}

func memory() queue.Queue { return queue.NewMemory(1<<20, size) }

// defects are queues that must not pass, by the subtest that has to find them.
var defects = map[string]func() queue.Queue{
	"Append/an_item_that_can_never_fit": func() queue.Queue {
		return &defect{Queue: memory(), append: func(q queue.Queue, ctx context.Context, items []queue.Item) error {
			for _, i := range items {
				if err := q.Append(ctx, i); err != nil {
					return err // the first ones stay in
				}
			}
			return nil
		}}
	},
	"Append/who_is_refused_first": func() queue.Queue {
		return &defect{Queue: memory(), append: func(q queue.Queue, ctx context.Context, items []queue.Item) error {
			same := slices.Clone(items)
			for i := range same {
				same[i].Priority = queue.High
			}
			return q.Append(ctx, same...)
		}}
	},
	"Append/whatever_an_item_holds": func() queue.Queue {
		return &defect{Queue: memory(), append: func(q queue.Queue, ctx context.Context, items []queue.Item) error {
			same := slices.Clone(items)
			for i := range same {
				same[i].Time = same[i].Time.Truncate(time.Second)
			}
			return q.Append(ctx, same...)
		}}
	},
	"Receive/oldest_first": func() queue.Queue {
		return &defect{Queue: memory(), receive: func(q queue.Queue, ctx context.Context, n int) ([]queue.Delivery, error) {
			got, err := q.Receive(ctx, n)
			slices.Reverse(got)
			return got, err
		}}
	},
	"Receive/fewer_than_one": func() queue.Queue {
		return &defect{Queue: memory(), receive: func(q queue.Queue, ctx context.Context, n int) ([]queue.Delivery, error) {
			return q.Receive(ctx, max(n, 2))
		}}
	},
	"Receive/waits_for_an_item": func() queue.Queue {
		return &defect{Queue: memory(), receive: func(q queue.Queue, _ context.Context, n int) ([]queue.Delivery, error) {
			now, cancel := context.WithTimeout(context.Background(), time.Nanosecond)
			defer cancel()
			return q.Receive(now, n)
		}}
	},
	"Receive/nothing_is_lost": func() queue.Queue {
		return &defect{Queue: memory(), receive: func(q queue.Queue, ctx context.Context, n int) ([]queue.Delivery, error) {
			got, err := q.Receive(ctx, n)
			if ctx.Err() != nil {
				return nil, ctx.Err() // and what was handed out?
			}
			return got, err
		}}
	},
	"Nack/no_sooner": func() queue.Queue {
		return &defect{Queue: memory(), ticket: func(d queue.Delivery) queue.Ticket {
			return ticket{Delivery: d, nack: func(d queue.Delivery, after time.Duration) { d.Nack(after / 2) }}
		}}
	},
	"Nack/given_back_comes_before_new": func() queue.Queue { // it goes to the end
		m := memory()
		return &defect{Queue: m, ticket: func(d queue.Delivery) queue.Ticket {
			return ticket{Delivery: d, nack: func(d queue.Delivery, _ time.Duration) {
				d.Ack()
				_ = m.Append(context.Background(), d.Item)
			}}
		}}
	},
	"Ack/once": func() queue.Queue { // the dead are counted at every call
		var mu sync.Mutex
		dead := uint64(0)
		return &defect{Queue: memory(), stats: func(s *queue.Stats) {
			mu.Lock()
			defer mu.Unlock()
			s.Dead = dead
		}, ticket: func(d queue.Delivery) queue.Ticket {
			return ticket{Delivery: d, dead: func(d queue.Delivery) {
				mu.Lock()
				defer mu.Unlock()
				dead++
				d.Dead("")
			}}
		}}
	},
	"Ack/a_delivery_given_back": func() queue.Queue { // any delivery of an item settles it
		var mu sync.Mutex
		newest := map[string]queue.Delivery{}
		return &defect{Queue: memory(), ticket: func(d queue.Delivery) queue.Ticket {
			mu.Lock()
			defer mu.Unlock()
			newest[string(d.Body)] = d
			return ticket{Delivery: d, ack: func(d queue.Delivery) {
				mu.Lock()
				defer mu.Unlock()
				newest[string(d.Body)].Ack()
			}}
		}}
	},
	"Ack/in_any_order": func() queue.Queue { // as a log with one position would
		return &defect{Queue: memory(), ticket: func(d queue.Delivery) queue.Ticket {
			return ticket{Delivery: d, ack: func(d queue.Delivery) {
				if d.Time.Unix()%2 == 0 {
					d.Ack()
				}
			}}
		}}
	},
	"Stats/tell_what_waits": func() queue.Queue {
		return &defect{Queue: memory(), stats: func(s *queue.Stats) { s.Done = s.Last - uint64(s.Waiting) }}
	},
	"Stats/bytes": func() queue.Queue {
		return &defect{Queue: memory(), stats: func(s *queue.Stats) { s.Bytes = int64(s.Waiting) * 10 }}
	},
	"Close/tells_what_is_lost": func() queue.Queue {
		return &defect{Queue: memory(), stats: func(s *queue.Stats) { s.Lost = 0 }}
	},
	"Close/ends_Append": func() queue.Queue {
		return &defect{Queue: memory(), append: func(q queue.Queue, ctx context.Context, items []queue.Item) error {
			if err := q.Append(ctx, items...); !errors.Is(err, queue.ErrClosed) {
				return err
			}
			return nil
		}}
	},
	"Close/wakes_who_waits": func() queue.Queue {
		return &defect{Queue: memory(), receive: func(q queue.Queue, ctx context.Context, n int) ([]queue.Delivery, error) {
			got, err := q.Receive(ctx, n)
			if errors.Is(err, queue.ErrClosed) {
				return nil, nil
			}
			return got, err
		}}
	},
	"Newest/newest_first": newestWith(func(m *queue.Memory, ctx context.Context, n int) ([]queue.Delivery, error) {
		got, err := m.ReceiveNewest(ctx, n)
		slices.Reverse(got)
		return got, err
	}),
	"Newest/of_none": newestWith(func(m *queue.Memory, ctx context.Context, n int) ([]queue.Delivery, error) {
		return m.ReceiveNewest(ctx, max(n, 1))
	}),
	"Newest/Receive_goes_on": newestWith(func(m *queue.Memory, ctx context.Context, n int) ([]queue.Delivery, error) {
		got, err := m.ReceiveNewest(ctx, n)
		for _, d := range got {
			_ = m.Append(ctx, d.Item) // it is in twice
		}
		return got, err
	}),
	"Newest/given_back,": newestWith(func(m *queue.Memory, ctx context.Context, n int) ([]queue.Delivery, error) {
		got, err := m.ReceiveNewest(ctx, n)
		for i, d := range got {
			got[i] = queue.NewDelivery(d.Item, ticket{Delivery: d, nack: func(d queue.Delivery, _ time.Duration) { d.Nack(0) }})
		}
		return got, err
	}),
	"Newest/settled": newestWith(func(m *queue.Memory, ctx context.Context, n int) ([]queue.Delivery, error) {
		got, err := m.ReceiveNewest(ctx, n)
		for i, d := range got {
			got[i] = queue.NewDelivery(d.Item, ticket{Delivery: d, ack: func(queue.Delivery) {}})
		}
		return got, err
	}),
	"Newest/from_a_closed_queue": newestWith(func(m *queue.Memory, ctx context.Context, n int) ([]queue.Delivery, error) {
		got, err := m.ReceiveNewest(ctx, n)
		if errors.Is(err, queue.ErrClosed) {
			err = nil
		}
		return got, err
	}),
	"Newest/from_both_ends_at_once": newestWith(func(m *queue.Memory, ctx context.Context, n int) ([]queue.Delivery, error) {
		got, err := m.ReceiveNewest(ctx, n)
		if len(got) > 1 {
			got = got[:len(got)-1] // and the last?
		}
		return got, err
	}),
	"Keep/what_was_not_settled": memory, // which keeps nothing
	"AtOnce/a_batch_stays_together": func() queue.Queue {
		return &defect{Queue: memory(), append: func(q queue.Queue, ctx context.Context, items []queue.Item) error {
			for _, i := range items {
				if err := q.Append(ctx, i); err != nil {
					return err
				}
				<-time.After(time.Nanosecond)
			}
			return nil
		}}
	},
	"AtOnce/what_is_settled_is_freed": func() queue.Queue {
		var mu sync.Mutex
		var kept []queue.Delivery
		return &defect{Queue: memory(), receive: func(q queue.Queue, ctx context.Context, n int) ([]queue.Delivery, error) {
			got, err := q.Receive(ctx, n)
			mu.Lock()
			defer mu.Unlock()
			kept = append(kept, got...)
			return got, err
		}}
	},
}

// TestTheSuiteFindsDefects: a suite that everything passes says nothing. The
// defective engines run in a process of their own, where failing is allowed.
func TestTheSuiteFindsDefects(t *testing.T) {
	const inside = "QUEUETEST_DEFECTS"
	if os.Getenv(inside) != "" {
		for name, open := range defects {
			t.Run(name, func(t *testing.T) {
				queuetest.Run(t, queuetest.Engine{
					Open:  func(*testing.T, string) queue.Queue { return open() },
					Keeps: name[:4] == "Keep", Bytes: size,
				})
			})
		}
		return
	}
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTheSuiteFindsDefects$")
	child.Env = append(os.Environ(), inside+"=1")
	out, err := child.CombinedOutput()
	if err == nil {
		t.Fatal("every defect passes")
	}
	for _, name := range slices.Sorted(maps.Keys(defects)) {
		if !strings.Contains(string(out), "--- FAIL: TestTheSuiteFindsDefects/"+name+"/"+name) {
			t.Errorf("the suite does not find what is wrong with %s", name)
		}
	}
	if t.Failed() {
		t.Logf("%s", out)
	}
}
