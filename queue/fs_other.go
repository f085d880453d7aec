//go:build !windows && (!unix || aix || solaris)

package queue

import "errors"

// lockDirOf has nothing to build on here, and a lock that a killed process
// leaves behind would be worse than none.
func lockDirOf(name string) (dirLock, error) {
	return nil, errors.ErrUnsupported
}

func syncDir(string) error { return nil }

func diskIsFull(error) bool { return false }
