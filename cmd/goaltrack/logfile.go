package main

import (
	"cmp"
	"os"
)

// logFile appends lines to the file of a name. If that file is renamed or removed, as
// logrotate does with one that is full, the next line goes to a new file of the name. No
// signal is needed for that. It is for one goroutine.
type logFile struct {
	name string
	file *os.File
}

func (l *logFile) open() error {
	file, err := os.OpenFile(l.name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if l.file != nil {
		_ = l.file.Close()
	}
	l.file = file
	return nil
}

// Write implements [io.Writer]. Without a new file, the old one takes the line, and the
// error says why there is none.
func (l *logFile) Write(line []byte) (int, error) {
	moved := error(nil)
	if !l.isNamed() {
		moved = l.open()
	}
	n, err := l.file.Write(line)
	return n, cmp.Or(err, moved)
}

// isNamed reports whether the file still has its name.
func (l *logFile) isNamed() bool {
	open, err := l.file.Stat()
	if err != nil {
		return true // to write to it says what is wrong
	}
	named, err := os.Stat(l.name)
	return err == nil && os.SameFile(open, named)
}
