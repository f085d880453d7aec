// Package recent remembers the last few texts of some kind. Older ones are
// forgotten, so nobody can make the memory grow.
package recent

import (
	"container/list"
	"sync"
	"sync/atomic"
)

// Map remembers a text for each of the last Size keys. The zero value is ready
// for use by one goroutine.
type Map struct {
	texts map[string]string
	keys  []string
}

// Size is how many keys a [Map] and a [Table] remember.
const Size = 1024

// Get returns the text under a key, "" if there is none.
func (m *Map) Get(key string) string { return m.texts[key] }

// Put remembers a text under a key. If there are too many keys, the oldest is
// forgotten.
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

// Table is a [Map] for many goroutines. Usually it is empty, and then a
// question costs one atomic read. The zero value is ready for use.
type Table struct {
	any atomic.Bool
	mu  sync.Mutex
	m   Map
}

// Get returns the text under a key, "" if there is none.
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

// Set remembers texts, for many goroutines. When it is full, it forgets the
// text that was not added for the longest time.
type Set struct {
	size int

	mu    sync.Mutex
	texts map[string]*list.Element
	order list.List // the last to be met at the end
}

// NewSet returns a set of at most size texts.
func NewSet(size int) *Set { return &Set{size: size, texts: make(map[string]*list.Element)} }

// Add remembers a text; an empty text is ignored.
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

// Len returns how many texts are remembered.
func (s *Set) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.texts)
}

// Verdicts remembers the verdict on each of the last few texts, for one
// goroutine. A text has one vote, however often it comes. The zero value is
// ready for use.
type Verdicts struct {
	bad   map[string]bool
	order []string
}

// Add notes the newest verdict on a text. If there are more than size texts,
// the oldest is forgotten.
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

// Count returns on how many texts there is a verdict, and how many of them are
// bad.
func (v *Verdicts) Count() (all, bad int) {
	for _, b := range v.bad {
		if b {
			bad++
		}
	}
	return len(v.bad), bad
}
