//go:build unix

package main

import (
	"fmt"
	"os"
	"syscall"
)

// keepOwner gives a new file to the user and the group of the one that it replaces. Else a
// rule file that root lays out could not be read by the proxy any more.
func keepOwner(next *os.File, old os.FileInfo) error {
	made, err := next.Stat()
	if err != nil {
		return err
	}
	was, isUnix := old.Sys().(*syscall.Stat_t)
	is, _ := made.Sys().(*syscall.Stat_t)
	if !isUnix || was.Uid == is.Uid && was.Gid == is.Gid {
		return nil
	}
	if err := next.Chown(int(was.Uid), int(was.Gid)); err != nil {
		return fmt.Errorf("it would not be of user %d and group %d any more; lay it out as that user: %w", was.Uid, was.Gid, err)
	}
	return nil
}
