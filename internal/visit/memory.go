package visit

import (
	linked "container/list"
	"hash/maphash"
	"sync"
	"time"
)

// These bound what a process remembers of visits: how many visitors, the least
// recent of whom are forgotten first, for how long, and the bytes of each. It
// makes 5 MB at most.
const (
	memoryVisits = 10_000
	memoryAge    = 24 * time.Hour
	memoryRoom   = 443
)

// Memory remembers visits within this process, for what a cookie cannot
// do: clients that keep none, goals decided when the header was out, and
// requests under way at the same time. It knows a visitor by his browser ID.
// All methods may be called at the same time.
type Memory struct {
	seed maphash.Seed

	mu     sync.Mutex
	visits map[uint64]*linked.Element
	order  linked.List // of *remembered, the least recent first
}

type remembered struct {
	key  uint64
	text []byte // as Visit.Encode writes it
	at   time.Time
}

// NewMemory makes one that knows nobody.
func NewMemory() *Memory {
	return &Memory{seed: maphash.MakeSeed(), visits: make(map[uint64]*linked.Element)}
}

// Key is that of a visitor of a site.
func (m *Memory) Key(site, id string) uint64 {
	var h maphash.Hash
	h.SetSeed(m.seed)
	_, _ = h.WriteString(site)
	_ = h.WriteByte(0)
	_, _ = h.WriteString(id)
	return h.Sum64()
}

// Change gives see what is remembered of a visitor, nil if nothing is, and
// keeps what it returns, if that is not nil. Nobody else sees or changes the
// visit in the meantime.
func (m *Memory) Change(key uint64, now time.Time, see func(*Visit) *Visit) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var known *Visit
	e := m.visits[key]
	if e != nil {
		if r := e.Value.(*remembered); now.Sub(r.at) < memoryAge {
			known, _ = decode(r.text)
		}
	}
	v := see(known)
	if v == nil {
		return
	}
	text, _ := v.Encode(memoryRoom, nil)
	if e != nil {
		*e.Value.(*remembered) = remembered{key, text, now}
		m.order.MoveToBack(e)
		return
	}
	if m.order.Len() >= memoryVisits {
		oldest := m.order.Front()
		delete(m.visits, oldest.Value.(*remembered).key)
		m.order.Remove(oldest)
	}
	m.visits[key] = m.order.PushBack(&remembered{key, text, now})
}

// Clear forgets everybody, as if the process had just started.
func (m *Memory) Clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.visits)
	m.order.Init()
}
