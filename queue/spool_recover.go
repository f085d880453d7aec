package queue

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// SpoolReport says what was found in the spool's directory.
type SpoolReport struct {
	// Recovered is how many items waited there when the spool was opened, and
	// RecoveredBytes the size of their bodies and keys.
	Recovered      int
	RecoveredBytes int64

	// Damaged is how many items could not be read, when the spool was opened or
	// later.
	Damaged int

	// Torn is how many segments end in something unfinished, as a crash leaves it,
	// and TornBytes how many bytes that is. It is at most one batch for each, and at
	// LevelStrict the Append of such an item had not returned.
	Torn      int
	TornBytes int64

	// DamagedAcks is how many blocks of acks could not be read. The items of such a
	// block, at most 480, are delivered again.
	DamagedAcks int

	// Quarantined names the files that were not understood and are in the
	// sub-directory quarantine now. A segment that is damaged in parts follows when
	// the rest of it is settled; it is not named here.
	Quarantined []string

	// QuarantinedBytes is the size of all files in quarantine, also of those that
	// were there before. The spool never removes one: new items have so much less
	// room on the disk.
	QuarantinedBytes int64

	// Skipped names the files that were left alone: those of a newer version, those
	// that cannot be opened, and those that are not the spool's.
	Skipped []string

	// Rewritten is how many segments were abandoned since, because a write or a sync
	// failed. What was not safe in them was written again.
	Rewritten int

	// Adopted is how many items were taken over from processes that ended.
	Adopted int

	// Copied is how many items were copied to a newer segment since, so that the file
	// of the old one could be removed.
	Copied int
}

// Report says what was found when the spool was opened, and what has happened since.
func (s *Spool) Report() SpoolReport {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.report
	r.Quarantined, r.Skipped = slices.Clone(r.Quarantined), slices.Clone(r.Skipped)
	return r
}

func openSpool(disk fsys, dir string, o SpoolOptions) (*Spool, error) {
	return openSpoolFor(disk, dir, o, func(*Spool) {})
}

// openSpoolFor opens the spool. It calls first when nothing can fail any more and nobody
// uses the spool yet.
func openSpoolFor(disk fsys, dir string, o SpoolOptions, first func(*Spool)) (*Spool, error) {
	o = o.withDefaults()
	if err := disk.MkdirAll(dir); err != nil {
		return nil, fmt.Errorf("queue: open spool: %w", err)
	}
	root := dir
	var lock dirLock
	var err error
	if o.PerProcess {
		dir, lock, err = claim(disk, root)
	} else {
		lock, err = lockDir(disk, dir)
	}
	if err != nil {
		return nil, err
	}
	s := &Spool{o: o, disk: disk, dir: dir, lock: lock, self: self(), nextID: 1, stopping: make(chan struct{}), done: make(chan struct{})}
	s.init(s, int64(o.Items), o.Bytes)
	s.commit.work, s.commit.dirty, s.commit.urgent = make(chan struct{}, 1), make(chan struct{}, 1), make(chan struct{}, 1)
	s.commit.writerDone, s.chores.work = make(chan struct{}), make(chan struct{}, 1)
	s.acks.work, s.acks.ended = make(chan struct{}, 1), make(chan struct{})
	s.chores.making, s.window.reading = make(chan struct{}, 1), make(chan struct{}, 1)
	s.letters.spool, s.letters.nextID, s.letters.largest = s, 1, largestFrame(o.SegmentBytes)
	if err := s.recover(); err != nil {
		return nil, errors.Join(fmt.Errorf("queue: open spool: %w", err), lock.Close())
	}
	if err := s.makeReady(); err != nil && !errors.Is(err, errCrowded) && s.stats.Recovered == 0 && !o.beingAdopted {
		s.giveUp()
		return nil, fmt.Errorf("queue: open spool: %w", err)
	}
	first(s)
	s.workers.Go(s.write)
	s.workers.Go(s.sync)
	s.workers.Go(s.keepHouse)
	s.workers.Go(s.keepCompact)
	go s.writeAcks()
	if !o.beingAdopted && (o.PerProcess || s.shared) {
		s.workers.Go(func() { s.adopt(root) })
	}
	go s.finish()
	return s, nil
}

