package queue

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// crashFS is a file system in memory that tells what is written from what is on the
// disk. Bytes are on the disk after Sync of their file, names after SyncDir of their
// directory. powerLoss makes the file system that a machine might find when power comes
// back. The idea is that of Pebble's crashable vfs.MemFS and of the model tests of
// Vector's disk buffer.
//
// What is not synced may be lost or kept, each operation for itself. A write may be kept
// in part, cut anywhere, and a file may have grown without the bytes.
type crashFS struct {
	// before, if there is one, is asked ahead of every operation that could
	// fail on a real disk. It may return an error, wait, or take a picture of
	// the whole (with no lock held). An errShort lets that many bytes through.
	before func(op op) error
	// capacity bounds the bytes of all files, 0: it does not.
	capacity int64

	mu    sync.Mutex
	dirs  map[string]bool
	names map[string]*inode // as programs see them
	disk  map[string]*inode // as a loss of power leaves them
	todo  []dirOp           // what lies between the two, in order
	locks map[string]bool
}

// op is one operation: "write", "sync", "create" and so on.
type op struct{ what, name string }

func (o op) String() string { return o.what + " " + filepath.Base(o.name) }

type errShort int

func (e errShort) Error() string { return fmt.Sprintf("only %d bytes were written", int(e)) }

type dirOp struct {
	dir    string
	remove string // a name, or ""
	set    string // a name, or ""
	node   *inode
}

// inode is a file whatever its name. Pictures share their bytes until somebody
// changes them.
type inode struct {
	data   shared // as programs see it
	synced shared // as it is on the disk
	todo   []change
}

// shared is copied before it is changed.
type shared struct {
	b   []byte
	own bool
}

func (s *shared) apply(c change) {
	if !s.own {
		s.b, s.own = slices.Clone(s.b), true
	}
	s.b = c.to(s.b)
}

func (s *shared) lend() shared {
	s.own = false
	return shared{b: s.b}
}

// change is a write, or a truncation if it has no data.
type change struct {
	at   int64
	data []byte
}

func (c change) to(b []byte) []byte {
	end := c.at + int64(len(c.data))
	if c.data == nil {
		if c.at < int64(len(b)) {
			return b[:c.at:c.at]
		}
		return append(b, make([]byte, c.at-int64(len(b)))...)
	}
	if end > int64(len(b)) {
		b = append(b, make([]byte, end-int64(len(b)))...)
	}
	copy(b[c.at:], c.data)
	return b
}

func newCrashFS() *crashFS {
	return &crashFS{dirs: map[string]bool{"/": true}, names: map[string]*inode{}, disk: map[string]*inode{}, locks: map[string]bool{}}
}

func (c *crashFS) ask(what, name string) error {
	if c.before == nil {
		return nil
	}
	return c.before(op{what, name})
}

func (c *crashFS) fail(what, name string, err error) error {
	return &fs.PathError{Op: what, Path: name, Err: err}
}

