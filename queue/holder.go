package queue

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// Holder describes the process that has a spool's directory, as its lock file says. What
// the file does not say is zero.
type Holder struct {
	// PID is the process's number on its host or in its container; 0 if it is not
	// known.
	PID int `json:"pid"`
	// Host is the name of the machine or of the container, as os.Hostname returns it.
	Host string `json:"host"`
	// Since is when the process took the directory, in UTC and whole seconds.
	Since time.Time `json:"since"`
}

// String returns, for people, "process 7 on web-1 since 2026-11-28T17:00:00Z", or
// "another process" if PID is 0.
func (h Holder) String() string {
	if h.PID == 0 {
		return "another process"
	}
	return fmt.Sprintf("process %d on %s since %s", h.PID, h.Host, h.Since.Format(time.RFC3339))
}

// LockedError says which process has the spool's directory. It wraps [ErrLocked].
type LockedError struct {
	Dir    string // the directory, as it was given
	Holder Holder // the process, as far as it is known
}

// Error returns one line with the directory and the process.
func (e *LockedError) Error() string {
	return fmt.Sprintf("queue: %s is locked by %v", e.Dir, e.Holder)
}

// Unwrap returns [ErrLocked].
func (e *LockedError) Unwrap() error { return ErrLocked }

// began is when this process began, in whole seconds as in a Holder.
var began = time.Now().UTC().Truncate(time.Second)

// IsOwn reports whether this process itself has the directory, for another spool that is
// not closed yet. In containers that share the name of the host, each may be process 1;
// one that had the directory before this process began is another one.
func (e *LockedError) IsOwn() bool {
	own := self()
	return e.Holder.PID == own.PID && e.Holder.Host == own.Host && !e.Holder.Since.Before(began)
}

// self describes this process as a holder from now on.
func self() Holder {
	host, _ := os.Hostname() // if it fails, the number has to do
	return Holder{PID: os.Getpid(), Host: host, Since: time.Now().UTC().Truncate(time.Second)}
}

// writeHolder writes into a lock file that this process has it. The text is for people;
// nothing depends on it.
func writeHolder(lock *os.File) {
	text, err := json.Marshal(self())
	if err != nil || lock.Truncate(0) != nil {
		return
	}
	_, _ = lock.WriteAt(append(text, '\n'), 0)
}

// holderOf reads what the lock file of a directory says.
func holderOf(disk fsys, dir string) (h Holder) {
	f, err := disk.Open(filepath.Join(dir, lockName))
	if err != nil {
		return h // on Windows nobody else may open it
	}
	defer func() { _ = f.Close() }()
	var text [1024]byte
	n, err := f.ReadAt(text[:], 0)
	if err != nil && !errors.Is(err, io.EOF) || json.Unmarshal(text[:n], &h) != nil {
		return Holder{}
	}
	return h
}
