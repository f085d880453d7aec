package cdptest

// tail keeps the newest items of a sequence, within a number and a weight. So a stand-in can run
// for a week without growing.
type tail[T any] struct {
	limit  int         // how many items are kept at most
	budget int         // how much weight is kept at most; 0: weight does not matter
	weigh  func(T) int // always returns the same for an item; nil with budget 0
	onDrop func(T)     // is told which item is dropped; may be nil

	items   []T
	head    int // items[:head] have been dropped
	weight  int
	dropped int
}

// push adds v and drops the oldest items until the rest fits. It never drops v itself, so that
// what has just arrived can be seen.
func (t *tail[T]) push(v T) {
	t.items = append(t.items, v)
	if t.budget > 0 {
		t.weight += t.weigh(v)
	}
	for t.len() > 1 && (t.len() > t.limit || t.weight > t.budget) {
		t.drop()
	}
}

func (t *tail[T]) drop() {
	var zero T
	old := t.items[t.head]
	t.items[t.head] = zero
	t.head++
	t.dropped++
	if t.budget > 0 {
		t.weight -= t.weigh(old)
	}
	// The rest is moved down only when half is empty: that costs one copy for each item.
	if t.head*2 >= len(t.items) {
		n := copy(t.items, t.items[t.head:])
		clear(t.items[n:])
		t.items, t.head = t.items[:n], 0
	}
	if t.onDrop != nil {
		t.onDrop(old)
	}
}

// live returns what is kept, oldest first. It shares the memory of the tail.
func (t *tail[T]) live() []T { return t.items[t.head:] }

func (t *tail[T]) len() int { return len(t.items) - t.head }

// total returns how many items were ever pushed.
func (t *tail[T]) total() int { return t.len() + t.dropped }

func (t *tail[T]) reset() {
	t.items, t.head, t.weight, t.dropped = nil, 0, 0, 0
}
