package queue

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"
)

// How a pass reads again what was left behind
//
// The example and the invariants are those of spool_behind.go. A receiver drives the pass:
// take calls rereadInTime, which begins a pass if one is due (beginPassLocked) and reads a
// window's worth of marked records (reread). nextWaitingLocked hands them out. When the last
// is handed out or lost, the pass is over.

// passRest is the least time from the beginning of a pass to that of the next, and what is
// added to it for each byte that the pass reads. That is about twenty times as long as the
// reading takes.
const (
	passRest    = time.Second
	passRestFor = 200 * time.Nanosecond
)

// beginPassLocked begins a pass for all cohorts that are due, if it is time for one.
func (s *Spool) beginPassLocked() {
	b, now := &s.behind, time.Now()
	if b.pass.n > 0 || now.Before(b.rest) {
		return
	}
	n := 0
	for ; n < len(b.cohorts) && !now.Before(b.cohorts[n].due); n++ {
		for seg, m := range b.cohorts[n].marks {
			seg.behind -= m.n
			seg.passing.merge(m)
		}
		b.pass.merge(b.cohorts[n].waiting)
	}
	if n == 0 {
		return
	}
	b.cohorts = slices.Delete(b.cohorts, 0, n)
	var bytes int64
	for _, seg := range s.segments {
		if seg.passing.n > 0 {
			bytes += seg.end - seg.passing.from
		}
	}
	b.rest = now.Add(max(passRest, time.Duration(bytes)*passRestFor))
}

// wantsBehind reports whether a pass has to read more to hand out n items. It begins one
// if it is time.
func (s *Spool) wantsBehind(n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.beginPassLocked()
	return s.behind.mayRead() && len(s.behind.loaded) < n && !s.closed
}

// outOfPass notes that so many are handed out, or lost.
func (b *behind) outOfPass(n int) {
	if b.pass.n -= n; b.pass.n == 0 {
		b.pass = waiting{}
	}
}

// mayRead reports whether the pass can be read on.
func (b *behind) mayRead() bool { return b.pass.n > len(b.loaded) && !time.Now().Before(b.again) }

// rereadInTime has the pass read on, unless the disk hangs.
func (s *Spool) rereadInTime(n int) (err error) {
	if !s.wantsBehind(n) {
		return nil
	}
	var failed error
	if s.run(context.Background(), &s.behind.reading, func() {
		for more := true; more && failed == nil; more = s.wantsBehind(1) { // one is enough: what is in memory waits meanwhile
			failed = s.reread()
		}
	}, nil) != errandDone {
		return nil
	}
	return failed
}

// reread reads on in a segment of the pass: a window's worth, or all that there is. The
// caller has the errand.
func (s *Spool) reread() error {
	s.mu.Lock()
	b := &s.behind
	i := slices.IndexFunc(s.segments, func(seg *segment) bool { return seg.passing.n > 0 })
	if i < 0 { // it cannot be: a segment stays while something in it is unsettled
		b.outOfPass(b.pass.n - len(b.loaded))
		s.mu.Unlock()
		return nil
	}
	seg := s.segments[i]
	if b.seg != seg {
		b.seg, b.reader = seg, newFrameReader(seg, &seg.header, seg.passing.from, seg.end)
	}
	b.reader.end = seg.end
	marked, copied, most := seg.passing, b.pass.copied.rank, min(seg.passing.n, s.o.Window)
	s.mu.Unlock() // while the file is read: nobody else changes the bits of a pass

	got, bytes, err := s.readMarked(seg, marked, copied, most)

	s.mu.Lock()
	defer s.mu.Unlock()
	b.loaded = append(b.loaded, got...)
	seg.passing.n -= len(got)
	seg.passing.bytes -= bytes
	if len(got) > 0 {
		seg.failedReads = 0
	}
	if err != nil && !errors.Is(err, io.EOF) && !s.unreadableLocked(seg, err) {
		b.again = time.Now().Add(retryAfter)
		return err // Receive says so, if there is nothing else
	}
	if n := seg.passing.n; n > 0 && err != nil { // what is left of it cannot be read, and is lost
		b.outOfPass(n)
		s.loseLocked(seg, n, seg.passing.bytes)
		s.releaseLocked(seg, n)
		seg.passing.n = 0
	}
	if seg.passing.n == 0 {
		seg.passing, b.seg, b.reader = marks{}, nil, nil
	}
	return nil
}

// readMarked reads at most so many of the marked records from where the pass stands. Those
// that were copied get that rank. It ends with io.EOF where the segment ends.
func (s *Spool) readMarked(seg *segment, m marks, copied uint64, most int) (got []*entry, bytes int64, err error) {
	for len(got) < most && bytes < windowBytes/4 {
		rec, err := s.behind.reader.next()
		switch {
		case err != nil:
			return got, bytes, err
		case !m.has(rec.number - seg.first):
			continue
		}
		rec.Body = slices.Clone(rec.Body)
		e := s.onDisk(seg, &rec)
		e.reread = true
		if rec.copyOf != 0 {
			e.original = copied
		}
		got = append(got, e)
		bytes += e.size()
	}
	return got, bytes, nil
}
