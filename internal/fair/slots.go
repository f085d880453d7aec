package fair

import (
	"math/bits"
	"sync"
	"sync/atomic"
	"time"
)

// Slots remember something small of each of many things, for a while and in a memory of fixed
// size. A thing has a place in one of a few buckets, by the group that it belongs to, usually
// a visitor. Where a bucket is full, the oldest is forgotten. A network that has a quarter of
// the bucket forgets its own, and one that has more than that is forgotten first. So whoever
// makes up visitors or things takes nothing from other networks, and where all come from one
// address, that bounds nobody.
//
// Whoever makes them sets the exported fields and changes them no more. All methods are safe
// for concurrent use. They take no memory before something is remembered.
type Slots[T any] struct {
	Buckets int           // a power of two
	Life    time.Duration // after which a thing is forgotten, counted from when it was last touched
	Step    time.Duration // how exactly time is known
	// Doubts says that what is forgotten before its time is remembered roughly.
	Doubts bool

	made   atomic.Pointer[slots[T]]
	doubts doubts
}

const (
	ways     = 8               // things in a bucket
	share    = ways / networks // of these a network has if the bucket is full
	perGroup = 4               // buckets that the things of a group are in
)

type slots[T any] struct {
	began   time.Time
	life    uint32 // in steps
	buckets []bucket[T]
}

type bucket[T any] struct {
	mu    sync.Mutex
	slots [ways]Slot[T]
}

// Slot is what is remembered of one thing.
type Slot[T any] struct {
	Is      T
	tag     uint32 // as much of the thing's hash as there is room for; 0 is none
	network uint32 // likewise
	at      uint32 // when it was last touched, in steps
}

// Seat is where a thing has its place. It is locked until Leave.
type Seat[T any] struct {
	all    *Slots[T]
	bucket *bucket[T]
	number uint64
	tag    uint32
	now    uint32
	life   uint32
}

// Used reports whether anything was ever remembered.
func (s *Slots[T]) Used() bool { return s.made.Load() != nil }

// Go goes to the place of a thing of a group.
func (s *Slots[T]) Go(group, thing uint64) Seat[T] {
	all := s.made.Load()
	if all == nil {
		s.made.CompareAndSwap(nil, &slots[T]{time.Now(), uint32(s.Life / s.Step), make([]bucket[T], s.Buckets)}) //nolint:gosec // It is some hundred.
		all = s.made.Load()
	}
	mixed := (thing ^ bits.RotateLeft64(group, 29)) * 0x9e3779b97f4a7c15
	number := group*perGroup&uint64(len(all.buckets)-1) | mixed>>62 //nolint:gosec // It is a power of two.
	seat := Seat[T]{
		all: s, bucket: &all.buckets[number], number: number, life: all.life,
		tag: max(uint32(mixed>>24), 1),              //nolint:gosec // Only a part of it is kept.
		now: uint32(time.Since(all.began) / s.Step), //nolint:gosec // There is room for centuries.
	}
	seat.bucket.mu.Lock()
	return seat
}

// Leave unlocks the place.
func (s *Seat[T]) Leave() { s.bucket.mu.Unlock() }

// Doubted reports whether a thing that is not known may have been forgotten before its time. A
// network asks.
func (s *Seat[T]) Doubted(network uint64) bool {
	return s.all.Doubts && s.all.doubts.has(s.all.Life, s.name(s.tag), short(network))
}

// name names the thing of a tag among all.
func (s *Seat[T]) name(tag uint32) uint64 { return s.number<<32 | uint64(tag) }

// Find returns what is known of the thing, nil if it is not known.
func (s *Seat[T]) Find() *Slot[T] {
	for i := range s.bucket.slots {
		if one := &s.bucket.slots[i]; one.tag == s.tag && !s.isOld(one) {
			return one
		}
	}
	return nil
}

func (s *Seat[T]) isOld(one *Slot[T]) bool { return s.now-one.at > s.life }

// Steps is how many steps ago the thing was last touched.
func (s *Seat[T]) Steps(one *Slot[T]) int { return int(s.now - one.at) }

// Touch says that there is something new of the thing.
func (s *Seat[T]) Touch(one *Slot[T]) { one.at = s.now }

// Forget forgets the thing.
func (s *Seat[T]) Forget(one *Slot[T]) { *one = Slot[T]{} }

// Put begins to remember the thing, which a network tells.
func (s *Seat[T]) Put(network uint64) *Slot[T] {
	own := short(network)
	one := s.room(own)
	if s.all.Doubts && one.tag != 0 && !s.isOld(one) {
		s.all.doubts.add(s.all.Life, s.name(one.tag), one.network)
	}
	*one = Slot[T]{tag: s.tag, network: own, at: s.now}
	return one
}

// short is as much of a network's name as there is room for; 0 is none.
func short(network uint64) uint32 {
	if network == 0 {
		return 0
	}
	return max(uint32(network), 1) //nolint:gosec // Only a part of it is kept.
}

// room returns where there is room for another thing of a network.
func (s *Seat[T]) room(network uint32) *Slot[T] {
	var oldest, own, theirs *Slot[T]
	older := func(than **Slot[T], one *Slot[T]) {
		if *than == nil || s.Steps(one) > s.Steps(*than) {
			*than = one
		}
	}
	for i := range s.bucket.slots {
		one := &s.bucket.slots[i]
		if one.tag == 0 || s.isOld(one) {
			return one
		}
		older(&oldest, one)
		switch has := s.has(one.network); {
		case one.network == 0:
		case one.network == network && has >= share:
			older(&own, one)
		case has > share:
			older(&theirs, one)
		}
	}
	switch {
	case own != nil:
		return own
	case theirs != nil:
		return theirs
	}
	return oldest
}

// has is how much of the bucket a network has.
func (s *Seat[T]) has(network uint32) (n int) {
	for i := range s.bucket.slots {
		if s.bucket.slots[i].network == network {
			n++
		}
	}
	return n
}
