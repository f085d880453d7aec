package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Level says how safe an item is when Append has returned nil.
type Level uint8

const (
	// LevelDurable waits until the item is written to its file. It survives the end
	// of the process, however that comes. A loss of power may cost what was written
	// since the last sync (SyncEvery, SyncAfter).
	LevelDurable Level = iota

	// LevelStrict waits until the item is synced. It also survives a loss of power,
	// as far as the disk tells the truth.
	LevelStrict
)

// SpoolOptions are the options of [OpenSpool]. The zero value is good: every option that
// is zero or negative has its default. Bytes are those of bodies and keys, unless they
// are said to be those of files.
type SpoolOptions struct {
	// Level is what Append waits for. An unknown one counts as LevelStrict.
	// Default: LevelDurable.
	Level Level

	// Wait is the longest that Append waits for the disk. After that it returns
	// ErrNotYetOnDisk. Default: 20 ms at LevelDurable, 100 ms at LevelStrict.
	Wait time.Duration

	// Bytes bounds the items that are not settled. Their files may take more,
	// because a file is removed only when all in it is settled: together with the
	// quarantine, twice Bytes and four segments. Default: 1 GiB.
	Bytes int64

	// Items bounds how many items are not settled. Default: no bound but Bytes.
	Items int

	// Intake bounds the bytes in memory that are not synced yet. While the disk
	// hangs, Append refuses what goes beyond with ErrFull. Default: 16 MiB.
	Intake int64

	// SyncEvery is how long written items may wait for the sync that makes them
	// survive a loss of power. SyncAfter is how many written items make it come at
	// once. Defaults: 100 ms and 100.
	SyncEvery time.Duration
	SyncAfter int

	// Window is how many items read ahead may be in memory, in at most 4 MiB. 64 times as
	// many may be handed out and not settled, and half as many again if they go First.
	// About four times as many are in memory of those that were given back for at most
	// ten minutes, and more of keys that have few. The others are read again, at most a
	// second late or half as late again as they were to wait, when the pass before is
	// over. They take turns with items that nobody has received. Default: 1,000.
	Window int

	// SegmentBytes is the size of a file; a value outside of 64 KiB to 64 MiB is
	// moved to the nearer bound. An item with its key must fit into a file and have
	// at most 1 MiB. Default: 8 MiB.
	SegmentBytes int64

	// Letters bounds the files of dead letters: the oldest file goes when there are
	// too many, and any whose letters are all older than LetterAge. Defaults: a
	// quarter of Bytes, but at least two segments, and 30 days.
	Letters   int64
	LetterAge time.Duration

	// PrivateAge is how long a dead letter with Item.Private is kept, if that is less
	// than LetterAge. Then it is overwritten, within an hour. Default: 72 hours.
	PrivateAge time.Duration

	// PerProcess gives each process a directory of its own below dir. It is for
	// servers of which several run, or whose processes overlap while they restart.
	// What an ended process left behind is adopted by the next one that starts, even
	// if only one of the two has this option. Default: one process, and a second
	// gets ErrLocked.
	PerProcess bool

	// Failing is called with what Err returns when the disk begins to refuse new
	// items, and with nil when it takes them again. A goroutine of the spool calls
	// it and waits for it, so there is never more than one call at a time.
	// Default: nobody is told.
	Failing func(error)

	// pace is how compaction goes about it. Default: as spool_compact.go says.
	pace pace

	// keptBack is how many items given back are in memory, about. Default: as
	// spool_behind.go says.
	keptBack int

	// beingAdopted: it is opened to be taken over, and takes over nothing itself.
	beingAdopted bool
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
	o.pace = pace{orDefault(o.pace.after, compactAfter), orDefault(o.pace.step, compactStep), orDefault(o.pace.idle, compactIdle)}
	o.keptBack = orDefault(o.keptBack, keptWindows*o.Window)
	o.LetterAge = orDefault(o.LetterAge, 30*24*time.Hour)
	o.PrivateAge = min(orDefault(o.PrivateAge, PrivateAge), o.LetterAge)
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
	heldWindows = 64 // how many windows of items may be handed out or given back
	retryAfter  = time.Second
)

// Spool is a queue in a directory of this machine: a log of segment files, described in
// docs/spool.md. It implements [Queue], [Reserver], [LetterBox] and [NewestReceiver]. All
// methods are safe for concurrent use. Make it with [OpenSpool].
//
// The pages that explain it begin with an example: spool_commit.go (how items get to the
// disk), spool_window.go and spool_newest.go (how they come back). Methods that end in
// Locked are called with mu, the desk's lock, held.
type Spool struct {
	desk
	o    SpoolOptions
	disk fsys
	dir  string
	lock dirLock
	self Holder

	// The desk's lock guards what follows. No file is used while it is held: a disk
	// that hangs holds up nobody who only wants to know something.
	segments    []*segment // of items, by their numbers
	active      *segment   // the segment that is appended to, nil if a new one is needed
	finished    []*segment // all in them is settled: to be removed
	unsealed    []*segment // retired, and their headers have to be completed
	nextID      uint64
	report      SpoolReport
	intake      intake // the newest items, which are in memory
	window      window // the oldest that were not handed out
	behind      behind // what was given back, and is on the disk only
	commit      commitState
	acks        ackList
	copying     []*entry // by the last step of compaction
	filesClosed bool
	shared      bool // there are directories of processes below dir

	letters letterStore
	chores  choreState

	stopping chan struct{} // closed by Close
	closing  sync.Once
	workers  sync.WaitGroup
	done     chan struct{} // closed when all is on the disk and unlocked
}

