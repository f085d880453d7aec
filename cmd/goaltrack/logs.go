package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/accesslog"
)

// standardInput is the name of the standard input among files.
const standardInput = "-"

// areThere returns the logs that do not exist, before hours are spent on the
// others.
func areThere(logs []string) error {
	var faults []error
	for _, name := range logs {
		if name == standardInput {
			continue
		}
		info, err := os.Stat(name)
		if err == nil && info.IsDir() {
			err = fmt.Errorf("%s is a directory", name)
		}
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

// logsRead says what was read of logs.
type logsRead struct {
	lines, unreadable int64
	cut               int64 // of the unreadable ones, whose rest is missing
	nameless          int64 // requests of no known user agent
	timeless          int64 // requests of no known time
	files             []fileRead
}

// fileRead says what was read of one of them, and what it was taken for.
type fileRead struct {
	Name     string `json:"name"`
	Format   string `json:"format"`
	encoding string
	Lines    int64 `json:"lines"`
	Read     int64 `json:"read"`
}

// fault is an error if there were lines and none could be read, so that a script
// does not take the zeros for counts.
func (l logsRead) fault() error {
	if l.lines == 0 || l.lines > l.unreadable {
		return nil
	}
	return fmt.Errorf("nothing could be read: none of %s is a request in a known format", counted(l.lines, "line"))
}

// String is "1000 lines, 3 of them unreadable".
func (l logsRead) String() string {
	text := counted(l.lines, "line")
	if l.unreadable > 0 {
		text += fmt.Sprintf(", %d of them unreadable", l.unreadable)
	}
	if l.cut > 0 {
		text += fmt.Sprintf(" (of which %d cut, as their rest is missing)", l.cut)
	}
	return text
}

// most says what a count is that depends on what is guessed: a bound, unless there may have
// been more in what could not be read.
func (l logsRead) most() string {
	if l.unreadable > 0 {
		return "about"
	}
	return "at most"
}

// readLogs calls add with every request of the logs. The texts of an entry are
// valid until add returns.
func readLogs(ctx context.Context, logs []string, stderr io.Writer, add func(goaltrack.LogEntry)) (read logsRead, err error) {
	each := func(l *accesslog.Line) {
		if len(l.UserAgent) == 0 {
			read.nameless++
		}
		if l.Time.IsZero() {
			read.timeless++
		}
		add(l.Entry())
	}
	for _, name := range logs {
		a, err := readLogFile(ctx, name, stderr, each)
		read.lines += a.Lines
		read.unreadable += a.Unreadable
		read.cut += a.Cut
		read.files = append(read.files, fileRead{name, a.Format(), a.Encoding, a.Lines, a.Read()})
		if err != nil {
			return read, err
		}
	}
	return read, nil
}

// readLogFile reads one log and shows how far it is.
func readLogFile(ctx context.Context, name string, stderr io.Writer, each func(*accesslog.Line)) (a accesslog.Account, err error) {
	file, size := os.Stdin, int64(0)
	if name != standardInput {
		if file, err = os.Open(name); err != nil { //nolint:gosec // The user says which file.
			return a, err
		}
		defer func() { _ = file.Close() }() // it was only read
		if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
			size = info.Size()
		}
	}
	bar := newProgress(file, size, stderr, time.Now)
	defer bar.clear()
	if a, err = accesslog.Read(ctx, bar, each); err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return a, err
}
