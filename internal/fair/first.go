package fair

// What goes first in a queue (Asked.Queue) can be overtaken by nothing that comes later. So
// whoever has too much waiting that does not go first may put nothing more first. Otherwise a
// thousand visitors who have just begun to flood would go before one who comes now. For
// somebody who did no harm before, too much is more than a little. For all others it is
// anything.
//
// A queue may hand out what goes first no more as soon as GoesFirst says so. It tells the
// room what it hands out (Taken), so that Waiting says how much there is to hand out.

// goFirst returns how many of a visitor's things go first, and how many of these wait in the
// queue.
func (v *visitor) goFirst() (ahead, waiting int) {
	most := 0
	if v.known {
		most = firstVisitor
	}
	if v.behind > most {
		return 0, 0
	}
	ahead = max(v.events-v.behind, 0)
	return ahead, max(ahead-v.taken, 0)
}

// change changes what a visitor has. The lock is held.
func (r *Room) change(v *visitor, how func()) {
	ahead, waiting := v.goFirst()
	how()
	nowAhead, nowWaiting := v.goFirst()
	r.ahead.Add(int64(nowAhead - ahead))
	r.waiting.Add(int64(nowWaiting - waiting))
}

// Ahead returns how many things go first.
func (r *Room) Ahead() int64 { return r.ahead.Load() }

// Waiting returns how many of these were not taken.
func (r *Room) Waiting() int64 { return r.waiting.Load() }

// GoesFirst reports whether what Enter said of a visitor, that it goes first, still holds.
func (r *Room) GoesFirst(name uint64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	v := r.visitors[name]
	if v == nil {
		return true // they were forgotten, and have little
	}
	ahead, _ := v.goFirst()
	return ahead > 0
}

// Taken notes that so many of a visitor's things that go first were taken from the queue, or
// given back to it if the number is below zero.
func (r *Room) Taken(name uint64, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if v := r.visitors[name]; v != nil {
		r.change(v, func() { v.taken = max(v.taken+n, 0) })
	}
}
