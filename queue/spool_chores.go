package queue

import (
	"fmt"
	"time"
)

// choreState is what the goroutine that keeps house needs.
type choreState struct {
	work   chan struct{}
	making chan struct{} // held by who makes a spare: two at once would take twice as long
	spare  uint64        // numbers the spares, guarded by the spool's lock
}

// mine returns why the directory may not be written any more. Whoever makes, names
// or removes a file in it asks first: another process may work under that name by
// now.
func (s *Spool) checkOwner() error {
	if err := s.lock.Check(); err != nil {
		return fmt.Errorf("%w: %s", err, s.dir)
	}
	return nil
}

// keepHouse removes what is finished and makes the next segments before they
// are needed, since a file full of zeros takes its time.
func (s *Spool) keepHouse() {
	for {
		next := 10 * time.Second
		if s.checkOwner() == nil {
			s.removeFinished()
			if s.makeSpares() {
				next = time.Hour
			}
			s.letters.expire(s.o.LetterAge)
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

// makeSpares makes the spares that are missing.
func (s *Spool) makeSpares() bool {
	for s.wantsSpare() {
		s.chores.making <- struct{}{}
		spare, err := makeSpare(s.disk, s.dir, s.spareName(), s.o.SegmentBytes)
		if err == nil && !s.keepSpare(spare) {
			_ = s.disk.Remove(spare) // who needed it has made one
		}
		<-s.chores.making
		if err != nil {
			return false
		}
	}
	return true
}

// takeSpare returns the spare for the next segment of items. It waits for one that
// is being made, for whatever purpose, and makes one only if that is of no use.
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

// keepSpare gives a spare to those who need it most: items that wait for a segment,
// then letters, so that there is place for them even if the disk has no more, then
// the items to come.
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
