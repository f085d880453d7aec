package queue

// intake holds the newest items: those that are not safely on the disk, because
// they may have to be written once more, and some more, because they will be
// asked for soon. The spool's lock guards it.
type intake struct {
	entries       []*entry // by number
	unsyncedBytes int64    // of those that are not synced
	bytes         int64    // of all
	written       uint64   // all up to this number are written or settled
	confirmed     uint64   // all up to this number are synced or settled
}

func (q *intake) push(e *entry) {
	q.entries = append(q.entries, e)
	q.unsyncedBytes += e.size()
	q.bytes += e.size()
}

// confirm says that all up to the number are synced.
func (q *intake) confirm(number uint64, s *Spool) {
	for _, e := range q.entries {
		if e.number > number {
			break
		}
		if e.number > q.confirmed {
			q.unsyncedBytes -= e.size()
		}
	}
	q.confirmed = max(q.confirmed, number)
	q.trim(s)
}

// trim lets go of the oldest: those that are settled, those that are synced and
// handed out, and those that are synced and beyond the window, which are read
// again in their time.
func (q *intake) trim(s *Spool) {
	for len(q.entries) > 0 {
		e := q.entries[0]
		synced := e.number <= q.confirmed
		fresh := e.turn == 0
		if !e.settled && (!synced || fresh && len(q.entries) <= s.o.Window && q.bytes <= windowBytes) {
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

// rewind makes everything that was not synced be written again.
func (q *intake) rewind() { q.written = q.confirmed }

// unwritten is the index of the first that has to be written, the number of the
// entries if none has. The numbers in the intake have no gaps.
func (q *intake) unwritten() int {
	if len(q.entries) == 0 || q.entries[0].number > q.written {
		return 0
	}
	return int(min(q.written-q.entries[0].number+1, uint64(len(q.entries)))) //nolint:gosec // No more than there are.
}

// begin is the number of the first in memory.
func (q *intake) firstNumber(last uint64) uint64 {
	if len(q.entries) == 0 {
		return last + 1
	}
	return q.entries[0].number
}
