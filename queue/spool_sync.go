package queue

import (
	"slices"
	"time"
)

// sync is the syncer's goroutine. It makes what was written survive a loss of power, a
// group at a time. It syncs a group SyncEvery after the first record of it was written,
// or as soon as somebody waits for it.
func (s *Spool) sync() {
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	defer timer.Stop()
	for {
		select {
		case <-s.commit.dirty:
		case <-s.commit.writerDone:
			s.syncOnce()
			s.syncOnce() // the first has sealed headers: these need a sync, too
			return
		}
		timer.Reset(s.o.SyncEvery)
		select {
		case <-timer.C:
		case <-s.commit.urgent:
			timer.Stop()
		case <-s.commit.writerDone:
		}
		s.syncOnce()
	}
}

// syncOnce syncs all that was written before the call. It drops the lock meanwhile
// (invariant 5 of spool_commit.go). Letters come first: an item is not settled on the
// disk before its letter is there (invariant 8).
func (s *Spool) syncOnce() {
	s.mu.Lock()
	c := &s.commit
	target, generation := s.intake.written, c.generation
	dirChanged, sealing, buried := c.dirChanged, s.unsealed, c.buried
	c.dirChanged, s.unsealed, c.buried, c.sinceSync = false, nil, nil, 0
	segments := append([]*segment(nil), s.segments...)
	s.mu.Unlock()

	mayCrash("before sync")
	if dirChanged {
		if err := s.disk.SyncDir(s.dir); err != nil {
			s.mu.Lock()
			c.dirChanged, c.buried, s.unsealed = true, append(buried, c.buried...), append(sealing, s.unsealed...)
			s.mu.Unlock()
			s.badSync(nil, err)
			return
		}
	}
	s.syncLetters(buried)
	for _, seg := range segments {
		if err := seg.sync(); err != nil {
			s.badSync(seg, err)
		}
	}
	mayCrash("synced")
	s.confirmSync(target, generation)
	s.seal(sealing)
}

// syncLetters syncs the dead letters and settles their items. A letter whose segment
// could not be synced is written again, to another.
func (s *Spool) syncLetters(buried []burial) {
	b := &s.letters
	for i, l := range buried {
		if l.letterAt.seg == nil {
			buried[i].letterAt, _ = b.add(l.letter) // if it fails, another time
		}
	}
	_ = b.sync() // its segments say which could not
	var safe, lost []address
	again := buried[:0]
	for _, l := range buried {
		switch {
		case l.letterAt.seg == nil:
		case l.letterAt.seg.broken.Load():
			lost = append(lost, l.letterAt)
			l.letterAt = address{}
		default:
			safe = append(safe, l.itemAt)
			continue
		}
		again = append(again, l)
	}
	s.settleAt(safe)
	if len(again) == 0 {
		return
	}
	b.ack(lost)
	s.mu.Lock()
	s.commit.buried = append(again, s.commit.buried...)
	s.mu.Unlock()
	time.AfterFunc(retryAfter, func() { kick(s.commit.dirty) })
}

// settleAt acks records whose items are safe elsewhere.
func (s *Spool) settleAt(copies []address) {
	for _, c := range copies {
		c.seg.ack(c.number)
		s.mu.Lock()
		s.releaseLocked(c.seg, 1)
		s.mu.Unlock()
	}
}

// seal completes the headers of segments to which nothing more is written. Without
// that, the next start has to go through their frames.
//
// The next start has to do just that for a segment with copies, as long as the acks of the
// originals may be lost with the power. So those are synced first.
func (s *Spool) seal(segments []*segment) {
	for _, seg := range segments {
		s.mu.Lock()
		spoiled, copies := seg.spoiled, seg.copies
		s.mu.Unlock()
		if !spoiled && copies && !s.syncOlder(seg) {
			continue // the next start goes through it
		}
		if !spoiled && seg.seal() == nil {
			kick(s.commit.dirty)
		}
	}
}

// syncOlder syncs the segments before one, and reports whether they all could be.
func (s *Spool) syncOlder(than *segment) bool {
	s.mu.Lock()
	segments := slices.Clone(s.segments)
	s.mu.Unlock()
	for _, seg := range segments {
		if seg.id >= than.id {
			continue
		}
		if err := seg.sync(); err != nil {
			s.badSync(seg, err)
			return false
		}
	}
	return true
}

// confirmSync notes that all items up to the number are synced, unless a segment was
// abandoned meanwhile (invariant 5). Then it settles their superseded copies.
func (s *Spool) confirmSync(number uint64, generation int) {
	s.mu.Lock()
	if generation != s.commit.generation {
		s.mu.Unlock()
		return
	}
	s.commit.badSyncs = 0
	s.confirmLocked(number)
	s.commit.tellWaiters(s.intake.written, s.intake.confirmed, nil)
	var ready []address
	kept := s.commit.superseded[:0]
	for _, c := range s.commit.superseded {
		if c.by > number {
			kept = append(kept, c)
		} else {
			ready = append(ready, c.address)
		}
	}
	s.commit.superseded = kept
	s.mu.Unlock()
	s.settleAt(ready)
}

// badSync abandons the segment that could not be synced, if something in it is not
// confirmed, or if the writer may be writing to it. Without a segment it was the directory
// that could not be synced. The second failure in a row says that the disk fails.
func (s *Spool) badSync(seg *segment, err error) {
	s.mu.Lock()
	unsafe := seg == nil || seg.last > s.intake.confirmed || seg == s.active
	if unsafe && seg != nil {
		s.abandonLocked(seg)
	}
	if unsafe {
		s.commit.badSyncs++
	}
	failed := unsafe && s.commit.badSyncs > 1
	s.commit.mustPause = s.commit.mustPause || failed
	s.mu.Unlock()
	kick(s.commit.dirty)
	if failed {
		s.fail(err)
		kick(s.commit.work)
	}
}
