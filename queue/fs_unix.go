//go:build unix && !aix && !solaris

package queue

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// lockFile takes flock(2), which ends with the process: a lock cannot outlive
// its owner.
func lockFile(name string) (io.Closer, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // A name in the directory the user chose.
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errLocked
		}
		return nil, &os.PathError{Op: "flock", Path: name, Err: err}
	}
	return f, nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // The directory the user chose.
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// diskIsFull tells whether err says that there is no room.
func diskIsFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
