package queue

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// segment is one file of the log. The file is opened when somebody reads, writes or
// settles in it, and a long backlog keeps none open.
type segment struct {
	header
	disk fsys
	path string

	mu    sync.Mutex // guards the following four, and is held while acks are written
	f     file       // nil while it is closed
	acks  ackMap
	dirty bool // written since it was last synced
	gone  bool // removed, or closed for good

	// broken: a write or a sync failed. Whether a second sync says the truth is
	// unknown, so there is none. It is atomic because it is set under the spool's
	// lock, and mu may be held for as long as an ack hangs in the disk.
	broken atomic.Bool

	// The spool's lock guards what follows; of a segment of letters, the lock of
	// letterStore does.

	retired   bool      // nothing is appended any more
	retiredAt time.Time // zero if it was found so
	unsettled int       // records that are neither settled nor lost
	copies    bool      // some are copies of records in older segments: see spool_compact.go
	sparse    bool      // to be emptied, for the step of compaction that says so
	heavy     int       // so many unsettled records were too many bytes to be copied; 0: not known

	// unread counts those unsettled records whose items are on the disk only, and
	// unreadBytes their bodies and keys. See spool_window.go.
	unread      int
	unreadBytes int64
	failedReads int  // in a row
	spoiled     bool // something in it could not be read: it ends in quarantine

	behind  int   // how many are left behind, and
	passing marks // which of them a pass reads: see spool_behind.go

	searched bool     // from its end, in vain: see lastUnreadLocked
	ahead    []uint64 // a bit for each record: see goAheadLocked; nil if none is set

	// voidFrom: this segment was abandoned, and records from this number on do not
	// count, because they are written again. 0: all count. See spool_commit.go.
	voidFrom uint64

	// Of letters: when the first private one has to be overwritten, zero if there is
	// none. unseen: it is not known, because an earlier process wrote them.
	wipeAt time.Time
	unseen bool
}

const (
	segmentSuffix = ".seg"
	letterSuffix  = ".dead"
	spareSuffix   = ".spare"
	newSuffix     = ".new"
	quarantineDir = "quarantine"
	lockName      = "lock"

	maxSegment = 64 << 20
	minSegment = 64 << 10
)

func segmentName(id uint64, kind uint8) string {
	suffix := segmentSuffix
	if kind == kindLetters {
		suffix = letterSuffix
	}
	return fmt.Sprintf("%016x%s", id, suffix)
}

// parseSegmentName is the inverse of segmentName.
func parseSegmentName(name string) (id uint64, kind uint8, ok bool) {
	kind = kindItems
	hex, ok := strings.CutSuffix(name, segmentSuffix)
	if !ok {
		kind = kindLetters
		hex, ok = strings.CutSuffix(name, letterSuffix)
	}
	id, err := strconv.ParseUint(hex, 16, 64)
	return id, kind, ok && err == nil && name == segmentName(id, kind)
}

// makeSpare writes a file of zeros, so that a full disk says so now and not in the middle
// of a record. The file gets its name when it is complete.
func makeSpare(disk fsys, dir, name string, size int64) (path string, err error) {
	temp := filepath.Join(dir, name+newSuffix)
	path = filepath.Join(dir, name+spareSuffix)
	f, err := disk.Create(temp)
	if err != nil {
		return "", err
	}
	mayCrash("spare created")
	zeros := make([]byte, min(size, 256<<10))
	for off := int64(0); off < size && err == nil; off += int64(len(zeros)) {
		_, err = f.WriteAt(zeros[:min(int64(len(zeros)), size-off)], off)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		mayCrash("spare written")
		err = disk.Rename(temp, path)
	}
	if err != nil {
		_ = disk.Remove(temp)
		return "", err
	}
	return path, nil
}

// useSpare makes the spare the segment that h describes. The file is closed while it is
// renamed, because Windows asks for that, and then opened again.
func useSpare(disk fsys, spare string, h header) (*segment, error) {
	s := &segment{header: h, disk: disk, path: filepath.Join(filepath.Dir(spare), segmentName(h.id, h.kind)), dirty: true}
	s.end = h.data()
	s.acks = ackMap{h.salt, make([]byte, h.capacity/ackBits*ackBlock)}
	f, err := disk.Open(spare)
	if err != nil {
		return nil, err
	}
	err = writeHeader(f, &h)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	mayCrash("header written")
	if err := disk.Rename(spare, s.path); err != nil {
		return nil, err
	}
	mayCrash("segment named")
	if f, err := disk.Open(s.path); err == nil { // if not, whoever needs it tries again
		s.f = f
	}
	return s, nil
}

func writeHeader(f io.WriterAt, h *header) error {
	b := h.encode()
	for _, off := range []int64{0, pageSize} {
		if _, err := f.WriteAt(b, off); err != nil {
			return err
		}
	}
	return nil
}

// openSegment reads the header and the ack map of a file, and closes it again. It also
// returns how many blocks of the ack map are damaged.
func openSegment(disk fsys, path string) (s *segment, damagedAcks int, err error) {
	s = &segment{disk: disk, path: path, retired: true}
	f, err := disk.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if s.header, err = readHeader(f); err != nil {
		return nil, 0, err
	}
	if id, kind, ok := parseSegmentName(filepath.Base(path)); !ok || id != s.id || kind != s.kind {
		return nil, 0, fmt.Errorf("%w: it says it is %s", errDamaged, segmentName(s.id, s.kind))
	}
	s.acks = ackMap{s.salt, make([]byte, s.capacity/ackBits*ackBlock)}
	if err := readFull(f, s.acks.blocks, 2*pageSize); err != nil {
		return nil, 0, err
	}
	return s, s.acks.check(), nil
}

