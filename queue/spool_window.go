package queue

import (
	"errors"
	"io"
	"io/fs"
	"slices"
	"time"
)

// window is what the spool reads ahead. The oldest items are on the disk only
// while backlogged; then come those of the intake. The spool's lock guards it,
// but for the reader.
type window struct {
	loaded         []*entry
	backlogged     bool
	at             *segment // what is to be read next
	atOff          int64
	lastRead       uint64    // all up to this number was read
	oldestUnread   time.Time // of what was not, if nothing is loaded
	unread         int       // on the disk only, in all segments
	givenBackBytes int64     // bytes of bodies of those given back
	back           backlogEnd

	reading chan struct{} // full while files are read
	reader  *frameReader  // is at atOff in at; nil: it has to be made
}

// leave says that an item which was not handed out is on the disk only.
func (w *window) leaveOnDisk(e *entry) {
	if !w.backlogged {
		w.backlogged, w.at, w.atOff = true, e.seg, e.off
		w.reader = nil
	}
	if w.unread == 0 {
		w.oldestUnread, w.lastRead = e.Time, e.number-1
	}
	w.unread++
	e.seg.unread++
	e.seg.unreadBytes += e.size()
	e.seg.searched = false
	w.back.reset() // it is not the end any more
}

// hasRead counts what is in memory, or is lost.
func (w *window) hasRead(seg *segment, n int, bytes int64) {
	w.unread -= n
	seg.unread -= n
	seg.unreadBytes -= bytes
}

// nextFresh is the oldest that was not handed out, nil if it is not in memory.
func (s *Spool) nextFreshLocked() *entry {
	switch {
	case len(s.window.loaded) > 0:
		return s.window.loaded[0]
	case s.window.unread == 0:
		return s.head
	}
	return nil
}

// take implements keeper.
func (s *Spool) take(n int) ([]Delivery, time.Duration, error) {
	failed := s.load(n)
	s.mu.Lock()
	if s.closed {
		s.signal() // for the next one who waits
		s.mu.Unlock()
		return nil, 0, ErrClosed
	}
	wait := s.findDueLocked()
	out := s.pickLocked(n)
	more := s.due.first() != nil || s.window.backlogged || s.nextFreshLocked() != nil
	if len(out) > 0 && (more || wait > 0) {
		s.signal() // there is or will be something for another receiver
	}
	s.mu.Unlock()
	if got := s.deliver(out); len(got) > 0 || failed == nil {
		return got, wait, nil
	}
	return nil, 0, failed
}

// pick marks what is handed out.
func (s *Spool) pickLocked(n int) (out []*entry) {
	for e := s.due.first(); e != nil && len(out) < n; e = s.due.first() {
		s.handAgainLocked(e)
		out = append(out, e)
	}
	for e := s.nextFreshLocked(); e != nil && len(out) < n && len(s.begun.entries) < s.mostBegun(); e = s.nextFreshLocked() {
		if len(s.window.loaded) > 0 {
			s.window.loaded = s.window.loaded[1:]
		} else {
			s.unlinkLocked(e)
		}
		s.handLocked(e)
		out = append(out, e)
	}
	s.intake.trim(s)
	return out
}

// comeUp hands out an entry that was given back.
func (s *Spool) handAgainLocked(e *entry) {
	s.takeDueLocked(e)
	if !e.dropped {
		s.window.givenBackBytes -= int64(len(e.Body))
	}
	s.handLocked(e)
}

// deliver reads the bodies that were let go and makes the deliveries.
func (s *Spool) deliver(out []*entry) []Delivery {
	got := make([]Delivery, 0, len(out))
	for _, e := range out {
		if e.dropped && !s.fetch(e) {
			continue
		}
		got = append(got, NewDelivery(e.Item, ticket{e, e.turn}))
	}
	return got
}

// fetch reads an entry's body again. If the disk fails the item waits; if it is
// damaged it is lost.
func (s *Spool) fetch(e *entry) bool {
	r := newFrameReader(e.seg, &e.seg.header, e.off, e.off+int64(e.length))
	rec, err := r.frameAt(e.off)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil && rec.number == e.number:
		e.Body, e.dropped = slices.Clone(rec.Body), false
		return true
	case err == nil || errors.Is(err, errNoFrame):
		e.out, e.settled = false, true
		s.letGoLocked(e)
		s.loseLocked(e.seg, 1, int64(e.length-frameHead))
		s.releaseLocked(e.seg, 1)
	default:
		s.giveBackLocked(e, retryAfter)
	}
	return false
}

// lose counts records that were there and cannot be read.
func (s *Spool) loseLocked(seg *segment, n int, bytes int64) {
	seg.spoiled = true
	s.stats.Damaged += uint64(n) //nolint:gosec // Not negative.
	s.report.Damaged += n
	s.bounds.items -= int64(n)
	s.bounds.bytes -= bytes
}

