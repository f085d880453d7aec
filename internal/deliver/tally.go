package deliver

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/goaltrack/goaltrack/queue"
)

// Tally counts what becomes of events, from the moment the queue has taken
// them. Every event ends in exactly one of delivered, dead and dropped.
type Tally struct {
	record func(goal, fate, browserID string)

	accepted, delivered atomic.Uint64
	duplicates          atomic.Uint64 // events that may have been counted twice

	mu      sync.Mutex
	dead    map[string]uint64
	dropped map[string]uint64
	notes   map[string]uint64
}

// NewTally makes a tally. It calls record for each event that was delivered
// ("delivered") or given up ("dead: reason").
func NewTally(record func(goal, fate, browserID string)) *Tally {
	return &Tally{record: record, dead: map[string]uint64{}, dropped: map[string]uint64{}, notes: map[string]uint64{}}
}

// deliver counts an event that the CDP took.
func (t *Tally) deliver(goal, browserID string) {
	t.delivered.Add(1)
	t.record(goal, "delivered", browserID)
}

// bury counts an event that went to the dead letters.
func (t *Tally) bury(goal, browserID, reason string) {
	t.count(t.dead, reason)
	t.record(goal, "dead: "+reason, browserID)
}

// drop counts accepted events that were lost.
func (t *Tally) drop(reason string, n uint64) {
	if n == 0 {
		return
	}
	t.mu.Lock()
	t.dropped[reason] += n
	t.mu.Unlock()
}

// note counts what is no fate of its own, such as an event that was benched.
func (t *Tally) note(what string) { t.count(t.notes, what) }

func (t *Tally) count(in map[string]uint64, what string) {
	t.mu.Lock()
	in[what]++
	t.mu.Unlock()
}

// Notes returns the notes and how often each was made.
func (t *Tally) Notes() map[string]uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.notes)
}

// NotYetOnDisk is the note for events that were accepted before they were on
// the disk, because that took longer than a request waits.
const NotYetOnDisk = "not_yet_on_disk"

// Account is what became of all events. Whenever nothing is under way,
//
//	Accepted + Recovered = Delivered + all of Dead + all of Dropped + Waiting
type Account struct {
	Accepted, Recovered, Delivered, Waiting uint64
	Dead, Dropped                           map[string]uint64 // by reason
	PossibleDuplicates                      uint64
}

// Account makes the account, with what the queue says.
func (t *Tally) Account(q queue.Stats) Account {
	var a Account
	t.mu.Lock()
	a.Dead, a.Dropped = maps.Clone(t.dead), maps.Clone(t.dropped)
	t.mu.Unlock()
	a.Delivered = t.delivered.Load() // before what was accepted, so that it is never more
	a.Accepted, a.Recovered = t.accepted.Load(), q.Recovered
	if q.Damaged > 0 {
		a.Dropped["damaged"] += q.Damaged
	}
	a.PossibleDuplicates = t.duplicates.Load()
	a.Waiting = uint64(max(q.Waiting, 0))
	return a
}
