// Package budget knows what this month has cost at Sitecore, and what it may cost. It tells
// the log when that comes near.
package budget

import (
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/goaltrack/goaltrack/fact"
)

// Budget is that of one tracker. All methods are safe for concurrent use, and none of them
// waits.
type Budget struct {
	limits fact.Limits
	log    *slog.Logger

	month       atomic.Int64 // to which the counts belong
	ids, events atomic.Uint64
	told        [4]atomic.Int64 // the month in which the log had each line
}

// New makes a budget. Where it is told nothing of what others spend, what is spent here is
// all that it knows.
func New(limits fact.Limits, log *slog.Logger) *Budget {
	if limits.Spent == nil {
		limits.Spent = func() (ids, events uint64) { return 0, 0 }
	}
	return &Budget{limits: limits, log: log}
}

// now is the month in which we are, in UTC.
func now() int64 {
	t := time.Now().UTC()
	return int64(t.Year())*12 + int64(t.Month())
}

// turn begins to count anew in a new month.
func (b *Budget) turn() {
	month := now()
	if b.month.Swap(month) != month {
		b.ids.Store(0)
		b.events.Store(0)
	}
}

// Spend counts a reason of [fact.Spent].
func (b *Budget) Spend(what string) {
	switch what {
	case fact.IDMade:
		b.turn()
		b.ids.Add(1)
	case fact.EventSent, fact.EventAgain:
		b.turn()
		b.events.Add(1)
	default: // it costs nothing by itself
		return
	}
	b.Look()
}

// Month is what was spent, and what may be. It is what others know, if that is more.
func (b *Budget) Month() fact.Month {
	b.turn()
	ids, events := b.limits.Spent()
	return fact.Month{
		IDs: max(ids, b.ids.Load()), LimitIDs: b.limits.IDs,
		Events: max(events, b.events.Load()), LimitEvents: b.limits.Events,
	}
}

// IDsSpent reports whether no more IDs are to be made for visits.
func (b *Budget) IDsSpent() bool {
	if b.limits.IDs == 0 {
		return false
	}
	m := b.Month()
	return m.IDs >= m.LimitIDs
}

// The lines of the log, each at most once a month.
const (
	logIDsNear    = "goaltrack: most of the browser IDs that this month may have are made"
	logIDsSpent   = "goaltrack: all browser IDs that this month may have are made; until its end they are made for goals alone"
	logEventsNear = "goaltrack: most of the events that this month may have are sent"
	logEventsMany = "goaltrack: more events are sent than this month may have; none is held back"
)

// Look tells the log what it has to know. It is called now and then, because others spend
// as well.
func (b *Budget) Look() {
	if b.limits.IDs == 0 && b.limits.Events == 0 {
		return
	}
	m := b.Month()
	b.tell(0, fact.IsNear(m.IDs, m.LimitIDs), logIDsNear, m.IDs, m.LimitIDs)
	b.tell(1, m.LimitIDs > 0 && m.IDs >= m.LimitIDs, logIDsSpent, m.IDs, m.LimitIDs)
	b.tell(2, fact.IsNear(m.Events, m.LimitEvents), logEventsNear, m.Events, m.LimitEvents)
	b.tell(3, m.LimitEvents > 0 && m.Events >= m.LimitEvents, logEventsMany, m.Events, m.LimitEvents)
}

func (b *Budget) tell(which int, is bool, line string, spent, limit uint64) {
	if month := now(); is && b.told[which].Swap(month) != month {
		b.log.Warn(line, "this_month", spent, "limit", limit)
	}
}