// place is what a spool knows of an entry.
type place struct {
	seg     *segment // nil until it is written
	record  uint64   // the number of its record there: entry.number, unless it is being copied
	off     int64
	length  int  // of the frame
	settled bool // acked, or given up
	dropped bool // the body has to be read again
	reread  bool // it was left behind (spool_behind.go), and later ones of its key went on

	// An item that was copied (spool_compact.go) has a new number. copyOf is the number
	// before, and original the one that it was appended with; 0 if it was never copied.
	copyOf, original uint64
}

// rank is where the entry stands among all others: the number that it was appended with.
func (e *entry) rank() uint64 {
	if e.original != 0 {
		return e.original
	}
	return e.number
}

// at returns where the entry's record is.
func (e *entry) at() address { return address{e.seg, e.record} }

// OpenSpool opens the spool in dir. It makes the directory if need be, with rights for
// the owner alone. What it finds there waits to be received again. Damaged files are no
// reason to refuse: [Spool.Report] tells of them.
//
// It returns [ErrLocked] if another process has the directory, or the error that says why
// the directory cannot be used. It cannot if the disk has no room for one segment: that
// is an [ErrDiskFull]. But if items wait in the directory, the spool opens to hand them
// out, and refuses new ones until there is room. Options that are out of range count as [SpoolOptions]
// says.
func OpenSpool(dir string, o SpoolOptions) (*Spool, error) {
	return openSpool(osFS{}, dir, o)
}

// Holder returns this process as the holder of the directory.
func (s *Spool) Holder() Holder { return s.self }

// ErrLocked says that another process has the spool's directory. The error that wraps it
// is a [LockedError], which names the process.
var ErrLocked = fmt.Errorf("%w by another process", errLocked)

// Append implements [Queue]. It waits until the items are as safe as the level says, at
// most for Wait and not longer than ctx. After that it returns ErrNotYetOnDisk. While the
// disk cannot be written, it takes only items that have a room.
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

// Reserve implements [Reserver]. It promises no room while the disk cannot be written or
// does not keep up, since Append takes an item that has one even then.
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

// enter takes the items into memory and returns the waiter to wait with. It returns nil
// if there is nothing to wait for.
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
		if e.First && s.begunFirst < s.mostBegun()/2 {
			s.goFirstLocked(e)
		}
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

// mayEnterLocked returns why the items cannot be taken into memory, nil if they can.
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

// mayHoldLocked returns why there cannot be so many bytes more that are not on the disk,
// nil if there can.
func (s *Spool) mayHoldLocked(bytes int64) error {
	switch {
	case s.commit.failing != nil:
		return s.commit.failing
	case s.intake.unsyncedBytes+bytes > s.o.Intake && s.intake.unsyncedBytes > 0:
		return errIntakeFull
	}
	return nil
}

// Err returns why new items are refused now, or nil if they are not. The error wraps
// ErrDiskFull or ErrDiskFailed and the cause; or it is an ErrFull if there are too many
// files with something unsettled in them, or in quarantine. The spool tries again every
// second.
func (s *Spool) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.commit.failing
}

// Stats implements [Queue].
func (s *Spool) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := s.statLocked(s.nextFreshLocked(false))
	if first := s.begun.first(); s.window.unread > 0 && len(s.window.loaded) == 0 && (first == nil || first.rank() > s.window.lastRead) {
		stats.Oldest, stats.Done = s.window.oldestUnread, s.window.lastRead
	}
	s.behind.lower(&stats)
	if s.closed {
		for _, e := range s.intake.entries {
			if !e.settled && e.seg == nil {
				stats.Lost++
			}
		}
	}
	return stats
}

// Close implements [Queue]. It writes and syncs what is in memory and gives the
// directory up. If ctx ends first, Close returns the error of ctx, and the rest goes on by
// itself.
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

// kick wakes the goroutine that waits for c, now or when it comes to wait.
func kick(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// settle implements backend.
func (s *Spool) settle(t ticket) {
	s.mu.Lock()
	if t.voidLocked() {
		s.mu.Unlock()
		return
	}
	if s.removeLocked(t.entry) == nil {
		s.mu.Unlock()
		return
	}
	s.ackInTime(t.at())
}

// removeLocked takes a settled entry from all lists. It returns the segment in which its
// record has to be acked, nil if there is none.
func (s *Spool) removeLocked(e *entry) *segment {
	e.out, e.settled = false, true
	s.letGoLocked(e)
	s.bounds.remove(&e.Item)
	s.trimIntakeLocked()
	if s.filesClosed {
		return nil
	}
	return e.seg
}

// letGoLocked takes an entry from those handed out or given back.
func (s *Spool) letGoLocked(e *entry) {
	s.endLocked(e)
	if len(s.begun.entries) == s.mostBegun()-1 {
		s.signal()
	}
}

// mostBegun returns how many entries may be handed out or given back before no other
// fresh one is handed out. There may be half as many that go first, whatever the
// others are.
func (s *Spool) mostBegun() int { return heldWindows * s.o.Window }

// releaseLocked notes that n records of the segment are settled, or turned out to be lost.
// A retired segment without anything unsettled is finished.
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
