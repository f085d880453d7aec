package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Level is how sure an item is when Append has returned nil.
type Level uint8

const (
	// LevelDurable waits until the item was written to the file: it survives
	// the end of the process, however that comes. A loss of power may cost
	// what was written since the last sync (SyncEvery, SyncAfter).
	LevelDurable Level = iota
	// LevelStrict waits until the item was synced: it survives a loss of power
	// too, as far as the disk tells the truth.
	LevelStrict
)

// SpoolOptions are the options of [OpenSpool]. The zero value is good.
type SpoolOptions struct {
	// Level is what Append waits for. Default: LevelDurable.
	Level Level

	// Wait is the longest that Append waits; then it returns ErrNotYetOnDisk.
	// Default: 20 ms at LevelDurable, 100 ms at LevelStrict.
	Wait time.Duration

	// Bytes bounds the bodies and keys of the items not settled. Their files may
	// take twice that and four segments, together with what is in quarantine,
	// since a segment goes only when all in it is settled. Default: 1 GiB.
	Bytes int64

	// Items bounds how many there are. Default: no bound but Bytes.
	Items int

	// Intake bounds the bytes in memory that are not on the disk yet: what is
	// beyond is refused with ErrFull while the disk hangs. Default: 16 MiB.
	Intake int64

	// SyncEvery is how long what was written may wait for the sync that makes
	// it survive a loss of power; after SyncAfter items it waits no longer.
	// Defaults: 100 ms and 100.
	SyncEvery time.Duration
	SyncAfter int

	// Window is how many items read ahead may be in memory, in at most 4 MiB.
	// 64 times as many may be handed out and not settled. Default: 1,000.
	Window int

	// SegmentBytes is the size of a file, from 64 KiB to 64 MiB. An item with
	// its key must fit, and be no larger than 1 MiB. Default: 8 MiB.
	SegmentBytes int64

	// Letters bounds the files of dead letters: the oldest go, and all that
	// are older than LetterAge. Defaults: a quarter of Bytes, but at least two
	// segments, and 30 days.
	Letters   int64
	LetterAge time.Duration

	// PerProcess gives each process a directory of its own below dir, for
	// servers of which several run, or overlap while they restart. What a
	// process that ended left behind is adopted by the next that starts, also
	// if only one of the two was started so.
	// Default: one process; a second gets ErrLocked.
	PerProcess bool

	// Failing is called when the disk begins to refuse new items, with what Err
	// says, and with nil when it takes them again. It is called by a goroutine of
	// the spool, which waits for it, so never twice at once. Default: nil, nobody
	// is told.
	Failing func(error)

	beingAdopted bool // it is opened to be taken over, and takes over nothing itself
}

func (o SpoolOptions) withDefaults() SpoolOptions {
	wait := 20 * time.Millisecond
	if o.Level >= LevelStrict {
		o.Level, wait = LevelStrict, 100*time.Millisecond
	}
	o.Wait = orDefault(o.Wait, wait)
	o.Bytes = orDefault(o.Bytes, 1<<30)
	o.Items = orDefault(o.Items, 1<<62)
	o.Intake = orDefault(o.Intake, 16<<20)
	o.SyncEvery = orDefault(o.SyncEvery, 100*time.Millisecond)
	o.SyncAfter = orDefault(o.SyncAfter, 100)
	o.Window = orDefault(o.Window, 1000)
	o.SegmentBytes = min(max(orDefault(o.SegmentBytes, 8<<20), minSegment), maxSegment)
	o.Letters = orDefault(o.Letters, max(o.Bytes/4, 2*o.SegmentBytes))
	o.LetterAge = orDefault(o.LetterAge, 30*24*time.Hour)
	return o
}

func orDefault[T int | int64 | time.Duration](v, otherwise T) T {
	if v <= 0 {
		return otherwise
	}
	return v
}

const (
	maxItem     = 1 << 20
	windowBytes = 4 << 20
	heldWindows = 64 // of items handed out or given back
	retryAfter  = time.Second
)

