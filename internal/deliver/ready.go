package deliver

import (
	priority "container/heap"
	linked "container/list"
	"time"

	"github.com/goaltrack/goaltrack/queue"
)

// readyList holds events that may be sent, in the order in which they happened.
// A second list has those of visitors of whom an event was accepted before, and a third
// those that go before others (share.go).
type readyList struct{ all, known, first linked.List }

// spot is where an event stands in a readyList.
type spot struct {
	in                *readyList // nil: in none
	all, known, first *linked.Element
}

func (l *readyList) len() int { return l.all.Len() }

func (l *readyList) push(j *job, known bool) {
	j.spot = spot{in: l, all: insert(&l.all, j)}
	if known {
		j.spot.known = insert(&l.known, j)
	}
	if j.First {
		j.spot.first = insert(&l.first, j)
	}
}

// insert puts an event after all that are not younger. Usually it is the
// youngest; an event from the newest end of the queue may not be.
func insert(l *linked.List, j *job) *linked.Element {
	at := l.Back()
	for at != nil && jobAt(at).Time.After(j.Time) {
		at = at.Prev()
	}
	if at == nil {
		return l.PushFront(j)
	}
	return l.InsertAfter(j, at)
}

// leaveList takes the event out of the list it stands in.
func (j *job) leaveList() {
	if l := j.spot.in; l != nil {
		l.all.Remove(j.spot.all)
		if j.spot.known != nil {
			l.known.Remove(j.spot.known)
		}
		if j.spot.first != nil {
			l.first.Remove(j.spot.first)
		}
		j.spot = spot{}
	}
}

func jobAt(e *linked.Element) *job {
	if e == nil {
		return nil
	}
	return e.Value.(*job)
}

func (l *readyList) oldest() *job      { return jobAt(l.all.Front()) }
func (l *readyList) newest() *job      { return jobAt(l.all.Back()) }
func (l *readyList) newestKnown() *job { return jobAt(l.known.Back()) }

// take removes and returns those that meet a condition, in their order.
func (l *readyList) take(meets func(*job) bool) (taken []*job) {
	for e := l.all.Front(); e != nil; {
		j := jobAt(e)
		if e = e.Next(); meets(j) {
			j.leaveList()
			taken = append(taken, j)
		}
	}
	return taken
}

// choice remembers what was chosen last, so that the oldest, the newest and the
// newest of a known visitor take turns.
type choice struct {
	turn     int
	at       time.Time // when the last event was tried
	justCame bool      // it was one that had just come
}

// oldestFirst is the oldest of those that go first. Those that do not any more join the
// others.
func (l *readyList) oldestFirst(goes func(*queue.Item) bool) *job {
	for {
		j := jobAt(l.first.Front())
		if j == nil || goes(&j.Item) {
			return j
		}
		l.first.Remove(j.spot.first)
		j.spot.first = nil
	}
}

// fair chooses while all is accepted: fifteen times the oldest of those that go first,
// and then the oldest of all, so that nobody waits for good.
func (c *choice) fair(l *readyList, goes func(*queue.Item) bool) *job {
	j := l.oldestFirst(goes)
	if j == nil {
		return l.oldest()
	}
	if c.turn++; c.turn%16 == 0 {
		return l.oldest()
	}
	return j
}

// mixed chooses while not all is accepted: the oldest of those that go first, the
// newest, the oldest of all, the newest of a known visitor.
func (c *choice) mixed(l *readyList, goes func(*queue.Item) bool) *job {
	c.turn++
	switch c.turn % 4 {
	case 1:
		return l.newest()
	case 3:
		if j := l.newestKnown(); j != nil {
			return j
		}
		return l.newest()
	case 2:
		if j := l.oldestFirst(goes); j != nil {
			return j
		}
	}
	return l.oldest()
}

// probe chooses the one event that a SLOW gate sends. The best is one that came
// after the last try, but not twice in a row: a flood of them would hide all
// others.
func (c *choice) probe(now time.Time, lists ...*readyList) *job {
	newest := youngest(lists, (*readyList).newest)
	if newest == nil {
		return nil
	}
	if c.justCame = !c.justCame && newest.Time.After(c.at); c.justCame {
		c.at = now
		return newest
	}
	c.at = now
	c.turn++
	switch c.turn % 3 {
	case 0:
		if j := youngest(lists, (*readyList).newestKnown); j != nil {
			return j
		}
	case 2:
		return eldest(lists)
	}
	return newest
}

func youngest(lists []*readyList, of func(*readyList) *job) (found *job) {
	for _, l := range lists {
		if j := of(l); j != nil && (found == nil || j.Time.After(found.Time)) {
			found = j
		}
	}
	return found
}

func eldest(lists []*readyList) (found *job) {
	for _, l := range lists {
		if j := l.oldest(); j != nil && (found == nil || j.Time.Before(found.Time)) {
			found = j
		}
	}
	return found
}

// dueHeap holds events that wait for a time, the soonest first.
type dueHeap []*job

func (h dueHeap) Len() int { return len(h) }
func (h dueHeap) Less(i, k int) bool {
	if a, b := h[i].notYet, h[k].notYet; !a.Equal(b) {
		return a.Before(b)
	}
	return h[i].firstRefused.Before(h[k].firstRefused) // who waits for longest, of those put off together
}

func (h dueHeap) Swap(i, k int) {
	h[i], h[k] = h[k], h[i]
	h[i].due, h[k].due = i+1, k+1
}

// Push and Pop implement [heap.Interface].
func (h *dueHeap) Push(j any) {
	*h = append(*h, j.(*job))
	j.(*job).due = len(*h)
}

// Pop implements [heap.Interface].
func (h *dueHeap) Pop() any {
	last := len(*h) - 1
	j := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	j.due = 0
	return j
}

func (h *dueHeap) add(j *job, at time.Time) {
	j.notYet = at
	priority.Push(h, j)
}

// first returns the soonest, nil if there is none.
func (h dueHeap) first() *job {
	if len(h) == 0 {
		return nil
	}
	return h[0]
}

// remove takes the event out if it is there.
func (h *dueHeap) remove(j *job) bool {
	if j.due == 0 || j.due > len(*h) || (*h)[j.due-1] != j {
		return false
	}
	priority.Remove(h, j.due-1)
	return true
}

// postpone moves the soonest to a later time.
func (h *dueHeap) postpone(at time.Time) {
	(*h)[0].notYet = at
	priority.Fix(h, 0)
}

// hurry brings every wait forward.
func (h *dueHeap) hurry(by time.Time) {
	h.hurryIf(by, func(*job) bool { return true })
}

// hurryIf brings the waits forward of those that meet a condition.
func (h *dueHeap) hurryIf(by time.Time, meets func(*job) bool) {
	for _, j := range *h {
		if j.notYet.After(by) && meets(j) {
			j.notYet = by
		}
	}
	priority.Init(h)
}
