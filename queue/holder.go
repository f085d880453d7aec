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

// Holder is the process that has a spool's directory, as its lock file tells. What
// the file does not tell is zero.
type Holder struct {
	// PID is the process's number, on its host or in its container.
	PID int `json:"pid"`
	// Host is the name of the machine or of the container.
	Host string `json:"host"`
	// Since is when it took the directory.
	Since time.Time `json:"since"`
}

// String names the process for people.
func (h Holder) String() string {
	if h.PID == 0 {
		return "another process"
	}
	return fmt.Sprintf("process %d on %s since %s", h.PID, h.Host, h.Since.Format(time.RFC3339))
}

// LockedError says which process has the spool's directory. It is an [ErrLocked].
type LockedError struct {
	Dir    string
	Holder Holder
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("queue: %s is locked by %v", e.Dir, e.Holder)
}

// Unwrap makes it an ErrLocked.
func (e *LockedError) Unwrap() error { return ErrLocked }

// self is this process, as a holder from now on.
func self() Holder {
	host, _ := os.Hostname() // without, the number has to do
	return Holder{PID: os.Getpid(), Host: host, Since: time.Now().UTC().Truncate(time.Second)}
}

// writeHolder writes into a lock file whose it is. Nothing depends on it but what
// people are told.
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
