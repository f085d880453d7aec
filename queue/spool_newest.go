package queue

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
)

// backlogEnd is the newest of what is on the disk only, as far as it was read. The
// frames of a segment can only be found from its beginning, so it is gone through
// once, and then read in parts, the last one first. The spool's lock guards it.
type backlogEnd struct {
	seg     *segment // nil: the newest with something unread
	marks   []int64  // where its parts begin that were not read
	end     int64    // and where the last of them ends
	entries []*entry // of the part read last, oldest first
}

// partBytes is how much of a segment is read at once, if no frame is larger.
const partBytes = 64 << 10

func (b *backlogEnd) reset() { *b = backlogEnd{} }

// newest is the newest entry read, nil if there is none that the reader from the
// other end has not had.
func (b *backlogEnd) newest(lastRead uint64) *entry {
	if n := len(b.entries); n > 0 {
		if e := b.entries[n-1]; e.number > lastRead && e.seg.unread > 0 {
			return e
		}
	}
	b.entries = nil
	return nil
}

// ReceiveNewest implements [NewestReceiver]. The newest items are in memory, as
// many as Window: a call costs no more than what it hands out. Beyond those it
// reads from the end of the files: 64 KiB at a time, and each segment once as a
// whole to know where its frames are. Of a segment that cannot be read it leaves
// the rest to Receive. A single read that hangs holds it up, as it does Receive.
func (s *Spool) ReceiveNewest(ctx context.Context, n int) ([]Delivery, error) {
	got, unread, err := s.takeNewest(nil, n, false)
	if unread {
		select {
		case s.window.reading <- struct{}{}:
			defer func() { <-s.window.reading }()
		case <-ctx.Done():
			err, unread = ctx.Err(), false
		}
	}
	for unread && err == nil {
		if err = s.readBack(ctx); err == nil {
			got, unread, err = s.takeNewest(got, n, true)
		}
	}
	if len(got) > 0 {
		return got, nil
	}
	return nil, err
}

// takeNewest adds to what was got, as far as it may. unread is as of pickNewest.
func (s *Spool) takeNewest(got []Delivery, n int, reading bool) (_ []Delivery, unread bool, err error) {
	for more := true; more && !unread && err == nil; {
		var out []*entry
		out, unread, err = s.pickNewest(n-len(got), reading)
		got = append(got, s.deliver(out)...)
		more = len(out) > 0 && len(got) < n // one of them was damaged
	}
	return got, unread, err
}

// pickNewest marks what is handed out. unread says that what comes next has to be
// read first, or may only be looked at by who holds reading.
func (s *Spool) pickNewest(n int, reading bool) (out []*entry, unread bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, false, ErrClosed
	}
	s.findDueLocked()
	for len(out) < n {
		var fresh *entry
		fresh, unread = s.newestFreshLocked(reading)
		given := s.dueNewest.first()
		e := newer(given, fresh)
		if unread || e == nil {
			break
		}
		if e == given {
			s.handAgainLocked(e)
		} else {
			s.takeFreshLocked(e)
			s.handLocked(e)
		}
		out = append(out, e)
	}
	s.intake.trim(s)
	return out, unread, nil
}

// newestFresh is the newest that was never handed out, nil if there is none.
func (s *Spool) newestFreshLocked(reading bool) (e *entry, unread bool) {
	switch {
	case len(s.begun.entries) >= s.mostBegun():
		return nil, false
	case s.tail != nil:
		return s.tail, false
	case s.lastUnreadLocked() != nil:
		if reading {
			e = s.window.back.newest(s.window.lastRead)
		}
		return e, e == nil
	case len(s.window.loaded) > 0:
		return s.window.loaded[len(s.window.loaded)-1], false
	}
	return nil, false
}

// takeFresh takes what newestFresh found from where it is.
func (s *Spool) takeFreshLocked(e *entry) {
	switch e {
	case s.tail:
		s.unlinkLocked(e)
	case s.window.back.newest(s.window.lastRead):
		s.window.back.entries = s.window.back.entries[:len(s.window.back.entries)-1]
		s.window.hasRead(e.seg, 1, e.size())
		e.seg.goAheadLocked(e.number)
	default:
		s.window.loaded = s.window.loaded[:len(s.window.loaded)-1]
	}
}

