package deliver

import (
	"context"
	"errors"
	"time"
)

// ErrClosed is the error of Flush when the sender was closed before everything
// was settled.
var ErrClosed = errors.New("goaltrack: closed")

// Flush waits until every event accepted before the call is settled.
func (s *Sender) Flush(ctx context.Context) error {
	target := s.queue.Stats().Last
	settled := make(chan struct{})
	ask := func(sc *schedule) { sc.waiters = append(sc.waiters, waiter{target, settled}) }
	select {
	case s.asks <- ask:
	case <-s.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-settled:
	case <-s.done:
		if s.queue.Stats().Done < target {
			return ErrClosed
		}
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// Close stops the intake. It goes on delivering until ctx ends, or until
// nothing is left that can be delivered before. Then it gives up the rest: a
// durable queue keeps it, and any other counts it as dropped.
//
// Events that are on their way into the queue are waited for first, so that the account has
// them. A queue that takes longer than ctx does not keep Close. What it has taken nevertheless
// is counted when it says so, and is one of those that wait in it.
func (s *Sender) Close(ctx context.Context) error {
	s.intake.close()
	s.full.Close()
	s.failed.Close()
	s.early.Close()
	s.crowded.Close()
	s.shares.room.Close()
	s.locked.Close()

	over := make(chan error, 1)
	deadline, _ := ctx.Deadline()
	ask := func(sc *schedule) { sc.beginClosing(deadline, over) }
	var err error
	select {
	case <-s.intake.over:
	case <-ctx.Done():
	}
	select {
	case s.asks <- ask:
		select {
		case err = <-over:
		case <-ctx.Done():
			err = ctx.Err()
		}
	case <-ctx.Done():
		err = ctx.Err()
	}
	s.cancel() // sends under way end now; their events go back to the queue
	s.stop()
	if cerr := s.closeQueue(ctx); err == nil {
		err = cerr
	}
	return err
}

// closeGrace is how much longer than its context Close may take, so that a queue
// on a disk can write what it has in memory.
const closeGrace = time.Second

// closeQueue waits for the goroutines to end and closes the queue. That takes
// no time unless the queue's disk hangs.
func (s *Sender) closeQueue(ctx context.Context) error {
	grace := closeGrace
	if deadline, ok := ctx.Deadline(); ok && ctx.Err() == nil {
		grace += time.Until(deadline)
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	ended := make(chan error, 1)
	go func() {
		defer cancel()
		<-s.done
		_ = s.group.Wait() // no worker returns an error
		err := s.queue.Close(last)
		s.tally.drop("shutdown", uint64(s.queue.Stats().Lost)) //nolint:gosec // Not negative.
		ended <- err
	}()
	select {
	case err := <-ended:
		return err
	case <-last.Done():
	}
	select {
	case err := <-ended:
		return err
	default:
		return last.Err()
	}
}
