package queue

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"
)

// letterStore is the log of dead letters. They have segments of their own, and one is
// always ready: the queue can be drained although the disk is full. Methods that end in
// Locked are called with its mu held.
type letterStore struct {
	spool   *Spool
	largest int64 // the largest frame of an item that fits as a letter, too

	adding  errand     // the spool's lock guards it
	walking sync.Mutex // one Resend or Drop at a time
	mu      sync.Mutex // guards what follows; held while a letter is written
	list    []*segment // oldest first
	active  *segment   // the last of them, nil if there is none to write to
	nextID  uint64
	number  uint64
	spare   string
}

const maxReason = 2 << 10 // bytes of a letter's reason

// largestFrame is the largest frame of an item that fits as a letter, too.
func largestFrame(segment int64) int64 {
	h := newHeader(kindItems, segment)
	return min(h.size-h.data(), maxFrame) - maxReason
}

// bury implements backend.
func (s *Spool) bury(t ticket, reason string) bool {
	s.mu.Lock()
	if t.voidLocked() {
		s.mu.Unlock()
		return true
	}
	t.out = false // from here on the ticket is void for everybody else
	final := s.filesClosed
	letter := Letter{Item: t.Item, Reason: reason, Died: time.Now()}
	s.mu.Unlock()
	var at address
	if !final {
		var kept address
		var err error
		became := s.run(context.Background(), &s.letters.adding, func() { kept, err = s.letters.add(letter) }, func() {
			if err == nil { // nothing has happened: the letter is taken back
				go s.letters.ack([]address{kept})
			}
		})
		if became != errandDone || err != nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			t.out = true
			return false
		}
		at = kept
	}
	mayCrash("letter written")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Dead++
	if seg := s.removeLocked(t.entry); seg != nil {
		s.commit.buried = append(s.commit.buried, burial{t.at(), at, letter})
		kick(s.commit.dirty)
	}
	return true
}

// add writes a letter, and returns where it is.
func (b *letterStore) add(l Letter) (at address, err error) {
	l.Reason = l.Reason[:min(len(l.Reason), maxReason)]
	b.mu.Lock()
	defer b.mu.Unlock()
	size := int64(frameSize(&l.Item, l.Reason))
	for range 2 { // in a new segment if the first cannot be written
		if b.active != nil && !b.active.fits(b.number+1, b.active.end+size) {
			b.retireLocked()
		}
		if b.active == nil {
			if err := b.newActiveLocked(); err != nil {
				return at, err
			}
		}
		seg := b.active
		l.number = b.number + 1
		if err = seg.write(appendFrame(nil, seg.salt, kindLetters, &l), seg.end); err == nil {
			b.number++
			seg.count++
			seg.unsettled++
			seg.end += size
			seg.bytes += l.size()
			seg.last, seg.newest = l.number, l.Died
			if l.Private && seg.wipeAt.IsZero() {
				seg.wipeAt = l.Died.Add(b.spool.o.PrivateAge)
			}
			b.countMore(1)
			return address{seg, l.number}, nil
		}
		b.retireLocked()
	}
	return at, err
}

// countMore adds n to the number of letters in Stats.
func (b *letterStore) countMore(n int) {
	b.spool.mu.Lock()
	b.spool.stats.Letters += n
	b.spool.mu.Unlock()
}

// retireLocked ends the writing to the active segment.
func (b *letterStore) retireLocked() {
	b.active.retired = true
	if b.active.count > 0 {
		_ = b.active.seal() // without, the next start goes through its frames
	}
	b.active = nil
}

// newActiveLocked makes the spare the active segment. If there are too many letters then,
// it removes the oldest segments.
func (b *letterStore) newActiveLocked() error {
	if err := b.spool.checkOwner(); err != nil {
		return err
	}
	kick(b.spool.chores.work) // make another
	if b.spare == "" {
		spare, err := makeSpare(b.spool.disk, b.spool.dir, b.spool.spareName(), b.spool.o.SegmentBytes)
		if err != nil {
			return err
		}
		b.spare = spare
	}
	h := newHeader(kindLetters, b.spool.o.SegmentBytes)
	h.id, h.first = b.nextID, b.number+1
	seg, err := useSpare(b.spool.disk, b.spare, h)
	if err != nil {
		return err
	}
	b.spare = ""
	b.nextID++
	b.list = append(b.list, seg)
	b.active = seg
	for len(b.list) > 1 && int64(len(b.list))*b.spool.o.SegmentBytes > b.spool.o.Letters {
		b.forgetLocked(0)
	}
	b.spool.mu.Lock()
	b.spool.commit.dirChanged = true
	b.spool.mu.Unlock()
	kick(b.spool.commit.dirty)
	return nil
}

// forgetLocked removes the segment of letters with index i.
func (b *letterStore) forgetLocked(i int) {
	seg := b.list[i]
	b.list = slices.Delete(b.list, i, i+1)
	if b.active == seg {
		b.active = nil
	}
	b.countMore(-seg.unsettled)
	_ = seg.remove(seg.spoiled) // if that fails, the next start finds it
}

