package queue

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// fsys is the part of a file system that a spool uses. Names are paths as package os
// takes them. Tests use file systems that fail, hang or lose power.
type fsys interface {
	// MkdirAll makes the directory and its parents, with rights for the owner alone.
	MkdirAll(dir string) error
	// ReadDir lists what is in the directory, by name.
	ReadDir(dir string) ([]fs.DirEntry, error)
	// Create makes a new file with rights for the owner alone. It fails if the file
	// exists.
	Create(name string) (file, error)
	// Open opens a file that exists, for reading and writing.
	Open(name string) (file, error)
	Rename(from, to string) error
	Remove(name string) error
	// SyncDir makes the names in the directory survive a loss of power: of files
	// that were created, renamed or removed.
	SyncDir(dir string) error
	// Lock takes the directory of the file of that name for this process alone,
	// and makes the file if need be. It never waits. errLocked means that another
	// process has the directory. The lock ends with Close or with the process,
	// however that ends.
	Lock(name string) (dirLock, error)
}

// dirLock is a directory that belongs to this process.
type dirLock interface {
	io.Closer
	// Check returns why the directory may not be written any more: its name leads to
	// another one, or another process has locked it as well. A lock file that was
	// only removed is made again.
	Check() error
}

// file is an open file.
type file interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Sync() error
	Truncate(size int64) error
	Size() (int64, error)
}

var (
	errLocked   = errors.New("queue: locked")
	errReplaced = errors.New("the spool's directory was moved, removed or replaced")
	errTwoLocks = errors.New("the spool's lock was removed, and another process has made one")
	errNoLock   = errors.New("a lock must be a plain file, and no link")
)

// osFS is the file system of the machine.
type osFS struct{}

type osFile struct{ *os.File }

func (f osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (osFS) MkdirAll(dir string) error                 { return makeDir(dir) }
func (osFS) ReadDir(dir string) ([]fs.DirEntry, error) { return os.ReadDir(dir) }
func (osFS) Rename(from, to string) error              { return os.Rename(from, to) }
func (osFS) Remove(name string) error                  { return os.Remove(name) }
func (osFS) SyncDir(dir string) error                  { return syncDir(dir) }
func (osFS) Lock(name string) (dirLock, error)         { return lockDirOf(name) }

func (osFS) Create(name string) (file, error) {
	return openFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
}

func (osFS) Open(name string) (file, error) { return openFile(name, os.O_RDWR) }

func openFile(name string, flag int) (file, error) {
	f, err := os.OpenFile(name, flag, 0o600) //nolint:gosec // A name in the directory the user chose.
	if err != nil {
		return nil, err
	}
	if flag&os.O_CREATE != 0 {
		if dir, err := os.Stat(filepath.Dir(name)); err == nil {
			belongAs(f, dir)
		}
	}
	return osFile{f}, nil
}

// makeDir makes a directory and its parents.
func makeDir(dir string) error {
	_, err := os.Lstat(dir)
	isNew := errors.Is(err, fs.ErrNotExist)
	if err = os.MkdirAll(dir, 0o700); err != nil || !isNew {
		return err
	}
	giveDir(dir)
	return nil
}

// giveDir gives a directory that was made just now to the owner of the one in which it is. That
// one may have put a link in its place meanwhile, so nothing outside is looked at.
func giveDir(dir string) {
	parent, err := os.OpenRoot(filepath.Dir(dir))
	if err != nil {
		return
	}
	defer parent.Close()
	made, err := parent.Open(filepath.Base(dir))
	if err != nil {
		return
	}
	defer made.Close()
	owner, err := parent.Stat(".")
	if info, bad := made.Stat(); err == nil && bad == nil && info.IsDir() {
		belongAs(made, owner)
	}
}

// crashPoint is called between every two file operations that a crash could part, with
// the name of the place. It is nil except in tests.
var crashPoint func(place string)

func mayCrash(place string) {
	if crashPoint != nil {
		crashPoint(place)
	}
}
