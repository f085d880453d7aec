package queue

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// hookFS is the machine's file system with something done before each
// operation: it fails if that returns an error, and hangs if that does.
type hookFS struct {
	osFS
	mu     sync.Mutex
	before func(op, name string) error
}

func (h *hookFS) hook(before func(op, name string) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.before = before
}

func (h *hookFS) do(op, name string) error {
	h.mu.Lock()
	before := h.before
	h.mu.Unlock()
	if before == nil {
		return nil
	}
	return before(op, filepath.Base(name))
}

func (h *hookFS) Create(name string) (file, error) {
	if err := h.do("create", name); err != nil {
		return nil, err
	}
	f, err := h.osFS.Create(name)
	return hookFile{f, h, name}, err
}

func (h *hookFS) Open(name string) (file, error) {
	f, err := h.osFS.Open(name)
	return hookFile{f, h, name}, err
}

type hookFile struct {
	file
	h    *hookFS
	name string
}

func (f hookFile) WriteAt(b []byte, off int64) (int, error) {
	if err := f.h.do("write", f.name); err != nil {
		return 0, err
	}
	return f.file.WriteAt(b, off)
}

func (f hookFile) Sync() error {
	if err := f.h.do("sync", f.name); err != nil {
		return err
	}
	return f.file.Sync()
}

func openTest(t *testing.T, disk fsys, dir string, o SpoolOptions) *Spool {
	t.Helper()
	if o.SegmentBytes == 0 {
		o.SegmentBytes = minSegment
	}
	if _, inRealTime := disk.(osFS); inRealTime && o.Wait == 0 {
		o.Wait = time.Minute // 20 ms are too few for a disk that others use
	}
	s, err := openSpool(disk, dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeTest(t, s) })
	return s
}

func closeTest(t *testing.T, s *Spool) {
	t.Helper()
	if err := s.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
}

func mustAppend(t *testing.T, q Queue, items ...Item) {
	t.Helper()
	if err := q.Append(t.Context(), items...); err != nil && !errors.Is(err, ErrNotYetOnDisk) {
		t.Fatal(err)
	}
}

// drain receives all that waits, not more than n at once, and leaves it unsettled.
func drain(t *testing.T, q Queue, n int) (all []Delivery) {
	t.Helper()
	for waiting := q.Stats().Waiting; len(all) < waiting; {
		got, err := q.Receive(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, got...)
	}
	return all
}

func segmentFiles(t *testing.T, dir string) (names []string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"+segmentSuffix))
	if err != nil {
		t.Fatal(err)
	}
	return names
}
