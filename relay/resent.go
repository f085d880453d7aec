package relay

import (
	"hash/maphash"
	"sync"
	"time"
)

// resentEdge is how long the same body of the same visitor is the same event, where an event says
// when it was; see also times.
const resentEdge = time.Minute

// resentSize bounds the bodies that are remembered.
const resentSize = 1 << 13

// resent remembers the bodies of the last events, as hashes with a key of this process.
type resent struct {
	seed maphash.Seed

	mu   sync.Mutex
	seen map[uint64]seen
	ring [resentSize]uint64
	next int
}

// seen is when a body came last, and by which connection.
type seen struct {
	at   time.Time
	from string
}

func newResent() *resent { return &resent{seed: maphash.MakeSeed(), seen: make(map[uint64]seen)} }

// again reports whether a body came before, within the window, and the key of it. from is the
// connection by which it came, if only another one makes it the same event; else "".
func (m *resent) again(window time.Duration, from, of string, body []byte) (key uint64, again bool) {
	var h maphash.Hash
	h.SetSeed(m.seed)
	_, _ = h.WriteString(of) // it never fails, and neither do these
	_ = h.WriteByte(0)
	_, _ = h.Write(body)
	key = h.Sum64()
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if last, ok := m.seen[key]; ok {
		m.seen[key] = seen{now, from}
		return key, now.Sub(last.at) < window && (from == "" || from != last.from)
	}
	delete(m.seen, m.ring[m.next])
	m.ring[m.next], m.seen[key] = key, seen{now, from}
	m.next = (m.next + 1) % resentSize
	return key, false
}

// forget takes an event back that was not taken, so that it may come again.
func (m *resent) forget(key uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.seen, key)
}
