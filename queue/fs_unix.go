//go:build unix && !aix && !solaris

package queue

import (
	"errors"
	"os"
	"syscall"
)

func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // The directory the user chose.
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// diskIsFull reports whether err says that the disk has no room.
func diskIsFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