func (c *crashFS) MkdirAll(dir string) error {
	if err := c.ask("mkdir", dir); err != nil {
		return c.fail("mkdir", dir, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for ; !c.dirs[dir]; dir = filepath.Dir(dir) {
		c.dirs[dir] = true
	}
	return nil
}

func (c *crashFS) ReadDir(dir string) ([]fs.DirEntry, error) {
	if err := c.ask("readdir", dir); err != nil {
		return nil, c.fail("readdir", dir, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.dirs[dir] {
		return nil, c.fail("readdir", dir, fs.ErrNotExist)
	}
	var all []fs.DirEntry
	for name, node := range c.names {
		if filepath.Dir(name) == dir {
			all = append(all, fs.FileInfoToDirEntry(info{filepath.Base(name), int64(len(node.data.b)), 0o600}))
		}
	}
	for name := range c.dirs {
		if name != dir && filepath.Dir(name) == dir {
			all = append(all, fs.FileInfoToDirEntry(info{filepath.Base(name), 0, fs.ModeDir | 0o700}))
		}
	}
	slices.SortFunc(all, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return all, nil
}

func (c *crashFS) Create(name string) (file, error) {
	if err := c.ask("create", name); err != nil {
		return nil, c.fail("create", name, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.names[name] != nil {
		return nil, c.fail("create", name, fs.ErrExist)
	}
	if !c.dirs[filepath.Dir(name)] {
		return nil, c.fail("create", name, fs.ErrNotExist)
	}
	node := &inode{}
	c.names[name] = node
	c.todo = append(c.todo, dirOp{dir: filepath.Dir(name), set: name, node: node})
	return &handle{fs: c, node: node, name: name}, nil
}

func (c *crashFS) Open(name string) (file, error) {
	if err := c.ask("open", name); err != nil {
		return nil, c.fail("open", name, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	node := c.names[name]
	if node == nil {
		return nil, c.fail("open", name, fs.ErrNotExist)
	}
	return &handle{fs: c, node: node, name: name}, nil
}

func (c *crashFS) Rename(from, to string) error {
	if err := c.ask("rename", from); err != nil {
		return c.fail("rename", from, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	node := c.names[from]
	if node == nil || !c.dirs[filepath.Dir(to)] {
		return c.fail("rename", from, fs.ErrNotExist)
	}
	delete(c.names, from)
	c.names[to] = node
	c.todo = append(c.todo, dirOp{dir: filepath.Dir(from), remove: from, set: to, node: node})
	return nil
}

func (c *crashFS) Remove(name string) error {
	if err := c.ask("remove", name); err != nil {
		return c.fail("remove", name, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	node := c.names[name]
	if node == nil {
		return c.fail("remove", name, fs.ErrNotExist)
	}
	delete(c.names, name)
	c.todo = append(c.todo, dirOp{dir: filepath.Dir(name), remove: name})
	return nil
}

func (c *crashFS) SyncDir(dir string) error {
	if err := c.ask("syncdir", dir); err != nil {
		return c.fail("syncdir", dir, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.todo = slices.DeleteFunc(c.todo, func(o dirOp) bool {
		if o.dir != dir {
			return false
		}
		o.to(c.disk)
		return true
	})
	return nil
}

func (o dirOp) to(names map[string]*inode) {
	if o.remove != "" {
		delete(names, o.remove)
	}
	if o.set != "" {
		names[o.set] = o.node
	}
}

func (c *crashFS) Lock(name string) (dirLock, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.locks[name] {
		return nil, errLocked
	}
	if c.names[name] == nil {
		c.names[name] = &inode{}
		c.disk[name] = c.names[name]
	}
	c.locks[name] = true
	return unlock(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.locks, name)
	}), nil
}

type unlock func()

func (u unlock) Close() error { u(); return nil }
func (u unlock) Check() error { return nil }

// used is how many bytes all files hold.
func (c *crashFS) used() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sum()
}

// sum is the same when the lock is held.
func (c *crashFS) sum() (n int64) {
	for _, node := range c.names {
		n += int64(len(node.data.b))
	}
	return n
}

// handle is an open file. It goes on when its name is gone.
type handle struct {
	fs   *crashFS
	node *inode
	name string
}

func (h *handle) ReadAt(b []byte, at int64) (int, error) {
	if err := h.fs.ask("read", h.name); err != nil {
		return 0, h.fs.fail("read", h.name, err)
	}
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if at >= int64(len(h.node.data.b)) {
		return 0, io.EOF
	}
	n := copy(b, h.node.data.b[at:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (h *handle) WriteAt(b []byte, at int64) (int, error) {
	err := h.fs.ask("write", h.name)
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if err == nil && h.fs.capacity > 0 {
		room := h.fs.capacity - h.fs.sum()
		if grows := at + int64(len(b)) - int64(len(h.node.data.b)); grows > max(room, 0) {
			b = b[:max(0, int64(len(b))-grows+max(room, 0))]
			err = errShort(len(b))
		}
	}
	if short, ok := errors.AsType[errShort](err); ok {
		b = b[:min(len(b), int(short))]
		err = syscall.ENOSPC
	} else if err != nil {
		return 0, h.fs.fail("write", h.name, err)
	}
	if len(b) > 0 {
		h.node.change(change{at, slices.Clone(b)})
	}
	if err != nil {
		err = h.fs.fail("write", h.name, err)
	}
	return len(b), err
}

func (n *inode) change(c change) {
	n.data.apply(c)
	n.todo = append(n.todo, c)
}

func (h *handle) Truncate(size int64) error {
	if err := h.fs.ask("truncate", h.name); err != nil {
		return h.fs.fail("truncate", h.name, err)
	}
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	h.node.change(change{at: size})
	return nil
}

func (h *handle) Sync() error {
	err := h.fs.ask("sync", h.name)
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if err != nil {
		// Linux takes the pages for clean then: the next Sync succeeds, and
		// what was to be written never is (https://lwn.net/Articles/752063/).
		h.node.todo = nil
		return h.fs.fail("sync", h.name, err)
	}
	for _, c := range h.node.todo {
		h.node.synced.apply(c)
	}
	h.node.todo = nil
	return nil
}

func (h *handle) Size() (int64, error) {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	return int64(len(h.node.data.b)), nil
}

func (h *handle) Close() error { return nil }

// What powerLoss keeps of what was not synced. With everything kept it is the
// end of the process and not of the machine.
const (
	keepNothing    = 0.0
	keepSome       = 0.5
	keepMost       = 0.9
	keepEverything = 1.0
)

// powerLoss is what may be found when power comes back, each thing that was not
// synced kept with this chance.
func (c *crashFS) powerLoss(random *rand.Rand, chance float64) *crashFS {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := newCrashFS()
	kept.dirs = maps.Clone(c.dirs)
	kept.capacity = c.capacity
	names := maps.Clone(c.disk)
	for _, o := range c.todo {
		if random.Float64() < chance {
			o.to(names)
		}
	}
	clones := map[*inode]*inode{}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		node := names[name]
		if clones[node] == nil {
			left := node.afterLoss(random, chance)
			clones[node] = &inode{data: left.lend(), synced: left.lend()}
		}
		kept.names[name] = clones[node]
		kept.disk[name] = clones[node]
	}
	return kept
}

func (n *inode) afterLoss(random *rand.Rand, chance float64) shared {
	if chance == keepEverything {
		return n.data.lend() // also what a failed sync will never write
	}
	left := n.synced.lend()
	for _, c := range n.todo {
		switch {
		case random.Float64() < chance:
			left.apply(c)
		case chance == keepNothing || c.data == nil:
		case random.IntN(2) == 0: // torn
			if part := c.data[:random.IntN(len(c.data)+1)]; len(part) > 0 {
				left.apply(change{c.at, part})
			}
		case random.IntN(3) == 0: // the size without the bytes
			if end := c.at + int64(len(c.data)); end > int64(len(left.b)) {
				left.apply(change{at: end})
			}
		}
	}
	return left
}

// info describes a file or directory.
type info struct {
	name string
	size int64
	mode fs.FileMode
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) Mode() fs.FileMode  { return i.mode }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.mode.IsDir() }
func (i info) Sys() any           { return nil }
