package queue

import (
	"errors"
	"slices"
	"time"
)

// How a stuck item lets go of its segment
//
// A segment's file can be removed when all in it is settled. So one item that cannot be
// delivered would keep a file of 8 MiB. Compaction copies the few items that are left in
// an old segment to the newest one. A worked example, which TestCompactionExample runs.
// Item 3 is refused again and again, and all others are delivered:
//
//	step                                          S1 has     S2 has
//	1 to 500 are appended and written into S1     1 to 500
//	all but 3 are acked                           3
//	501 is appended: S1 is full and retired,
//	    and the writer makes S2                   3          501
//	compact finds S1 sparse: item 3 gets the
//	    number 502, and is in the intake again    3          501
//	the writer writes 502, a copy of 3            3          501, 502
//	the syncer syncs S2, and acks 3 in S1                    501, 502
//	nothing in S1 is unsettled: it is removed
//	501 and 502 are acked
//
// If the process ends between the last steps, both copies are there. The record of 502
// says that it is a copy of 3, so the next start acks 3 in S1 (settleOriginals).
//
// The invariants, beside those of spool_commit.go. They hold whenever nobody has the
// spool's lock.
//
//  1. Only items that were handed out are copied, and only when the intake has let go
//     of them. So numbers still rise in the intake, and no fresh item changes its place.
//  2. An item's first number decides on its order (entry.rank), and its record's number
//     on its ack (entry.at). The entry stays the same, and so do its tickets.
//  3. An item is not copied again before its last copy is confirmed.

// The bounds of compaction. At most compactBytes are copied in a step, or one item if
// that is larger, and there are at most four steps a second.
const (
	sparseShare  = 4 // a segment is sparse if no more than a quarter of what was written is left
	compactBytes = 256 << 10
	compactAfter = 10 * time.Second // so long a segment is left alone: what is in flight needs no copy
	compactStep  = 250 * time.Millisecond
	compactIdle  = 5 * time.Second // between two looks if there is nothing to do
)

// pace is how long a segment is left alone, and how long it is from one step to the next.
type pace struct{ after, step, idle time.Duration }

// keepCompact copies what is left in sparse segments, a little at a time.
func (s *Spool) keepCompact() {
	for wait := s.o.pace.idle; s.pause(wait); {
		wait = s.o.pace.idle
		if s.compact() {
			wait = s.o.pace.step
		}
	}
}

// compact makes a step. It reports whether there may be more to do soon.
func (s *Spool) compact() (more bool) {
	s.mu.Lock()
	if !s.copiedLocked() {
		s.mu.Unlock()
		return true
	}
	seg, chosen := s.chooseLocked()
	places := make([]place, len(chosen))
	for i, e := range chosen {
		places[i] = e.place
	}
	s.mu.Unlock()
	if seg == nil {
		return false
	}
	bodies := make([][]byte, len(chosen))
	var err error
	for i, e := range chosen {
		if places[i].dropped {
			if bodies[i], err = e.bodyAt(places[i]); err != nil {
				break // a disk that fails, or a record that is damaged: Receive sees to it
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		seg.heavy = seg.unsettled
		return true
	}
	for i, e := range chosen {
		s.copyLocked(e, places[i], bodies[i])
	}
	kick(s.commit.work)
	return true
}

// copiedLocked reports whether what the last step began to copy is confirmed or settled.
// Then it lets go of the bodies that were read for it.
func (s *Spool) copiedLocked() bool {
	for _, e := range s.copying {
		if !e.settled && e.number > s.intake.confirmed {
			return false
		}
	}
	for _, e := range s.copying {
		if !e.settled && !e.out && !e.dropped {
			s.keptNoMoreLocked(e)
			s.returnedLocked(e)
		}
	}
	s.copying = nil
	return true
}

// crowdedLocked reports whether there may be no more segments for now.
func (s *Spool) crowdedLocked() bool { return errors.Is(s.commit.failing, errCrowded) }

// chooseLocked returns the oldest sparse segment, nil if there is none, and those of its
// items that are copied first.
func (s *Spool) chooseLocked() (from *segment, chosen []*entry) {
	mayWrite := s.commit.failing == nil || s.crowdedLocked()
	if s.closed || !mayWrite || s.intake.unsyncedBytes > s.o.Intake/2 || !s.findSparseLocked() {
		return nil, nil
	}
	var bytes int64
	inMemory := s.intake.firstNumber(s.stats.Last)
	for _, e := range s.begun.entries {
		switch {
		case e.seg == nil || !e.seg.sparse || e.number >= inMemory || e.out && e.dropped:
			continue
		case from == nil || e.seg.id < from.id:
			from, chosen, bytes = e.seg, chosen[:0], 0
		case e.seg != from:
			continue
		}
		chosen = append(chosen, e)
		bytes += int64(e.length)
	}
	if bytes > s.o.SegmentBytes/4 {
		from.heavy = from.unsettled
		return from, nil
	}
	slices.SortFunc(chosen, func(a, b *entry) int { return int(a.off - b.off) })
	bytes = 0
	for i, e := range chosen {
		if bytes += int64(e.length); bytes > compactBytes && i > 0 {
			return from, chosen[:i]
		}
	}
	return from, chosen
}

// findSparseLocked marks the segments that keep much room for few items: no more than a
// quarter of what was written is left. So copying writes at most a third more. It reports
// whether there is one.
func (s *Spool) findSparseLocked() (found bool) {
	for _, seg := range s.segments {
		old := time.Since(seg.retiredAt) >= s.o.pace.after || s.crowdedLocked()
		seg.sparse = seg.retired && old && seg.unsettled > 0 && seg.unread+seg.behind+seg.passing.n == 0 &&
			seg.unsettled*sparseShare <= seg.count && (seg.heavy == 0 || seg.unsettled < seg.heavy)
		found = found || seg.sparse
	}
	return found
}

// copyLocked gives an item a new number and puts it into the intake, from where it is
// written like any other. The body is what was read if memory had let go of it.
func (s *Spool) copyLocked(e *entry, where place, body []byte) {
	if e.settled || e.place != where || e.out && e.dropped || s.closed {
		return // something happened while its body was read
	}
	if e.dropped {
		e.Body, e.dropped = body, false
		s.window.givenBackBytes += int64(len(body))
	}
	if e.original == 0 {
		e.original = e.number
	}
	s.stats.Last++
	e.copyOf, e.number = e.number, s.stats.Last
	s.intake.push(e)
	s.copying = append(s.copying, e)
	s.report.Copied++
}

// bodyAt reads the entry's body.
func (e *entry) bodyAt(p place) ([]byte, error) {
	r := newFrameReader(p.seg, &p.seg.header, p.off, p.off+int64(p.length))
	rec, err := r.frameAt(p.off)
	if err == nil && rec.number != p.record {
		err = errNoFrame
	}
	return slices.Clone(rec.Body), err
}
