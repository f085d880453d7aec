package queue

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"time"
)

// How items come back from the disk
//
// A fresh item is one that nobody has received yet. Fresh items lie in three places,
// one after the other by number:
//
//	loaded          in memory, read ahead from the disk
//	unread          on the disk only
//	head to tail    in memory, in the intake (the list of package desk.go)
//
// A worked example, which TestWindowExample runs. The window is 1,000 items, and the spool
// is opened with 1,500 waiting in segment S1:
//
//	step                                               loaded  unread  in memory
//	the spool is opened: backlogged, at is S1               0   1,500          0
//	readOn reads as much as the window takes            1,000     500          0
//	20 items are appended and written into S1           1,000     500         20
//	Receive(100) hands out from loaded, nine times        100     500         20
//	Receive(100) finds no more than it needs: readOn      500       0         20
//	    reads 500 and meets the first of the 20
//	    (errInMemory). It passes on from S1, no segment
//	    has anything unread, and backlogged ends
//	Receive(100) hands out from loaded, then the 20         0       0          0
//	1,300 items are appended, and nobody receives           0       0      1,300
//	as they are synced, the intake lets go of the           0     300      1,000
//	    oldest 300: backlogged again, at is their place
//
// ReceiveNewest takes fresh items from the other end: from the tail, then from the
// unread (spool_newest.go), then from the end of loaded.
//
// The invariants. They hold whenever nobody has the spool's lock.
//
//  1. Numbers rise from loaded over the unread to head and tail.
//  2. window.unread is the sum of segment.unread over all segments. If it is above
//     zero, backlogged is true.
//  3. While backlogged, every unread record is in the segment at from atOff on, or in
//     a later segment.
//  4. The reader steps over a record that is settled, void (segment.voidFrom), or was
//     taken before it came by (segment.ahead). All others that it reads were unread.
//  5. Whoever has reading may drop the lock while it reads files. While backlogged,
//     nobody else moves at and atOff. Meanwhile the intake may leave more unread
//     records, all behind at; nobody takes unread ones, since that needs reading.

// window is what the spool reads ahead, and where it goes on. The spool's lock guards
// it, and its methods are called with that lock held. The reader alone belongs to
// whoever has reading.
type window struct {
	loaded []*entry // fresh, read from the disk, by number

	// backlogged: some fresh items may be on the disk only, and reading has to go
	// on from at. When it is false, all fresh items are in memory.
	backlogged bool
	at         *segment // while backlogged: the segment to be read next
	atOff      int64    // the offset in it of the frame to be read next

	unread       int       // records of fresh items that are on the disk only
	lastRead     uint64    // all fresh items up to this number have been read
	oldestUnread time.Time // the time of the first unread item, if nothing is loaded

	givenBackBytes int64 // of the bodies in memory of items given back
	back           backlogEnd

	loading, fetching, readingBack errand

	reading chan struct{} // holds one token while somebody reads files
	reader  *frameReader  // stands at atOff of at; nil if it has to be made
}

// leaveOnDisk notes that a fresh item is on the disk only from now on.
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
	w.back.reset() // the item is newer than what was read from the end
}

// hasRead notes that n unread records of a segment are in memory now, or lost.
func (w *window) hasRead(seg *segment, n int, bytes int64) {
	w.unread -= n
	seg.unread -= n
	seg.unreadBytes -= bytes
}

// nextFreshLocked returns the oldest fresh item, nil if it is not in memory. While
// reading hangs it is the oldest of those in memory.
func (s *Spool) nextFreshLocked(hanging bool) *entry {
	switch {
	case len(s.window.loaded) > 0:
		return s.window.loaded[0]
	case s.window.unread == 0 || hanging:
		return s.head
	}
	return nil
}

// take implements backend.
func (s *Spool) take(n int) ([]Delivery, time.Duration, error) {
	hanging, failed := s.loadInTime(n)
	if err := s.rereadInTime(n); failed == nil {
		failed = err
	}
	s.mu.Lock()
	if s.closed {
		s.signal() // for the next one who waits
		s.mu.Unlock()
		return nil, 0, ErrClosed
	}
	wait := s.findDueLocked()
	if pass := s.behind.untilRead(time.Now()); wait == 0 || pass > 0 && pass < wait {
		wait = pass
	}
	out := s.pickLocked(n, hanging)
	more := s.due.first() != nil || s.waitingLocked(hanging)
	if len(out) > 0 && (more || wait > 0) {
		s.signal() // there is or will be something for another receiver
	}
	s.mu.Unlock()
	if got := s.deliver(out); len(got) > 0 || failed == nil {
		return got, wait, nil
	}
	return nil, 0, failed
}

// pickLocked takes at most n items from where they wait: those that go first or were given
// back and are due, then fresh ones and those of a pass.
func (s *Spool) pickLocked(n int, hanging bool) (out []*entry) {
	for e := s.due.first(); e != nil && len(out) < n; e = s.due.first() {
		s.handAgainLocked(e)
		out = append(out, e)
	}
	for len(out) < n {
		e := s.nextWaitingLocked(hanging)
		if e == nil {
			break
		}
		s.handLocked(e)
		out = append(out, e)
	}
	s.trimIntakeLocked()
	return out
}

