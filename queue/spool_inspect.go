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
	Letter        // Reason and Died only of dead letters
	Dead   bool   // it is a dead letter
	Number uint64 // its number in the log of its kind
	File   string // the segment it is in
}

// InspectSpool calls see for everything in dir that is not settled, items first,
// each oldest first, until see returns an error. It only reads and takes no
// lock, so it may look at a spool that a process is using: what is written
// meanwhile may or may not be seen. Files that are not segments, or of a newer
// version, are left out. What processes have in directories of their own
// (PerProcess) is there, too: their files are named with the directory.
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
	for _, kind := range []uint8{kindItems, kindLetters} {
		for _, name := range names {
			if _, k, ok := parseSegmentName(filepath.Base(name)); !ok || k != kind {
				continue
			}
			if err := inspectSegment(disk, dir, name, see); err != nil {
				return err
			}
		}
	}
	return nil
}

// namesIn lists what is in a directory below root by its path from there, by name,
// which is by number.
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
