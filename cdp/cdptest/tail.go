package cdptest

// tail keeps the newest items of a sequence, within a number and a weight. It
// is what lets a stand-in run for a week without growing.
type tail[T any] struct {
	limit  int         // most items kept
	budget int         // most weight kept; 0: weight does not matter
	weigh  func(T) int // must answer the same for an item every time; nil with budget 0
	onDrop func(T)     // told what falls out; may be nil

	items   []T
	head    int // items[:head] have fallen out already
	weight  int
	dropped int
}

// push adds v and lets the oldest items go until the rest fits. v itself always
// stays, so that what has just arrived can be seen.
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
	// Moving the rest down only when half is empty costs one copy per item.
	if t.head*2 >= len(t.items) {
		n := copy(t.items, t.items[t.head:])
		clear(t.items[n:])
		t.items, t.head = t.items[:n], 0
	}
	if t.onDrop != nil {
		t.onDrop(old)
	}
}

// live is a view of what is kept, oldest first.
func (t *tail[T]) live() []T { return t.items[t.head:] }

func (t *tail[T]) len() int { return len(t.items) - t.head }

// total counts everything that was ever pushed.
func (t *tail[T]) total() int { return t.len() + t.dropped }

func (t *tail[T]) reset() {
	t.items, t.head, t.weight, t.dropped = nil, 0, 0, 0
}
