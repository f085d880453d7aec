package fair

import (
	"sync"
	"time"
)

// Forgotten is how long after its last request a network is known at most.
const Forgotten = 10 * time.Minute

const (
	known     = 1 << 16 // visitors, and networks, that a room knows at most
	lookAgain = time.Minute
	sampled   = 8
)

// table is what is known of networks, by their names. The lock of whoever has it guards
// it, and is held when its methods are called, but for look.
type table[T any] struct {
	weight func(*T) int64 // how much would be lost if it were forgotten; 0: nothing
	all    map[uint64]*row[T]
	timer  *time.Timer
	closed bool
}

// row is a network and when it was last seen.
type row[T any] struct {
	is   T
	last time.Time
}

// get returns a network that is known, nil if it is not.
func (t *table[T]) get(name uint64) *T {
	if r := t.all[name]; r != nil {
		return &r.is
	}
	return nil
}

// meet returns the network of a request, nil for no network. One that is not known
// begins as fresh.
func (t *table[T]) meet(lock sync.Locker, name uint64, fresh T) *T {
	if name == 0 || t.closed {
		return nil
	}
	r, now := t.all[name], time.Now()
	if r == nil {
		r = &row[T]{is: fresh}
		t.put(name, r)
		if t.timer == nil {
			t.timer = time.AfterFunc(lookAgain, func() { t.look(lock) })
		}
	}
	r.last = now
	return &r.is
}

func (t *table[T]) put(name uint64, r *row[T]) {
	if t.all == nil {
		t.all = map[uint64]*row[T]{}
	}
	if len(t.all) >= known {
		delete(t.all, least(t.all, func(r *row[T]) int64 { return t.weight(&r.is) }))
	}
	t.all[name] = r
}

// look forgets the networks without a request for long enough, and those of which there
// is nothing to know.
func (t *table[T]) look(lock sync.Locker) {
	lock.Lock()
	defer lock.Unlock()
	now := time.Now()
	for name, r := range t.all {
		if t.weight(&r.is) == 0 || now.Sub(r.last) >= Forgotten-lookAgain {
			delete(t.all, name)
		}
	}
	t.timer = nil
	if len(t.all) > 0 && !t.closed {
		t.timer = time.AfterFunc(lookAgain, func() { t.look(lock) })
	}
}

// close forgets all networks for good.
func (t *table[T]) close() {
	t.closed, t.all = true, nil
	if t.timer != nil {
		t.timer.Stop()
	}
}

// least returns the name of one that has little, of a few that are looked at.
func least[T any](all map[uint64]T, has func(T) int64) (name uint64) {
	looked, little := 0, int64(0)
	for n, one := range all {
		if h := has(one); looked == 0 || h < little {
			name, little = n, h
		}
		if looked++; looked == sampled {
			break
		}
	}
	return name
}
