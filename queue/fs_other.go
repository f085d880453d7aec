//go:build !windows && (!unix || aix || solaris)

package queue

import (
	"errors"
	"io/fs"
	"os"
)

// lockDirOf fails: this system has no lock that ends with its process. A lock that a
// killed process leaves behind would be worse than none.
func lockDirOf(name string) (dirLock, error) {
	return nil, errors.ErrUnsupported
}

func syncDir(string) error { return nil }

func diskIsFull(error) bool { return false }

func belongAs(*os.File, fs.FileInfo) {}
