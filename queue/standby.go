package queue

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// How a standby moves
//
// A worked example. Another process has the directory, so items go to memory:
//
//	step                                          in memory  in the spool
//	A, B and C are appended                       1, 2, 3
//	Receive hands out A; its ticket is a lease
//	the other process ends, and the next try
//	    opens the spool: 10 items are left in it             1 to 10
//	moveTo: A, B and C move                                  11, 12, 13
//	A's lease is acked: heirs knows that
//	    it stands for number 11                              11 is settled
//
// The invariants:
//
//  1. spool is nil until the move and never changes after it.
//  2. Whoever appends to the memory queue or uses its tickets holds mu for reading. The
//     move holds it for writing. So nothing is appended to a queue that has moved.
//  3. A receiver waits in the memory queue without mu. The move closes that queue, and
//     the receiver goes on with the spool.
//  4. A ticket that was out at the move has an entry in heirs until it is used up.
//  5. Stats goes on counting where memory was: what moved has two numbers but counts
//     once.

// Standby is a queue in memory until the spool of a directory can be opened. From then
// on it is that spool. It is for a process that is started while its predecessor still
// has the directory: as soon as that ends, it takes over what that left behind.
//
// At that moment the items in memory move to the spool. Deliveries that are out stay
// good: they settle the item where it is now. Until the move, a crash loses the items,
// and so does Close if the directory cannot be had then either.
//
// It implements [Queue], [Reserver], [LetterBox] and [NewestReceiver]. All methods
// are safe for concurrent use. Make it with [NewStandby].
type Standby struct {
	disk    fsys
	dir     string
	o       SpoolOptions
	memory  *Memory
	took    func(s *Spool, moved int)
	largest int64 // bytes that an item may have to fit into the spool

	mu        sync.RWMutex // held for writing while all moves
	spool     atomic.Pointer[Spool]
	openErr   error    // of the last try to open the spool; nil if it is open
	heirs     sync.Map // a ticket of the memory's that is out -> the spool's for the same item
	atMove    Stats    // of the memory, just before the move
	moved     uint64   // how many items moved
	lastMoved uint64   // the spool's number of the last of them

	closed  atomic.Bool
	closing sync.Once
	stop    chan struct{}
	done    chan struct{}
}

// standbyEvery is how long a standby waits between two tries to open the spool.
const standbyEvery = 2 * time.Second

// standbyFull is the wait after a try for which the disk had no room. Such a try fills
// the disk for a moment, which others who write there feel.
const standbyFull = time.Minute

// untilNext returns how long to wait until the next try.
func (s *Standby) untilNext() time.Duration {
	if errors.Is(s.Err(), ErrDiskFull) {
		return standbyFull
	}
	return standbyEvery
}

// NewStandby makes a queue that uses the memory queue m. It tries every two seconds to
// open the spool in dir. If its disk has no room for a segment, it tries every minute. Nobody
// else may use m. The argument why says why the spool could not be opened so far; Err
// returns it until the next try.
//
// When the queue has moved, it calls took once, with the spool and how many items moved.
// A nil took is allowed. The spool belongs to the standby: close the standby, not it.
func NewStandby(dir string, o SpoolOptions, m *Memory, why error, took func(s *Spool, moved int)) *Standby {
	return newStandby(osFS{}, dir, o, m, why, took)
}

func newStandby(disk fsys, dir string, o SpoolOptions, m *Memory, why error, took func(s *Spool, moved int)) *Standby {
	s := &Standby{disk: disk, dir: dir, o: o, memory: m, openErr: why, took: took, stop: make(chan struct{}), done: make(chan struct{})}
	s.largest = min(maxItem, largestFrame(o.withDefaults().SegmentBytes)-frameHead)
	go s.tryToMove()
	return s
}

// Spool returns the spool, or nil if it is not open yet.
func (s *Standby) Spool() *Spool { return s.spool.Load() }

