//go:build unix && !aix && !solaris

package queue

import (
	"errors"
	"io/fs"
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

// belongAs gives what root has just made to the user whose the directory is. Else a command
// that an administrator calls would leave files that the site, which runs as that user, cannot
// open. It is no fault if the file system knows no owners.
func belongAs(made *os.File, dir fs.FileInfo) {
	if os.Geteuid() != 0 {
		return // nobody else may give files away
	}
	if whose, ok := dir.Sys().(*syscall.Stat_t); ok && whose.Uid != 0 {
		_ = made.Chown(int(whose.Uid), int(whose.Gid))
	}
}
