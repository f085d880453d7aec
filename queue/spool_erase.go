package queue

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"time"
)

// How a record is erased
//
// A record that is settled stays in its file until all in that file is settled. For
// somebody's personal data that may be too long. So a record can be overwritten in its
// place: its frame keeps its length and its number, and its key, its reason and its body
// become zeros. It is settled first, on the disk. If the process or the power ends in between,
// it is overwritten the next time. The other way round, the zeros would be sent.

// erasedFrame is what a record's frame is overwritten with.
func erasedFrame(rec *record, salt uint64) []byte {
	l := Letter{Item: Item{Priority: rec.Priority, Private: rec.Private, Time: rec.Time, Resent: rec.Resent}, Died: rec.Died, copyOf: rec.copyOf, number: rec.number, erased: true}
	l.Body = make([]byte, rec.size-frameHead)
	return appendFrame(nil, salt, rec.kind, &l)
}

// overwrite erases records.
func (s *segment) overwrite(records []record) error {
	if len(records) == 0 {
		return nil
	}
	for i := range records {
		if err := s.settle(records[i].number); err != nil {
			return err
		}
	}
	if err := s.sync(); err != nil {
		return err
	}
	for i := range records {
		if err := s.write(erasedFrame(&records[i], s.salt), records[i].off); err != nil {
			return err
		}
	}
	return nil
}

// place is a record without its content.
func (r *record) place() record {
	p := *r
	p.Key, p.Reason, p.Body = "", "", nil
	return p
}

// wipe overwrites private letters that are too old, whether they are settled or not.
func (b *letterStore) wipe() {
	b.walking.Lock() // nobody may settle a letter meanwhile
	defer b.walking.Unlock()
	b.mu.Lock()
	var due []*segment
	var ends []int64
	for _, seg := range b.list {
		if seg.unseen || !seg.wipeAt.IsZero() && !time.Now().Before(seg.wipeAt) {
			due, ends = append(due, seg), append(ends, seg.end)
		}
	}
	b.mu.Unlock()
	for i, seg := range due {
		next, err := b.wipeIn(seg, ends[i])
		b.mu.Lock()
		seg.unseen = err != nil || seg.end != ends[i] // letters came meanwhile: once more
		seg.wipeAt = next
		b.mu.Unlock()
		_ = seg.sync()
	}
}

// wipeIn overwrites the private letters of a segment that are too old. It returns when the
// next is.
func (b *letterStore) wipeIn(seg *segment, end int64) (next time.Time, err error) {
	r := newFrameReader(seg, &seg.header, seg.data(), end)
	var due []record
	for {
		rec, err := r.next()
		switch {
		case errors.Is(err, io.EOF):
			return next, seg.overwrite(due)
		case errors.Is(err, errGone):
			return next, nil
		case err != nil:
			return next, errors.Join(err, seg.overwrite(due))
		case !rec.Private || rec.erased:
			continue
		}
		if at := rec.Died.Add(b.spool.o.PrivateAge); time.Now().Before(at) {
			if next.IsZero() || at.Before(next) {
				next = at
			}
			continue
		}
		if !seg.settled(rec.number) {
			b.ack([]address{{seg, rec.number}})
		}
		due = append(due, rec.place())
	}
}

// Erased says what [EraseSpool] did.
type Erased struct {
	// Waiting and Dead are the items and the dead letters that were removed. Settled
	// are the records of which only the bytes were still there: they had been
	// delivered, sent again or dropped.
	Waiting, Dead, Settled int

	// Unread names the files below dir in which records may be that could not be read:
	// those in quarantine, those of a newer version, and those that are damaged.
	Unread []string
}

// EraseSpool removes from the spool in dir every record for which choose returns true,
// and overwrites it on the disk. It is for the personal data of somebody who wants it
// gone. choose gets items that wait, dead letters, and what is left of both when they are
// settled. It may keep nothing of what it gets. It includes the directories of
// PerProcess.
//
// No process may use the spool: the error is a [LockedError] then, joined with those of
// other directories. The other directories are searched all the same. A file that cannot
// be written is an error. What was removed is not sent any more, whatever the error.
func EraseSpool(dir string, choose func(SpoolEntry) bool) (Erased, error) {
	return eraseSpool(osFS{}, dir, choose)
}