// Err returns why the last try to open the spool failed, or nil if it is open.
func (s *Standby) Err() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.openErr
}

// tryToMove tries to open the spool until it is open. When the queue is closed, it tries
// once more if there is something to save.
func (s *Standby) tryToMove() {
	defer close(s.done)
	ticker := time.NewTicker(standbyEvery)
	defer ticker.Stop()
	moved := false
	for stopping := false; !stopping; {
		ticker.Reset(s.untilNext())
		select {
		case <-ticker.C:
		case <-s.stop:
			stopping = true
		}
		if !moved && (!stopping || s.memory.Stats().Waiting > 0) {
			moved = s.move()
		}
		if moved && s.moveLetters() {
			ticker.Stop()
		}
	}
	if spool := s.spool.Load(); spool != nil {
		_ = spool.Close(context.Background())
	}
}

// move opens the spool and moves there what is in memory. It reports whether it could.
func (s *Standby) move() bool {
	moved := 0
	spool, err := openSpoolFor(s.disk, s.dir, s.o, func(spool *Spool) { moved = s.moveTo(spool) })
	if err != nil {
		s.mu.Lock()
		s.openErr = err
		s.mu.Unlock()
		return false
	}
	if s.took != nil {
		s.took(spool, moved)
	}
	return true
}

// moveTo makes the spool the queue. Nobody uses the spool yet.
func (s *Standby) moveTo(spool *Spool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.atMove = s.memory.Stats()
	all := s.memory.yield()
	for old, heir := range spool.inherit(all) {
		s.heirs.Store(old, heir)
	}
	s.lastMoved, s.openErr = spool.stats.Last, nil
	s.spool.Store(spool)
	s.moved = uint64(len(all))
	return len(all)
}

// moveLetters moves the dead letters. Those that the disk does not take stay in memory
// until the next try. It reports whether none is left there.
func (s *Standby) moveLetters() bool {
	m, to := s.memory, &s.spool.Load().letters
	for {
		m.mu.Lock()
		if len(m.letters) == 0 {
			m.mu.Unlock()
			return to.sync() == nil
		}
		l := m.letters[0]
		m.mu.Unlock()
		if _, err := to.add(l); err != nil {
			return false
		}
		m.mu.Lock()
		m.forgetLocked(1)
		m.mu.Unlock()
	}
}

// Append implements [Queue]. It refuses what would be too large for the spool.
func (s *Standby) Append(ctx context.Context, items ...Item) error {
	if s.closed.Load() {
		return ErrClosed
	}
	s.mu.RLock()
	spool := s.spool.Load()
	if spool == nil {
		defer s.mu.RUnlock()
		for i := range items {
			if items[i].size() > s.largest {
				return ErrTooLarge
			}
		}
		return s.memory.Append(ctx, items...)
	}
	s.mu.RUnlock()
	for i := range items {
		if room := spool.exchange(items[i].Room, &s.memory.bounds); room != nil {
			items[i].Room = room
			defer room.Release() // does nothing if it is used up
		}
	}
	return spool.Append(ctx, items...)
}

// Reserve implements [Reserver].
func (s *Standby) Reserve(p Priority, bytes int64) (*Room, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if spool := s.spool.Load(); spool != nil {
		return spool.Reserve(p, bytes)
	}
	if bytes > s.largest {
		return nil, ErrTooLarge
	}
	return s.memory.Reserve(p, bytes)
}

// Receive implements [Queue].
func (s *Standby) Receive(ctx context.Context, n int) ([]Delivery, error) {
	for !s.closed.Load() {
		spool := s.spool.Load()
		if spool != nil {
			return spool.Receive(ctx, n)
		}
		got, err := s.memory.Receive(ctx, n)
		if !errors.Is(err, ErrClosed) {
			return s.leases(got), err
		}
		if s.hasMoved() == nil {
			break
		}
	}
	return nil, ErrClosed
}

// hasMoved returns the spool, nil if the queue has not moved. It waits for a move that is
// under way.
func (s *Standby) hasMoved() *Spool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.spool.Load()
}

