package queue

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Memory is a bounded queue in this process. A crash loses what it holds.
type Memory struct {
	mu     sync.Mutex
	closed bool
	bounds bounds
	// head to tail are the unsettled entries by number; fresh is the first of
	// them that was never handed out. Unlinking needs no search, so one item
	// that waits for long costs nothing to those that come after it.
	head, tail, fresh *entry
	// asleep were given back and are not due yet, the first due first; awake
	// are, the lowest number first.
	asleep, awake heap
	stats         Stats
	letters       []Letter
	lettered      int64 // bytes of letters
	wake          chan struct{}
}

// keptLetters bounds the dead letters a Memory remembers, and so does its
// bound in bytes; the oldest go first.
const keptLetters = 256

// NewMemory makes a queue for at most maxItems items and maxBytes bytes of
// bodies and keys. Values below one mean one.
func NewMemory(maxItems int, maxBytes int64) *Memory {
	return &Memory{
		bounds: bounds{maxItems: int64(max(maxItems, 1)), maxBytes: max(maxBytes, 1)},
		wake:   make(chan struct{}, 1),
		asleep: heap{before: func(a, b *entry) bool { return a.due.Before(b.due) }},
		awake:  heap{before: func(a, b *entry) bool { return a.number < b.number }},
	}
}

// entry is an unsettled item. Its number, state and links belong to the queue.
type entry struct {
	Item
	q          *Memory
	number     uint64
	out        bool
	turn       int // how often it was handed out
	due        time.Time
	prev, next *entry
}

// Append implements [Queue]. It never waits.
func (m *Memory) Append(_ context.Context, items ...Item) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return ErrClosed
	}
	if err := m.bounds.admit(items); err != nil {
		return err
	}
	for i := range items {
		m.link(items[i])
	}
	m.signal()
	return nil
}

// Reserve implements [Reserver].
func (m *Memory) Reserve(p Priority, bytes int64) (*Room, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, ErrClosed
	}
	return m.bounds.reserve(&m.mu, p, bytes)
}

func (m *Memory) link(item Item) {
	item.Room = nil // used up
	e := &entry{Item: item, q: m}
	m.stats.Last++
	e.number = m.stats.Last
	e.prev = m.tail
	if m.tail == nil {
		m.head = e
	} else {
		m.tail.next = e
	}
	m.tail = e
	if m.fresh == nil {
		m.fresh = e
	}
}

