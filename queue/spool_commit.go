package queue

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// How items get to the disk
//
// Append puts an item into memory, into the intake. Two goroutines bring it to the
// disk: the writer (write, in this file) and the syncer (sync, in spool_sync.go). A
// worked example with a sync that fails, which TestCommitExample runs:
//
//	step                                                written  confirmed
//	Append numbers item A 7 and item B 8, and waits           6          6
//	the writer writes A and B into segment S1                 8          6
//	    an Append at LevelDurable returns
//	the syncer syncs S1                                       8          8
//	    an Append at LevelStrict returns
//	Append numbers C 9; the writer writes it into S1          9          8
//	the syncer syncs S1, and that fails
//	    abandonLocked: S1 is void from 9 on, the              8          8
//	    generation goes up by one
//	Append numbers D 10; the writer makes segment S2
//	    and writes C and D into it                           10          8
//	    C has two copies: its place in S1 is superseded
//	the syncer syncs S2                                      10         10
//	    it acks the superseded copy of C in S1
//	A and B are acked in S1: nothing in it is unsettled, and it is removed
//
// S1 is never synced again. A second sync may report success although the data of
// the first is gone (https://lwn.net/Articles/752063/), so nobody can know whether C
// is in S1. C is therefore written again.
//
// The invariants. They hold whenever nobody has the spool's lock.
//
//  1. confirmed <= written <= stats.Last. An item up to written is in a segment, or
//     settled. An item up to confirmed is on the disk whatever happens, or settled.
//  2. The numbers in the intake have no gaps, and the last of them is stats.Last.
//  3. An item beyond confirmed that is not settled is in the intake: it can be
//     written again.
//  4. Only abandonLocked lowers written. It raises the generation under the same
//     lock.
//  5. The writer and the syncer note the generation, drop the lock, use the disk and
//     take the lock again. If the generation has changed, what they did confirms
//     nothing: they may neither raise written nor confirmed.
//  6. Of an item's copies the one in the segment with the highest id counts. Every
//     older copy lies in its segment's void part (voidFrom) or is acked.
//  7. An older copy is acked only when the newer is confirmed. Until then it is in
//     superseded.
//  8. An item with a dead letter is acked only when the letter is synced. Until then
//     it is in buried.
//  9. No file is used, and no segment's lock taken, while the spool's lock is held.

// commitState is what the writer and the syncer know beside the intake. The spool's
// lock guards it, and its methods are called with that lock held. The channel work
// wakes the writer. dirty tells the syncer that there is something to sync, and urgent
// that somebody waits for it.
type commitState struct {
	work, dirty, urgent chan struct{}
	writerDone          chan struct{} // closed when the writer has ended

	waiters []*waiter
	idle    []*waiter // to be used again

	failing   error // why nothing can be written; nil if it can
	failures  int   // failed writes in a row
	badSyncs  int   // failed syncs in a row
	mustPause bool  // the writer has to pause first, because the syncs fail

	// generation counts the abandoned segments. Whoever drops the lock to use the
	// disk compares it afterwards (invariant 5).
	generation int

	sinceSync  int          // records written since the last sync began
	superseded []superseded // older copies, acked when the newer ones are synced
	buried     []burial     // acked when their letters are synced
	dirChanged bool         // the directory has to be synced, too
	buf        []byte       // the frames of a batch, to be used again
	spare      string       // the file that becomes the next segment, "" if there is none
}

// address says where a record is: its segment and its number.
type address struct {
	seg    *segment
	number uint64
}

// superseded is an older copy of an item, and the number of the newer one.
type superseded struct {
	address
	by uint64
}

// burial is an item whose dead letter was written (invariant 8).
type burial struct {
	itemAt   address
	letterAt address // without a segment while the letter has to be written again
	letter   Letter
}

// write is the writer's goroutine. After Close it ends when everything is written, or
// when the last try has failed.
func (s *Spool) write() {
	defer close(s.commit.writerDone)
	crowded := 0
	var told error
	for {
		told = s.tellFailing(told)
		if s.takePause() {
			s.pause(retryAfter)
		}
		more, err := s.writeSome()
		switch {
		case errors.Is(err, errCrowded) && crowded < 10 && s.pause(s.o.SyncEvery/5):
			crowded++
		case err != nil:
			s.fail(err)
			told = s.tellFailing(told)
			if !s.pause(retryAfter) {
				_, _ = s.writeSome() // the last try
				return
			}
		case !more:
			crowded = 0
			told = s.tellFailing(told)
			select {
			case <-s.commit.work:
			case <-s.stopping:
				if s.allWritten() {
					return
				}
			}
		}
	}
}

