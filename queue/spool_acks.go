package queue

import "time"

// How acks get to the disk
//
// Ack puts the ack into a list, and a goroutine writes it. Ack waits for that, so that an
// item that was acked does not come again when the process is killed. But it waits only
// as long as Append waits for the disk. If the disk hangs, the first Ack waits so long,
// and from then on none does until an ack was written: delivery goes on. If the process
// ends before the disk answers, what is in the list is delivered again.

// mostAside is how many acks may wait for a disk that hangs. What goes beyond waits for
// the disk, too.
const mostAside = 65536

// ackList is the acks that are not written yet. The spool's lock guards it.
type ackList struct {
	waiting []address
	put     uint64 // how many were put into the list
	written uint64 // how many of them were written
	late    bool   // one took too long, and nothing was written since
	waiters []*ackWaiter
	idle    []*ackWaiter
	work    chan struct{}
	ended   chan struct{} // closed when the goroutine has ended
}

// ackWaiter is somebody who waits until so many acks were written.
type ackWaiter struct {
	until uint64
	done  chan struct{} // gets one value when the waiter leaves the list
	timer *time.Timer
}

// ackInTime writes an ack, or leaves it to the goroutine if the disk takes too long. It
// is called with the spool's lock held, and gives it up.
func (s *Spool) ackInTime(at address) {
	a := &s.acks
	a.waiting = append(a.waiting, at)
	a.put++
	kick(a.work)
	full := len(a.waiting) > mostAside
	if a.late && !full {
		s.mu.Unlock()
		return
	}
	w := a.newWaiter()
	s.mu.Unlock()
	if full {
		<-w.done
	} else {
		w.timer.Reset(s.o.Wait)
		select {
		case <-w.done:
			w.timer.Stop()
		case <-w.timer.C:
			s.mu.Lock()
			a.giveUp(w)
			s.mu.Unlock()
			return
		}
	}
	s.mu.Lock()
	a.rest(w)
	s.mu.Unlock()
}

func (a *ackList) newWaiter() *ackWaiter {
	var w *ackWaiter
	if n := len(a.idle); n > 0 {
		w, a.idle = a.idle[n-1], a.idle[:n-1]
	} else {
		w = &ackWaiter{done: make(chan struct{}, 1), timer: time.NewTimer(time.Hour)}
		w.timer.Stop()
	}
	w.until = a.put
	a.waiters = append(a.waiters, w)
	return w
}

// giveUp is for a waiter whose time has passed.
func (a *ackList) giveUp(w *ackWaiter) {
	for i, other := range a.waiters {
		if other == w {
			a.waiters = append(a.waiters[:i], a.waiters[i+1:]...)
			a.late = true
			a.rest(w)
			return
		}
	}
	<-w.done // it was told between the timer and the lock
	a.rest(w)
}

// rest keeps a waiter to be used again.
func (a *ackList) rest(w *ackWaiter) {
	if len(a.idle) < idleWaiters {
		a.idle = append(a.idle, w)
	}
}

// wrote notes that n more acks were written.
func (a *ackList) wrote(n int) {
	a.written += uint64(n) //nolint:gosec // Not negative.
	a.late = false
	kept := a.waiters[:0]
	for _, w := range a.waiters {
		if w.until > a.written {
			kept = append(kept, w)
		} else {
			w.done <- struct{}{}
		}
	}
	clear(a.waiters[len(kept):])
	a.waiters = kept
}

// writeAcks writes the acks that are put into the list, until no more can come.
func (s *Spool) writeAcks() {
	a := &s.acks
	defer close(a.ended)
	var batch []address
	for {
		s.mu.Lock()
		batch, a.waiting = a.waiting, batch[:0]
		last := s.filesClosed
		s.mu.Unlock()
		for _, at := range batch {
			at.seg.ack(at.number)
			s.mu.Lock()
			s.releaseLocked(at.seg, 1)
			a.wrote(1)
			s.mu.Unlock()
		}
		if len(batch) > 0 {
			kick(s.commit.dirty)
			clear(batch)
			continue
		}
		if last {
			return
		}
		<-a.work
	}
}
