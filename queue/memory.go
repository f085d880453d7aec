package queue

import (
	"context"
	"slices"
	"time"
)

// Memory is a bounded queue in this process. A crash loses what it holds, and so does
// Close. It implements [Queue], [Reserver], [LetterBox] and [NewestReceiver]. All methods
// are safe for concurrent use. Make it with [NewMemory].
type Memory struct {
	desk
	letters     []Letter
	letterBytes int64 // bytes of letters
}

// keptLetters is how many dead letters a Memory keeps, within its bound in bytes. The
// oldest go first.
const keptLetters = 256

// NewMemory makes a queue that holds at most maxItems items, and at most maxBytes bytes
// of bodies and keys. A value below one counts as one.
func NewMemory(maxItems int, maxBytes int64) *Memory {
	m := &Memory{}
	m.init(m, int64(maxItems), maxBytes)
	return m
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
		m.addLocked(items[i])
	}
	m.signal()
	return nil
}

func (m *Memory) addLocked(item Item) {
	m.stats.Last++
	item.Room = nil // used up
	e := &entry{Item: item, desk: &m.desk, number: m.stats.Last}
	m.linkLocked(e)
	if item.First {
		m.goFirstLocked(e)
	}
}

func (m *Memory) take(n int) (got []Delivery, wait time.Duration, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		m.signal() // the next receiver has to hear it, too
		return nil, 0, ErrClosed
	}
	wait = m.findDueLocked()
	for e := m.due.first(); e != nil && len(got) < n; e = m.due.first() {
		m.takeDueLocked(e)
		got = append(got, m.handOutLocked(e))
	}
	for e := m.head; e != nil && len(got) < n; e = m.head {
		m.unlinkLocked(e)
		got = append(got, m.handOutLocked(e))
	}
	if m.head != nil || m.due.first() != nil || len(got) > 0 && wait > 0 {
		m.signal() // there is or will be something for another receiver
	}
	return got, wait, nil
}

// ReceiveNewest implements [NewestReceiver]. It never waits, and it costs the same
// however much the queue holds.
func (m *Memory) ReceiveNewest(_ context.Context, n int) (got []Delivery, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, ErrClosed
	}
	m.findDueLocked()
	for len(got) < n {
		given := m.dueNewest.first()
		e := newer(given, m.tail)
		switch e {
		case nil:
			return got, nil
		case given:
			m.takeDueLocked(e)
		default:
			m.unlinkLocked(e)
		}
		got = append(got, m.handOutLocked(e))
	}
	return got, nil
}

func (m *Memory) settle(t ticket) { m.settleWith(t, nil) }

func (m *Memory) bury(t ticket, reason string) bool {
	m.settleWith(t, func() {
		m.stats.Dead++
		m.letterBytes += t.size()
		old := 0
		for ; len(m.letters)-old >= keptLetters || m.letterBytes > m.bounds.maxBytes && old < len(m.letters); old++ {
			m.letterBytes -= m.letters[old].size()
		}
		m.letters = append(slices.Delete(m.letters, 0, old), Letter{Item: t.Item, Reason: reason, Died: time.Now(), number: t.number})
	})
	return true
}

// settleWith settles the ticket's item and calls also, if that is not nil, under the
// lock. A void ticket does nothing.
func (m *Memory) settleWith(t ticket, also func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if t.voidLocked() {
		return
	}
	t.out = false
	m.endLocked(t.entry)
	m.bounds.remove(&t.Item)
	if also != nil {
		also()
	}
}

func (m *Memory) returnedLocked(*entry) {}

// Stats implements [Queue].
func (m *Memory) Stats() Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.expireLocked()
	s := m.statLocked(m.head)
	s.Letters = len(m.letters)
	if m.closed {
		s.Lost = s.Waiting
	}
	return s
}

// Letters implements [LetterBox]. The queue keeps the newest 256 letters, in no more
// bytes than its bound, and private ones for [PrivateAge].
func (m *Memory) Letters() []Letter {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.expireLocked()
	return append([]Letter(nil), m.letters...)
}

// expireLocked forgets private letters that are too old.
func (m *Memory) expireLocked() {
	m.letters = slices.DeleteFunc(m.letters, func(l Letter) bool {
		old := l.Private && time.Since(l.Died) > PrivateAge
		if old {
			m.letterBytes -= l.size()
		}
		return old
	})
}

// Resend implements [LetterBox]. It never waits.
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
		return false, nil // it went meanwhile: there were too many
	}
	item := m.letters[i].Item
	item.Resent, item.First = time.Now(), false
	if err := m.bounds.admit([]Item{item}); err != nil {
		return false, err
	}
	m.letterBytes -= item.size()
	m.letters = slices.Delete(m.letters, i, i+1)
	m.stats.Recovered++
	m.addLocked(item)
	m.signal()
	return true, nil
}

// Close implements [Queue]. It never waits and returns nil.
func (m *Memory) Close(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	m.signal()
	return nil
}
