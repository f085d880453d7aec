package main

import (
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// limitedLog writes at most one line in a period, with the number of lines that
// were left out since the last. So a site that is down cannot fill the disk
// with logs. It is safe for concurrent use.
type limitedLog struct {
	logger *slog.Logger
	every  time.Duration

	mu      sync.Mutex
	next    time.Time
	leftOut int
}

// warn logs the message, unless another was logged a moment ago.
func (s *limitedLog) warn(message string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if now.Before(s.next) {
		s.leftOut++
		return
	}
	if s.leftOut > 0 {
		args = append(args, "left_out", s.leftOut)
	}
	s.next, s.leftOut = now.Add(s.every), 0
	s.logger.Warn(message, args...)
}

// Write takes a line from a [log.Logger].
func (s *limitedLog) Write(line []byte) (int, error) {
	s.warn(strings.TrimSpace(string(line)))
	return len(line), nil
}

// strays takes what packages write to the log of the process, because they know no other.
// http.Transport does that with every answer of the site that is longer than it says. A
// program may take the lines over. What they quote of an answer is somebody's own, and is
// left out.
type strays struct{ to atomic.Pointer[limitedLog] }

// Write implements [io.Writer].
func (s *strays) Write(line []byte) (int, error) {
	to := s.to.Load()
	if to == nil {
		return os.Stderr.Write(line)
	}
	said, _, _ := strings.Cut(string(line), ` starting with "`)
	to.warn(strings.TrimSpace(said))
	return len(line), nil
}

// ofProcess are those of this process, since main has begun.
var ofProcess strays
