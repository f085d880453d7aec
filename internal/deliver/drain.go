package deliver

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/goaltrack/goaltrack/queue"
)

// drains tell when nothing of a visitor waits any more. They count what comes and what has
// met its fate, from the first question on: whoever never asks pays one atomic read.
type drains struct {
	on atomic.Bool

	mu   sync.Mutex
	left map[uint64]*drain // by the visitor's name; see package fair
}

// drain is what of one visitor waits.
type drain struct {
	events int
	empty  chan struct{} // closed when there is nothing left; nil until somebody waits
}

// mostDrains bounds the visitors that are counted. Nobody waits for one of the others.
const mostDrains = 1 << 16

// WatchDrains makes the sender count what waits of each visitor, for [Sender.Drain].
func (s *Sender) WatchDrains() { s.drains.on.Store(true) }

// Drain waits until nothing waits of the visitor with that key, as far as it came after
// [Sender.WatchDrains]. It waits at most d, or until ctx ends.
func (s *Sender) Drain(ctx context.Context, key string, d time.Duration) {
	empty := s.drains.wait(s.shares.names.Visitor(key))
	if empty == nil {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-empty:
	case <-timer.C:
	case <-ctx.Done():
	case <-s.done:
	}
}

// wait is closed when nothing of the visitor waits; nil says that nothing does.
func (d *drains) wait(visitor uint64) <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	one := d.left[visitor]
	if one == nil {
		return nil
	}
	if one.empty == nil {
		one.empty = make(chan struct{})
	}
	return one.empty
}

// enter counts items of one visitor that are about to be queued.
func (s *Sender) enter(items []queue.Item) {
	d := &s.drains
	if !d.on.Load() {
		return
	}
	visitor := s.shares.names.Visitor(items[0].Key)
	d.mu.Lock()
	defer d.mu.Unlock()
	one := d.left[visitor]
	if one == nil {
		if len(d.left) >= mostDrains {
			return
		}
		if d.left == nil {
			d.left = make(map[uint64]*drain)
		}
		one = new(drain)
		d.left[visitor] = one
	}
	one.events += len(items)
}

// left says that so many events of a visitor wait no more.
func (s *Sender) left(key string, events int) {
	d := &s.drains
	if !d.on.Load() {
		return
	}
	visitor := s.shares.names.Visitor(key)
	d.mu.Lock()
	defer d.mu.Unlock()
	one := d.left[visitor]
	if one == nil {
		return // it came before anybody asked, or with too many others
	}
	if one.events -= events; one.events > 0 {
		return
	}
	delete(d.left, visitor)
	if one.empty != nil {
		close(one.empty)
	}
}
