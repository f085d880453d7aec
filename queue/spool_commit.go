package queue

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// commitState is the way of items to the disk. One goroutine writes, one syncs:
// a write need not wait for a sync under way. The spool's lock guards it.
type commitState struct {
	work, dirty, urgent chan struct{}
	writerDone          chan struct{} // closed when the writer has ended

	waiters    []*waiter
	idle       []*waiter // to be used again
	failing    error     // why nothing can be written
	failures   int       // of writes in a row
	badSyncs   int       // in a row
	mustPause  bool      // the writer is to pause, since the syncs fail
	generation int       // counts the segments given up
	sinceSync  int       // records written since the last sync
	superseded []address // acked when their newer copies are synced
	buried     []burial
	dirChanged bool
	buf        []byte
	spare      string
}

// copied is a record that is somewhere else too, and settled here as soon as it
// is sure there.
type address struct {
	seg    *segment
	number uint64
}

// burial is an item whose letter was written. The item is settled on the disk when
// the letter is sure to be there.
type burial struct {
	itemAt, letterAt address // at has no segment while the letter has to be written again
	letter           Letter
}

// write is the writer's goroutine. After Close it ends when all is written, or
// cannot be.
func (s *Spool) write() {
	defer close(s.commit.writerDone)
	crowded := 0
	var told error
	for {
		told = s.tellFailing(told)
		s.mu.Lock()
		resting := s.commit.mustPause
		s.commit.mustPause = false
		s.mu.Unlock()
		if resting {
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
				s.mu.Lock()
				empty := s.intake.unwritten() == len(s.intake.entries)
				s.mu.Unlock()
				if empty {
					return
				}
			}
		}
	}
}

// pause waits, unless the spool is closed.
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

// tellFailing says what has changed since it was told that.
func (s *Spool) tellFailing(told error) error {
	now := s.Err()
	if s.o.Failing != nil && (now == nil) != (told == nil) {
		s.o.Failing(now)
	}
	return now
}

// fail refuses new items, because the disk does.
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

// writeSome writes a batch to the active segment, which it makes if need be.
// It reports whether there may be more.
func (s *Spool) writeSome() (more bool, err error) {
	s.mu.Lock()
	seg, failing := s.active, s.commit.failing != nil
	batch, size, next := s.batchLocked(seg)
	if len(batch) == 0 && (seg != nil || !failing) {
		if next == len(s.intake.entries) { // the rest is settled already
			s.intake.written = s.stats.Last
			s.commit.tellWaiters(s.intake.written, s.intake.confirmed, nil)
			s.commit.failing = nil
			if len(s.commit.waiters) > 0 {
				kick(s.commit.dirty)
				kick(s.commit.urgent)
			}
			s.mu.Unlock()
			return false, nil
		}
	}
	if seg == nil || len(batch) == 0 {
		s.retireActiveLocked(true)
		first := s.stats.Last + 1
		if next < len(s.intake.entries) {
			first = s.intake.entries[next].number
		}
		s.mu.Unlock()
		return true, s.newActive(first)
	}
	generation, off := s.commit.generation, seg.end
	s.mu.Unlock()

	buf := slices.Grow(s.commit.buf[:0], size)
	for _, e := range batch {
		buf = appendFrame(buf, seg.salt, kindItems, &Letter{Item: e.Item, number: e.number})
	}
	s.commit.buf = buf
	if cap(buf) > 2*batchBytes {
		s.commit.buf = nil
	}
	mayCrash("frames encoded")
	if err := seg.write(buf, off); err != nil {
		return true, s.badWrite(seg, err)
	}
	mayCrash("frames written")
	s.wrote(seg, batch, off, generation)
	return true, nil
}

// batch collects what fits into the segment, not what is settled already. next
// is where the following one begins.
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

// fits tells whether a frame of that number may end there.
func (s *segment) fits(number uint64, end int64) bool {
	return end <= s.size && number-s.first < uint64(s.capacity) //nolint:gosec // Not negative.
}

// wrote notes where the batch is.
func (s *Spool) wrote(seg *segment, batch []*entry, off int64, generation int) {
	var settled []uint64
	s.mu.Lock()
	for _, e := range batch {
		n := frameSize(&e.Item, "")
		if e.seg != nil && !e.settled {
			s.commit.superseded = append(s.commit.superseded, address{e.seg, e.number})
		}
		seg.count++
		seg.bytes += e.size()
		seg.last, seg.newest = e.number, e.Time
		if e.settled {
			settled = append(settled, e.number)
		} else {
			seg.unsettled++
		}
		e.seg, e.off, e.length = seg, off, n
		if e.settled {
			s.stepOverLocked(e)
		}
		off += int64(n)
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

// badWrite gives the segment up. The first time in a row another is tried at
// once.
func (s *Spool) badWrite(seg *segment, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.abandonLocked(seg)
	if s.commit.failures++; s.commit.failures > 1 {
		return err
	}
	return nil
}

// giveUpOn ends the writing to a segment of which a write or a sync failed.
// Whether what is in it reached the disk is unknown and stays so, since a
// second sync may succeed without it
// (https://lwn.net/Articles/752063/): all that was not synced is written again,
// to another.
func (s *Spool) abandonLocked(seg *segment) {
	seg.broken.Store(true)
	s.commit.generation++
	for _, other := range s.segments {
		if other == s.active || other.last > s.intake.confirmed {
			other.voidFrom = s.intake.confirmed + 1
		}
	}
	s.retireActiveLocked(false) // the writer may be writing to it right now
	s.intake.rewind()
	s.report.Rewritten++
	kick(s.commit.work)
}

func (s *Spool) retireActiveLocked(seal bool) {
	if seg := s.active; seg != nil {
		s.active = nil
		seg.retired = true
		if seal {
			s.unsealed = append(s.unsealed, seg)
		}
		s.releaseLocked(seg, 0)
		kick(s.commit.dirty)
	}
}

// errCrowded says that there may be no more segments until one is settled, or
// somebody has looked after the quarantine.
var errCrowded = fmt.Errorf("%w: too much is in segments with something unsettled in them, or in quarantine", ErrFull)

// newActive makes the next segment, for records from that number on.
func (s *Spool) newActive(first uint64) error {
	if err := s.checkOwner(); err != nil {
		return err
	}
	s.mu.Lock()
	id := s.nextID
	full := int64(len(s.segments))*s.o.SegmentBytes+s.report.QuarantinedBytes >= 2*s.o.Bytes+4*s.o.SegmentBytes
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
