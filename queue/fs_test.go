package queue

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestOSFiles(t *testing.T) {
	var disk fsys = osFS{}
	dir := filepath.Join(t.TempDir(), "a", "b")
	if err := disk.MkdirAll(dir); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "f")
	f, err := disk.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("hello"), 3); err != nil {
		t.Error(err)
	}
	if n, err := f.Size(); n != 8 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
	if err := errors.Join(f.Truncate(5), f.Sync(), f.Close(), disk.SyncDir(dir)); err != nil {
		t.Error(err)
	}
	if _, err := disk.Create(name); !errors.Is(err, os.ErrExist) {
		t.Errorf("Create over a file: %v", err)
	}
	if _, err := disk.Open(name + "x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Open without a file: %v", err)
	}
	if err := disk.Rename(name, name+"x"); err != nil {
		t.Error(err)
	}
	if list, err := disk.ReadDir(dir); err != nil || len(list) != 1 || list[0].Name() != "fx" {
		t.Errorf("%v, %v", list, err)
	}
	if runtime.GOOS != "windows" { // which has no such modes
		for path, want := range map[string]os.FileMode{dir: 0o700, name + "x": 0o600} {
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
				t.Errorf("%s: %v, %v; want %v", path, info.Mode(), err, want)
			}
		}
	}
	if err := disk.Remove(name + "x"); err != nil {
		t.Error(err)
	}
}

func TestLockFile(t *testing.T) {
	var disk fsys = osFS{}
	name := filepath.Join(t.TempDir(), "lock")
	for range 2 { // the file that stays does not lock
		lock, err := disk.Lock(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := disk.Lock(name); !errors.Is(err, errLocked) {
			t.Errorf("a second lock: %v", err)
		}
		if err := lock.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := disk.Lock(filepath.Join(name, "x")); err == nil || errors.Is(err, errLocked) {
		t.Errorf("in a directory that is none: %v", err)
	}
}
