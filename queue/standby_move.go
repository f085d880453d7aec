package queue

import (
	"cmp"
	"slices"
	"time"
)

// What a memory queue hands over to a spool, and what that makes of it.

// yield closes the queue and hands over all that is not settled, in its order.
func (m *Memory) yield() (all []*entry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all = m.begun.entries
	for e := m.head; e != nil; e = e.next {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b *entry) int { return cmp.Compare(a.number, b.number) })
	m.head, m.tail = nil, nil
	for _, h := range []*heap{&m.begun, &m.notDue, &m.due, &m.dueNewest} {
		h.entries = nil
	}
	m.bounds.items, m.bounds.bytes = 0, 0
	m.closed = true
	m.signal()
	return all
}

// forget lets go of the oldest letters. The lock is held.
func (m *Memory) forgetLocked(n int) {
	for _, l := range m.letters[:n] {
		m.letterBytes -= l.size()
	}
	m.letters = slices.Delete(m.letters, 0, n)
}

// inherit takes over what another queue has accepted, whatever the bounds say, and
// returns the tickets that stand for those of the other's that are out. Nobody may
// have used the spool before.
//
// What was handed out counts as handed out here, too, although older items may be on
// the disk which were not: the reader steps over it.
func (s *Spool) inherit(all []*entry) map[ticket]ticket {
	s.mu.Lock()
	defer s.mu.Unlock()
	heirs := make(map[ticket]ticket)
	for _, e := range all {
		s.stats.Last++
		heir := &entry{Item: e.Item, desk: &s.desk, number: s.stats.Last}
		s.bounds.items++
		s.bounds.bytes += e.size()
		s.intake.push(heir)
		switch {
		case e.turn == 0:
			s.linkLocked(heir)
		case e.out:
			s.handLocked(heir)
			heirs[ticket{e, e.turn}] = ticket{heir, heir.turn}
		default:
			s.handLocked(heir)
			s.giveBackLocked(heir, time.Until(e.dueAt))
		}
	}
	s.signal()
	kick(s.commit.work)
	return heirs
}

// exchange gives a room for one that was promised by a queue that has moved here, nil
// if it is none of those. What was promised is kept, whatever the bounds say.
func (s *Spool) exchange(old *Room, of *bounds) *Room {
	if old == nil || old.b != of {
		return nil
	}
	old.lock.Lock()
	good := !old.spent
	if good {
		old.b.vacate(old)
	}
	old.lock.Unlock()
	if !good {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bounds.roomItems++
	s.bounds.roomBytes += old.bytes
	return &Room{lock: &s.mu, b: &s.bounds, bytes: old.bytes}
}