// Receive implements [Queue].
func (m *Memory) Receive(ctx context.Context, n int) ([]Delivery, error) {
	for {
		got, wait, err := m.take(max(n, 1))
		if err != nil || len(got) > 0 {
			return got, err
		}
		if err := m.await(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// await waits until there may be something to take, wait long if that is known.
func (m *Memory) await(ctx context.Context, wait time.Duration) error {
	var due <-chan time.Time
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-ctx.Done():
		m.signal() // another receiver may have counted on our looking when the wait is over
		return ctx.Err()
	case <-m.wake:
	case <-due:
	}
	return nil
}

// take hands out what is ready, or says how long until something will be
// (0: nobody knows).
func (m *Memory) take(n int) (got []Delivery, wait time.Duration, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		m.signal() // for the next one who waits
		return nil, 0, ErrClosed
	}
	wait = m.rouse()
	for m.awake.first() != nil && len(got) < n {
		got = append(got, m.handOut(m.awake.pop()))
	}
	for ; m.fresh != nil && len(got) < n; m.fresh = m.fresh.next {
		got = append(got, m.handOut(m.fresh))
	}
	if m.fresh != nil || m.awake.first() != nil || len(got) > 0 && wait > 0 {
		m.signal() // there is or will be something for another receiver
	}
	return got, wait, nil
}

// rouse finds those given back that are due, and says how long until the next
// will be (0: there is none).
func (m *Memory) rouse() time.Duration {
	if m.asleep.first() == nil {
		return 0
	}
	now := time.Now()
	for e := m.asleep.first(); e != nil; e = m.asleep.first() {
		if wait := e.due.Sub(now); wait > 0 {
			return wait
		}
		m.awake.push(m.asleep.pop())
	}
	return 0
}

func (m *Memory) handOut(e *entry) Delivery {
	e.out = true
	e.turn++
	return NewDelivery(e.Item, ticket{e, e.turn})
}

// ticket is good for one handing out: who gave an item back has no say in what
// becomes of it later.
type ticket struct {
	*entry
	turn int
}

func (t ticket) void() bool { return !t.out || t.entry.turn != t.turn }

// signal wakes one receiver; it passes the signal on if there is more.
func (m *Memory) signal() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// Ack implements [Ticket].
func (t ticket) Ack() { t.settle(nil) }

// Dead implements [Ticket].
func (t ticket) Dead(reason string) {
	t.settle(func(m *Memory) {
		m.stats.Dead++
		m.lettered += t.size()
		old := 0
		for ; len(m.letters)-old >= keptLetters || m.lettered > m.bounds.maxBytes && old < len(m.letters); old++ {
			m.lettered -= m.letters[old].size()
		}
		m.letters = append(slices.Delete(m.letters, 0, old), Letter{Item: t.Item, Reason: reason, Died: time.Now(), number: t.number})
	})
}

// Nack implements [Ticket].
func (t ticket) Nack(after time.Duration) {
	e, m := t.entry, t.q
	m.mu.Lock()
	defer m.mu.Unlock()
	if t.void() {
		return
	}
	e.out = false
	e.due = time.Now().Add(after)
	m.asleep.push(e)
	m.signal()
}

func (t ticket) settle(also func(*Memory)) {
	e, m := t.entry, t.q
	m.mu.Lock()
	defer m.mu.Unlock()
	if t.void() {
		return
	}
	e.out = false
	if e.prev == nil {
		m.head = e.next
	} else {
		e.prev.next = e.next
	}
	if e.next == nil {
		m.tail = e.prev
	} else {
		e.next.prev = e.prev
	}
	e.prev, e.next = nil, nil // who still holds this one must not keep all that came after it
	m.bounds.leave(&e.Item)
	if also != nil {
		also(m)
	}
}

// Stats implements [Queue].
func (m *Memory) Stats() Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.stats
	s.Waiting, s.Bytes, s.Done = int(m.bounds.items), m.bounds.bytes, s.Last
	if m.closed {
		s.Lost = s.Waiting
	}
	if m.head != nil {
		s.Oldest, s.Done = m.head.Time, m.head.number-1
	}
	return s
}

// Letters implements [LetterBox]: at most 256 letters, and no more bytes than
// the queue may hold.
func (m *Memory) Letters() []Letter {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]Letter(nil), m.letters...)
}

// Resend implements [LetterBox].
func (m *Memory) Resend(choose func(Letter) bool) (n int, err error) {
	for _, l := range m.Letters() {
		if !choose(l) {
			continue
		}
		switch again, err := m.resend(l.number); {
		case err != nil:
			return n, err
		case again:
			n++
		}
	}
	return n, nil
}

// resend appends the letter of that number, if it is still there.
func (m *Memory) resend(number uint64) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false, ErrClosed
	}
	i := slices.IndexFunc(m.letters, func(l Letter) bool { return l.number == number })
	if i < 0 {
		return false, nil // the oldest go when there are too many
	}
	item := m.letters[i].Item
	item.Resent = time.Now()
	if err := m.bounds.admit([]Item{item}); err != nil {
		return false, err
	}
	m.lettered -= item.size()
	m.letters = slices.Delete(m.letters, i, i+1)
	m.stats.Recovered++
	m.link(item)
	m.signal()
	return true, nil
}

// Close implements [Queue]. It never waits.
func (m *Memory) Close(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	m.signal()
	return nil
}