// stepOver makes the reader step over an entry that left the memory before the
// reader came by.
func (s *Spool) stepOverLocked(e *entry) {
	if s.window.backlogged && e.seg != nil {
		e.seg.goAheadLocked(e.number)
	}
}

// goAhead notes that a record was handed out before the reader came by.
func (s *segment) goAheadLocked(number uint64) {
	i := number - s.first
	if s.ahead == nil {
		s.ahead = make([]uint64, s.capacity/64+1)
	}
	s.ahead[i/64] |= 1 << (i % 64)
}

// wentAhead tells whether a record was handed out before the reader came by.
func (s *segment) wentAheadLocked(number uint64) bool {
	i := number - s.first
	return i/64 < uint64(len(s.ahead)) && s.ahead[i/64]&(1<<(i%64)) != 0
}

// lastUnread is the newest segment that has something unread in it, as far as one
// knows.
func (s *Spool) lastUnreadLocked() *segment {
	if s.window.unread > 0 {
		for _, seg := range slices.Backward(s.segments) {
			if seg.unread > 0 && !seg.searched {
				return seg
			}
		}
	}
	return nil
}

// stretch is what is read of a segment at once.
type stretch struct {
	seg      *segment
	whole    bool // only to know where its parts begin
	off, end int64
	stop     uint64 // what has this number or a higher one is elsewhere
}

// readBack reads what comes next, so that there is a newest entry, or nothing
// unread that can be read. Only one goroutine does it at a time.
func (s *Spool) readBack(ctx context.Context) error {
	for {
		next, ok := s.nextStretch()
		if !ok {
			return nil
		}
		marks, got, err := s.readStretch(ctx, next)
		s.mu.Lock()
		switch b := &s.window.back; {
		case b.seg != next.seg: // there is something newer
		case err != nil:
			b.reset()
			if ctx.Err() != nil || errors.Is(err, errNotOpened) && !errors.Is(err, fs.ErrNotExist) {
				s.mu.Unlock()
				return err
			}
			next.seg.searched = true
		case next.whole:
			b.marks, b.end = marks, next.end
		default:
			b.marks, b.end = b.marks[:len(b.marks)-1], next.off
			b.entries = slices.DeleteFunc(got, func(e *entry) bool {
				return e.number <= s.window.lastRead || e.seg.wentAheadLocked(e.number)
			})
		}
		s.mu.Unlock()
	}
}

// nextStretch says what is to be read next, if anything is.
func (s *Spool) nextStretch() (next stretch, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := &s.window.back
	if b.newest(s.window.lastRead) != nil {
		return next, false
	}
	if b.seg != nil && (len(b.marks) == 0 || b.seg.unread == 0 || b.seg == s.window.at && b.end <= s.window.atOff) {
		b.seg.searched = true
		b.reset()
	}
	if next.whole = b.seg == nil; next.whole {
		if b.seg = s.lastUnreadLocked(); b.seg == nil {
			return next, false
		}
		next.off, next.end = b.seg.data(), b.seg.end
		if b.seg == s.window.at {
			next.off = s.window.atOff
		}
	} else {
		next.off, next.end = b.marks[len(b.marks)-1], b.end
	}
	next.seg, next.stop = b.seg, s.intake.firstNumber(s.stats.Last)
	if b.seg.voidFrom > 0 {
		next.stop = min(next.stop, b.seg.voidFrom)
	}
	return next, true
}

// readStretch returns where the parts begin, or the entries that are not settled.
func (s *Spool) readStretch(ctx context.Context, next stretch) (marks []int64, got []*entry, err error) {
	r := newFrameReader(next.seg, &next.seg.header, next.off, next.end)
	for {
		rec, err := r.next()
		switch {
		case errors.Is(err, io.EOF), err == nil && rec.number >= next.stop:
			return marks, got, nil
		case err != nil:
			return nil, nil, err
		case !next.whole:
			if !next.seg.settled(rec.number) {
				rec.Body = slices.Clone(rec.Body)
				got = append(got, s.onDisk(next.seg, &rec))
			}
		case len(marks) == 0 || rec.off-marks[len(marks)-1] >= partBytes:
			if ctx.Err() != nil {
				return nil, nil, ctx.Err()
			}
			marks = append(marks, rec.off)
		}
	}
}
