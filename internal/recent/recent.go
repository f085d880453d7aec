// Package recent remembers the last few of something, by text: what was met
// before those is forgotten, so that nobody can make it grow.
package recent

import (
	"container/list"
	"sync"
	"sync/atomic"
)

// Map remembers a text under a key, for the last Size keys. Its zero value is
// ready to be used by one goroutine.
type Map struct {
	texts map[string]string
	keys  []string
}

// Size is how many keys a [Map] and a [Table] remember.
const Size = 1024

// Get returns what is remembered under a key, "" if nothing is.
func (m *Map) Get(key string) string { return m.texts[key] }

// Put remembers a text. The key that came first is forgotten if there are too
// many.
func (m *Map) Put(key, text string) {
	if m.texts == nil {
		m.texts = make(map[string]string)
	}
	if _, known := m.texts[key]; !known {
		if len(m.keys) == Size {
			delete(m.texts, m.keys[0])
			m.keys = m.keys[1:]
		}
		m.keys = append(m.keys, key)
	}
	m.texts[key] = text
}

// Table is a [Map] for many goroutines. Usually it holds nothing, and asking costs
// one atomic read. Its zero value is ready to be used.
type Table struct {
	any atomic.Bool
	mu  sync.Mutex
	m   Map
}

// Get returns what is remembered under a key, "" if nothing is.
func (t *Table) Get(key string) string {
	if !t.any.Load() {
		return ""
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.m.Get(key)
}

// Put remembers a text under a key.
func (t *Table) Put(key, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.m.Put(key, text)
	t.any.Store(true)
}

// Has reports whether a text is remembered under a key.
func (t *Table) Has(key string) bool { return t.Get(key) != "" }

// Set remembers texts, for many goroutines; the one that was not met for longest
// is forgotten.
type Set struct {
	size int

	mu    sync.Mutex
	texts map[string]*list.Element
	order list.List // the last to be met at the end
}

// NewSet returns a set of at most size texts.
func NewSet(size int) *Set { return &Set{size: size, texts: make(map[string]*list.Element)} }

// Add remembers a text; the empty one is none.
func (s *Set) Add(text string) {
	if text == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if at := s.texts[text]; at != nil {
		s.order.MoveToBack(at)
		return
	}
	if len(s.texts) == s.size {
		delete(s.texts, s.order.Remove(s.order.Front()).(string))
	}
	s.texts[text] = s.order.PushBack(text)
}

// Has reports whether a text is remembered.
func (s *Set) Has(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.texts[text] != nil
}

// Len is how many texts are remembered.
func (s *Set) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.texts)
}

// Verdicts remembers the verdict on each of the last few texts, for one goroutine.
// One of them, however often it comes, has one vote. Its zero value is ready to
// be used.
type Verdicts struct {
	bad   map[string]bool
	order []string
}

// Add notes the newest verdict on one of them, and forgets the oldest if there
// are more than size.
func (v *Verdicts) Add(text string, bad bool, size int) {
	if v.bad == nil {
		v.bad = make(map[string]bool, size)
	}
	if _, known := v.bad[text]; !known {
		if len(v.order) == size {
			delete(v.bad, v.order[0])
			v.order = v.order[1:]
		}
		v.order = append(v.order, text)
	}
	v.bad[text] = bad
}

// Has reports whether there is a verdict on a text.
func (v *Verdicts) Has(text string) bool {
	_, known := v.bad[text]
	return known
}

// Count tells on how many there is a verdict, and how many are bad.
func (v *Verdicts) Count() (all, bad int) {
	for _, b := range v.bad {
		if b {
			bad++
		}
	}
	return len(v.bad), bad
}