// makeReady makes the first segment before there are items, and opens its file. So an
// Append waits for no more than a write. That costs a segment of zeros and its sync,
// once for each empty directory (https://github.com/hashicorp/raft-wal does the same).
// If the disk cannot do it now, it returns why. New items are refused then, and the
// writer tries again.
func (s *Spool) makeReady() (err error) {
	if seg := s.active; seg == nil {
		if err = s.newActive(s.stats.Last + 1); err != nil {
			s.fail(err)
			err = s.Err()
		}
	} else {
		seg.mu.Lock()
		_, _ = seg.openLocked()
		seg.mu.Unlock()
	}
	s.syncOnce() // the name of the segment, too
	return err
}

// giveUp closes the files of a spool that was never used.
func (s *Spool) giveUp() {
	for _, seg := range slices.Concat(s.segments, s.letters.list) {
		seg.closeForGood()
	}
	_ = s.lock.Close()
}

// lockDir takes the directory for this process, or returns a LockedError.
func lockDir(disk fsys, dir string) (dirLock, error) {
	lock, err := disk.Lock(filepath.Join(dir, lockName))
	if errors.Is(err, errLocked) {
		return nil, &LockedError{dir, holderOf(disk, dir)}
	}
	if err != nil {
		return nil, fmt.Errorf("queue: open spool: %w", err)
	}
	return lock, nil
}

// finish waits until the goroutines have ended, closes all files and gives the directory
// up.
func (s *Spool) finish() {
	s.workers.Wait()
	s.mu.Lock()
	s.filesClosed = true // no more acks come
	s.mu.Unlock()
	kick(s.acks.work)
	<-s.acks.ended
	if s.checkOwner() == nil {
		s.removeFinished()
	}
	s.mu.Lock()
	all := slices.Concat(s.segments, s.finished)
	s.mu.Unlock()
	s.letters.mu.Lock()
	all = append(all, s.letters.list...)
	s.letters.mu.Unlock()
	for _, seg := range all {
		seg.closeForGood()
	}
	_ = s.lock.Close()
	close(s.done)
}

// closeForGood closes the file; it cannot be opened again.
func (s *segment) closeForGood() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = true
	if s.f != nil {
		_ = s.f.Close()
		s.f = nil
	}
}

// recover reads what is in the directory. It fails only if the directory cannot be
// listed: damage is no reason to refuse to open.
func (s *Spool) recover() error {
	entries, err := s.disk.ReadDir(s.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		s.find(e.Name(), e.IsDir())
	}
	byID := func(a, b *segment) int { return cmp.Compare(a.id, b.id) }
	slices.SortFunc(s.segments, byID)
	slices.SortFunc(s.letters.list, byID)
	s.weighQuarantine()
	s.separate()
	s.countWaiting()
	s.countLetters()
	s.resume()
	s.report.Recovered, s.report.RecoveredBytes = int(s.bounds.items), s.bounds.bytes
	s.stats.Recovered = uint64(s.bounds.items) //nolint:gosec // Not negative.
	s.intake.written, s.intake.confirmed = s.stats.Last, s.stats.Last
	if s.window.backlogged {
		_ = s.load(1) // if it fails, Receive says so
	}
	return nil
}

// weighQuarantine adds up the size of the quarantine. If it cannot be listed, the old
// size stays.
func (s *Spool) weighQuarantine() {
	entries, err := s.disk.ReadDir(filepath.Join(s.dir, quarantineDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return
	}
	var bytes int64
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			bytes += info.Size()
		}
	}
	s.mu.Lock()
	s.report.QuarantinedBytes = bytes
	s.mu.Unlock()
}

