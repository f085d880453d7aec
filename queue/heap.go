package queue

// heap is a binary heap of entries: the first is the one that comes before all others.
// Every entry knows its spot in the heap, so that it can be taken out from anywhere.
// The desk's lock guards it.
type heap struct {
	before  func(a, b *entry) bool
	which   int // which of an entry's spots belongs to this heap
	entries []*entry
}

// The spots of an entry, one for each heap that it can be in at the same time.
const (
	spotGivenBack = iota // in notDue or due, never in both
	spotDueNewest
	spotBegun
	heapSpots
)

func (h *heap) first() *entry {
	if len(h.entries) == 0 {
		return nil
	}
	return h.entries[0]
}

func (h *heap) put(i int, e *entry) {
	h.entries[i] = e
	e.spots[h.which] = int32(i) //nolint:gosec // There are not so many.
}

func (h *heap) push(e *entry) {
	h.entries = append(h.entries, e)
	h.up(len(h.entries)-1, e)
}

// pop removes and returns the first entry. There must be one.
func (h *heap) pop() *entry {
	e := h.entries[0]
	h.remove(e)
	return e
}

// remove takes out an entry, which must be in the heap.
func (h *heap) remove(e *entry) {
	i, last := int(e.spots[h.which]), len(h.entries)-1
	moved := h.entries[last]
	h.entries[last] = nil
	h.entries = h.entries[:last]
	if i < last {
		h.up(h.down(i, moved), moved)
	}
}

// up puts the entry at i, or nearer to the first place if it comes before those there.
func (h *heap) up(i int, e *entry) {
	for ; i > 0; i = (i - 1) / 2 {
		parent := h.entries[(i-1)/2]
		if !h.before(e, parent) {
			break
		}
		h.put(i, parent)
	}
	h.put(i, e)
}

// down moves entries up from i until the entry fits, and returns where it fits.
func (h *heap) down(i int, e *entry) int {
	for {
		child := 2*i + 1
		if child+1 < len(h.entries) && h.before(h.entries[child+1], h.entries[child]) {
			child++
		}
		if child >= len(h.entries) || !h.before(h.entries[child], e) {
			return i
		}
		h.put(i, h.entries[child])
		i = child
	}
}
