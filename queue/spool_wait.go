package queue

import (
	"context"
	"slices"
	"time"
)

// waiter is somebody who waits until every item up to number is in a segment or, if
// strict, synced.
type waiter struct {
	number uint64
	strict bool
	listed bool       // in commitState.waiters
	done   chan error // gets one error, perhaps nil, when listed ends
	timer  *time.Timer
}

// addWaiter lists a waiter. It has to be given to awaitDisk.
func (c *commitState) addWaiter(number uint64, strict bool) *waiter {
	var w *waiter
	if n := len(c.idle); n > 0 {
		w, c.idle = c.idle[n-1], c.idle[:n-1]
	} else {
		w = &waiter{done: make(chan error, 1), timer: time.NewTimer(time.Hour)}
		w.timer.Stop()
	}
	w.number, w.strict, w.listed = number, strict, true
	c.waiters = append(c.waiters, w)
	return w
}

// tellWaiters ends the waiting of those who have what they wait for. An error ends the
// waiting of all.
func (c *commitState) tellWaiters(written, confirmed uint64, err error) {
	kept := c.waiters[:0]
	for _, w := range c.waiters {
		if err == nil && (w.number > written || w.strict && w.number > confirmed) {
			kept = append(kept, w)
			continue
		}
		w.listed = false
		w.done <- err
	}
	clear(c.waiters[len(kept):])
	c.waiters = kept
}

// awaitDisk waits until the waiter is told, for at most the time most and no longer
// than ctx. Then it returns ErrNotYetOnDisk.
func (s *Spool) awaitDisk(ctx context.Context, w *waiter, most time.Duration) (err error) {
	w.timer.Reset(most)
	select {
	case err = <-w.done:
	case <-w.timer.C:
		err = ErrNotYetOnDisk
	case <-ctx.Done():
		err = ErrNotYetOnDisk
	}
	w.timer.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.listed {
		s.commit.waiters = slices.DeleteFunc(s.commit.waiters, func(other *waiter) bool { return other == w })
	} else if err != nil && len(w.done) > 0 {
		err = <-w.done // it was told between the timer and the lock
	}
	if len(s.commit.idle) < idleWaiters {
		s.commit.idle = append(s.commit.idle, w)
	}
	return err
}

// idleWaiters is how many waiters are kept to be used again.
const idleWaiters = 64

// syncAll waits until everything appended so far is synced, for at most the time most.
// It makes the writer and the syncer begin at once.
func (s *Spool) syncAll(ctx context.Context, most time.Duration) error {
	s.mu.Lock()
	if s.commit.failing != nil {
		s.mu.Unlock()
		return ErrNotYetOnDisk
	}
	w := s.commit.addWaiter(s.stats.Last, true)
	kick(s.commit.work)
	s.mu.Unlock()
	kick(s.commit.dirty)
	kick(s.commit.urgent)
	return s.awaitDisk(ctx, w, most)
}