// Spool is a queue in a directory of this machine: a log of segments, described
// in docs/spool.md. It implements [Queue], [Reserver], [LetterBox] and
// [NewestReceiver]. All methods are safe for concurrent use.
type Spool struct {
	desk
	o    SpoolOptions
	disk fsys
	dir  string
	lock dirLock
	self Holder

	// The desk's lock guards what follows; no file is touched under it, so a
	// disk that hangs holds up nobody who only wants to know something.
	segments    []*segment // of items, by their numbers
	active      *segment   // the last of them, nil if a new one is needed
	finished    []*segment // to be removed
	unsealed    []*segment
	nextID      uint64
	report      SpoolReport
	intake      intake // the newest items, which are in memory
	window      window // the oldest that were not handed out
	commit      commitState
	filesClosed bool
	shared      bool // there are directories of processes below dir

	letters letterStore
	chores  choreState

	stopping chan struct{} // closed by Close
	closing  sync.Once
	workers  sync.WaitGroup
	done     chan struct{} // closed when all is on the disk and unlocked
}

// place is where a spool keeps an entry.
type place struct {
	seg     *segment // nil until it is written
	off     int64
	length  int  // of the frame
	settled bool // settled
	dropped bool // the body has to be read again
}

// OpenSpool opens the spool in dir, which it makes if need be, for the owner
// alone. Damage is no reason to refuse: see [Spool.Report]. It returns
// ErrLocked when another process has the directory, or why it cannot be used.
func OpenSpool(dir string, o SpoolOptions) (*Spool, error) {
	return openSpool(osFS{}, dir, o)
}

// Holder tells who has the directory: this process, since it opened the spool.
func (s *Spool) Holder() Holder { return s.self }

// ErrLocked says that another process has the spool's directory. The error is a
// [LockedError], which says which one.
var ErrLocked = fmt.Errorf("%w by another process", errLocked)

// Append implements [Queue]. It waits until the items are as safe as the level
// says, at most Wait; then it returns ErrNotYetOnDisk, and so it does when ctx
// ends. While the disk cannot be written, it takes only items with a room.
func (s *Spool) Append(ctx context.Context, items ...Item) error {
	patience := s.o.Wait
	w, err := s.enter(items, false)
	if errors.Is(err, errIntakeFull) {
		began := time.Now()
		if s.syncAll(ctx, patience) == nil {
			w, err = s.enter(items, false)
		}
		patience -= time.Since(began)
	}
	if err != nil || w == nil {
		return err
	}
	return s.awaitDisk(ctx, w, patience)
}

// Reserve implements [Reserver]. Rooms are refused as items without one are: what
// was promised is taken even if the disk cannot be written, so that no more is
// promised then.
func (s *Spool) Reserve(p Priority, bytes int64) (*Room, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	if s.tooLarge(bytes) {
		return nil, ErrTooLarge
	}
	if err := s.mayHoldLocked(bytes); err != nil {
		return nil, err
	}
	return s.bounds.reserve(&s.mu, p, bytes)
}

// errIntakeFull says that the disk does not keep up.
var errIntakeFull = fmt.Errorf("%w: too much is not on the disk yet", ErrFull)

// enter takes the items into memory and returns what to wait for, nil for
// nothing.
func (s *Spool) enter(items []Item, resent bool) (*waiter, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, ErrClosed
	case len(items) == 0:
		return nil, nil //nolint:nilnil // There is nothing to wait for.
	}
	if err := s.mayEnterLocked(items); err != nil {
		return nil, err
	}
	if err := s.bounds.admit(items); err != nil {
		return nil, err
	}
	for i := range items {
		s.stats.Last++
		e := &entry{Item: items[i], desk: &s.desk, number: s.stats.Last}
		e.Room = nil // used up
		s.intake.push(e)
		s.linkLocked(e)
	}
	if resent {
		s.stats.Recovered += uint64(len(items))
	}
	s.signal()
	if s.commit.failing != nil {
		return nil, ErrNotYetOnDisk
	}
	w := s.commit.addWaiter(s.stats.Last, s.o.Level == LevelStrict)
	kick(s.commit.work)
	return w, nil
}

