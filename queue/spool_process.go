package queue

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// processDir begins the names of directories of processes.
const processDir = "process-"

func isProcessDir(name string) bool { return strings.HasPrefix(name, processDir) }

// claim takes the directory of a process that has ended, or makes one.
func claim(disk fsys, root string) (dir string, lock dirLock, err error) {
	for _, dir := range processDirs(disk, root) {
		if lock, err := lockDir(disk, dir); err == nil {
			return dir, lock, nil
		}
	}
	for range 100 {
		var name [8]byte
		_, _ = rand.Read(name[:]) // never fails
		dir = filepath.Join(root, fmt.Sprintf("%s%x", processDir, name))
		if err := disk.MkdirAll(dir); err != nil {
			return "", nil, fmt.Errorf("queue: open spool: %w", err)
		}
		lock, err = lockDir(disk, dir)
		if !errors.Is(err, ErrLocked) { // by a process that looks whether it was left behind
			break
		}
	}
	return dir, lock, err
}

func processDirs(disk fsys, root string) (dirs []string) {
	entries, _ := disk.ReadDir(root)
	for _, e := range entries {
		if e.IsDir() && isProcessDir(e.Name()) {
			dirs = append(dirs, filepath.Join(root, e.Name()))
		}
	}
	return dirs
}

// leftIn lists where ended processes may have left something: in directories of their
// own, and in root itself if it was used without PerProcess.
func leftIn(disk fsys, root string) []string {
	dirs := processDirs(disk, root)
	entries, _ := disk.ReadDir(root)
	if slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		_, _, ok := parseSegmentName(e.Name())
		return ok && !e.IsDir()
	}) {
		dirs = append(dirs, root)
	}
	return dirs
}

// adopt takes over what ended processes left behind. Their items are appended here and
// settled there once they are synced here. The directories stay for the next processes.
func (s *Spool) adopt(root string) {
	for _, dir := range leftIn(s.disk, root) {
		o := s.o
		o.PerProcess, o.beingAdopted = false, true
		if dir == s.dir || s.isClosed() {
			continue
		}
		left, err := openSpool(s.disk, dir, o)
		if err != nil {
			continue // its process lives, or it cannot be opened now: the next start tries again
		}
		s.adoptFrom(left)
		_ = left.Close(context.Background())
	}
}

// adoptFrom moves items and letters here until left has none, or until one cannot be
// moved.
func (s *Spool) adoptFrom(left *Spool) {
	for left.Stats().Waiting > 0 {
		got, _, err := left.take(256)
		if err != nil || len(got) == 0 {
			return
		}
		for _, d := range got {
			if !s.adoptItem(d.Item) {
				return
			}
		}
		if s.syncAll(context.Background(), 10*time.Second) != nil {
			return
		}
		for _, d := range got {
			d.Ack()
		}
		s.mu.Lock()
		s.report.Adopted += len(got)
		s.mu.Unlock()
	}
	_, _ = left.takeLetters(func(Letter) bool { return true }, func(l Letter) error {
		if _, err := s.letters.add(l); err != nil {
			return err
		}
		return s.letters.sync()
	})
}

// adoptItem appends an item, and waits for room if there is none. It reports false if
// the spool is closed.
func (s *Spool) adoptItem(item Item) bool {
	for {
		switch err := s.appendResent(item); {
		case err == nil:
			return true
		case errors.Is(err, ErrClosed), !s.pause(time.Second):
			return false
		}
	}
}
