package queue

import (
	"cmp"
	"slices"
	"time"
)

// How a memory queue hands over what it has to a spool.

// yield closes the queue and returns all that is not settled, by number.
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

// forgetLocked removes the n oldest letters.
func (m *Memory) forgetLocked(n int) {
	for _, l := range m.letters[:n] {
		m.letterBytes -= l.size()
	}
	m.letters = slices.Delete(m.letters, 0, n)
}

// inherit takes over what another queue has accepted, even beyond the spool's bounds.
// For each ticket of that queue that is out it returns the spool's own. Nobody may have
// used the spool before.
//
// An item that was handed out is handed out here, too, although older items that nobody
// has received may be on the disk. Their reader steps over it.
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

// exchange returns a room of this queue for one that another queue promised before it
// moved here, even beyond the bounds. It returns nil for any other room.
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