// find looks at one file of the directory and puts it where it belongs.
func (s *Spool) find(name string, isDir bool) {
	path := filepath.Join(s.dir, name)
	id, kind, ok := parseSegmentName(name)
	switch {
	case name == lockName, isDir && name == quarantineDir:
	case isDir && isProcessDir(name):
		s.shared = true
	case ok && !isDir:
		if kind == kindItems {
			s.nextID = max(s.nextID, id+1)
		} else {
			s.letters.nextID = max(s.letters.nextID, id+1)
		}
		s.findSegment(path)
	case strings.HasSuffix(name, newSuffix) && !isDir:
		_ = s.disk.Remove(path) // a spare that was not completed
	case strings.HasSuffix(name, spareSuffix) && !isDir:
		s.findSpare(path)
	default:
		s.report.Skipped = append(s.report.Skipped, name)
	}
}

func (s *Spool) findSegment(path string) {
	name := filepath.Base(path)
	seg, badAcks, err := openSegment(s.disk, path)
	switch {
	case errors.Is(err, errDamaged):
		if name, err := quarantine(s.disk, path); err == nil {
			s.report.Quarantined = append(s.report.Quarantined, name)
			return
		}
		fallthrough
	case err != nil:
		s.report.Skipped = append(s.report.Skipped, name)
	case seg.kind == kindLetters:
		s.letters.list = append(s.letters.list, seg)
	default:
		s.report.DamagedAcks += badAcks
		s.segments = append(s.segments, seg)
	}
}

// findSpare keeps a spare of the right size, and removes any other.
func (s *Spool) findSpare(path string) {
	number, _ := strconv.ParseUint(strings.TrimSuffix(filepath.Base(path), spareSuffix), 16, 64)
	s.chores.spare = max(s.chores.spare, number)
	size := int64(-1)
	if f, err := s.disk.Open(path); err == nil {
		size, _ = f.Size()
		_ = f.Close()
	}
	switch {
	case size == s.o.SegmentBytes && s.commit.spare == "":
		s.commit.spare = path
	case size == s.o.SegmentBytes && s.letters.spare == "":
		s.letters.spare = path
	default:
		_ = s.disk.Remove(path)
	}
}

// countWaiting counts what waits in the segments, and sets at to the first that has
// something.
func (s *Spool) countWaiting() {
	kept := s.segments[:0]
	for _, seg := range s.segments {
		s.takeStock(seg)
		s.stats.Last = max(s.stats.Last, seg.last, seg.first-1)
		if seg.unread = seg.unsettled; seg.unsettled == 0 && seg.sealed {
			s.finished = append(s.finished, seg)
			continue
		}
		s.bounds.items += int64(seg.unsettled)
		s.bounds.bytes += seg.unreadBytes
		s.window.unread += seg.unread
		kept = append(kept, seg)
		if seg.unsettled > 0 && !s.window.backlogged {
			s.window.backlogged, s.window.at, s.window.atOff = true, seg, seg.data()
		}
	}
	s.segments = kept
}

// takeStock counts what is unsettled in a segment. A sealed segment without acks says so
// in its header; in any other its frames are counted. Counting acks would not do: after
// a loss of power, acks may be there whose records are not.
func (s *Spool) takeStock(seg *segment) {
	if seg.sealed && !seg.anySettled() {
		seg.unsettled, seg.unreadBytes = seg.count, seg.bytes
	} else {
		s.examine(seg)
	}
	_ = seg.close()
}