func eraseSpool(disk fsys, dir string, choose func(SpoolEntry) bool) (done Erased, err error) {
	if _, err := disk.ReadDir(dir); err != nil {
		return done, fmt.Errorf("queue: erase: %w", err)
	}
	for _, below := range slices.Concat([]string{dir}, processDirs(disk, dir)) {
		e := eraser{disk: disk, root: dir, dir: below, choose: choose, done: &done, counted: map[counted]bool{}}
		err = errors.Join(err, e.run())
	}
	return done, err
}

// eraser erases in one directory.
type eraser struct {
	disk      fsys
	root, dir string
	choose    func(SpoolEntry) bool
	done      *Erased
	counted   map[counted]bool
}

// counted is a record that is counted: a copy of it is the same item.
type counted struct {
	kind   uint8
	number uint64
}

func (e *eraser) run() error {
	if !everUsed(e.disk, e.dir) {
		return nil // a lock that is made here would make a spool of it
	}
	lock, err := lockDir(e.disk, e.dir)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }()
	names, err := namesIn(e.disk, e.dir, "")
	if err != nil {
		return fmt.Errorf("queue: erase: %w", err)
	}
	for _, name := range names {
		if _, _, ok := parseSegmentName(name); !ok {
			continue
		}
		if bad := e.segment(name); bad != nil {
			err = errors.Join(err, fmt.Errorf("queue: erase: %s: %w", filepath.Join(e.dir, name), bad))
		}
	}
	aside, bad := namesIn(e.disk, e.dir, quarantineDir)
	if bad != nil && !errors.Is(bad, fs.ErrNotExist) {
		err = errors.Join(err, fmt.Errorf("queue: erase: %w", bad))
	}
	for _, name := range aside {
		e.unread(name)
	}
	return err
}

// everUsed reports whether a spool has ever been in a directory.
func everUsed(disk fsys, dir string) bool {
	entries, err := disk.ReadDir(dir)
	return err != nil || slices.ContainsFunc(entries, func(entry fs.DirEntry) bool {
		_, _, isSegment := parseSegmentName(entry.Name())
		return isSegment || entry.Name() == lockName || entry.Name() == quarantineDir
	})
}

// unread notes a file that may have more than could be read.
func (e *eraser) unread(name string) {
	below, err := filepath.Rel(e.root, filepath.Join(e.dir, name))
	if err != nil {
		below = name
	}
	e.done.Unread = append(e.done.Unread, below)
}

// segment erases in one file.
func (e *eraser) segment(name string) error {
	seg, _, err := openSegment(e.disk, filepath.Join(e.dir, name))
	switch {
	case errors.Is(err, errDamaged), errors.Is(err, errNewer):
		e.unread(name)
		return nil
	case err != nil:
		return err
	}
	defer seg.closeForGood()
	r := newFrameReader(seg, &seg.header, seg.data(), seg.size)
	var chosen []record
	for {
		rec, err := r.next()
		switch {
		case errors.Is(err, io.EOF):
			if r.damaged > 0 || r.skipped > 0 || r.junk > 0 {
				e.unread(name)
			}
			if err := seg.overwrite(chosen); err != nil {
				return err
			}
			return seg.sync()
		case err != nil:
			return errors.Join(err, seg.overwrite(chosen))
		case rec.erased:
			continue
		}
		entry := SpoolEntry{Letter: rec.Letter, Dead: seg.kind == kindLetters, Number: rec.number, File: name}
		if !e.choose(entry) {
			continue
		}
		e.count(seg, &rec)
		chosen = append(chosen, rec.place())
	}
}

// count counts a record that is erased, once for all its copies.
func (e *eraser) count(seg *segment, rec *record) {
	number := rec.number
	if rec.copyOf != 0 {
		number = rec.copyOf
	}
	before := e.counted[counted{seg.kind, number}]
	e.counted[counted{seg.kind, number}], e.counted[counted{seg.kind, rec.number}] = true, true
	switch {
	case before:
	case seg.settled(rec.number):
		e.done.Settled++
	case seg.kind == kindLetters:
		e.done.Dead++
	default:
		e.done.Waiting++
	}
}