// readHeader returns the better of the two copies.
func readHeader(f io.ReaderAt) (header, error) {
	var b [headerSize]byte
	var got [2]header
	var errs [2]error
	for i := range got {
		clear(b[:])
		if err := readFull(f, b[:], int64(i)*pageSize); err != nil {
			return header{}, err
		}
		got[i], errs[i] = decodeHeader(b[:])
	}
	switch {
	case errors.Is(errs[0], errNewer) || errors.Is(errs[1], errNewer):
		return header{}, errNewer
	case errs[1] == nil && (errs[0] != nil || got[1].sealed && !got[0].sealed):
		return got[1], nil
	}
	return got[0], errs[0]
}

// readFull fills b from the file. What the file is too short for stays zero.
func readFull(f io.ReaderAt, b []byte, off int64) error {
	_, err := f.ReadAt(b, off)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return err
}

// openLocked returns the file, and opens it if it is closed. mu is held.
func (s *segment) openLocked() (file, error) {
	if s.gone {
		return nil, errGone
	}
	if s.f == nil {
		f, err := s.disk.Open(s.path)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errNotOpened, err)
		}
		// Another process may have a file of that name, if the directory was moved
		// and made anew: its acks are not ours to write.
		if h, err := readHeader(f); err == nil && h.salt != s.salt {
			return nil, errors.Join(errNotOpened, errReplaced, f.Close())
		}
		s.f = f
	}
	return s.f, nil
}

var (
	errGone      = errors.New("queue: segment removed")
	errNotOpened = errors.New("queue: segment not opened")
)

// ReadAt implements io.ReaderAt.
func (s *segment) ReadAt(b []byte, off int64) (int, error) {
	s.mu.Lock()
	f, err := s.openLocked()
	s.mu.Unlock()
	if err != nil {
		return 0, err
	}
	return f.ReadAt(b, off)
}

// write appends frames at off.
func (s *segment) write(b []byte, off int64) error {
	s.mu.Lock()
	f, err := s.openLocked()
	s.mu.Unlock()
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b, off)
	s.mu.Lock()
	s.dirty = true // not before the write: a sync under way may have missed it
	s.mu.Unlock()
	return err
}

// ack marks a record as settled, in memory and in the file. There is no sync: write(2)
// is enough to survive the end of the process. If the write fails, the record is sent once
// more after a restart.
func (s *segment) ack(number uint64) { _ = s.settle(number) }

// settle is ack for whoever has to know that the file has the mark.
func (s *segment) settle(number uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return nil
	}
	block, off := s.acks.set(number - s.first)
	s.dirty = true
	f, err := s.openLocked()
	if err == nil {
		_, err = f.WriteAt(block, off)
	}
	mayCrash("acked")
	return err
}

// settled reports whether a record is marked as settled. A number that the segment
// cannot have is settled.
func (s *segment) settled(number uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return number < s.first || number-s.first >= s.acks.capacity() || s.acks.has(number-s.first)
}

// anySettled reports whether any record is marked as settled.
func (s *segment) anySettled() bool {
	return slices.ContainsFunc(s.acks.blocks, func(b byte) bool { return b != 0 })
}

// sync makes all that was written before the call survive a loss of power.
func (s *segment) sync() error {
	s.mu.Lock()
	if !s.dirty || s.broken.Load() || s.gone {
		s.mu.Unlock()
		return nil
	}
	s.dirty = false
	f, err := s.openLocked()
	s.mu.Unlock()
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.gone {
			return nil // it was removed meanwhile, so nothing in it matters
		}
		s.broken.Store(true)
	}
	return err
}

// seal completes the header: nothing more is appended, and this is what there is. So
// nobody has to go through the segment to know. Only the second copy is written: if
// power is lost meanwhile, the first still makes the segment readable.
func (s *segment) seal() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken.Load() || s.gone {
		return nil
	}
	f, err := s.openLocked()
	if err != nil {
		return err
	}
	s.sealed, s.dirty = true, true
	_, err = f.WriteAt(s.encode(), pageSize)
	return err
}

// close closes the file. Whoever needs it opens it again.
func (s *segment) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.f == nil {
		return nil
	}
	f := s.f
	s.f = nil
	return f.Close()
}

// remove deletes the file. A spoiled one it puts into quarantine instead.
func (s *segment) remove(spoiled bool) error {
	s.mu.Lock()
	s.gone = true
	f := s.f
	s.f = nil
	s.mu.Unlock()
	if f != nil {
		_ = f.Close()
	}
	if spoiled {
		_, err := quarantine(s.disk, s.path)
		return err
	}
	return s.disk.Remove(s.path)
}

// quarantine moves the file into the quarantine directory, under a name that is free
// there, and returns that name.
func quarantine(disk fsys, path string) (string, error) {
	dir := filepath.Join(filepath.Dir(path), quarantineDir)
	if err := disk.MkdirAll(dir); err != nil {
		return "", err
	}
	entries, err := disk.ReadDir(dir)
	if err != nil {
		return "", err
	}
	taken := map[string]bool{}
	for _, e := range entries {
		taken[e.Name()] = true
	}
	name := filepath.Base(path)
	for i := 2; taken[name]; i++ {
		name = filepath.Base(path) + "." + strconv.Itoa(i)
	}
	if err := disk.Rename(path, filepath.Join(dir, name)); err != nil {
		return "", err
	}
	return name, nil
}