// takePause reports whether the writer has to pause first, once.
func (s *Spool) takePause() (pause bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	pause, s.commit.mustPause = s.commit.mustPause, false
	return pause
}

func (s *Spool) allWritten() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.intake.unwritten() == len(s.intake.entries)
}

// pause waits for d. It reports false, at once, when the spool is closed.
func (s *Spool) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.stopping:
		return false
	}
}

// tellFailing calls SpoolOptions.Failing if the state is another than was told last.
// It returns what is told now.
func (s *Spool) tellFailing(told error) error {
	now := s.Err()
	if s.o.Failing != nil && (now == nil) != (told == nil) {
		s.o.Failing(now)
	}
	return now
}

// fail notes that the disk cannot be written. New items are refused from now on.
func (s *Spool) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case errors.Is(err, errCrowded):
		s.commit.failing = err
	case diskIsFull(err):
		s.commit.failing = fmt.Errorf("%w: %w", ErrDiskFull, err)
	default:
		s.commit.failing = fmt.Errorf("%w: %w", ErrDiskFailed, err)
	}
	s.commit.tellWaiters(0, 0, ErrNotYetOnDisk)
}

const batchBytes = 256 << 10

// writeSome makes a step of the writer: it writes a batch to the active segment, or
// makes a segment if there is none or it is full. It reports whether there may be
// more to do.
func (s *Spool) writeSome() (more bool, err error) {
	s.mu.Lock()
	seg := s.active
	batch, size, next := s.batchLocked(seg)
	nothingLeft := len(batch) == 0 && next == len(s.intake.entries)
	switch {
	case nothingLeft && (seg != nil || s.commit.failing == nil):
		s.nothingToWriteLocked()
		s.mu.Unlock()
		return false, nil
	case len(batch) == 0: // no segment, or the next item does not fit, or the disk has to be tried
		s.retireActiveLocked(true)
		first := s.stats.Last + 1
		if next < len(s.intake.entries) {
			first = s.intake.entries[next].number
		}
		s.mu.Unlock()
		return true, s.newActive(first)
	}
	generation, off := s.commit.generation, seg.end
	s.mu.Unlock() // invariant 9; wrote and badWrite take it again

	buf := s.encode(batch, size, seg.salt)
	mayCrash("frames encoded")
	if err := seg.write(buf, off); err != nil {
		return true, s.badWrite(seg, err)
	}
	mayCrash("frames written")
	s.wrote(seg, batch, off, generation)
	return true, nil
}

// nothingToWriteLocked notes that all items are written or settled.
func (s *Spool) nothingToWriteLocked() {
	s.intake.written = s.stats.Last
	s.commit.failing = nil
	s.commit.tellWaiters(s.intake.written, s.intake.confirmed, nil)
	if len(s.commit.waiters) > 0 { // for a sync
		kick(s.commit.dirty)
		kick(s.commit.urgent)
	}
}

// encode makes the frames of a batch. Only the writer uses the buffer.
func (s *Spool) encode(batch []*entry, size int, salt uint64) []byte {
	buf := slices.Grow(s.commit.buf[:0], size)
	for _, e := range batch {
		buf = appendFrame(buf, salt, kindItems, &Letter{Item: e.Item, number: e.number, copyOf: e.copyOf})
	}
	s.commit.buf = buf
	if cap(buf) > 2*batchBytes {
		s.commit.buf = nil
	}
	return buf
}

// batchLocked collects the items to be written next that fit into the segment, without
// those that are settled already. It also returns their size and, as next, the index in
// the intake of the item after them.
func (s *Spool) batchLocked(seg *segment) (batch []*entry, size, next int) {
	next = s.intake.unwritten()
	for ; next < len(s.intake.entries); next++ {
		e := s.intake.entries[next]
		if e.settled {
			continue
		}
		own := frameSize(&e.Item, "")
		if seg == nil || size+own > batchBytes && size > 0 || !seg.fits(e.number, seg.end+int64(size+own)) {
			break
		}
		batch = append(batch, e)
		size += own
	}
	return batch, size, next
}

// fits reports whether a frame with that number may end at that offset.
func (s *segment) fits(number uint64, end int64) bool {
	return end <= s.size && number-s.first < uint64(s.capacity) //nolint:gosec // Not negative.
}