func (s *Spool) mayEnterLocked(items []Item) error {
	var bytes int64
	roomed := true
	for i := range items {
		size := items[i].size()
		if s.tooLarge(size) {
			return ErrTooLarge
		}
		bytes += size
		roomed = roomed && s.bounds.room(items, i) != nil
	}
	if roomed {
		return nil
	}
	return s.mayHoldLocked(bytes)
}

func (s *Spool) tooLarge(bytes int64) bool {
	return bytes > maxItem || frameHead+bytes > s.letters.largest
}

// mayHold tells whether so many bytes more may be in memory until they are on the
// disk.
func (s *Spool) mayHoldLocked(bytes int64) error {
	switch {
	case s.commit.failing != nil:
		return s.commit.failing
	case s.intake.unsyncedBytes+bytes > s.o.Intake && s.intake.unsyncedBytes > 0:
		return errIntakeFull
	}
	return nil
}

// Err says why new items are refused at the moment: nil, or an ErrDiskFull or
// ErrDiskFailed with its cause. The spool tries again every second.
func (s *Spool) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.commit.failing
}

// Stats implements [Queue].
func (s *Spool) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := s.statLocked(s.nextFreshLocked())
	if first := s.begun.first(); s.window.unread > 0 && len(s.window.loaded) == 0 && (first == nil || first.number > s.window.lastRead) {
		stats.Oldest, stats.Done = s.window.oldestUnread, s.window.lastRead
	}
	if s.closed {
		for _, e := range s.intake.entries {
			if !e.settled && e.seg == nil {
				stats.Lost++
			}
		}
	}
	return stats
}

// Close implements [Queue]. It writes and syncs what is in memory and lets go of
// the directory; if ctx ends before, that goes on by itself and Close returns
// the error of ctx.
func (s *Spool) Close(ctx context.Context) error {
	s.closing.Do(func() {
		s.mu.Lock()
		s.closed = true
		s.signal()
		s.mu.Unlock()
		close(s.stopping)
	})
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// kick wakes the goroutine that listens to c.
func kick(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (s *Spool) settle(t ticket) {
	s.mu.Lock()
	if t.voidLocked() {
		s.mu.Unlock()
		return
	}
	seg := s.removeLocked(t.entry)
	if seg != nil {
		s.releaseLocked(seg, 1)
	}
	s.mu.Unlock()
	if seg != nil {
		seg.ack(t.number)
		kick(s.commit.dirty)
	}
}

// end takes a settled entry from all lists and returns the segment in which it
// has to be settled too, if there is one.
func (s *Spool) removeLocked(e *entry) *segment {
	e.out, e.settled = false, true
	s.letGoLocked(e)
	s.bounds.remove(&e.Item)
	s.intake.trim(s)
	if s.filesClosed {
		return nil
	}
	return e.seg
}

// letGo takes an entry from those handed out or given back.
func (s *Spool) letGoLocked(e *entry) {
	s.begun.remove(e)
	if len(s.begun.entries) == s.mostBegun()-1 {
		s.signal()
	}
}

// mostBegun is how many may be handed out or given back.
func (s *Spool) mostBegun() int { return heldWindows * s.o.Window }

// release says that n records of the segment are settled, or turned out to be
// lost. A segment without any left is removed.
func (s *Spool) releaseLocked(seg *segment, n int) {
	seg.unsettled -= n
	if seg.unsettled > 0 || seg.unread > 0 || !seg.retired {
		return
	}
	for i, other := range s.segments {
		if other == seg {
			s.segments = append(s.segments[:i:i], s.segments[i+1:]...)
			s.finished = append(s.finished, seg)
			kick(s.chores.work)
			return
		}
	}
}
