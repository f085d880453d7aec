package queue

import (
	"fmt"
	"time"
)

// choreState is what keepHouse needs.
type choreState struct {
	work   chan struct{}
	making chan struct{} // holds one token while a spare is made: two at once would take twice as long
	spare  uint64        // the number of the last spare; the spool's lock guards it
}

// checkOwner returns why the directory may not be written any more. Whoever makes, names
// or removes a file in it asks first: another process may use a directory of that name
// by now.
func (s *Spool) checkOwner() error {
	if err := s.lock.Check(); err != nil {
		return fmt.Errorf("%w: %s", err, s.dir)
	}
	return nil
}

// keepHouse removes finished segments and makes the next ones before they are needed,
// since it takes time to fill a file with zeros.
func (s *Spool) keepHouse() {
	for {
		next := 10 * time.Second
		if s.checkOwner() == nil {
			s.removeFinished()
			if s.makeSpares() {
				next = time.Hour
			}
			s.letters.expire(s.o.LetterAge)
			s.letters.wipe()
		}
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
		_ = seg.remove(spoiled[i]) // if that fails, the next start finds it, with all in it settled
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

// makeSpares makes the spares that are missing. It reports whether it could.
func (s *Spool) makeSpares() bool {
	for s.wantsSpare() {
		s.chores.making <- struct{}{}
		spare, err := makeSpare(s.disk, s.dir, s.spareName(), s.o.SegmentBytes)
		if err == nil && !s.keepSpare(spare) {
			_ = s.disk.Remove(spare) // whoever needed it has made one
		}
		<-s.chores.making
		if err != nil {
			return false
		}
	}
	return true
}

// takeSpare returns a spare for the next segment of items. If one is being made, it
// waits for that, and makes one itself only if that went to somebody else.
func (s *Spool) takeSpare() (string, error) {
	if spare := s.readySpare(); spare != "" {
		return spare, nil
	}
	s.chores.making <- struct{}{}
	defer func() { <-s.chores.making }()
	if spare := s.readySpare(); spare != "" {
		return spare, nil
	}
	return makeSpare(s.disk, s.dir, s.spareName(), s.o.SegmentBytes)
}

// readySpare returns the spare that is ready, "" if none is.
func (s *Spool) readySpare() (spare string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	spare, s.commit.spare = s.commit.spare, ""
	return spare
}

func (s *Spool) wantsSpare() bool {
	s.letters.mu.Lock()
	defer s.letters.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.letters.spare == "" || s.commit.spare == ""
}

// keepSpare gives a spare to whoever needs it most. First come items that wait for a
// segment, then letters, which need a place when the disk has no more, then the items to
// come. It reports false if nobody needs it.
func (s *Spool) keepSpare(spare string) bool {
	s.letters.mu.Lock()
	defer s.letters.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.commit.spare == "" && s.active == nil:
		s.commit.spare = spare
	case s.letters.spare == "":
		s.letters.spare = spare
	case s.commit.spare == "":
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
