package queue

import (
	"context"
	"sync"
	"time"
)

// desk is what every engine of this package has in common: items are handed out
// over it and come back. It knows the entries that were handed out, which of
// them were given back, those that were not and are in memory, and who waits for
// more.
type desk struct {
	backend backend

	mu     sync.Mutex
	closed bool
	bounds bounds
	// head to tail are entries that were never handed out, by number. They can be
	// handed out from both ends.
	head, tail *entry
	// begun were handed out and are not settled, the lowest number first. One item
	// that waits for long costs little to those that come after it.
	begun heap
	// asleep were given back and are not due yet, the first due first; awake
	// are, the lowest number first, and awakeNewest are the same, the highest first.
	notDue, due, dueNewest heap
	stats                  Stats
	wake                   chan struct{}
}

// keeper is the engine behind a desk.
type backend interface {
	// take hands out what is ready, or says how long until something will be
	// (0: nobody knows).
	take(n int) (got []Delivery, wait time.Duration, err error)
	// settle ends the entry; bury also keeps it as a dead letter, or reports
	// that it cannot now.
	settle(t ticket)
	bury(t ticket, reason string) bool
	// returned is told, under the lock, of an entry given back.
	returnedLocked(e *entry)
}

// entry is an unsettled item. Its number, state, links and spots belong to the
// queue.
type entry struct {
	Item
	desk       *desk
	number     uint64
	out        bool
	turn       int // how often it was handed out
	dueAt      time.Time
	prev, next *entry           // while it was never handed out
	spots      [heapSpots]int32 // afterwards

	place // in a spool
}

func (d *desk) init(k backend, maxItems, maxBytes int64) {
	d.backend = k
	d.bounds = bounds{maxItems: max(maxItems, 1), maxBytes: max(maxBytes, 1)}
	d.wake = make(chan struct{}, 1)
	older := func(a, b *entry) bool { return a.number < b.number }
	d.begun = heap{before: older, which: spotBegun}
	d.notDue = heap{before: func(a, b *entry) bool { return a.dueAt.Before(b.dueAt) }, which: spotGivenBack}
	d.due = heap{before: older, which: spotGivenBack}
	d.dueNewest = heap{before: func(a, b *entry) bool { return older(b, a) }, which: spotDueNewest}
}

// link puts an entry at the end of those that were never handed out.
func (d *desk) linkLocked(e *entry) {
	e.prev = d.tail
	if d.tail == nil {
		d.head = e
	} else {
		d.tail.next = e
	}
	d.tail = e
}

func (d *desk) unlinkLocked(e *entry) {
	if e.prev == nil {
		d.head = e.next
	} else {
		e.prev.next = e.next
	}
	if e.next == nil {
		d.tail = e.prev
	} else {
		e.next.prev = e.prev
	}
	e.prev, e.next = nil, nil // who still holds this one must not keep all that came after it
}

// Reserve implements [Reserver].
func (d *desk) Reserve(p Priority, bytes int64) (*Room, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, ErrClosed
	}
	return d.bounds.reserve(&d.mu, p, bytes)
}

// Receive implements [Queue].
func (d *desk) Receive(ctx context.Context, n int) ([]Delivery, error) {
	for {
		got, wait, err := d.backend.take(max(n, 1))
		if err != nil || len(got) > 0 {
			return got, err
		}
		if err := d.await(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// await waits until there may be something to take, wait long if that is known.
func (d *desk) await(ctx context.Context, wait time.Duration) error {
	var due <-chan time.Time
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-ctx.Done():
		d.signal() // another receiver may have counted on our looking when the wait is over
		return ctx.Err()
	case <-d.wake:
	case <-due:
	}
	return nil
}

// signal wakes one receiver; it passes the signal on if there is more.
func (d *desk) signal() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// rouse finds those given back that are due, and says how long until the next
// will be (0: there is none).
func (d *desk) findDueLocked() time.Duration {
	if d.notDue.first() == nil {
		return 0
	}
	now := time.Now()
	for e := d.notDue.first(); e != nil; e = d.notDue.first() {
		if wait := e.dueAt.Sub(now); wait > 0 {
			return wait
		}
		e = d.notDue.pop()
		d.due.push(e)
		d.dueNewest.push(e)
	}
	return 0
}

// getUp takes an entry from those given back that are due.
func (d *desk) takeDueLocked(e *entry) {
	d.due.remove(e)
	d.dueNewest.remove(e)
}

// newer is the one with the higher number; either may be missing.
func newer(a, b *entry) *entry {
	if a == nil || b != nil && b.number > a.number {
		return b
	}
	return a
}

// hand marks an entry as handed out. It is in no list any more.
func (d *desk) handLocked(e *entry) {
	if e.out = true; e.turn == 0 {
		d.begun.push(e)
	}
	e.turn++
}

func (d *desk) handOutLocked(e *entry) Delivery {
	d.handLocked(e)
	return NewDelivery(e.Item, ticket{e, e.turn})
}

// giveBack makes an entry that was out wait. The lock is held.
func (d *desk) giveBackLocked(e *entry, after time.Duration) {
	e.out = false
	e.dueAt = time.Now().Add(after)
	d.notDue.push(e)
	d.backend.returnedLocked(e)
	d.signal()
}

// stat is what the desk knows of Stats; fresh is the oldest that was never
// handed out, nil if there is none.
func (d *desk) statLocked(fresh *entry) Stats {
	s := d.stats
	s.Waiting, s.Bytes, s.Full, s.Done = int(d.bounds.items), d.bounds.bytes, d.bounds.full(), s.Last
	e := d.begun.first()
	if e == nil || fresh != nil && fresh.number < e.number {
		e = fresh
	}
	if e != nil {
		s.Oldest, s.Done = e.Time, e.number-1
	}
	return s
}

// ticket is good for one handing out: who gave an item back has no say in what
// becomes of it later.
type ticket struct {
	*entry
	turn int
}

func (t ticket) voidLocked() bool { return !t.out || t.entry.turn != t.turn }

// Ack implements [Ticket].
func (t ticket) Ack() { t.desk.backend.settle(t) }

// Dead implements [Ticket].
func (t ticket) Dead(reason string) bool { return t.desk.backend.bury(t, reason) }

// Nack implements [Ticket].
func (t ticket) Nack(after time.Duration) {
	d := t.desk
	d.mu.Lock()
	defer d.mu.Unlock()
	if !t.voidLocked() {
		d.giveBackLocked(t.entry, after)
	}
}