// returned implements keeper: the bodies of what was given back are let go when
// they are too many.
func (s *Spool) returnedLocked(e *entry) {
	if e.dropped {
		return
	}
	s.window.givenBackBytes += int64(len(e.Body))
	if s.window.givenBackBytes > windowBytes && e.seg != nil && e.number <= s.intake.confirmed {
		s.window.givenBackBytes -= int64(len(e.Body))
		e.Body, e.dropped = nil, true
	}
}

// load reads ahead, so that there are more than n if there are so many.
func (s *Spool) load(n int) error {
	if !s.wantsMore(n) {
		return nil
	}
	s.window.reading <- struct{}{}
	defer func() { <-s.window.reading }()
	for s.wantsMore(n) {
		if err := s.readOn(); err != nil {
			return err
		}
	}
	return nil
}

func (s *Spool) wantsMore(n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.window.backlogged && !s.closed && len(s.window.loaded) <= n
}

// errInMemory ends the reading where the intake begins.
var errInMemory = errors.New("queue: the rest is in memory")

// readOn reads what is next, up to a window's worth of one segment. Only one
// goroutine does it at a time.
func (s *Spool) readOn() error {
	s.mu.Lock()
	seg, end := s.window.at, s.window.at.end
	if seg.unread == 0 { // without letting go of the lock: the intake may leave more in it
		s.passOnLocked(seg)
		s.mu.Unlock()
		return nil
	}
	if s.window.reader == nil {
		s.window.reader = newFrameReader(seg, &seg.header, s.window.atOff, end)
	}
	s.window.reader.end = end
	boundary, limit := s.intake.firstNumber(s.stats.Last), seg.voidFrom
	s.mu.Unlock()

	got, bytes, err := s.readEntries(seg, boundary, limit)

	s.mu.Lock()
	defer s.mu.Unlock()
	s.window.loaded = append(s.window.loaded, got...)
	s.window.hasRead(seg, len(got), bytes)
	s.window.atOff = s.window.reader.off
	if len(got) > 0 {
		seg.failedReads = 0
		s.window.lastRead = got[len(got)-1].number
	}
	switch {
	case err == nil:
		return nil // the window is full
	case errors.Is(err, errInMemory):
		if s.intake.firstNumber(s.stats.Last) != boundary {
			return nil // the intake has let go of what comes next
		}
	case errors.Is(err, io.EOF):
		if seg.end != end {
			return nil // the writer has appended something
		}
	case !s.unreadableLocked(seg, err):
		return err // Receive says so, and tries again
	}
	s.passOnLocked(seg)
	return nil
}

// readEntries reads until the window is full, the segment ends, or what follows
// is in memory.
func (s *Spool) readEntries(seg *segment, boundary, limit uint64) (got []*entry, bytes int64, err error) {
	for len(got) < s.o.Window && bytes < windowBytes/4 {
		rec, err := s.window.reader.next()
		switch {
		case err != nil:
			return got, bytes, err
		case limit > 0 && rec.number >= limit:
			return got, bytes, io.EOF
		case rec.number >= boundary:
			s.window.reader.off, s.window.reader.prev = rec.off, rec.number-1
			return got, bytes, errInMemory
		case s.wentAhead(seg, rec.number), seg.settled(rec.number):
			continue
		}
		rec.Body = slices.Clone(rec.Body)
		e := s.onDisk(seg, &rec)
		got = append(got, e)
		bytes += e.size()
	}
	return got, bytes, nil
}

func (s *Spool) wentAhead(seg *segment, number uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return seg.wentAheadLocked(number)
}

// onDisk makes the entry of a record that was read.
func (s *Spool) onDisk(seg *segment, rec *record) *entry {
	return &entry{Item: rec.Item, desk: &s.desk, number: rec.number, place: place{seg: seg, off: rec.off, length: rec.size}}
}

// giveUp says whether to go on without the rest of a segment: if it is gone, or
// could not be read several times. If it cannot even be opened, nothing is wrong
// with it: there are no file descriptors, or somebody took the rights away.
func (s *Spool) unreadableLocked(seg *segment, err error) bool {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true
	case errors.Is(err, errNotOpened):
		return false
	}
	seg.failedReads++
	return seg.failedReads >= 5
}

// passOn leaves a segment of which everything was read. What should have been
// there and was not is lost.
func (s *Spool) passOnLocked(seg *segment) {
	if n := seg.unread; n > 0 {
		s.loseLocked(seg, n, seg.unreadBytes)
		s.window.hasRead(seg, n, seg.unreadBytes)
		s.releaseLocked(seg, n)
	}
	for _, next := range s.segments {
		if next.id > seg.id && next.unread > 0 {
			s.window.at, s.window.atOff, s.window.reader = next, next.data(), nil
			return
		}
	}
	s.window.backlogged, s.window.reader = false, nil
}
