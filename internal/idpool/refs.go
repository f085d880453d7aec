package idpool

import "sync"

// refs are the last IDs that a pool made, each with the guest that the CDP made with it.
// All methods are safe for concurrent use.
type refs struct {
	most int

	mu     sync.Mutex
	guests map[string]string // by ID
	ids    []string          // in the order in which they were made, from next on
	next   int
}

func newRefs(most int) *refs { return &refs{most: most, guests: make(map[string]string)} }

// add remembers an ID. If there are too many, the oldest is forgotten.
func (r *refs) add(id, guest string) {
	if id == "" {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	_, known := r.guests[id]
	r.guests[id] = guest
	switch {
	case known:
	case len(r.ids) < r.most:
		r.ids = append(r.ids, id)
	default:
		delete(r.guests, r.ids[r.next])
		r.ids[r.next] = id
		r.next = (r.next + 1) % r.most
	}
}

// get returns the guest of an ID, "" if that is not known, and whether the ID is.
func (r *refs) get(id string) (guest string, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	guest, known = r.guests[id]
	return guest, known
}
