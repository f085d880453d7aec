package queue

import (
	"context"
	"time"
)

// How delivery goes on while the disk hangs
//
// A call of the operating system that hangs cannot be ended. So whoever must not hang
// with it has another goroutine make it, and waits for that for a while only. What
// comes of it later is used then. There is one such goroutine of each kind at a time,
// however many calls there are:
//
//	acks           spool_acks.go
//	reading on     load; meanwhile Receive hands out what is in memory
//	reading back   ReceiveNewest; likewise
//	a body again   fetch; the item is given back meanwhile
//	a dead letter  bury; Dead says meanwhile that it cannot be kept now

// hangs is how long the disk may take for what is read, or for a dead letter, until it
// is taken to hang.
const hangs = time.Second

// errand is what another goroutine does at the disk, one at a time. The spool's lock
// guards it.
type errand struct {
	done chan struct{} // closed when it is done; nil if there is none
	late bool          // somebody waited for it in vain
}

// outcome is what became of an errand.
type outcome uint8

const (
	errandDone outcome = iota
	errandLate         // it is still under way
	errandBusy         // an earlier one takes too long, and this one was not begun
)

// run has another goroutine call f, and waits for it: until hangs has passed or ctx has
// ended. If f returns after that, tooLate is called with the lock held, unless it is nil.
func (s *Spool) run(ctx context.Context, e *errand, f, tooLate func()) outcome {
	s.mu.Lock()
	for e.done != nil {
		before, late := e.done, e.late
		s.mu.Unlock()
		if late || !s.waitFor(ctx, e, before, new(bool)) {
			return errandBusy
		}
		s.mu.Lock()
	}
	done := make(chan struct{})
	e.done = done
	s.mu.Unlock()
	left := false // by the caller; the lock guards it
	go func() {
		f()
		s.mu.Lock()
		if left && tooLate != nil {
			tooLate()
		}
		late := e.late
		e.done, e.late = nil, false
		s.mu.Unlock()
		close(done)
		if late {
			s.signal() // there may be something to receive
		}
	}()
	if !s.waitFor(ctx, e, done, &left) {
		return errandLate
	}
	return errandDone
}

// waitFor waits for an errand. It reports whether it is done, or else sets left.
func (s *Spool) waitFor(ctx context.Context, e *errand, done chan struct{}, left *bool) bool {
	timer := time.NewTimer(hangs)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.done != done {
		return true // it was done between the timer and the lock
	}
	e.late, *left = true, true
	return false
}
