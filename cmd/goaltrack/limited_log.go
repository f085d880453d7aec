package main

import (
	"log/slog"
	"strings"
	"sync"
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
