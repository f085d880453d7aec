package report

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/goaltrack/goaltrack/internal/sketch"
)

// sessions remember in memory what visitors came by and what they were shown, as long as
// their session lasts. They are bounded: when there are too many, the oldest half is
// forgotten.
type sessions struct {
	length     time.Duration
	young, old map[[16]byte]*session
	turned     time.Time
}

// session is that of one browser.
type session struct {
	last             time.Time
	source, campaign string
	variants         []shown // the oldest first
}

// mostSessions is how many sessions a half has.
const mostSessions = 50_000

// of is the session of a browser at a time.
func (s *sessions) of(browser [16]byte, at time.Time) *session {
	if s.young == nil || len(s.young) >= mostSessions || at.Sub(s.turned) > s.length {
		s.old, s.young, s.turned = s.young, map[[16]byte]*session{}, at
	}
	one := s.young[browser]
	if one == nil {
		one = s.old[browser]
	}
	if one == nil || at.Sub(one.last) > s.length {
		one = new(session)
	}
	if at.After(one.last) {
		one.last = at
	}
	s.young[browser] = one
	return one
}

// browsers count different browsers. Their IDs are hashed with a key that is made anew
// each month, and forgotten with it. So nobody can ask a sketch later whether somebody was
// there.
type browsers struct {
	keys     map[[2]int]*monthKey // by year and month
	sketches map[SketchKey]*ofBrowsers
}

type monthKey struct {
	name   string
	secret [32]byte
}

// ofBrowsers is a sketch on its way to the store.
type ofBrowsers struct {
	sketch.Sketch
	written time.Time
	changed bool
}

// sketchEvery is how often a large sketch that changes is written.
const (
	sketchEvery = 30 * time.Second
	largeSketch = 1 << 10 // bytes
)

// mostSketches bounds those in memory: goals of all sites and days.
const mostSketches = 5000

// add counts a browser on a day.
func (b *browsers) add(k SketchKey, browser [16]byte) {
	if browser == [16]byte{} {
		return
	}
	key := b.key(k.Day)
	k.Key = key.name
	s := b.sketches[k]
	if s == nil {
		if len(b.sketches) >= mostSketches {
			return
		}
		s = new(ofBrowsers)
		b.sketches[k] = s
	}
	var text [48]byte
	copy(text[copy(text[:], key.secret[:]):], browser[:])
	hash := sha256.Sum256(text[:])
	s.changed = s.Add(binary.BigEndian.Uint64(hash[:])) || s.changed
}

// key is the one of the month of a day.
func (b *browsers) key(d Day) *monthKey {
	year, month, _ := d.time().Date()
	at := [2]int{year, int(month)}
	key := b.keys[at]
	if key == nil {
		key = &monthKey{name: randomName()}
		_, _ = rand.Read(key.secret[:]) // it never fails
		if b.keys == nil {
			b.keys = map[[2]int]*monthKey{}
		}
		b.keys[at] = key
	}
	return key
}

// changed are the sketches to write now.
func (b *browsers) changed(now time.Time, all bool) (list []Sketch) {
	for k, s := range b.sketches {
		if s.changed && (all || now.Sub(s.written) >= sketchEvery || s.Size() < largeSketch) {
			list = append(list, Sketch{k, s.Bytes()})
			s.changed, s.written = false, now
		}
	}
	return list
}

// forget ends sketches that are over, and the keys of months that are. A day that began
// before a month ended anywhere may still be counted.
func (b *browsers) forget(now time.Time) {
	oldest := DayOf(now, nil) - 2
	for k, s := range b.sketches {
		if k.Day < oldest && !s.changed {
			delete(b.sketches, k)
		}
	}
	year, month, _ := oldest.time().Date()
	for at, key := range b.keys {
		if at[0] < year || at[0] == year && at[1] < int(month) {
			clear(key.secret[:])
			delete(b.keys, at)
		}
	}
}
