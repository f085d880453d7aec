// Package follow looks at a file that people change while a program uses it, and says
// when a new content may be used. A file may be changed in place, by an editor that
// renames, or by a link that then leads elsewhere. It may also be written so slowly that
// a look meets half of it (https://github.com/nil-go/konf/pull/1112).
package follow

import (
	"context"
	"os"
	"path/filepath"
	"time"
)

// Rest is for how long a file must not have been changed.
const Rest = 10 * time.Second

// mostLooks is after how many looks at the same content it is used in any case: a
// program may set the time of a file again and again.
const mostLooks = 30

// RestWhenTold is for how long a file must not have been changed if somebody has said that it
// is ready, and waits.
const RestWhenTold = 2 * time.Second

// mostWhenTold is after how long it is used in any case.
const mostWhenTold = 30 * time.Second

// Settle waits until nobody has changed the files for a moment, or until ctx ends. It waits for no
// file that is missing.
func Settle(ctx context.Context, paths ...string) {
	for until := time.Now().Add(mostWhenTold); time.Now().Before(until); {
		wait := time.Duration(0)
		for _, path := range paths {
			info, err := os.Stat(path)
			if err != nil {
				continue
			}
			if age := time.Since(info.ModTime()); age >= 0 { // else by another clock
				wait = max(wait, RestWhenTold-age)
			}
		}
		if wait == 0 {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// News is what a look has found.
type News uint8

// What a look can find.
const (
	Nothing News = iota
	Changed      // a content that may be used
	Failed       // the file cannot be read; it is said once
	Back         // it can be read again, and is as it was
)

// File is a file that is followed. It is for one goroutine.
type File struct {
	path string
	read func(path string) (text []byte, hash string, err error)

	seen     string // the hash of the content that was used last
	link     string // where the path led then
	settling string // the hash of a content that is new
	looks    int    // how often it was met
	failure  string // why the file cannot be read
}

// New begins to follow a file whose content has that hash, by a function that reads it.
func New(path, hash string, read func(path string) (text []byte, hash string, err error)) *File {
	return &File{path: path, read: read, seen: hash, link: target(path)}
}

// Look looks at the file once. There is a text with Changed, and an error with Failed.
func (f *File) Look() (news News, text []byte, err error) {
	text, hash, err := f.read(f.path)
	switch {
	case err != nil:
		if f.failure == err.Error() {
			return Nothing, nil, nil
		}
		f.failure = err.Error()
		return Failed, nil, err
	case hash == f.seen:
		f.settling = ""
		if f.failure == "" {
			return Nothing, nil, nil
		}
		f.failure = ""
		return Back, nil, nil
	case hash != f.settling:
		f.settling, f.looks = hash, 1
		return Nothing, nil, nil
	}
	if f.looks++; !f.rests() {
		return Nothing, nil, nil
	}
	f.seen, f.link, f.settling, f.failure = hash, target(f.path), "", ""
	return Changed, text, nil
}

// rests reports whether nobody writes the file any more. What a link leads to was there
// before the link was changed, as in a ConfigMap of Kubernetes. A time that has not come
// yet is that of another clock, which says nothing.
func (f *File) rests() bool {
	if f.looks >= mostLooks || target(f.path) != f.link {
		return true
	}
	info, err := os.Stat(f.path)
	if err != nil {
		return false
	}
	age := time.Since(info.ModTime())
	return age < 0 || age >= Rest
}

// target is the file to which a path leads, over all links.
func target(path string) string {
	to, err := filepath.EvalSymlinks(path)
	if err != nil {
		return ""
	}
	return to
}
