package queue

import (
	"context"
	"sync"
	"time"
)

// Memory is a bounded queue in this process. A crash loses what it holds.
type Memory struct {
	maxItems int
	maxBytes int64

	mu     sync.Mutex
	closed bool
	// head to tail are the unsettled entries by number; fresh is the first of
	// them that was never handed out. Unlinking needs no search, so one item
	// that waits for long costs nothing to those that come after it.
	head, tail, fresh *entry
	// returned were handed out and given back.
	returned []*entry
	stats    Stats
	letters  []Letter
	wake     chan struct{}
}

// Letter is a dead letter: an item given up, why and when.
type Letter struct {
	Item
	Reason string
	Died   time.Time
}

// keptLetters bounds the dead letters a Memory remembers; the oldest go first.
const keptLetters = 256

// NewMemory makes a queue for at most maxItems items and maxBytes bytes of
// bodies and keys. Values below one mean one.
func NewMemory(maxItems int, maxBytes int64) *Memory {
	return &Memory{maxItems: max(maxItems, 1), maxBytes: max(maxBytes, 1), wake: make(chan struct{}, 1)}
}

// entry is an unsettled item. Its number, state and links belong to the queue.
type entry struct {
	Item
	q          *Memory
	number     uint64
	out        bool
	due        time.Time
	prev, next *entry
}

func (e *entry) size() int64 { return int64(len(e.Body) + len(e.Key)) }

// Append implements [Queue]. It never waits.
func (m *Memory) Append(_ context.Context, items ...Item) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return ErrClosed
	}
	var size int64
	for i := range items {
		e := entry{Item: items[i]}
		if e.size() > m.maxBytes {
			return ErrTooLarge
		}
		size += e.size()
		share := items[i].Priority.share()
		if int64(m.stats.Waiting+i+1)*100 > int64(m.maxItems)*share || (m.stats.Bytes+size)*100 > m.maxBytes*share {
			return ErrFull
		}
	}
	for i := range items {
		m.link(&entry{Item: items[i], q: m})
	}
	m.signal()
	return nil
}

func (m *Memory) link(e *entry) {
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
	m.stats.Waiting++
	m.stats.Bytes += e.size()
}

// Receive implements [Queue].
func (m *Memory) Receive(ctx context.Context, n int) ([]Delivery, error) {
	for {
		got, wait, err := m.take(max(n, 1))
		if err != nil || len(got) > 0 {
			return got, err
		}
		var due <-chan time.Time
		if wait > 0 {
			timer := time.NewTimer(wait)
			defer timer.Stop()
			due = timer.C
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-m.wake:
		case <-due:
		}
	}
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
	got, wait = m.takeReturned(n)
	for ; m.fresh != nil && len(got) < n; m.fresh = m.fresh.next {
		got = append(got, m.handOut(m.fresh))
	}
	if m.fresh != nil || len(got) > 0 && len(m.returned) > 0 {
		m.signal() // there may be something for another receiver
	}
	return got, wait, nil
}

func (m *Memory) takeReturned(n int) (got []Delivery, wait time.Duration) {
	if len(m.returned) == 0 {
		return nil, 0
	}
	now := time.Now()
	kept := m.returned[:0]
	for _, e := range m.returned {
		if left := e.due.Sub(now); left > 0 || len(got) == n {
			kept = append(kept, e)
			if wait == 0 || left < wait {
				wait = max(left, 1)
			}
			continue
		}
		got = append(got, m.handOut(e))
	}
	clear(m.returned[len(kept):])
	m.returned = kept
	return got, wait
}

func (m *Memory) handOut(e *entry) Delivery {
	e.out = true
	return NewDelivery(e.Item, e)
}

// signal wakes one receiver; it passes the signal on if there is more.
func (m *Memory) signal() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// Ack implements [Ticket].
func (e *entry) Ack() { e.settle(nil) }

// Dead implements [Ticket].
func (e *entry) Dead(reason string) {
	e.settle(func(m *Memory) {
		m.stats.Dead++
		if len(m.letters) == keptLetters {
			m.letters = append(m.letters[:0], m.letters[1:]...)
		}
		m.letters = append(m.letters, Letter{e.Item, reason, time.Now()})
	})
}

// Nack implements [Ticket].
func (e *entry) Nack(after time.Duration) {
	m := e.q
	m.mu.Lock()
	defer m.mu.Unlock()
	if !e.out {
		return
	}
	e.out = false
	e.due = time.Now().Add(after)
	m.returned = append(m.returned, e)
	m.signal()
}

func (e *entry) settle(also func(*Memory)) {
	m := e.q
	m.mu.Lock()
	defer m.mu.Unlock()
	if !e.out {
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
	m.stats.Waiting--
	m.stats.Bytes -= e.size()
	if also != nil {
		also(m)
	}
}

// Stats implements [Queue].
func (m *Memory) Stats() Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.stats
	s.Done = s.Last
	if m.head != nil {
		s.Oldest, s.Done = m.head.Time, m.head.number-1
	}
	return s
}

// Letters returns the newest dead letters, oldest first, at most 256.
func (m *Memory) Letters() []Letter {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]Letter(nil), m.letters...)
}

// Close implements [Queue]. It never waits.
func (m *Memory) Close(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	m.signal()
	return nil
}
