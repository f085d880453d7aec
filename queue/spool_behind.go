package queue

import (
	"hash/maphash"
	"slices"
	"time"
)

// How memory lets go of what was given back
//
// An item that was given back for a while waits in memory, and there are places for
// mostBegun of these. If all were taken, nobody else's items would be handed out: one
// visitor, or one site that cannot send, would hold up all others. So the spool keeps some
// in memory (keptBack, and more of those who have few) and leaves the rest behind: their
// records are on the disk anyway, and memory keeps a bit for each, and nothing else.
//
// Four words: an item is left behind; those that are left behind and due at nearly the same
// time are a cohort, since a bit does not say when its item is due; a pass reads all cohorts
// that are due, segment by segment; what the pass has read is loaded, until it is handed out.
//
// A worked example, which TestBehindExample runs. Four items given back may be in memory,
// and 1 to 10 lie in segment S1:
//
//	step                                            in memory  left  pass
//	Receive(10) hands out 1 to 10                          10     0     0
//	1 to 10 are given back for 2 s: the first four
//	    are kept, and 5 to 10 are left behind, in
//	    the cohort of second 2                              4     6     0
//	2 s later, Receive(4) hands out 1 to 4, and a
//	    pass begins: it has read 5 to 10                    4     0     6
//	a little later, 1 to 4 are given back for 2 s
//	Receive(4) hands out 5 to 8                             8     0     2
//	5 to 8 are given back for 2 s, and left behind:
//	    due shortly after second 4, so that their
//	    cohort is that of second 5                          4     4     2
//	Receive(4) hands out 9 and 10                           6     4     0
//	    the pass is over; at second 5 the next begins
//
// While there are fresh items, they take turns with those of a pass. So the order of what is
// left behind is given up, and its deliveries say so (Delivery.OutOfOrder).
//
// The invariants. They hold whenever nobody has the spool's lock.
//
//  1. A record that is left behind is unsettled, synced, and known by its bit alone: no
//     entry stands for it, and its tickets are void.
//  2. It is behind the window's reader, or marked in segment.ahead: that reader steps over it.
//  3. A bit is in the marks of one cohort until its pass begins, then in segment.passing
//     until the pass has read the record. segment.behind counts those in cohorts. No pass
//     begins before the one before is over.
//  4. Only whoever has the errand behind.reading moves seg and reader.
//  5. Nothing that is left behind, or is in the pass and not handed out, ranks lower than
//     one of the values of the kind lowest says.
//  6. An item of a cohort is due at most a second before the cohort, or half as long before
//     as it was given back for, whatever else is left behind and whenever.

// keptWindows is how many windows of items given back are in memory.
const keptWindows = 4

// leaveFrom and leaveMost are for how long an item has to be given back to be left behind.
// For less, a cohort would make it late, so it is left only when a quarter of the places
// are taken: else nobody else's would be handed out any more. For more, it would keep its
// file for too long, since compaction can do nothing without the item.
const (
	leaveFrom = time.Second
	leaveMost = 10 * time.Minute
)

// marks are the records of a segment that are left behind.
type marks struct {
	bits  []uint64
	n     int
	bytes int64 // of the bodies and keys
	from  int64 // where the first of them begins
}

func (m *marks) add(s *segment, e *entry) {
	i := e.number - s.first
	if m.n == 0 {
		m.from = e.off
	}
	if i/64 >= uint64(len(m.bits)) { // for as many records as there are, not as there is room for
		more := make([]uint64, max(i, s.last-s.first)/64+1)
		copy(more, m.bits)
		m.bits = more
	}
	m.bits[i/64] |= 1 << (i % 64)
	m.n++
	m.bytes += int64(e.length - frameHead) // memory may have let go of the body
	m.from = min(m.from, e.off)
}

// merge adds marks of the same segment, which may be used no more.
func (m *marks) merge(other *marks) {
	if m.n == 0 {
		*m = *other
		return
	}
	if len(m.bits) < len(other.bits) {
		m.bits, other.bits = other.bits, m.bits
	}
	for i, bits := range other.bits {
		m.bits[i] |= bits
	}
	m.n += other.n
	m.bytes += other.bytes
	m.from = min(m.from, other.from)
}

func (m *marks) has(i uint64) bool {
	return i/64 < uint64(len(m.bits)) && m.bits[i/64]&(1<<(i%64)) != 0
}

// lowest is the rank from which on there is something, and the time of that item. A rank
// of 0 is none.
type lowest struct {
	rank uint64
	time time.Time
}

func (l *lowest) note(other lowest) {
	if l.rank == 0 || other.rank != 0 && other.rank < l.rank {
		*l = other
	}
}

// waiting are records that are left behind: in all, the lowest of those that were never
// copied, and the lowest of those that were (spool_compact.go). The rank of one of these
// is in its entry only. So all of them get the lowest when they are read again.
type waiting struct {
	n              int
	lowest, copied lowest
}

func (w *waiting) add(e *entry) {
	if w.n++; e.original != 0 {
		w.copied.note(lowest{e.rank(), e.Time})
	} else {
		w.lowest.note(lowest{e.rank(), e.Time})
	}
}

func (w *waiting) merge(other waiting) {
	w.n += other.n
	w.lowest.note(other.lowest)
	w.copied.note(other.copied)
}

// cohort is what was left behind and can be handed out from the same moment on.
type cohort struct {
	waiting
	due   time.Time
	marks map[*segment]*marks
}

// behind is what was left behind. The spool's lock guards it.
type behind struct {
	cohorts []*cohort // for the next passes, the one that is due first first
	began   time.Time // the moments of the cohorts are so many seconds later
	rest    time.Time // no pass begins before
	kept    keyCounts // what was given back and is in memory

	pass    waiting  // not handed out
	loaded  []*entry // of these, the ones that were read
	seg     *segment // that the pass reads
	reader  *frameReader
	reading errand
	again   time.Time // after a read that failed: when the next is
	turn    bool      // it is their turn, and not the fresh items'
}

