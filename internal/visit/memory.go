package visit

import (
	linked "container/list"
	"hash/maphash"
	"sync"
	"time"
)

// These constants bound what a process remembers of visits: how many visitors,
// for how long, and how many bytes of each. The visitors that were not seen for
// the longest time are forgotten first. All of it takes at most 7 MB.
const (
	memoryVisits = 10_000
	memoryAge    = 24 * time.Hour
	memoryRoom   = 600
)

// Memory remembers visits within this process, for what a cookie cannot do.
// That is for clients that keep no cookies, for goals decided after the header
// was written, and for requests at the same time. It knows a visitor by their
// browser ID. All methods are safe for concurrent use.
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

// NewMemory makes a Memory that knows nobody.
func NewMemory() *Memory {
	return &Memory{seed: maphash.MakeSeed(), visits: make(map[uint64]*linked.Element)}
}

// Key returns the key of a visitor of a site.
func (m *Memory) Key(site, id string) uint64 {
	var h maphash.Hash
	h.SetSeed(m.seed)
	_, _ = h.WriteString(site)
	_ = h.WriteByte(0)
	_, _ = h.WriteString(id)
	return h.Sum64()
}

// Change calls see with what is remembered of a visitor, nil if nothing is. It
// keeps what see returns, unless that is nil. Meanwhile nobody else sees or
// changes the visit.
func (m *Memory) Change(key uint64, now time.Time, see func(*Visit) *Visit) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var known *Visit
	e := m.visits[key]
	if e != nil {
		if r := e.Value.(*remembered); now.Sub(r.at) < memoryAge {
			known, _ = decode(r.text, false)
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
