package queuetest

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/queue"
)

var appending = []check{
	{"Append/nothing is nothing", func(r *rig) {
		r.append()
		r.stats("after Append of nothing", 0, 0, 0, time.Time{}, 0)
		r.nothing("after Append of nothing")
	}},
	{"Append/whatever an item holds comes back", func(r *rig) {
		everyByte := make([]byte, 256)
		for i := range everyByte {
			everyByte[i] = byte(i)
		}
		want := []queue.Item{
			{},
			{Body: []byte{}, Time: time.Unix(0, 0)},
			{Body: everyByte, Key: string(everyByte), Time: time.Now()},
			{Body: []byte{0}, Key: "\x00", Priority: queue.Low, Time: time.Date(1999, 12, 31, 23, 59, 59, 999_999_999, time.UTC)},
			{Body: []byte("größer \xff\xfe"), Key: "日本", Priority: queue.High, Time: time.Date(2100, 1, 1, 0, 0, 0, 1, time.FixedZone("", 3600))},
			{Body: []byte(strings.Repeat("0123456789abcdef", 512)), Time: time.Date(1700, 2, 3, 4, 5, 6, 7, time.UTC)},
		}
		r.append(want...)
		r.receive(want...)
	}},
	{"Append/the slice of items stays the caller's", func(r *rig) {
		want := r.items(3)
		passed := append([]queue.Item(nil), want...)
		r.append(passed...)
		clear(passed)
		r.receive(want...)
	}},
	{"Append/with an ended context takes all or none, and says which", func(r *rig) {
		ended, cancel := context.WithCancel(r.Context())
		cancel()
		items := r.items(3)
		if err := r.queue.Append(ended, items...); Taken(err) {
			r.receive(items...)
		} else if !errors.Is(err, context.Canceled) {
			r.Errorf("Append with an ended context: %v, want none or context.Canceled", err)
		} else {
			r.nothing("Append returned " + err.Error())
		}
	}},
}

// full tests an engine with a known bound.
func full(e Engine) []check {
	if e.Bytes <= 0 {
		return nil
	}
	return []check{
		{"Append/an item that can never fit", func(r *rig) {
			items := append(r.items(2), queue.Item{Body: make([]byte, e.Bytes+1), Priority: queue.High})
			if err := r.queue.Append(r.Context(), items...); !errors.Is(err, queue.ErrTooLarge) {
				r.Errorf("Append of an item of %d bytes: %v, want ErrTooLarge", e.Bytes+1, err)
			}
			r.nothing("one item of the three was too large")
			r.stats("one item of the three was too large", 0, 0, 0, time.Time{}, 0)
		}},
		{"Append/a batch that does not fit", func(r *rig) {
			r.fill(queue.High, e.Bytes/100)
			before := r.queue.Stats()
			items := r.items(1)
			for range 30 {
				items = append(items, r.padded(queue.High, e.Bytes/60))
			}
			if err := r.queue.Append(r.Context(), items...); !errors.Is(err, queue.ErrFull) {
				r.Errorf("Append to a full queue: %v, want ErrFull", err)
			}
			if after := r.queue.Stats(); after != before {
				r.Errorf("the queue was full: Stats were %+v, are %+v after a refused Append", before, after)
			}
		}},
		{"Append/who is refused first when the queue is nearly full", func(r *rig) {
			size := e.Bytes / 200
			low := r.fill(queue.Low, size)
			normal := low + r.fill(queue.Normal, size)
			high := normal + r.fill(queue.High, size)
			again := r.fill(queue.Low, size) + r.fill(queue.Normal, size)
			for _, p := range []struct {
				name      string
				n         int
				from, til int // percent
			}{{"Low", low, 74, 84}, {"Normal", normal, 90, 98}} {
				if percent := 100 * p.n / max(high, 1); percent < p.from || percent > p.til {
					r.Errorf("%s is refused at %d of %d items, which is %d %%; want %d to %d", p.name, p.n, high, percent, p.from, p.til)
				}
			}
			if again > 0 {
				r.Errorf("%d items of lower priority were taken after High was refused", again)
			}
		}},
		{"Append/a full queue takes again once it is empty", func(r *rig) {
			for round := range 3 {
				n := r.fill(queue.High, e.Bytes/100)
				if n < 10 {
					r.Fatalf("round %d: only %d items of a hundredth fit", round, n)
				}
				r.settleAll(n)
				if s := r.queue.Stats(); s.Waiting != 0 || s.Bytes != 0 || s.Done != s.Last {
					r.Fatalf("round %d: all is settled, and Stats are %+v", round, s)
				}
			}
		}},
	}
}

// padded is one item of so many bytes.
func (r *rig) padded(p queue.Priority, size int64) queue.Item {
	i := r.items(1)[0]
	i.Priority = p
	i.Body = append(i.Body, strings.Repeat(".", max(0, int(size)-len(i.Body)-len(i.Key)))...)
	return i
}

// fill appends items until one is refused, and says how many were taken.
func (r *rig) fill(p queue.Priority, size int64) (n int) {
	r.Helper()
	for ; ; n++ {
		switch err := r.queue.Append(r.Context(), r.padded(p, size)); {
		case Taken(err):
			if int64(n)*size > 4*r.engine.Bytes {
				r.Fatalf("%d items of %d bytes do not fill a queue of %d", n, size, r.engine.Bytes)
			}
		case errors.Is(err, queue.ErrFull):
			return n
		default:
			r.Fatalf("Append after %d items: %v, want ErrFull in the end", n, err)
		}
	}
}

// settleAll receives and acknowledges n items.
func (r *rig) settleAll(n int) {
	r.Helper()
	ctx, cancel := r.soon()
	defer cancel()
	for n > 0 {
		got, err := r.queue.Receive(ctx, n)
		if err != nil {
			r.Fatalf("Receive: %v, and %d are to come", err, n)
		}
		for _, d := range got {
			d.Ack()
		}
		n -= len(got)
	}
}
