// Package recall is what a process remembers of visits, for what a cookie cannot do. That is
// for clients that keep no cookies, for goals decided after the header was written, and for
// requests at the same time.
package recall

import (
	"hash/maphash"
	"time"

	"github.com/goaltrack/goaltrack/internal/fair"
	"github.com/goaltrack/goaltrack/internal/visit"
)

// These constants bound it: how many visitors, and for how long. Of each it is at most
// [visit.MemoryRoom] bytes. There are places for 32,768, so that of 10,000
// nearly all have one, wherever they fall. All of it takes at most 22 MB, and 4 MB of
// visits as they usually are.
const (
	buckets = 1 << 12 // of 8
	life    = 24 * time.Hour
	step    = time.Minute
)

// Memory remembers visits within this process. It knows a visitor by their browser ID. Whoever
// makes up IDs takes no place from visitors of other networks, as [fair.Slots] says. All
// methods are safe for concurrent use.
type Memory struct {
	seed   maphash.Seed
	visits fair.Slots[remembered]
}

// remembered is a visitor, and their visit as Visit.Encode writes it.
type remembered struct {
	key  uint64
	text []byte
}

// New makes a Memory that knows nobody.
func New() *Memory { return OfBuckets(buckets) }

// OfBuckets is New with places for eight times so many visitors, a power of two.
func OfBuckets(n int) *Memory {
	return &Memory{seed: maphash.MakeSeed(), visits: fair.Slots[remembered]{Buckets: n, Life: life, Step: step}}
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
// changes the visit. network is asked where a new visitor comes from, as a room of
// package fair is told it.
func (m *Memory) Change(key uint64, network func() uint64, see func(*visit.Visit) *visit.Visit) {
	seat := m.visits.Go(key, key)
	defer seat.Leave()
	var known *visit.Visit
	slot := seat.Find()
	if slot != nil && slot.Is.key == key {
		known, _ = visit.Decode(slot.Is.text)
	}
	v := see(known)
	if v == nil {
		return
	}
	text, _ := v.Encode(visit.MemoryRoom, nil)
	if slot == nil {
		slot = seat.Put(network())
	}
	slot.Is = remembered{key, text}
	seat.Touch(slot)
}

// Forget forgets a visitor.
func (m *Memory) Forget(key uint64) {
	seat := m.visits.Go(key, key)
	defer seat.Leave()
	if slot := seat.Find(); slot != nil {
		seat.Forget(slot)
	}
}
