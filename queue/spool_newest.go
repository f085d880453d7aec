package queue

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
)

// How the newest items come back from the disk
//
// The frames of a segment can only be found from its beginning. So ReceiveNewest goes
// through a segment once as a whole and keeps marks: the offsets at which its parts of
// about 64 KiB begin. Then it reads one part after the other, the last part first. A
// worked example, which TestNewestExample runs. The window is 10 items, and the spool is
// opened with 700 items in segment S1, whose records have 300 bytes each:
//
//	step                                           loaded  marks  entries
//	the spool is opened: readOn reads 1 to 10          10      0        0
//	readBack: nextStretch is all of S1 from 11 on,
//	    and readStretch finds where parts begin        10      4        0
//	readBack: nextStretch is the last part, and
//	    readStretch reads it                           10      3       33
//	ReceiveNewest(10) hands out 700 to 691:
//	    each is marked in S1's ahead                   10      3       23
//	later, the window's reader comes to 691 and
//	    steps over all that is marked
//
// When the two readers meet, each leaves to the other what that has: this one drops
// entries up to window.lastRead, the other steps over what went ahead.

// backlogEnd is the newer end of what is on the disk only, as far as it was read from
// there. The spool's lock guards it, and its methods are called with that lock held.
type backlogEnd struct {
	seg     *segment // nil: the search begins at the newest segment with unread records
	marks   []int64  // where the parts begin that have not been read
	end     int64    // where the last of those parts ends
	entries []*entry // of the part read last, by number
}

// partBytes is how much of a segment a part has, or one frame if that is larger.
const partBytes = 64 << 10

// reset makes the search begin anew.
func (b *backlogEnd) reset() { *b = backlogEnd{} }

// newest returns the newest entry read. It returns nil if none is left, or if the
// window's reader has had them.
func (b *backlogEnd) newest(lastRead uint64) *entry {
	if n := len(b.entries); n > 0 {
		if e := b.entries[n-1]; e.number > lastRead && e.seg.unread > 0 {
			return e
		}
	}
	b.entries = nil
	return nil
}

// ReceiveNewest implements [NewestReceiver]. The newest items are in memory, as many as
// Window; a call that finds enough of them costs no more than what it hands out. For older
// ones it reads from the end of the files: 64 KiB at a time, and each file once as a
// whole, to know where its frames are. What it cannot read it leaves to Receive. If a
// read takes a second, it returns what is in memory.
func (s *Spool) ReceiveNewest(ctx context.Context, n int) ([]Delivery, error) {
	got, unread, err := s.takeNewest(nil, n, false)
	if err == nil && unread {
		err = ctx.Err()
	}
	if err == nil && unread {
		var more []Delivery
		var bad error
		if s.run(ctx, &s.window.readingBack, func() { more, bad = s.readNewest(ctx, n-len(got)) }, func() {
			for _, d := range more {
				s.giveBackLocked(d.ticket.(ticket).entry, 0)
			}
		}) == errandDone {
			got, err = append(got, more...), bad
		} else {
			err = ctx.Err()
		}
	}
	if len(got) > 0 {
		return got, nil
	}
	return nil, err
}

// readNewest takes items that have to be read.
func (s *Spool) readNewest(ctx context.Context, n int) (got []Delivery, err error) {
	select {
	case s.window.reading <- struct{}{}:
		defer func() { <-s.window.reading }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for unread := true; unread && err == nil; {
		if err = s.readBack(ctx); err == nil {
			got, unread, err = s.takeNewest(got, n, true)
		}
	}
	return got, err
}

// takeNewest adds items to got until there are n, or none can be had without reading;
// unread then says that reading may help.
func (s *Spool) takeNewest(got []Delivery, n int, reading bool) (_ []Delivery, unread bool, err error) {
	for more := true; more && !unread && err == nil; {
		var out []*entry
		out, unread, err = s.pickNewest(n-len(got), reading)
		got = append(got, s.deliver(out)...)
		more = len(out) > 0 && len(got) < n // one that was picked was damaged
	}
	return got, unread, err
}

// pickNewest takes at most n items from where they wait, the newest first. The argument
// reading says that the caller has reading. The result unread says that the next item
// has to be read from the disk, or that only whoever has reading may take it.
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
	s.trimIntakeLocked()
	return out, unread, nil
}

// newestFreshLocked returns the newest fresh item, nil if there is none. unread is as
// for pickNewest.
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

// takeFreshLocked takes the item that newestFreshLocked returned from where it waits.
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

// stepOverLocked makes the window's reader step over an item that has left the memory.
// It needs no reading again: it was received or settled.
func (s *Spool) stepOverLocked(e *entry) {
	if s.window.backlogged && e.seg != nil {
		e.seg.goAheadLocked(e.record)
	}
}

// goAheadLocked notes that a record was taken before the window's reader came by. The
// spool's lock is held.
func (s *segment) goAheadLocked(number uint64) {
	i := number - s.first
	if s.ahead == nil {
		s.ahead = make([]uint64, s.capacity/64+1)
	}
	s.ahead[i/64] |= 1 << (i % 64)
}

// wentAheadLocked reports whether a record was taken before the window's reader came
// by. The spool's lock is held.
func (s *segment) wentAheadLocked(number uint64) bool {
	i := number - s.first
	return i/64 < uint64(len(s.ahead)) && s.ahead[i/64]&(1<<(i%64)) != 0
}

// lastUnreadLocked returns the newest segment with unread records, nil if there is
// none. It leaves out those that were searched in vain from this end.
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
	whole    bool // find the marks only; else read the entries
	off, end int64
	stop     uint64 // records from this number on are in memory or void
}

// readBack reads one stretch after the other until backlogEnd has an entry, or until
// nothing unread is left that can be read. The caller has reading.
func (s *Spool) readBack(ctx context.Context) error {
	for {
		next, ok := s.nextStretch()
		if !ok {
			return nil
		}
		marks, got, err := s.readStretch(ctx, next)
		s.mu.Lock()
		switch b := &s.window.back; {
		case b.seg != next.seg: // it was reset: there is something newer
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

// nextStretch returns what is to be read next. ok is false if nothing is.
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

// readStretch returns where the parts begin (of a whole segment), or the entries that
// are not settled (of a part).
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
