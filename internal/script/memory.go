package script

import (
	"sync"
	"time"
)

// generations are two maps of which the older one is forgotten now and then. So an entry
// is known for one to two lifetimes, and for less only if there are too many.
type generations[T any] struct {
	life time.Duration
	most int // of one of them

	now, before map[uint64]T
	since       time.Time
	cut         time.Time // when something was last forgotten that was not old enough
}

func (g *generations[T]) turn() {
	now := time.Now()
	switch age := now.Sub(g.since); {
	case age >= 2*g.life:
		g.now, g.before, g.since = nil, nil, now
	case age >= g.life:
		g.now, g.before, g.since = nil, g.now, now
	case len(g.now) >= g.most:
		if len(g.before) > 0 || age < g.life {
			g.cut = now
		}
		g.now, g.before, g.since = nil, g.now, now
	}
	if g.now == nil {
		g.now = make(map[uint64]T)
	}
}

// Once knows which events it has met lately. It is safe for concurrent use. The zero value
// is ready.
type Once struct {
	mu  sync.Mutex
	ids generations[struct{}]
}

// The bounds of [Once]. A browser sends again what it got no answer for within seconds.
const (
	onceLife = 10 * time.Minute
	onceMost = 1 << 16
)

// Meet reports whether the event is met for the first time.
func (o *Once) Meet(id uint64) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ids.life, o.ids.most = onceLife, onceMost
	o.ids.turn()
	if _, ok := o.ids.now[id]; ok {
		return false
	}
	if _, ok := o.ids.before[id]; ok {
		return false
	}
	o.ids.now[id] = struct{}{}
	return true
}

// Sightings knows which pages a server has shown to whom, until the pages say so
// themselves. So a page that says it and was not shown by the server came from a cache. It
// is safe for concurrent use. The zero value is ready.
type Sightings struct {
	mu    sync.Mutex
	pages generations[uint8]
}

// The bounds of [Sightings]. A page says that it is shown when the browser has read it.
const (
	sightingsLife = 5 * time.Minute
	sightingsMost = 1 << 16
)

// Note says that the server shows a page to a visitor.
func (s *Sightings) Note(page uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn()
	if n := s.pages.now[page]; n < 1<<8-1 {
		s.pages.now[page] = n + 1
	}
}

// Take reports whether the server has shown a page to a visitor, once for each time. It is
// not sure if so many pages were shown that some are forgotten.
func (s *Sightings) Take(page uint64) (shown, sure bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn()
	for _, pages := range []map[uint64]uint8{s.pages.before, s.pages.now} {
		if n := pages[page]; n > 1 {
			pages[page] = n - 1
			return true, true
		} else if n == 1 {
			delete(pages, page)
			return true, true
		}
	}
	return false, s.pages.cut.IsZero() || time.Since(s.pages.cut) >= sightingsLife
}

func (s *Sightings) turn() {
	s.pages.life, s.pages.most = sightingsLife, sightingsMost
	s.pages.turn()
}