// ReceiveNewest implements [NewestReceiver].
func (s *Standby) ReceiveNewest(ctx context.Context, n int) ([]Delivery, error) {
	if s.closed.Load() {
		return nil, ErrClosed
	}
	if spool := s.spool.Load(); spool != nil {
		return spool.ReceiveNewest(ctx, n)
	}
	got, err := s.memory.ReceiveNewest(ctx, n)
	if errors.Is(err, ErrClosed) && !s.closed.Load() {
		return nil, nil // it has just moved
	}
	return s.leases(got), err
}

// Stats implements [Queue]. After the move, Last and Done go on from where they were.
func (s *Standby) Stats() Stats {
	s.mu.RLock()
	defer s.mu.RUnlock()
	spool := s.spool.Load()
	if spool == nil {
		return s.memory.Stats()
	}
	stats := spool.Stats()
	more := s.atMove.Last - s.moved // what moved has two numbers
	stats.Last += more
	if stats.Done < s.lastMoved { // something that moved, or was found, is not settled
		stats.Done = s.atMove.Done
	} else {
		stats.Done += more
	}
	stats.Dead += s.atMove.Dead
	stats.Recovered += s.atMove.Recovered
	stats.Letters += s.memory.Stats().Letters
	return stats
}

// Letters implements [LetterBox]. Until the disk has taken them, it also returns those in
// memory.
func (s *Standby) Letters() []Letter {
	letters := s.memory.Letters()
	if spool := s.spool.Load(); spool != nil {
		letters = append(spool.Letters(), letters...)
	}
	return letters
}

// Resend implements [LetterBox].
func (s *Standby) Resend(choose func(Letter) bool) (int, error) {
	if s.closed.Load() {
		return 0, ErrClosed
	}
	if spool := s.spool.Load(); spool != nil {
		return spool.Resend(choose)
	}
	n, err := s.memory.Resend(choose)
	if spool := s.hasMoved(); spool != nil && errors.Is(err, ErrClosed) { // it moved meanwhile
		var more int
		more, err = spool.Resend(choose)
		n += more
	}
	return n, err
}

// Close implements [Queue]. If the spool is not open yet and items wait, it tries once
// more to open it. If ctx ends first, Close returns its error, and the rest goes on by
// itself.
func (s *Standby) Close(ctx context.Context) error {
	s.closing.Do(func() {
		s.closed.Store(true)
		if s.spool.Load() == nil {
			_ = s.memory.Close(ctx) // never fails
		}
		close(s.stop)
	})
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// lease is a ticket of the memory's that stays good when its item moves.
type lease struct {
	s   *Standby
	own ticket
}

func (s *Standby) leases(got []Delivery) []Delivery {
	for i, d := range got {
		if own, ok := d.ticket.(ticket); ok {
			got[i].ticket = lease{s, own}
		}
	}
	return got
}

// with calls f with the ticket that is good now: the memory's, or the spool's after the
// move. f reports whether it has used the ticket up.
func (l lease) with(f func(Ticket) bool) bool {
	l.s.mu.RLock()
	if l.s.spool.Load() == nil {
		defer l.s.mu.RUnlock()
		return f(l.own)
	}
	l.s.mu.RUnlock()
	heir, ok := l.s.heirs.Load(l.own)
	if !ok {
		return true // the ticket was used up before
	}
	used := f(heir.(ticket))
	if used {
		l.s.heirs.Delete(l.own)
	}
	return used
}

// Ack implements [Ticket].
func (l lease) Ack() { l.with(func(t Ticket) bool { t.Ack(); return true }) }

// Nack implements [Ticket].
func (l lease) Nack(after time.Duration) {
	l.with(func(t Ticket) bool { t.Nack(after); return true })
}

// Dead implements [Ticket].
func (l lease) Dead(reason string) bool {
	return l.with(func(t Ticket) bool { return t.Dead(reason) })
}
