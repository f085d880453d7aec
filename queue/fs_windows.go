package queue

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

const (
	sharingViolation = syscall.Errno(32)  // ERROR_SHARING_VIOLATION
	handleDiskFull   = syscall.Errno(39)  // ERROR_HANDLE_DISK_FULL
	diskFull         = syscall.Errno(112) // ERROR_DISK_FULL
)

// unshared is a file that nobody else can open, remove or rename, as long as it is open.
// Nobody can remove or rename its directory either, so there is nothing to check.
type unshared struct{ *os.File }

func (unshared) Check() error { return nil }

// lockDirOf opens the file with share mode 0, so that nobody else can open it. The
// handle, and so the lock, ends with the process.
func lockDirOf(name string) (dirLock, error) {
	if info, err := os.Lstat(name); err == nil && !info.Mode().IsRegular() {
		return nil, &os.PathError{Op: "lock", Path: name, Err: errNoLock}
	}
	path, err := syscall.UTF16PtrFromString(name)
	if err != nil {
		return nil, &os.PathError{Op: "lock", Path: name, Err: err}
	}
	handle, err := syscall.CreateFile(path, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil,
		syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	switch {
	case errors.Is(err, sharingViolation):
		return nil, errLocked
	case err != nil:
		return nil, &os.PathError{Op: "lock", Path: name, Err: err}
	}
	lock := os.NewFile(uintptr(handle), name)
	writeHolder(lock)
	return unshared{lock}, nil
}

// syncDir does nothing: Windows has no way to flush a directory, and NTFS
// journals its changes.
func syncDir(string) error { return nil }

func diskIsFull(err error) bool {
	return errors.Is(err, diskFull) || errors.Is(err, handleDiskFull)
}

func belongAs(*os.File, fs.FileInfo) {}
