package queue

import "sync"

// Reserver is an engine that can keep a place free for an item that is not
// there yet, so that something may be promised before it is known what it will
// be. [Memory] and the spool are.
type Reserver interface {
	// Reserve keeps a place for one item of at most so many bytes of body and
	// key. It returns ErrFull when there is none at that priority, ErrTooLarge
	// when there can never be one, ErrClosed after Close.
	Reserve(p Priority, bytes int64) (*Room, error)
}

// Room is a place kept free in a queue. It is used up by the Append of an
// [Item] that names it, or given back by Release; who does neither loses the
// place for as long as the queue is open. All methods are safe for concurrent
// use, and on nil.
type Room struct {
	lock  sync.Locker // guards bounds and spent
	b     *bounds
	bytes int64
	spent bool
}

// Release gives the place back. It does nothing if the place was used up or
// given back before, so it may be deferred.
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

// bounds counts what a queue holds and has promised to hold against what it may
// hold. Its queue's lock guards it.
type bounds struct {
	maxItems, maxBytes   int64
	items, bytes         int64 // held
	roomItems, roomBytes int64 // promised
}

// fits tells whether so much more fits at a priority.
func (b *bounds) fits(p Priority, items, bytes int64) bool {
	return b.items+b.roomItems+items <= p.share(b.maxItems) && b.bytes+b.roomBytes+bytes <= p.share(b.maxBytes)
}

// full is how much of the whole is held or promised.
func (b *bounds) full() float64 {
	return max(float64(b.items+b.roomItems)/float64(b.maxItems), float64(b.bytes+b.roomBytes)/float64(b.maxBytes))
}

// reserve promises a place, kept by a Room under the lock that is held now.
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

func (b *bounds) vacate(r *Room) {
	r.spent = true
	b.roomItems--
	b.roomBytes -= r.bytes
}

// admit counts all the items as held and uses up their rooms, or does nothing
// and says why not.
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

// room is what the item may use up, nil if it names none that is good: one of
// this queue, still there, and not named by an earlier item too.
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

// leave counts an item as no longer held.
func (b *bounds) remove(i *Item) {
	b.items--
	b.bytes -= i.size()
}
