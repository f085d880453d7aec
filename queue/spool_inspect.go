package queue

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
)

// SpoolEntry is what [InspectSpool] finds: an item that waits, or a dead letter.
type SpoolEntry struct {
	Letter        // an item that waits has neither Reason nor Died
	Dead   bool   // it is a dead letter
	Number uint64 // its number in the log of its kind: items or letters
	File   string // the name of its segment, below dir
}

// InspectSpool calls see for everything in dir that is not settled: first items, then
// dead letters, each oldest first. It stops when see returns an error, and returns it.
//
// It only reads, and takes no lock. So it may look at a spool that a process is using;
// what is written meanwhile may or may not be seen. It leaves out files that are damaged,
// of a newer version, or not segments. It includes the directories of PerProcess; the
// name of such a file begins with its directory. It returns an error if dir or a file
// cannot be read.
func InspectSpool(dir string, see func(SpoolEntry) error) error {
	return inspectSpool(osFS{}, dir, see)
}

func inspectSpool(disk fsys, dir string, see func(SpoolEntry) error) error {
	names, err := namesIn(disk, dir, "")
	for _, below := range processDirs(disk, dir) {
		more, bad := namesIn(disk, dir, filepath.Base(below))
		names, err = append(names, more...), errors.Join(err, bad)
	}
	if err != nil {
		return fmt.Errorf("queue: inspect spool: %w", err)
	}
	copied := map[original]bool{}
	gather := func(e SpoolEntry) error {
		if e.copyOf != 0 {
			copied[original{filepath.Dir(e.File), e.copyOf}] = true
		}
		return nil
	}
	once := func(e SpoolEntry) error {
		if !e.Dead && copied[original{filepath.Dir(e.File), e.Number}] {
			return nil
		}
		return see(e)
	}
	for _, walk := range []struct {
		kind uint8
		see  func(SpoolEntry) error
	}{{kindItems, gather}, {kindItems, once}, {kindLetters, once}} {
		for _, name := range names {
			if _, kind, ok := parseSegmentName(filepath.Base(name)); !ok || kind != walk.kind {
				continue
			}
			if err := inspectSegment(disk, dir, name, walk.see); err != nil {
				return err
			}
		}
	}
	return nil
}

// original is an item of which a copy waits, too: by the directory and its number.
type original struct {
	dir    string
	number uint64
}

// namesIn lists what is in a directory below root, with paths that begin at root. The
// order is that of the names, which is that of the numbers.
func namesIn(disk fsys, root, dir string) (names []string, err error) {
	entries, err := disk.ReadDir(filepath.Join(root, dir))
	for _, e := range entries {
		names = append(names, filepath.Join(dir, e.Name()))
	}
	return names, err
}

func inspectSegment(disk fsys, dir, name string, see func(SpoolEntry) error) error {
	seg, _, err := openSegment(disk, filepath.Join(dir, name))
	switch {
	case errors.Is(err, errDamaged), errors.Is(err, errNewer), errors.Is(err, fs.ErrNotExist):
		return nil // not a segment, not one we understand, or gone meanwhile
	case err != nil:
		return fmt.Errorf("queue: inspect spool: %w", err)
	}
	defer seg.closeForGood()
	end := seg.size
	if seg.sealed {
		end = seg.end
	}
	r := newFrameReader(seg, &seg.header, seg.data(), end)
	for {
		rec, err := r.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("queue: inspect spool: %w", err)
		case seg.settled(rec.number):
			continue
		}
		rec.Body = slices.Clone(rec.Body)
		if err := see(SpoolEntry{Letter: rec.Letter, Dead: seg.kind == kindLetters, Number: rec.number, File: name}); err != nil {
			return err
		}
	}
}
