package queue

// heap is a binary heap of entries: first is the one that comes before all
// others. Much may be given back at once, so each entry must cost little.
type heap struct {
	before  func(a, b *entry) bool
	entries []*entry
}

func (h *heap) first() *entry {
	if len(h.entries) == 0 {
		return nil
	}
	return h.entries[0]
}

func (h *heap) push(e *entry) {
	h.entries = append(h.entries, e)
	for i := len(h.entries) - 1; i > 0; {
		parent := (i - 1) / 2
		if !h.before(h.entries[i], h.entries[parent]) {
			return
		}
		h.entries[i], h.entries[parent] = h.entries[parent], h.entries[i]
		i = parent
	}
}

// pop removes the first. There must be one.
func (h *heap) pop() *entry {
	first, last := h.entries[0], len(h.entries)-1
	h.entries[0], h.entries[last] = h.entries[last], nil
	h.entries = h.entries[:last]
	for i := 0; ; {
		child := 2*i + 1
		if child+1 < last && h.before(h.entries[child+1], h.entries[child]) {
			child++
		}
		if child >= last || !h.before(h.entries[child], h.entries[i]) {
			return first
		}
		h.entries[i], h.entries[child] = h.entries[child], h.entries[i]
		i = child
	}
}
