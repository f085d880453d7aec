//go:build unix && !aix && !solaris

package queue

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestRootLeavesFilesToOwner: an administrator opens the spool of a site that runs as another
// user. The site has to be able to open what that made: the lock, segments, directories of
// processes.
func TestRootLeavesFilesToOwner(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give files away")
	}
	const site, group = 65534, 65533
	for name, o := range map[string]SpoolOptions{"one process": smallSpool(false), "a directory for each process": {PerProcess: true}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.Chown(dir, site, group); err != nil {
				t.Fatal(err)
			}
			q := openForTest(t, filepath.Join(dir, "spool"), o)
			next := 0
			if !o.PerProcess {
				if _, err := fillSegment(t, q, &next); err != nil {
					t.Fatal(err)
				}
			}
			closeForTest(t, q)
			made := 0
			err := filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
				info, bad := os.Stat(name)
				if bad != nil {
					return bad
				}
				made++
				if is, _ := info.Sys().(*syscall.Stat_t); is.Uid != site || is.Gid != group {
					t.Errorf("%s is of user %d and group %d", name, is.Uid, is.Gid)
				}
				return err
			})
			if err != nil || made < 4 {
				t.Errorf("%d names, %v", made, err)
			}
		})
	}
}

// TestLinksAreNotGivenAway: the user whose the directory is puts a link in place of what root
// has made there.
func TestLinksAreNotGivenAway(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give files away")
	}
	dir, outside := t.TempDir(), t.TempDir()
	if err := os.Chown(dir, 65534, 65533); err != nil {
		t.Fatal(err)
	}
	link, file := filepath.Join(dir, "spool"), filepath.Join(dir, "file")
	if err := os.Symlink(outside, link); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for given, of := range map[string]string{link: outside, file: file} {
		giveDir(given)
		info, err := os.Stat(of)
		if err != nil {
			t.Fatal(err)
		}
		if is, _ := info.Sys().(*syscall.Stat_t); is.Uid != 0 {
			t.Errorf("%s is of user %d", of, is.Uid)
		}
	}
}
