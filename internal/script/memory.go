package script

import (
	"time"

	"github.com/goaltrack/goaltrack/internal/fair"
)

// Once knows which events it has met lately. It is safe for concurrent use. Make it with
// [NewOnce].
type Once struct{ met fair.Slots[struct{}] }

// onceLife is how long an event is known. A browser sends again what it got no answer for
// within seconds.
const onceLife = 10 * time.Minute

// buckets bound what is known, to eight times as much.
const buckets = 1 << 13

// NewOnce returns one that has met nothing.
func NewOnce() *Once {
	return &Once{fair.Slots[struct{}]{Buckets: buckets, Life: onceLife, Step: onceLife / 100}}
}

// Meet reports whether an event of a visitor, 0 for nobody known, is met for the first time.
func (o *Once) Meet(w fair.Who, event uint64) bool {
	seat := o.met.Go(groupOf(w.Visitor, event), event)
	defer seat.Leave()
	if seat.Find() != nil {
		return false
	}
	seat.Put(w.Network)
	return true
}

// groupOf is the visitor, or the thing itself if nobody knows whose it is.
func groupOf(visitor, thing uint64) uint64 {
	if visitor == 0 {
		return thing
	}
	return visitor
}

// Sightings knows which pages a server has shown to whom, until the pages say so
// themselves. So a page that says it and was not shown by the server came from a cache. It
// is safe for concurrent use. Make it with [NewSightings].
//
// Where there are too many, some are forgotten, of whoever has more than their share first
// ([fair.Slots]). Which ones these were is known roughly, so that the others are sure all the
// same.
type Sightings struct{ pages fair.Slots[uint8] } // how often each was shown

// sightingsLife is how long a page is known. It says that it is shown when the browser has
// read it.
const sightingsLife = 5 * time.Minute

// NewSightings returns the memory of a server that has shown nothing.
func NewSightings() *Sightings {
	return &Sightings{fair.Slots[uint8]{Buckets: buckets, Life: sightingsLife, Step: sightingsLife / 100, Doubts: true}}
}

// Note says that the server shows a page to a visitor, 0 for nobody known.
func (s *Sightings) Note(w fair.Who, page uint64) {
	seat := s.pages.Go(groupOf(w.Visitor, page), page)
	defer seat.Leave()
	if one := seat.Find(); one != nil {
		seat.Touch(one)
		one.Is = max(one.Is, one.Is+1) // until there is no room for more
		return
	}
	seat.Put(w.Network).Is = 1
}

// Take reports whether the server has shown a page to a visitor, once for each time. It is
// not sure if that may have been forgotten.
func (s *Sightings) Take(w fair.Who, page uint64) (shown, sure bool) {
	if !s.pages.Used() {
		return false, true
	}
	seat := s.pages.Go(groupOf(w.Visitor, page), page)
	defer seat.Leave()
	one := seat.Find()
	if one == nil {
		return false, !seat.Doubted(w.Network)
	}
	if one.Is--; one.Is == 0 {
		seat.Forget(one)
	}
	return true, true
}