// wrote notes where the batch is: in seg, from off on. generation is the one under
// which it was begun. If a segment was abandoned meanwhile, the copies in seg are void
// or will be superseded, and the batch is written again (invariant 5).
func (s *Spool) wrote(seg *segment, batch []*entry, off int64, generation int) {
	var settled []uint64 // while they were being written
	s.mu.Lock()
	for _, e := range batch {
		s.placeLocked(e, seg, off)
		off += int64(e.length)
		if e.settled {
			settled = append(settled, e.number)
			s.stepOverLocked(e)
		} else {
			seg.unsettled++
		}
	}
	seg.end = off
	s.commit.sinceSync += len(batch)
	urgent := s.o.Level == LevelStrict || s.commit.sinceSync >= s.o.SyncAfter || s.intake.unsyncedBytes > s.o.Intake/4
	if generation == s.commit.generation {
		s.intake.written = batch[len(batch)-1].number
		s.commit.failing, s.commit.failures = nil, 0
		s.commit.tellWaiters(s.intake.written, s.intake.confirmed, nil)
	}
	s.mu.Unlock()
	for _, number := range settled {
		seg.ack(number)
	}
	kick(s.commit.dirty)
	if urgent {
		kick(s.commit.urgent)
	}
}

// placeLocked notes that the entry's record is in seg at off. A copy that it had
// before is superseded.
func (s *Spool) placeLocked(e *entry, seg *segment, off int64) {
	if e.seg != nil && !e.settled {
		s.commit.superseded = append(s.commit.superseded, superseded{e.at(), e.number})
	}
	e.seg, e.record, e.off, e.length = seg, e.number, off, frameSize(&e.Item, "")
	seg.copies = seg.copies || e.copyOf != 0
	seg.count++
	seg.bytes += e.size()
	seg.last, seg.newest = e.number, e.Time
}

// badWrite abandons the segment of a write that failed. It returns no error the first
// time in a row: the writer tries another segment at once.
func (s *Spool) badWrite(seg *segment, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.abandonLocked(seg)
	if s.commit.failures++; s.commit.failures > 1 {
		return err
	}
	return nil
}

// abandonLocked ends the writing to a segment of which a write or a sync failed. What
// is not confirmed is written again, to another segment.
//
// The active segment is retired in any case, since the writer may be writing to it at
// this moment, with items that are written again, too.
func (s *Spool) abandonLocked(seg *segment) {
	seg.broken.Store(true)
	s.commit.generation++
	for _, other := range s.segments {
		if other == s.active || other.last > s.intake.confirmed {
			other.voidFrom = s.intake.confirmed + 1
		}
	}
	s.retireActiveLocked(false)
	s.intake.written = s.intake.confirmed
	s.report.Rewritten++
	kick(s.commit.work)
}

// retireActiveLocked ends the writing to the active segment, if there is one. seal
// says that its header is to be completed.
func (s *Spool) retireActiveLocked(seal bool) {
	if seg := s.active; seg != nil {
		s.active = nil
		seg.retired, seg.retiredAt = true, time.Now()
		if seal {
			s.unsealed = append(s.unsealed, seg)
		}
		s.releaseLocked(seg, 0)
		kick(s.commit.dirty)
	}
}

// errCrowded says that there may be no more segments for now. One of them has to be
// settled first, or somebody has to empty the quarantine.
var errCrowded = fmt.Errorf("%w: too much is in segments with something unsettled in them, or in quarantine", ErrFull)

// newActive makes the next segment, for records that have the number first or a higher
// one.
func (s *Spool) newActive(first uint64) error {
	if err := s.checkOwner(); err != nil {
		return err
	}
	s.mu.Lock()
	id := s.nextID
	bound := 2*s.o.Bytes + 4*s.o.SegmentBytes
	if len(s.copying) > 0 {
		bound += 2 * s.o.SegmentBytes // what makes room needs some first
	}
	full := int64(len(s.segments))*s.o.SegmentBytes+s.report.QuarantinedBytes >= bound
	s.mu.Unlock()
	if full {
		s.weighQuarantine() // it may have been emptied
		kick(s.commit.dirty)
		kick(s.commit.urgent) // what is settled may go when it is synced
		return errCrowded
	}
	spare, err := s.takeSpare()
	if err != nil {
		return err
	}
	h := newHeader(kindItems, s.o.SegmentBytes)
	h.id, h.first = id, first
	seg, err := useSpare(s.disk, spare, h)
	if err != nil {
		_ = s.disk.Remove(spare)
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nextID = id + 1
	s.active = seg
	s.segments = append(s.segments, seg)
	s.commit.dirChanged = true
	kick(s.chores.work)
	return nil
}