// examine counts the frames of a segment.
func (s *Spool) examine(seg *segment) {
	end := seg.size
	if seg.sealed {
		end = seg.end
	}
	r := newFrameReader(seg, &seg.header, seg.data(), end)
	found, all, last := 0, int64(0), uint64(0)
	var rec record
	var err error
	for rec, err = r.next(); err == nil; rec, err = r.next() {
		found++
		all += rec.Item.size()
		last, seg.newest = rec.number, rec.Time
		if seg.kind == kindLetters {
			seg.newest = rec.Died
		}
		if !seg.settled(rec.number) {
			seg.unsettled++
			seg.unreadBytes += rec.Item.size()
		}
	}
	damaged := r.damaged
	if seg.sealed {
		damaged = max(seg.count-found, 0)
	} else {
		seg.count, seg.bytes, seg.last, seg.end = found, all, last, r.off
		if r.junk > 0 {
			s.report.Torn++
			s.report.TornBytes += r.junk
		}
	}
	seg.spoiled = damaged > 0 || r.junk > 0 || r.skipped > 0 || !errors.Is(err, io.EOF)
	s.report.Damaged += damaged
}

// separate settles superseded copies: a segment was abandoned, and the process ended
// before they were settled.
func (s *Spool) separate() {
	var last uint64
	for i, seg := range s.segments {
		if seg.first <= last {
			s.supersede(s.segments[:i], seg)
		}
		highest, originals := seg.survey()
		last = max(last, highest)
		settleOriginals(s.segments[:i], originals)
	}
}

// survey returns the highest number in the segment, and the numbers of which it has
// copies. Before a segment is sealed, the originals are settled and synced.
func (s *segment) survey() (last uint64, originals []uint64) {
	if s.sealed {
		return s.last, nil
	}
	last = s.first - 1
	r := newFrameReader(s, &s.header, s.data(), s.size)
	for rec, err := r.next(); err == nil; rec, err = r.next() {
		last = rec.number
		if rec.copyOf != 0 {
			originals = append(originals, rec.copyOf)
		}
	}
	s.copies = len(originals) > 0
	return last, originals
}

// settleOriginals settles in older segments what was copied from there.
func settleOriginals(older []*segment, numbers []uint64) {
	for _, number := range numbers {
		for _, seg := range older {
			if (!seg.sealed || number <= seg.last) && !seg.settled(number) {
				seg.ack(number)
			}
		}
	}
}

// supersede settles in the older segments what the newer one has too. Only the newer copy
// tells whether the item is settled: the older may have been settled only because there
// is a newer one.
func (s *Spool) supersede(older []*segment, newer *segment) {
	copies := map[uint64]bool{}
	r := newFrameReader(newer, &newer.header, newer.data(), newer.size)
	for rec, err := r.next(); err == nil; rec, err = r.next() {
		copies[rec.number] = true
	}
	for _, seg := range older {
		r := newFrameReader(seg, &seg.header, seg.data(), seg.size)
		for rec, err := r.next(); err == nil; rec, err = r.next() {
			if copies[rec.number] && !seg.settled(rec.number) {
				seg.ack(rec.number)
			}
		}
	}
}

// countLetters counts the dead letters.
func (s *Spool) countLetters() {
	for _, seg := range s.letters.list {
		seg.unseen = true
		s.takeStock(seg)
		s.stats.Letters += seg.unsettled
		s.letters.number = max(s.letters.number, seg.last, seg.first-1)
	}
}

// resume makes the last segments active again, if nothing in them is doubtful.
func (s *Spool) resume() {
	for i, seg := range slices.Clone(s.segments) {
		switch {
		case i == len(s.segments)-1 && seg.mayGoOn(s.o.SegmentBytes):
			seg.retired = false
			s.active = seg
			continue
		case !seg.sealed && !seg.spoiled:
			s.unsealed = append(s.unsealed, seg)
		}
		s.releaseLocked(seg, 0)
	}
	if n := len(s.letters.list); n > 0 && s.letters.list[n-1].mayGoOn(s.o.SegmentBytes) {
		s.letters.active = s.letters.list[n-1]
		s.letters.active.retired = false
	}
	kick(s.commit.dirty)
}

// mayGoOn reports whether more may be appended. It also marks as dirty what an earlier
// process wrote, since nobody knows whether that process synced it.
func (s *segment) mayGoOn(size int64) bool {
	s.dirty = s.dirty || !s.sealed
	return !s.sealed && !s.spoiled && s.size == size
}
