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
// version, are left out. Of a spool made with PerProcess, give it one of the
// sub-directories.
func InspectSpool(dir string, see func(SpoolEntry) error) error {
	return inspectSpool(osFS{}, dir, see)
}

func inspectSpool(disk fsys, dir string, see func(SpoolEntry) error) error {
	entries, err := disk.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("queue: inspect spool: %w", err)
	}
	for _, kind := range []uint8{kindItems, kindLetters} {
		for _, e := range entries { // by name, which is by number
			if _, k, ok := parseSegmentName(e.Name()); !ok || k != kind {
				continue
			}
			if err := inspectSegment(disk, filepath.Join(dir, e.Name()), see); err != nil {
				return err
			}
		}
	}
	return nil
}

func inspectSegment(disk fsys, path string, see func(SpoolEntry) error) error {
	seg, _, err := openSegment(disk, path)
	switch {
	case errors.Is(err, errDamaged), errors.Is(err, errNewer), errors.Is(err, fs.ErrNotExist):
		return nil // not a segment, not one we understand, or gone meanwhile
	case err != nil:
		return fmt.Errorf("queue: inspect spool: %w", err)
	}
	defer seg.shut()
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
		if err := see(SpoolEntry{Letter: rec.Letter, Dead: seg.kind == kindLetters, Number: rec.number, File: filepath.Base(path)}); err != nil {
			return err
		}
	}
}
