// Package hold keeps what visitors did who have not said yet whether it may count. It stays in
// this process and is bounded, also for each visitor and each network. It leaves in one of four
// ways: the visitor says yes or no, its time is up, others need its place, or all is closed.
//
// A visitor is known by a text that tells them apart from others, such as the value of a cookie.
// It is kept as a hash under a key that the process makes for itself.
package hold

import (
	linked "container/list"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	"github.com/goaltrack/goaltrack/internal/fair"
)

// The bounds of what is held.
const (
	perVisitor = 20               // things of one visitor
	MostBytes  = 4 << 20          // in all
	Patience   = 30 * time.Minute // how long
	Extra      = 512              // what a thing takes beside its texts, roughly: it is part of its size

	Shortest = 16      // a shorter text cannot tell one visitor from another
	Longest  = 2 << 10 // nobody sends a longer one in good faith
)

// Store holds things. All methods are safe for concurrent use. Make one with [New].
type Store[T any] struct {
	gone    func(thing T, why Why)
	telling sync.WaitGroup // of calls of gone
	secret  [sha256.Size]byte
	total   atomic.Int64 // while there is none, no request asks for more

	mu       sync.Mutex
	closed   bool
	givenUp  []givenUp[T] // what gone is yet to be told
	visitors map[Key][]*held[T]
	byTime   linked.List // of *held, the oldest first
	bytes    int
	room     fair.Room   // shares the bytes out
	timer    *time.Timer // for the oldest

	// Of byTime, those of visitors who were not here again since, and of those who
	// were: who makes up a session for each form usually does not come back. Where
	// there is no room, the oldest of the first go; of the others, only if they have
	// more than half.
	strangers, returned linked.List
	returnedBytes       int
}

// Key is a visitor of a site.
type Key struct {
	site    string
	visitor [sha256.Size]byte
}

// held is one thing, and where it stands.
type held[T any] struct {
	thing T
	whose Key
	since time.Time
	size  int
	back  bool // the visitor was here again
	place *linked.Element
	among *linked.Element // of strangers, or of returned
}

// givenUp is a thing that is not held any more.
type givenUp[T any] struct {
	thing T
	why   Why
}

// Why says why something is not held, or not any more.
type Why uint8

// What becomes of a thing.
const (
	Held    Why = iota // it is
	Full               // there is no room, or others need the place
	Expired            // its time is up
	Closed             // so the visitor never answered
)

// New makes an empty store. gone is told of each thing that is given up. The store is not locked
// then, so gone may take its time and may use the store, but for Close.
func New[T any](gone func(thing T, why Why)) *Store[T] {
	s := &Store[T]{gone: gone, visitors: make(map[Key][]*held[T])}
	s.room.Size = MostBytes
	_, _ = rand.Read(s.secret[:]) // it never fails
	return s
}

// unlock unlocks the store, and tells what was given up meanwhile.
func (s *Store[T]) unlock() {
	given := s.givenUp
	s.givenUp = nil
	if len(given) == 0 {
		s.mu.Unlock()
		return
	}
	s.telling.Add(1) // while it is locked, so that Close waits
	defer s.telling.Done()
	s.mu.Unlock()
	for _, g := range given {
		s.gone(g.thing, g.why)
	}
}

// Any reports whether anything is held.
func (s *Store[T]) Any() bool { return s.total.Load() > 0 }

// Key makes a visitor's key of the text that tells them apart on a site.
func (s *Store[T]) Key(site, visitor string) Key {
	var buf [sha256.Size + Longest]byte
	text := append(append(buf[:0], s.secret[:]...), visitor...)
	return Key{site, sha256.Sum256(text)}
}

// name is whose it is, for the share of the room.
func (k *Key) name() uint64 { return binary.BigEndian.Uint64(k.visitor[:]) }

// Add holds something of a visitor from a network, or says why not. size is what it takes, in
// bytes, with [Extra]. taken is called while nobody can take it yet, so it may not use the store.
func (s *Store[T]) Add(whose Key, network uint64, thing T, size int, taken func()) Why {
	s.mu.Lock()
	defer s.unlock()
	switch {
	case s.closed:
		return Closed
	case len(s.visitors[whose]) >= perVisitor, size > MostBytes:
		return Full
	}
	// There is always room, see makeRoom: only the shares count.
	asked := fair.Asked{Events: 1, Amount: int64(size), Used: int64(min(s.bytes, MostBytes/4*3))}
	if _, ok := s.room.Enter(fair.Who{Visitor: whose.name(), Network: network}, asked); !ok {
		return Full
	}
	s.makeRoom(size)
	one := &held[T]{thing: thing, whose: whose, since: time.Now(), size: size}
	one.place = s.byTime.PushBack(one)
	one.among = s.strangers.PushBack(one)
	s.visitors[whose] = append(s.visitors[whose], one)
	s.bytes += size
	s.total.Add(1)
	if s.byTime.Len() == 1 {
		s.timer = time.AfterFunc(Patience, s.expire)
	}
	taken()
	return Held
}