// expire removes the segments of which all letters are settled or too old.
func (b *letterStore) expire(age time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, seg := range slices.Backward(slices.Clone(b.list)) {
		if seg.unsettled <= 0 && seg.retired || seg.count > 0 && time.Since(seg.newest) > age {
			b.forgetLocked(i)
		}
	}
}

// ageOf is how long a letter is kept.
func (o *SpoolOptions) ageOf(l *Letter) time.Duration {
	if l.Private {
		return o.PrivateAge
	}
	return o.LetterAge
}

// sync makes the letters survive a loss of power. It returns the last error of a
// segment; the others are synced all the same.
func (b *letterStore) sync() (err error) {
	b.mu.Lock()
	list := slices.Clone(b.list)
	b.mu.Unlock()
	for _, seg := range list {
		if bad := seg.sync(); bad != nil {
			err = bad
			b.mu.Lock()
			if b.active == seg {
				b.active.retired = true
				b.active = nil
			}
			b.mu.Unlock()
		}
	}
	return err
}

// walk calls visit for all letters, oldest first; visit may keep what it is given. It
// calls done after each segment.
func (b *letterStore) walk(visit func(*segment, Letter) error, done func() error) error {
	b.mu.Lock()
	list := slices.Clone(b.list)
	ends := make([]int64, len(list))
	for i, seg := range list {
		ends[i] = seg.end
	}
	b.mu.Unlock()
	for i, seg := range list {
		r := newFrameReader(seg, &seg.header, seg.data(), ends[i])
		var err error
		for err == nil {
			var rec record
			if rec, err = r.next(); err != nil || seg.settled(rec.number) || time.Since(rec.Died) > b.spool.o.ageOf(&rec.Letter) {
				continue
			}
			rec.Body = slices.Clone(rec.Body)
			err = visit(seg, rec.Letter)
		}
		if derr := done(); derr != nil {
			return derr
		}
		if !errors.Is(err, io.EOF) && !errors.Is(err, errGone) {
			return err
		}
	}
	return nil
}

// ack settles letters.
func (b *letterStore) ack(letters []address) {
	for _, c := range letters {
		c.seg.ack(c.number)
	}
	b.mu.Lock()
	for _, c := range letters {
		c.seg.unsettled--
	}
	b.countMore(-len(letters))
	b.mu.Unlock()
	kick(b.spool.commit.dirty)
	kick(b.spool.chores.work)
}

// Letters implements [LetterBox]. It returns at most 256 letters in at most 4 MiB. The
// disk has more, within SpoolOptions.Letters and the ages; it reads them all.
func (s *Spool) Letters() (letters []Letter) {
	var bytes int64
	_ = s.letters.walk(func(_ *segment, l Letter) error {
		letters = append(letters, l)
		bytes += l.size()
		for len(letters) > keptLetters || bytes > windowBytes && len(letters) > 1 {
			bytes -= letters[0].size()
			letters = letters[1:]
		}
		return nil
	}, func() error { return nil })
	return letters
}

// Resend implements [LetterBox] for all letters that the disk has. It forgets a letter
// when its item is synced. If that takes more than ten seconds, it returns
// ErrNotYetOnDisk, and the letter stays.
func (s *Spool) Resend(choose func(Letter) bool) (n int, err error) {
	return s.takeLetters(choose, func(l Letter) error {
		item := l.Item
		item.Resent = time.Now()
		return s.appendResent(item)
	})
}

// appendResent appends an item that counts as recovered: a dead letter, or an item of
// another process. It does not wait for the disk.
func (s *Spool) appendResent(item Item) error {
	w, err := s.enter([]Item{item}, true)
	if w != nil {
		err = s.awaitDisk(context.Background(), w, 0)
	}
	if errors.Is(err, ErrNotYetOnDisk) {
		err = nil
	}
	return err
}

// Drop forgets every dead letter for which choose reports true, and returns how many. No
// lock is held while choose is called. After Close it returns ErrClosed.
func (s *Spool) Drop(choose func(Letter) bool) (n int, err error) {
	return s.takeLetters(choose, func(Letter) error { return nil })
}

// takeLetters settles the letters that choose wants. Before that it calls also for each
// and waits until what that has appended is synced.
func (s *Spool) takeLetters(choose func(Letter) bool, also func(Letter) error) (n int, err error) {
	if s.isClosed() {
		return 0, ErrClosed
	}
	b := &s.letters
	b.walking.Lock()
	defer b.walking.Unlock()
	var taken []address
	done := func() error {
		if len(taken) == 0 {
			return nil
		}
		if err := s.syncAll(context.Background(), 10*time.Second); err != nil {
			return err
		}
		b.ack(taken)
		n += len(taken)
		taken = taken[:0]
		return nil
	}
	err = b.walk(func(seg *segment, l Letter) error {
		if !choose(l) {
			return nil
		}
		if err := also(l); err != nil {
			return err
		}
		if taken = append(taken, address{seg, l.number}); len(taken) < 256 {
			return nil
		}
		return done()
	}, done)
	return n, err
}

func (s *Spool) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}
