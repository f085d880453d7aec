package goaltrack

import (
	linked "container/list"
	"sync"
	"sync/atomic"
)

// idMemory remembers a browser ID under a key, for a bounded number of keys;
// the oldest are forgotten. The scheduler keeps in one the IDs that workers
// made for visitors who had none, so that two events of one request share one
// guest.
type idMemory struct {
	ids  map[string]string
	keys []string
}

const idMemorySize = 1024

func (m *idMemory) get(key string) string { return m.ids[key] }

func (m *idMemory) put(key, id string) {
	if m.ids == nil {
		m.ids = make(map[string]string)
	}
	if _, known := m.ids[key]; !known {
		if len(m.keys) == idMemorySize {
			delete(m.ids, m.keys[0])
			m.keys = m.keys[1:]
		}
		m.keys = append(m.keys, key)
	}
	m.ids[key] = id
}

// idTable is an idMemory for many goroutines. A line keeps in one which new ID
// stands for one the CDP does not know any more, so that the visitor's next page
// can put it in his cookie, and a tenant the IDs that were to be forgotten.
// Usually there are none, and asking costs one atomic read.
type idTable struct {
	any atomic.Bool
	mu  sync.Mutex
	ids idMemory
}

func (r *idTable) get(id string) string {
	if !r.any.Load() {
		return ""
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ids.get(id)
}

func (r *idTable) put(old, id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ids.put(old, id)
	r.any.Store(true)
}

func (r *idTable) has(id string) bool { return r.get(id) != "" }

// idSet remembers a bounded number of browser IDs, for many goroutines; the one
// that was not met for longest is forgotten. A line keeps in one the visitors of
// whom an event was accepted, a pool the IDs that it made.
type idSet struct {
	size int

	mu    sync.Mutex
	ids   map[string]*linked.Element
	order linked.List // the last to be met at the end
}

func newIDSet(size int) *idSet { return &idSet{size: size, ids: make(map[string]*linked.Element)} }

func (s *idSet) add(id string) {
	if id == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if at := s.ids[id]; at != nil {
		s.order.MoveToBack(at)
		return
	}
	if len(s.ids) == s.size {
		delete(s.ids, s.order.Remove(s.order.Front()).(string))
	}
	s.ids[id] = s.order.PushBack(id)
}

func (s *idSet) has(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ids[id] != nil
}

// history is the verdict on the last few distinct browser IDs. One of them,
// however often it comes, has one vote.
type history struct {
	bad   map[string]bool
	order []string
}

// add notes the newest verdict on one of them, and forgets the oldest if there
// are more than size.
func (h *history) add(id string, bad bool, size int) {
	if h.bad == nil {
		h.bad = make(map[string]bool, size)
	}
	if _, known := h.bad[id]; !known {
		if len(h.order) == size {
			delete(h.bad, h.order[0])
			h.order = h.order[1:]
		}
		h.order = append(h.order, id)
	}
	h.bad[id] = bad
}

// count tells on how many there is a verdict, and how many are bad.
func (h *history) count() (all, bad int) {
	for _, b := range h.bad {
		if b {
			bad++
		}
	}
	return len(h.bad), bad
}