// makeRoom gives up the oldest of those who were not here again, until there is room. The
// lock is held.
func (s *Store[T]) makeRoom(size int) {
	for s.bytes+size > MostBytes {
		oldest := s.strangers.Front()
		if oldest == nil || s.returnedBytes > MostBytes/2 {
			oldest = s.returned.Front()
		}
		s.giveUp(oldest, Full)
	}
}

// Return notes that a visitor is here again, and shows what is held of them, in the order in
// which it happened. What over reports true for is not held any more, and is returned. over
// may not use the store.
func (s *Store[T]) Return(visitor Key, over func(thing T) bool) (gone []T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.visitors[visitor] {
		if !one.back {
			s.strangers.Remove(one.among)
			one.among, one.back = s.returned.PushBack(one), true
			s.returnedBytes += one.size
		}
	}
	return s.takeOut(visitor, over)
}

// Take hands out what wanted reports true for of a visitor, in the order in which it happened.
// wanted may not use the store.
func (s *Store[T]) Take(visitor Key, wanted func(thing T) bool) []T {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.takeOut(visitor, wanted)
}

// takeOut removes what wanted reports true for of a visitor, and returns it. The lock is held.
func (s *Store[T]) takeOut(visitor Key, wanted func(thing T) bool) (things []T) {
	s.sift(visitor, func(one *held[T]) bool {
		if !wanted(one.thing) {
			return false
		}
		things = append(things, one.thing)
		return true
	})
	return things
}

// sift removes what out reports true for of a visitor. The lock is held.
func (s *Store[T]) sift(visitor Key, out func(*held[T]) bool) {
	all := s.visitors[visitor]
	kept := all[:0]
	for _, one := range all {
		if !out(one) {
			kept = append(kept, one)
			continue
		}
		s.byTime.Remove(one.place)
		if one.back {
			s.returned.Remove(one.among)
			s.returnedBytes -= one.size
		} else {
			s.strangers.Remove(one.among)
		}
		s.room.Settle(visitor.name(), false, 1, int64(one.size))
		s.bytes -= one.size
		s.total.Add(-1)
	}
	clear(all[len(kept):])
	if len(kept) == 0 {
		delete(s.visitors, visitor)
	} else {
		s.visitors[visitor] = kept
	}
	if s.byTime.Len() == 0 && s.timer != nil {
		s.timer.Stop()
	}
}

// expire gives up what was held long enough, and comes back for the rest.
func (s *Store[T]) expire() {
	s.mu.Lock()
	defer s.unlock()
	for now := time.Now(); ; {
		oldest := s.byTime.Front()
		if oldest == nil || s.closed {
			return
		}
		if wait := heldIn[T](oldest).since.Add(Patience).Sub(now); wait > 0 {
			s.timer = time.AfterFunc(wait, s.expire)
			return
		}
		s.giveUp(oldest, Expired)
	}
}

// giveUp gives up one thing. The lock is held.
func (s *Store[T]) giveUp(place *linked.Element, why Why) {
	one := heldIn[T](place)
	s.sift(one.whose, func(other *held[T]) bool { return other == one })
	s.givenUp = append(s.givenUp, givenUp[T]{one.thing, why})
}

// heldIn is what a list has at a place.
func heldIn[T any](place *linked.Element) *held[T] {
	return place.Value.(*held[T]) //nolint:forcetypeassert // Nothing else is put there.
}

// Close gives up all that is held. Nothing is held from then on, and nothing is told any more
// when it returns.
func (s *Store[T]) Close() {
	defer s.telling.Wait()
	s.mu.Lock()
	defer s.unlock()
	s.closed = true
	s.room.Close()
	for oldest := s.byTime.Front(); oldest != nil; oldest = s.byTime.Front() {
		s.giveUp(oldest, Closed)
	}
}
