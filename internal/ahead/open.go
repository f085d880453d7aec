package ahead

import (
	"math/bits"
	"sync"
	"sync/atomic"
	"time"
)

// A request that names a page as its Referer tells that somebody looks at the page, but not
// in which tab. An example:
//
//	open     tab 1 shows /pricing, which has counted. Opened notes it.
//	fetch    tab 2 shows /about, and fetches /pricing ahead. Begin finds it open.
//	file     GET /late.png, Referer: /pricing. It is tab 1 that scrolls, or else tab 2,
//	         which now shows its copy: the same request. So Shows says no.
//	script   The page itself says that it is shown. If tab 1 has just been opened, and has not
//	         said so yet, it may be that one. Else it is the copy. Tells knows which.
//
// A browser does not say when a tab is closed, nor when it goes back to a page that it has
// kept. So a page stays open for [OpenTime] after the last that is known of it. Left is for
// the few requests that are sure: a script that puts the next page in the place of this one
// runs in this one's tab. A link that is followed may open another tab, and tells nothing.

// The bounds of what is remembered of open pages: about 30 of one visitor, and 64,000 of
// all. Where there is too much, the oldest is forgotten.
const (
	OpenTime = 30 * time.Minute

	openWays     = 8
	openBuckets  = 1 << 13
	openPerGroup = 4 // buckets that the pages of one visitor are in
	openStep     = 16 * time.Second
	openMostTabs = 1<<4 - 1
)

// openPages are the pages that visitors have open, as far as is known. It is safe for
// concurrent use. The zero value is ready, and takes no memory before a page is opened.
type openPages struct {
	buckets atomic.Pointer[[openBuckets]openBucket]
	began   time.Time // what slots count from
}

// openBucket has room for some pages.
type openBucket struct {
	mu    sync.Mutex
	slots [openWays]openSlot
}

// openSlot is one page: in how many tabs it is open, when that was last known, and as much
// of its hash as there is room for. The zero value is none.
type openSlot struct {
	tag  uint32
	at   uint16 // in steps
	tabs uint8
	told bool // the page itself has said that it is shown
}

// bucket is where a page is, locked, and the tag by which it is known there.
func (o *openPages) bucket(k Key) (*openBucket, uint32) {
	all := o.buckets.Load()
	if all == nil {
		o.buckets.CompareAndSwap(nil, new([openBuckets]openBucket))
		all = o.buckets.Load()
	}
	group := uint64(k.Visitor) % (openBuckets / openPerGroup)
	mixed := (uint64(k.Page) ^ bits.RotateLeft64(uint64(k.Visitor), 29)) * 0x9e3779b97f4a7c15
	b := &all[group*openPerGroup+mixed>>62]
	b.mu.Lock()
	return b, uint32(mixed >> 24) //nolint:gosec // Only a part of it is kept.
}

// now is the time in steps. After twelve days it begins again, which may make an old page
// look open for half an hour.
func (o *openPages) now() uint16 {
	return uint16(time.Since(o.began) / openStep) //nolint:gosec // It begins again.
}

// find returns the slot of a page, nil if it is not open. The bucket's lock is held.
func (b *openBucket) find(tag uint32, now uint16) *openSlot {
	for i := range b.slots {
		if s := &b.slots[i]; s.tag == tag && s.tabs > 0 && !s.isOld(now) {
			return s
		}
	}
	return nil
}

func (s *openSlot) isOld(now uint16) bool { return now-s.at > uint16(OpenTime/openStep) }

// open notes that the page is open, in one more tab or in at least one.
func (o *openPages) open(k Key, oneMore bool) {
	now := o.now()
	b, tag := o.bucket(k)
	defer b.mu.Unlock()
	s := b.find(tag, now)
	if s == nil {
		s = b.room(now)
		*s = openSlot{tag: tag, tabs: 1, at: now}
		return
	}
	s.at = now
	if oneMore {
		s.tabs, s.told = min(s.tabs+1, openMostTabs), false
	}
}

// room returns a slot for another page: an empty one, or else the oldest.
func (b *openBucket) room(now uint16) *openSlot {
	oldest := &b.slots[0]
	for i := range b.slots {
		s := &b.slots[i]
		if s.tabs == 0 {
			return s
		}
		if now-s.at > now-oldest.at {
			oldest = s
		}
	}
	return oldest
}

// leave notes that one tab has left the page. Of a page that is open in very many, nobody
// knows any more in how many.
func (o *openPages) leave(k Key) {
	b, tag := o.bucket(k)
	defer b.mu.Unlock()
	if s := b.find(tag, o.now()); s != nil && s.tabs < openMostTabs {
		s.tabs--
	}
}

// has reports whether the page is open, and whether one was opened just now that has not said
// yet that it is shown.
func (o *openPages) has(k Key) (open, owes bool) {
	if o.buckets.Load() == nil {
		return false, false
	}
	now := o.now()
	b, tag := o.bucket(k)
	defer b.mu.Unlock()
	s := b.find(tag, now)
	return s != nil, s != nil && !s.told && now-s.at <= 1
}

// tells notes that the page has said that it is shown.
func (o *openPages) tells(k Key) {
	if o.buckets.Load() == nil {
		return
	}
	b, tag := o.bucket(k)
	defer b.mu.Unlock()
	if s := b.find(tag, o.now()); s != nil {
		s.told = true
	}
}

// Opened notes that the visitor is shown the page, in one more tab or frame.
func (p *Pages[T]) Opened(k Key) { p.noteOpen(k, true) }

// Lives notes that something comes from the page, so that a tab has it open.
func (p *Pages[T]) Lives(k Key) { p.noteOpen(k, false) }

func (p *Pages[T]) noteOpen(k Key, oneMore bool) {
	p.opened.open(k, oneMore)
	if !p.Has(k.Page) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if f := p.find(k); f != nil && oneMore {
		f.open, f.owes = true, true
	}
}

// Tells is told that the page says by its own script that it is shown. It reports whether that
// is a copy that was fetched ahead, or still is being fetched.
func (p *Pages[T]) Tells(k Key) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.find(k)
	if f == nil || f.owes {
		p.opened.tells(k)
	}
	if f == nil {
		return false
	}
	owes := f.owes
	f.owes = false
	return !owes
}

// Left notes that a tab surely shows another page in the place of this one.
func (p *Pages[T]) Left(k Key) { p.opened.leave(k) }