// handAgainLocked hands out an item that was given back and is due.
func (s *Spool) handAgainLocked(e *entry) {
	s.takeDueLocked(e)
	s.keptNoMoreLocked(e)
	s.handLocked(e)
}

// keptNoMoreLocked takes back what returnedLocked has counted.
func (s *Spool) keptNoMoreLocked(e *entry) {
	*s.behind.kept.of(e.Key)--
	if !e.dropped {
		s.window.givenBackBytes -= int64(len(e.Body))
	}
}

// deliver makes the deliveries of what was picked. It reads the bodies that memory had
// let go of.
func (s *Spool) deliver(out []*entry) []Delivery {
	got := make([]Delivery, 0, len(out))
	for _, e := range out {
		if e.dropped && !s.fetchInTime(e) {
			continue
		}
		got = append(got, NewDelivery(e.Item, ticket{e, e.turn}))
	}
	return got
}

// fetchInTime reads an item's body again, and reports whether it did. If the disk hangs,
// the item is given back.
func (s *Spool) fetchInTime(e *entry) bool {
	var body []byte
	var err error
	became := s.run(context.Background(), &s.window.fetching, func() {
		body, err = e.bodyAt(e.place) // compaction leaves alone what is handed out without a body
	}, func() {
		if s.fetchedLocked(e, body, err) {
			s.giveBackLocked(e, 0)
		}
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	switch became {
	case errandDone:
		return s.fetchedLocked(e, body, err)
	case errandBusy:
		s.giveBackLocked(e, retryAfter)
	case errandLate: // given back when it is done
	}
	return false
}

// fetchedLocked notes what came of reading an item's body again. If the disk fails, the
// item waits; if the record is damaged, the item is lost.
func (s *Spool) fetchedLocked(e *entry, body []byte, err error) bool {
	switch {
	case err == nil:
		e.Body, e.dropped = body, false
		return true
	case errors.Is(err, errNoFrame):
		e.out, e.settled = false, true
		s.letGoLocked(e)
		s.loseLocked(e.seg, 1, int64(e.length-frameHead))
		s.releaseLocked(e.seg, 1)
	default:
		s.giveBackLocked(e, retryAfter)
	}
	return false
}

// loseLocked counts records that were there and cannot be read.
func (s *Spool) loseLocked(seg *segment, n int, bytes int64) {
	seg.spoiled = true
	s.stats.Damaged += uint64(n) //nolint:gosec // Not negative.
	s.report.Damaged += n
	s.bounds.items -= int64(n)
	s.bounds.bytes -= bytes
}

// returnedLocked implements backend. What was given back is let go of when it is too
// much: the disk has it.
func (s *Spool) returnedLocked(e *entry) {
	if s.leaveBehindLocked(e) {
		return
	}
	if *s.behind.kept.of(e.Key)++; e.dropped {
		return
	}
	s.window.givenBackBytes += int64(len(e.Body))
	if s.window.givenBackBytes > windowBytes && e.seg != nil && e.number <= s.intake.confirmed {
		s.window.givenBackBytes -= int64(len(e.Body))
		e.Body, e.dropped = nil, true
	}
}

// loadInTime is load, unless the disk hangs.
func (s *Spool) loadInTime(n int) (hanging bool, err error) {
	if !s.wantsMore(n) {
		return false, nil
	}
	var failed error
	if s.run(context.Background(), &s.window.loading, func() { failed = s.load(n) }, nil) != errandDone {
		return true, nil
	}
	return false, failed
}

// load reads ahead until more than n items are loaded or nothing is left to be read.
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

// errInMemory says that the next record belongs to an item in memory.
var errInMemory = errors.New("queue: the rest is in memory")

// readOn reads on from at: a window's worth, or to the end of the segment. The caller
// has reading.
func (s *Spool) readOn() error {
	s.mu.Lock()
	seg, end := s.window.at, s.window.at.end
	if seg.unread == 0 { // under the same lock: the intake may leave more in it at any time
		s.passOnLocked(seg)
		s.mu.Unlock()
		return nil
	}
	if s.window.reader == nil {
		s.window.reader = newFrameReader(seg, &seg.header, s.window.atOff, end)
	}
	s.window.reader.end = end
	boundary, limit := s.intake.firstNumber(s.stats.Last), seg.voidFrom
	s.mu.Unlock() // while the file is read; see invariant 5

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

// readEntries reads entries from where the reader stands. It ends
//   - without an error when the window is full,
//   - with io.EOF where the segment ends, or where its records are void,
//   - with errInMemory before the first item that is in memory.
//
// The first void number is limit, or 0 if there is none; the first number in memory is
// boundary.
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

// wentAhead takes the lock for segment.wentAheadLocked.
func (s *Spool) wentAhead(seg *segment, number uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return seg.wentAheadLocked(number)
}

// onDisk makes the entry of a record that was read.
func (s *Spool) onDisk(seg *segment, rec *record) *entry {
	return &entry{Item: rec.Item, desk: &s.desk, number: rec.number, place: place{seg: seg, record: rec.number, off: rec.off, length: rec.size}}
}

// unreadableLocked reports whether to go on without the rest of a segment: if its file
// is gone, or could not be read five times in a row. A file that cannot be opened may
// be good: the process has no file descriptors left, or its rights were taken away.
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

// passOnLocked moves at from a segment of which everything was read to the next one
// with unread records. What is still unread in the segment cannot be read, and is lost.
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
