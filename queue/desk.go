package queue

import (
	"context"
	"sync"
	"time"
)

// desk is what the engines of this package have in common: items are handed out over
// it and come back to it. An item in memory is in one of these states:
//
//	fresh        nobody has received it: in the list from head to tail
//	out          somebody has received it and holds its ticket
//	not yet due  it was given back for a while that has not passed: in notDue
//	due          it was given back and can be received again, or it goes first: in due
//	             and dueNewest
//
// Methods that end in Locked are called with mu held.
type desk struct {
	backend backend

	mu     sync.Mutex // guards all that follows, and the backend's own state
	closed bool
	bounds bounds
	// head to tail are the fresh entries, by number. They are linked both ways,
	// because they are taken from both ends.
	head, tail *entry
	// begun are the entries that are not fresh and not settled, the lowest number
	// first: an item that waits for long costs those after it little.
	begun heap
	// begunFirst is how many of begun ask to go first (Item.First).
	begunFirst int
	// notDue has the entry that is due first at its top. due has the lowest number of those
	// that go first, and then of the others. dueNewest has the same entries, and the
	// highest number at its top.
	notDue, due, dueNewest heap
	stats                  Stats         // what the desk and its backend count
	wake                   chan struct{} // full when a receiver has to look again
}

// backend is the engine behind a desk.
type backend interface {
	// take hands out at most n items that can be received now. wait is how long
	// until another is due, 0 if that is not known.
	take(n int) (got []Delivery, wait time.Duration, err error)
	// settle ends an item that was delivered. bury ends one that was given up and
	// keeps it as a dead letter; false says that it cannot now. Both do nothing for
	// a void ticket.
	settle(t ticket)
	bury(t ticket, reason string) bool
	// returnedLocked is told of an entry that was given back.
	returnedLocked(e *entry)
}

// entry is an item in memory.
type entry struct {
	Item
	desk       *desk
	number     uint64
	out        bool // handed out, and neither settled nor given back since
	turn       int  // how often it was handed out; 0: it is fresh
	dueAt      time.Time
	prev, next *entry           // while it was never handed out
	spots      [heapSpots]int32 // afterwards

	place // in a spool
}

func (d *desk) init(k backend, maxItems, maxBytes int64) {
	d.backend = k
	d.bounds = bounds{maxItems: max(maxItems, 1), maxBytes: max(maxBytes, 1)}
	d.wake = make(chan struct{}, 1)
	older := func(a, b *entry) bool { return a.rank() < b.rank() }
	d.begun = heap{before: older, which: spotBegun}
	d.notDue = heap{before: func(a, b *entry) bool { return a.dueAt.Before(b.dueAt) }, which: spotGivenBack}
	d.due = heap{before: func(a, b *entry) bool {
		if a.First != b.First {
			return a.First // however many were given back
		}
		return older(a, b)
	}, which: spotGivenBack}
	d.dueNewest = heap{before: func(a, b *entry) bool { return older(b, a) }, which: spotDueNewest}
}

// linkLocked puts a new entry at the end of the fresh ones.
func (d *desk) linkLocked(e *entry) {
	e.prev = d.tail
	if d.tail == nil {
		d.head = e
	} else {
		d.tail.next = e
	}
	d.tail = e
}

// unlinkLocked takes an entry from the fresh ones.
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
	e.prev, e.next = nil, nil // else whoever holds this one keeps all that came after it in memory
}

// goFirstLocked makes a fresh entry go before all others that are fresh: it is as if it
// had been handed out and given back at once.
func (d *desk) goFirstLocked(e *entry) {
	d.unlinkLocked(e)
	d.handLocked(e)
	e.out = false
	d.due.push(e)
	d.dueNewest.push(e)
	d.backend.returnedLocked(e)
}

// Reserve implements [Reserver]. It never waits.
func (d *desk) Reserve(p Priority, bytes int64) (*Room, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, ErrClosed
	}
	return d.bounds.reserve(&d.mu, p, bytes)
}

// Receive implements [Queue]. A number below one counts as one.
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

// await waits until there may be something to take: until it is woken, until wait has
// passed if that is above zero, or until ctx ends.
func (d *desk) await(ctx context.Context, wait time.Duration) error {
	var due <-chan time.Time
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-ctx.Done():
		d.signal() // another receiver may rely on this one to look when the wait is over
		return ctx.Err()
	case <-d.wake:
	case <-due:
	}
	return nil
}

// signal wakes one receiver, which wakes the next if there is more. It needs no lock.
func (d *desk) signal() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// findDueLocked makes due what has waited long enough, and returns how long until the
// next is due, 0 if there is none.
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

// takeDueLocked takes an entry from those that are due.
func (d *desk) takeDueLocked(e *entry) {
	d.due.remove(e)
	d.dueNewest.remove(e)
}

// newer returns the entry with the higher number; either may be nil.
func newer(a, b *entry) *entry {
	if a == nil || b != nil && b.rank() > a.rank() {
		return b
	}
	return a
}

// handLocked marks an entry as handed out. The caller has taken it from where it was.
func (d *desk) handLocked(e *entry) {
	if e.out = true; e.turn == 0 {
		d.begun.push(e)
		if e.First {
			d.begunFirst++
		}
	}
	e.turn++
}

// endLocked takes an entry from those that have begun.
func (d *desk) endLocked(e *entry) {
	d.begun.remove(e)
	if e.First {
		d.begunFirst--
	}
}

// handOutLocked marks an entry as handed out and makes its delivery.
func (d *desk) handOutLocked(e *entry) Delivery {
	d.handLocked(e)
	return NewDelivery(e.Item, ticket{e, e.turn})
}

// giveBackLocked makes an entry that was out wait.
func (d *desk) giveBackLocked(e *entry, after time.Duration) {
	e.out = false
	e.dueAt = time.Now().Add(after)
	d.notDue.push(e)
	d.backend.returnedLocked(e)
	d.signal()
}

// statLocked returns the part of Stats that the desk knows. fresh is the oldest fresh
// entry, nil if there is none.
func (d *desk) statLocked(fresh *entry) Stats {
	s := d.stats
	s.Waiting, s.Bytes, s.Full, s.Done = int(d.bounds.items), d.bounds.bytes, d.bounds.full(), s.Last
	e := d.begun.first()
	if e == nil || fresh != nil && fresh.rank() < e.rank() {
		e = fresh
	}
	if e != nil {
		s.Oldest, s.Done = e.Time, e.rank()-1
	}
	return s
}

// ticket is good for one handing out. When the item is given back the ticket is void,
// and its holder can no longer decide what becomes of the item.
type ticket struct {
	*entry
	turn int
}

// voidLocked reports whether the ticket was used before.
func (t ticket) voidLocked() bool { return !t.out || t.entry.turn != t.turn }

// Ack implements [Ticket].
func (t ticket) Ack() { t.desk.backend.settle(t) }

// OutOfOrder is what [Delivery.OutOfOrder] asks.
func (t ticket) OutOfOrder() bool { return t.reread }

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
