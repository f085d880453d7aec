package relay

import (
	"hash/maphash"
	"sync"
	"time"
)

// How long the same body of the same visitor is the same event.
const (
	resentEdge   = time.Minute
	resentDirect = 2 * time.Second
)

// resentSize bounds the bodies that are remembered.
const resentSize = 1 << 13

// resent remembers the bodies of the last events, as hashes with a key of this process.
type resent struct {
	seed maphash.Seed

	mu   sync.Mutex
	seen map[uint64]time.Time
	ring [resentSize]uint64
	next int
}

func newResent() *resent { return &resent{seed: maphash.MakeSeed(), seen: make(map[uint64]time.Time)} }

// again reports whether a body came before, within the window, and the key of it.
func (m *resent) again(window time.Duration, site, id string, body []byte) (key uint64, again bool) {
	var h maphash.Hash
	h.SetSeed(m.seed)
	for _, text := range [...]string{site, id} {
		_, _ = h.WriteString(text)
		_ = h.WriteByte(0)
	}
	_, _ = h.Write(body)
	key = h.Sum64()
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if at, ok := m.seen[key]; ok {
		m.seen[key] = now
		return key, now.Sub(at) < window
	}
	delete(m.seen, m.ring[m.next])
	m.ring[m.next], m.seen[key] = key, now
	m.next = (m.next + 1) % resentSize
	return key, false
}

// forget takes an event back that was not taken, so that it may come again.
func (m *resent) forget(key uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.seen, key)
}
