package queue

// intake holds the newest items in memory, for two reasons. Those that are not synced
// may have to be written again. Some that are synced and fresh will be asked for soon,
// and need not be read from the disk. An item is fresh while nobody has received it.
//
// Its invariants are those of spool_commit.go. The spool's lock guards it, and its
// methods are called with that lock held.
type intake struct {
	entries       []*entry // by number, without gaps
	bytes         int64    // of bodies and keys of the entries
	unsyncedBytes int64    // of those beyond confirmed

	// written: all items up to this number are in a segment or settled. An abandoned
	// segment lowers it to confirmed, so that the rest is written again.
	written uint64
	// confirmed: all items up to this number are synced or settled. It never falls.
	confirmed uint64
}

func (q *intake) push(e *entry) {
	q.entries = append(q.entries, e)
	q.unsyncedBytes += e.size()
	q.bytes += e.size()
}

// confirmLocked notes that all items up to the number are synced.
func (s *Spool) confirmLocked(number uint64) {
	q := &s.intake
	for _, e := range q.entries {
		if e.number > number {
			break
		}
		if e.number > q.confirmed {
			q.unsyncedBytes -= e.size()
		}
	}
	q.confirmed = max(q.confirmed, number)
	s.trimIntakeLocked()
}

// trimIntakeLocked lets go of the oldest items, as long as the oldest is
//   - settled, or
//   - synced and not fresh: its ticket keeps it, or
//   - synced, fresh and beyond the window: it is read from the disk in its time.
func (s *Spool) trimIntakeLocked() {
	q := &s.intake
	for len(q.entries) > 0 {
		e := q.entries[0]
		synced := e.number <= q.confirmed
		fresh := e.turn == 0
		inWindow := len(q.entries) <= s.o.Window && q.bytes <= windowBytes
		if !e.settled && (!synced || fresh && inWindow) {
			return
		}
		if fresh {
			s.unlinkLocked(e)
			s.window.leaveOnDisk(e)
		} else {
			s.stepOverLocked(e)
		}
		if !synced {
			q.unsyncedBytes -= e.size()
		}
		q.bytes -= e.size()
		q.entries[0] = nil
		q.entries = q.entries[1:]
	}
}

// unwritten returns the index of the first entry beyond written, or how many entries
// there are if none is. The numbers have no gaps, so it is a subtraction.
func (q *intake) unwritten() int {
	if len(q.entries) == 0 || q.entries[0].number > q.written {
		return 0
	}
	return int(min(q.written-q.entries[0].number+1, uint64(len(q.entries)))) //nolint:gosec // No more than there are.
}

// firstNumber returns the lowest number in memory, or the one after last, the number
// of the newest item, if there is none.
func (q *intake) firstNumber(last uint64) uint64 {
	if len(q.entries) == 0 {
		return last + 1
	}
	return q.entries[0].number
}
