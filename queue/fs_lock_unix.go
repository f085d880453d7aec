//go:build unix && !aix && !solaris

package queue

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// flocked is a directory locked with flock(2). Such a lock ends with its process, so it
// cannot outlive its owner. There are two of them:
//
//   - The lock on the directory itself is the sure one: "rm lock" does not let a second
//     process in.
//   - The lock on the file keeps out earlier versions of this package. It is also the
//     only one where a directory cannot be locked. NFS makes a lock of bytes of it, and
//     for that the descriptor would have to be open for writing
//     (https://man7.org/linux/man-pages/man2/flock.2.html).
type flocked struct {
	name string // of the file
	dir  *os.File
	sure bool // both locks are held, and not the file's alone

	mu   sync.Mutex
	file *os.File
}

func lockDirOf(name string) (dirLock, error) {
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return nil, err
	}
	l := &flocked{name: name, dir: dir}
	if err = flock(dir); err == nil {
		l.sure = true
	}
	if !errors.Is(err, errLocked) {
		l.file, err = openLock(name)
	}
	if err != nil {
		_ = dir.Close()
		return nil, err
	}
	writeHolder(l.file)
	return l, nil
}

// openLock opens and locks the file of that name, which it makes if need be. Then it
// checks that the name still leads to the file: somebody may have removed it meanwhile.
func openLock(name string) (*os.File, error) {
	for try := 1; ; try++ {
		f, err := os.OpenFile(name, os.O_RDWR|syscall.O_NOFOLLOW, 0) //nolint:gosec // A name in the directory the user chose.
		if errors.Is(err, fs.ErrNotExist) {
			f, err = os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600) //nolint:gosec // The same.
			switch {
			case err == nil:
				if dir, bad := os.Stat(filepath.Dir(name)); bad == nil {
					belongAs(f, dir)
				}
			case errors.Is(err, fs.ErrExist) && try < 10:
				continue // somebody was faster
			}
		}
		if info, bad := os.Lstat(name); bad == nil && !info.Mode().IsRegular() {
			err = errors.Join(err, &os.PathError{Op: "lock", Path: name, Err: errNoLock})
		}
		if err == nil {
			err = flock(f)
		}
		switch {
		case err == nil && (leadsTo(os.Lstat, name, f) || try == 10):
			return f, nil
		case f != nil:
			_ = f.Close()
		}
		if err != nil {
			return nil, err
		}
	}
}

// flock locks a file, or returns errLocked.
func flock(f *os.File) (err error) {
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return errLocked
	case err != nil:
		return &os.PathError{Op: "flock", Path: f.Name(), Err: err}
	}
	return nil
}

// leadsTo reports whether the name leads to the open file. look is os.Stat or os.Lstat.
func leadsTo(look func(string) (os.FileInfo, error), name string, f *os.File) bool {
	found, err := look(name)
	if err != nil {
		return false
	}
	opened, err := f.Stat()
	return err == nil && os.SameFile(found, opened)
}

// Check implements dirLock.
func (l *flocked) Check() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !leadsTo(os.Stat, l.dir.Name(), l.dir) {
		return errReplaced
	}
	if leadsTo(os.Lstat, l.name, l.file) {
		return nil
	}
	again, err := openLock(l.name)
	switch {
	case errors.Is(err, errLocked):
		return errTwoLocks
	case err != nil && l.sure:
		return nil // the directory is ours all the same
	case err != nil:
		return err
	case !leadsTo(os.Stat, l.dir.Name(), l.dir):
		_ = again.Close()
		return errReplaced
	}
	_ = l.file.Close()
	l.file = again
	writeHolder(again)
	return nil
}

// Close implements [io.Closer]. It unlocks first: a process that is being started has a copy
// of every descriptor until it runs its program, and a lock lasts as long as its copies.
func (l *flocked) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range []*os.File{l.file, l.dir} {
		_ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN) // what goes wrong is over with Close
	}
	return errors.Join(l.file.Close(), l.dir.Close())
}
