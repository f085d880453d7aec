package queue

import (
	"fmt"
	"time"
)

// choreState is what the goroutine that keeps house needs.
type choreState struct {
	work  chan struct{}
	spare uint64 // numbers the spares, guarded by the spool's lock
}

// keepHouse removes what is finished and makes the next segments before they
// are needed, since a file full of zeros takes its time.
func (s *Spool) keepHouse() {
	for {
		s.removeFinished()
		next := time.Hour
		if !s.makeSpares() {
			next = 10 * time.Second
		}
		s.letters.expire(s.o.LetterAge)
		timer := time.NewTimer(next)
		select {
		case <-s.chores.work:
		case <-timer.C:
		case <-s.stopping:
			timer.Stop()
			return
		}
		timer.Stop()
	}
}

func (s *Spool) removeFinished() {
	s.mu.Lock()
	finished := s.finished
	s.finished = nil
	spoiled := make([]bool, len(finished))
	for i, seg := range finished {
		spoiled[i] = seg.spoiled
	}
	s.mu.Unlock()
	for i, seg := range finished {
		_ = seg.remove(spoiled[i]) // what stays is found, all settled, at the next start
		if spoiled[i] {
			s.weighQuarantine()
		}
		mayCrash("segment removed")
	}
	if len(finished) > 0 {
		s.mu.Lock()
		s.commit.dirChanged = true
		s.mu.Unlock()
		kick(s.commit.dirty)
	}
}

// makeSpares makes the segments that are missing, the one for letters first.
func (s *Spool) makeSpares() bool {
	for s.wantsSpare() {
		spare, err := makeSpare(s.disk, s.dir, s.spareName(), s.o.SegmentBytes)
		if err != nil {
			return false
		}
		if !s.keepSpare(spare) {
			_ = s.disk.Remove(spare) // who needed it could not wait and made one
		}
	}
	return true
}

func (s *Spool) wantsSpare() bool {
	s.letters.mu.Lock()
	defer s.letters.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.letters.spare == "" || s.commit.spare == ""
}

func (s *Spool) keepSpare(spare string) bool {
	s.letters.mu.Lock()
	defer s.letters.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch "" {
	case s.letters.spare:
		s.letters.spare = spare
	case s.commit.spare:
		s.commit.spare = spare
	default:
		return false
	}
	return true
}

func (s *Spool) spareName() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.chores.spare++
	return fmt.Sprintf("%08x", s.chores.spare)
}
