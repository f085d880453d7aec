package queue

import "sync"

// Reserver is an engine that can keep a place free for an item that is not there yet.
// So a caller can promise to deliver something before knowing what it will be. [Memory],
// [Spool] and [Standby] implement it.
type Reserver interface {
	// Reserve keeps a place for one item of at most so many bytes of body and key;
	// a number below zero counts as zero. It never waits. It returns ErrFull if
	// there is no place at that priority now, ErrTooLarge if there can never be one,
	// and ErrClosed after Close. An engine on a disk also returns the errors of
	// Append. It is safe for concurrent use.
	Reserve(p Priority, bytes int64) (*Room, error)
}

// Room is a place kept free in a queue. The Append of an [Item] with this Room uses it
// up, and Release gives it back. If neither happens, the place is lost for as long as
// the queue is open. All methods are safe for concurrent use and may be called on nil.
type Room struct {
	lock  sync.Locker // the queue's; guards b and spent
	b     *bounds
	bytes int64
	spent bool
}

// Release gives the place back. It does nothing if the place was used up or given back
// before, so callers may defer it.
func (r *Room) Release() {
	if r == nil {
		return
	}
	r.lock.Lock()
	defer r.lock.Unlock()
	if !r.spent {
		r.b.vacate(r)
	}
}

// bounds counts what a queue holds and what it has promised to hold, and says what it
// may hold. The queue's lock guards it, and its methods are called with that lock held.
type bounds struct {
	maxItems, maxBytes   int64
	items, bytes         int64 // held
	roomItems, roomBytes int64 // promised
}

// fits reports whether so much more fits at a priority.
func (b *bounds) fits(p Priority, items, bytes int64) bool {
	return b.items+b.roomItems+items <= p.share(b.maxItems) && b.bytes+b.roomBytes+bytes <= p.share(b.maxBytes)
}

// full returns how much of the whole is held or promised: 1 is full.
func (b *bounds) full() float64 {
	return max(float64(b.items+b.roomItems)/float64(b.maxItems), float64(b.bytes+b.roomBytes)/float64(b.maxBytes))
}

// reserve promises a place. lock is the queue's, which is held now.
func (b *bounds) reserve(lock sync.Locker, p Priority, bytes int64) (*Room, error) {
	bytes = max(bytes, 0)
	if bytes > b.maxBytes {
		return nil, ErrTooLarge
	}
	if !b.fits(p, 1, bytes) {
		return nil, ErrFull
	}
	b.roomItems++
	b.roomBytes += bytes
	return &Room{lock: lock, b: b, bytes: bytes}, nil
}

// vacate ends a promise.
func (b *bounds) vacate(r *Room) {
	r.spent = true
	b.roomItems--
	b.roomBytes -= r.bytes
}

// admit counts all the items as held and uses up their rooms. If one of them does not
// fit it changes nothing and returns why.
func (b *bounds) admit(items []Item) error {
	var more, moreBytes int64 // beyond what was promised
	full := false
	for i, item := range items {
		own := item.size()
		if own > b.maxBytes {
			return ErrTooLarge
		}
		if r := b.room(items, i); r == nil {
			more++
			moreBytes += own
		} else if own > r.bytes {
			moreBytes += own - r.bytes
		} else {
			continue
		}
		full = full || !b.fits(item.Priority, more, moreBytes)
	}
	if full {
		return ErrFull
	}
	for i := range items {
		if r := b.room(items, i); r != nil {
			b.vacate(r)
		}
		b.items++
		b.bytes += items[i].size()
	}
	return nil
}

// room returns the place that the item may use up: one of this queue that is still
// there and that no earlier item names. It returns nil if there is no such place.
func (b *bounds) room(items []Item, i int) *Room {
	r := items[i].Room
	if r == nil || r.b != b || r.spent {
		return nil
	}
	for j := range i {
		if items[j].Room == r {
			return nil
		}
	}
	return r
}

// remove counts an item as no longer held.
func (b *bounds) remove(i *Item) {
	b.items--
	b.bytes -= i.size()
}
