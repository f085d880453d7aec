//go:build unix

package queue

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fillSegment appends until the spool has begun another segment, and returns what was taken.
func fillSegment(t *testing.T, q *Spool, next *int) (taken int, err error) {
	t.Helper()
	q.mu.Lock()
	begun := q.nextID
	q.mu.Unlock()
	for range 200 {
		*next++
		if err = q.Append(t.Context(), numbered(*next)); err != nil {
			return taken, err
		}
		taken++
		q.mu.Lock()
		now := q.nextID
		q.mu.Unlock()
		if now > begun {
			return taken, nil
		}
	}
	t.Fatal("200 items and no new segment")
	return taken, nil
}

// TestLockRemoved: "rm lock" is what people do who read that a directory is locked.
// It lets nobody in, and the file comes back with the next segment.
func TestLockRemoved(t *testing.T) {
	dir, next := t.TempDir(), 0
	lock := filepath.Join(dir, lockName)
	o := smallSpool(false)
	o.Wait = time.Minute // a disk that stalls is another matter
	q := openForTest(t, dir, o)
	for range 2 {
		if err := os.Remove(lock); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenSpool(dir, smallSpool(false)); !errors.Is(err, ErrLocked) {
			t.Errorf("with the lock removed a second spool opens: %v", err)
		}
		if _, err := fillSegment(t, q, &next); err != nil {
			t.Errorf("with the lock removed: %v", err)
		}
		_, err := OpenSpool(dir, smallSpool(false))
		locked, ok := errors.AsType[*LockedError](err)
		if !ok || locked.Holder.PID != os.Getpid() || locked.Dir != dir {
			t.Errorf("the lock is there again: %v", err)
		}
	}
	if n := drainForTest(t, q); n != next {
		t.Errorf("of %d items %d came", next, n)
	}
}

// TestLockEndsWithItsSpool: a process that this one starts has copies of the descriptors until it
// runs its program. The directory is free all the same.
func TestLockEndsWithItsSpool(t *testing.T) {
	dir := t.TempDir()
	lock, err := lockDirOf(filepath.Join(dir, lockName))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []*os.File{lock.(*flocked).file, lock.(*flocked).dir} {
		fork, err := syscall.Dup(int(f.Fd()))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = syscall.Close(fork) }()
	}
	if err := lock.Close(); err != nil {
		t.Error(err)
	}
	again, err := lockDirOf(filepath.Join(dir, lockName))
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

// TestTwoLocks: an earlier version locks the file alone. If it made one, because
// somebody had removed it, this process writes no more than it has begun.
func TestTwoLocks(t *testing.T) {
	dir, next := t.TempDir(), 0
	q := openForTest(t, dir, smallSpool(false))
	other, err := (*os.File)(nil), errLocked
	for errors.Is(err, errLocked) { // the spool may have made it again
		if err := os.Remove(filepath.Join(dir, lockName)); err != nil {
			t.Fatal(err)
		}
		other, err = openLock(filepath.Join(dir, lockName))
	}
	if err != nil {
		t.Fatal(err)
	}
	var refused error
	for refused == nil || errors.Is(refused, ErrNotYetOnDisk) {
		_, refused = fillSegment(t, q, &next)
	}
	if !errors.Is(refused, ErrDiskFailed) || !errors.Is(q.Err(), errTwoLocks) {
		t.Errorf("beside another process: %v, Err %v", refused, q.Err())
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	for q.Err() != nil {
		_ = q.pause(retryAfter / 10)
	}
	if _, err := fillSegment(t, q, &next); err != nil {
		t.Errorf("alone again: %v", err)
	}
}

// TestDirectoryReplaced: the directory is moved away, and another process opens a
// spool under its name. What the first does touches nothing of the second.
func TestDirectoryReplaced(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "spool")
	o := smallSpool(false)
	o.Wait = time.Minute
	first := openForTest(t, dir, o)
	taken, next := 0, 0
	n, err := fillSegment(t, first, &next)
	if taken += n; err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(dir, filepath.Join(root, "moved")); err != nil {
		t.Fatal(err)
	}
	second := openForTest(t, dir, o)
	theirs := 1000
	if _, err := fillSegment(t, second, &theirs); err != nil {
		t.Fatal(err)
	}
	var refused error
	for refused == nil || errors.Is(refused, ErrNotYetOnDisk) {
		n, refused = fillSegment(t, first, &next)
		if taken += n; errors.Is(refused, ErrNotYetOnDisk) {
			taken++
		}
	}
	if !errors.Is(refused, ErrDiskFailed) || !errors.Is(first.Err(), errReplaced) || !strings.Contains(refused.Error(), dir) {
		t.Errorf("in a directory that was moved: %v, Err %v", refused, first.Err())
	}
	for _, seg := range first.segments { // as if they had not been open when the directory went
		if err := seg.close(); err != nil {
			t.Error(err)
		}
	}
	if n := drainForTest(t, first); n+int(first.Stats().Damaged) != taken {
		t.Errorf("of %d items %d came: %+v", taken, n, first.Stats())
	}
	closeForTest(t, first)
	closeForTest(t, second)
	third := openForTest(t, dir, o)
	if r := third.Report(); r.DamagedAcks+r.Damaged+r.Torn+len(r.Quarantined)+len(r.Skipped) > 0 {
		t.Errorf("the first wrote into the second's files: %+v", r)
	}
	if n := drainForTest(t, third); n != theirs-1000 {
		t.Errorf("of the second's %d items %d came", theirs-1000, n)
	}
}

// TestLockIsNoFile: what is no plain file is not locked, and left as it is.
func TestLockIsNoFile(t *testing.T) {
	for name, create := range map[string]func(lock string) error{
		"a link":            func(lock string) error { return os.Symlink(filepath.Join(filepath.Dir(lock), "x"), lock) },
		"a link to nothing": func(lock string) error { return os.Symlink("nowhere", lock) },
		"a directory":       func(lock string) error { return os.Mkdir(lock, 0o700) },
		"a pipe":            func(lock string) error { return syscall.Mkfifo(lock, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			precious := filepath.Join(dir, "x")
			if err := errors.Join(os.WriteFile(precious, []byte("mine"), 0o600), create(filepath.Join(dir, lockName))); err != nil {
				t.Fatal(err)
			}
			if _, err := OpenSpool(dir, SpoolOptions{}); !errors.Is(err, errNoLock) {
				t.Errorf("it was opened, or refused for another reason: %v", err)
			}
			if text, err := os.ReadFile(precious); string(text) != "mine" {
				t.Errorf("%q, %v", text, err)
			}
			if _, err := os.Stat(filepath.Join(dir, "nowhere")); err == nil {
				t.Error("a file was made where the link leads to")
			}
		})
	}
}