// keyCounts counts items by their keys. A few keys share a number, and nobody outside
// knows which.
type keyCounts struct {
	seed   maphash.Seed
	counts []int32 // nil until something is counted
}

// of returns the number of a key.
func (k *keyCounts) of(key string) *int32 {
	if k.counts == nil {
		k.seed, k.counts = maphash.MakeSeed(), make([]int32, 1<<14)
	}
	return &k.counts[maphash.String(k.seed, key)%uint64(len(k.counts))]
}

// tooManyBackLocked reports whether an item with that key that was given back for so long is too
// much for the memory. Until a quarter of the places are taken, only a key that has a sixtieth of
// what is kept has too much, and not if it is given back for a short time. So what one visitor
// has makes nobody else's items late.
func (s *Spool) tooManyBackLocked(key string, wait time.Duration) bool {
	n := len(s.notDue.entries) + len(s.due.entries)
	switch {
	case n <= s.o.keptBack, wait <= 0, wait > leaveMost:
		return false
	case n > s.mostBegun()/4:
		return true
	}
	return wait >= leaveFrom && int(*s.behind.kept.of(key)) >= s.o.keptBack/60
}

// leaveBehindLocked has memory let go of an item that was given back, if there are too
// many. It reports whether it did.
func (s *Spool) leaveBehindLocked(e *entry) bool {
	wait := time.Until(e.dueAt)
	if !s.tooManyBackLocked(e.Key, wait) || !s.mayForgetLocked(e) {
		return false
	}
	s.notDue.remove(e)
	s.letGoLocked(e)
	e.settled = true // for compaction, which may be about to copy it
	s.behind.cohort(e.dueAt, wait).add(e)
	return true
}

// mayForgetLocked reports whether the record alone can stand for an item.
func (s *Spool) mayForgetLocked(e *entry) bool {
	switch {
	case e.number >= s.intake.firstNumber(s.stats.Last):
		return false // it is not synced: it may have to be written, or written again
	case e.seg.unsettled*sparseShare <= e.seg.count:
		return false // compaction empties the segment, and copies what is in memory
	}
	return !e.First // its record does not say that it goes first
}

// cohort returns the cohort for an item that was given back for so long, and is due then.
// The moments of the cohorts are a second apart for waits of up to four seconds, and between
// a quarter and half of the wait for longer ones: few cohorts, and nobody is very late.
func (b *behind) cohort(due time.Time, wait time.Duration) *cohort {
	if b.began.IsZero() {
		b.began = time.Now()
	}
	step := leaveFrom
	for 4*step <= wait {
		step *= 2
	}
	due = b.began.Add((due.Sub(b.began) + step - 1) / step * step)
	i, found := slices.BinarySearchFunc(b.cohorts, due, func(c *cohort, due time.Time) int { return c.due.Compare(due) })
	if !found {
		b.cohorts = slices.Insert(b.cohorts, i, &cohort{due: due, marks: make(map[*segment]*marks)})
	}
	return b.cohorts[i]
}

func (c *cohort) add(e *entry) {
	m := c.marks[e.seg]
	if m == nil {
		m = new(marks)
		c.marks[e.seg] = m
	}
	m.add(e.seg, e)
	e.seg.behind++
	c.waiting.add(e)
}

// untilRead returns how long until the next of them can be read, 0 if there is none, or if
// one was read or is being read.
func (b *behind) untilRead(now time.Time) time.Duration {
	switch {
	case len(b.loaded) > 0 || b.reading.done != nil:
		return 0
	case b.pass.n > 0:
		return max(b.again.Sub(now), 1)
	case len(b.cohorts) > 0:
		return max(b.cohorts[0].due.Sub(now), b.rest.Sub(now), 1)
	}
	return 0
}

// nextWaitingLocked takes the item that is next of those that are not given back in memory:
// a fresh one or one of the pass, in turns. It returns nil if there is none in memory.
func (s *Spool) nextWaitingLocked(hanging bool) *entry {
	if len(s.begun.entries) >= s.mostBegun() {
		return nil
	}
	b, fresh := &s.behind, s.nextFreshLocked(hanging)
	if b.turn = !b.turn; len(b.loaded) > 0 && (b.turn || fresh == nil) {
		e := b.loaded[0]
		b.loaded[0] = nil
		b.loaded = b.loaded[1:]
		if b.outOfPass(1); b.pass.n == 0 {
			b.loaded = nil
		} else if e.original == 0 {
			b.pass.lowest = lowest{e.number + 1, e.Time} // they come in their order
		}
		return e
	}
	switch {
	case fresh == nil:
	case len(s.window.loaded) > 0:
		s.window.loaded = s.window.loaded[1:]
	default:
		s.unlinkLocked(fresh)
	}
	return fresh
}

// waitingLocked reports whether nextWaitingLocked has or soon will have something.
func (s *Spool) waitingLocked(hanging bool) bool {
	b := &s.behind
	return len(b.loaded) > 0 || b.mayRead() && b.reading.done == nil ||
		s.window.backlogged && !hanging || s.nextFreshLocked(hanging) != nil
}

// lower has Stats know what was left behind.
func (b *behind) lower(stats *Stats) {
	b.pass.lower(stats)
	for _, c := range b.cohorts {
		c.lower(stats)
	}
}

func (w *waiting) lower(stats *Stats) {
	for _, l := range []lowest{w.lowest, w.copied} {
		if l.rank != 0 && l.rank <= stats.Done {
			stats.Done, stats.Oldest = l.rank-1, l.time
		}
	}
}
