// Package ahead keeps what pages count that a browser fetched before anybody looked at
// them, until it is known that somebody does. No browser tells the server when it shows
// such a page (https://github.com/WICG/nav-speculation/issues/100). What the browser
// does next often tells it: the page's own files and links name it as their Referer.
//
// A page goes through Begin when it is asked for, and Hold when it was answered. It
// leaves when Show hands it out, or when Drop forgets it because the browser asks for
// the page once more. It also leaves when it is too old, or when there are too many. A
// visitor and a network have at most their share, so that nobody pushes out the pages
// of others. If the visitor has the same page open, its files tell nothing (open.go).
package ahead

import (
	linked "container/list"
	"hash/maphash"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"

	"github.com/goaltrack/goaltrack/internal/fair"
)

// The bounds of what is kept. Where there is too much, the oldest goes first: of the
// links that a mouse came near, the last one is the likeliest to be clicked.
const (
	PerVisitor = 20              // pages of one visitor
	Most       = 10_000          // pages of all visitors
	MostBytes  = 8 << 20         // of all pages, shared out among visitors and networks
	Time       = 5 * time.Minute // browsers keep such pages as long, or for less
)

// Visitor is a visitor of a site, as a hash under a key that the process has made for
// itself.
type Visitor uint64

// Page is an address, as such a hash.
type Page uint64

// Key is a page of a visitor. The zero value is none.
type Key struct {
	Visitor Visitor
	Page    Page
}

// Pages are the pages that were fetched ahead. What each of them counts is a T. All
// methods are safe for concurrent use. Make one with [New].
type Pages[T any] struct {
	seed  maphash.Seed
	total atomic.Int64
	// seen counts the pages by a part of their hash, so that whoever asks for a page
	// that nobody fetched ahead needs no lock.
	seen   [1 << 11]atomic.Int32
	opened openPages
	used   atomic.Bool // a page was fetched ahead, ever

	mu       sync.Mutex
	closed   bool
	visitors map[Visitor][]*Fetch[T] // the oldest first
	byTime   linked.List             // of *Fetch[T], the oldest first
	bytes    int
	room     fair.Room   // shares the bytes out
	timer    *time.Timer // for the oldest
}

// Fetch is one page that a browser fetches ahead.
type Fetch[T any] struct {
	pages *Pages[T]
	key   Key
	who   fair.Who
	since time.Time
	size  int
	what  T
	held  bool // what is known
	shown bool // it was shown before that
	open  bool // the visitor has the page open beside it
	owes  bool // and that one has still to say that it is shown
	place *linked.Element
}

// New makes an empty set of pages.
func New[T any]() *Pages[T] {
	return &Pages[T]{seed: maphash.MakeSeed(), visitors: make(map[Visitor][]*Fetch[T]), room: fair.Room{Size: MostBytes}, opened: newOpenPages()}
}

// VisitorOf returns the visitor of a site that is known there by an ID.
func (p *Pages[T]) VisitorOf(site, id string) Visitor {
	return Visitor(p.hash(p.hash(0, site), id))
}

// PageOf returns the page at an address.
func (p *Pages[T]) PageOf(host, path, query string) Page {
	return Page(p.hash(p.hash(p.hash(0, host), path), query))
}

// hash adds a part to the hash of those before it.
func (p *Pages[T]) hash(sum uint64, part string) uint64 {
	return bits.RotateLeft64(sum*0x9e3779b97f4a7c15, 31) ^ maphash.String(p.seed, part)
}

// Used reports whether anything was ever kept.
func (p *Pages[T]) Used() bool { return p.used.Load() }

// Any reports whether anything is kept.
func (p *Pages[T]) Any() bool { return p.total.Load() > 0 }

// Has reports whether somebody may have fetched the page ahead. It needs no lock.
func (p *Pages[T]) Has(page Page) bool { return p.seat(page).Load() > 0 }

func (p *Pages[T]) seat(page Page) *atomic.Int32 { return &p.seen[int(page%Page(len(p.seen)))] }

// Begin notes that a visitor's browser fetches a page ahead, from a network as [fair.Who]
// has it. If it did so before, only this time counts. The result is nil when the set is
// closed.
func (p *Pages[T]) Begin(k Key, network uint64) *Fetch[T] {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	if old := p.find(k); old != nil {
		p.remove(old)
	}
	if own := p.visitors[k.Visitor]; len(own) >= PerVisitor {
		p.remove(own[0])
	}
	if p.byTime.Len() >= Most {
		p.remove(p.oldest())
	}
	p.used.Store(true)
	f := &Fetch[T]{pages: p, key: k, who: fair.Who{Visitor: uint64(k.Visitor), Network: network}, since: time.Now()}
	f.place = p.byTime.PushBack(f)
	p.visitors[k.Visitor] = append(p.visitors[k.Visitor], f)
	p.total.Add(1)
	p.seat(k.Page).Add(1)
	f.open, f.owes = p.opened.has(k, network) // after the line before, so that either this or Opened sees the other
	if p.byTime.Len() == 1 {
		p.wake(Time)
	}
	return f
}

// Hold keeps what the page counts when it is shown, which takes so many bytes. If it
// was shown while it was fetched, nothing is kept and the result is true. Nothing is kept
// either of whoever has their share.
func (f *Fetch[T]) Hold(what T, size int) (shown bool) {
	p := f.pages
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case f.place == nil:
		return false // in the meantime it was forgotten
	case f.shown:
		p.remove(f)
		return true
	}
	if _, ok := p.room.Enter(f.who, fair.Asked{Events: 1, Amount: int64(size), Used: int64(p.bytes)}); !ok {
		p.remove(f)
		return false
	}
	f.what, f.size, f.held = what, size, true
	for p.bytes += size; p.bytes > MostBytes; {
		p.remove(p.oldest())
	}
	return false
}

// Key is the page.
func (f *Fetch[T]) Key() Key { return f.key }

// Forget is for a page that counts nothing. It may be called at any time.
func (f *Fetch[T]) Forget() {
	f.pages.mu.Lock()
	defer f.pages.mu.Unlock()
	if f.place != nil && !f.held {
		f.pages.remove(f)
	}
}

// Shows is told that the page is shown, by something that is surely the copy that was
// fetched ahead, or may be another tab that has the page open. It reports whether
// [Pages.Show] has something to hand out for it. It notes that of a page which is still
// being fetched.
func (p *Pages[T]) Shows(k Key, surely bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.find(k)
	if f == nil || f.open && !surely {
		return false
	}
	f.shown = true
	return f.held
}

// Show hands out what the page counts, once.
func (p *Pages[T]) Show(k Key) (what T, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.find(k)
	if f == nil || !f.held {
		return what, false
	}
	p.remove(f)
	return f.what, true
}

// Drop forgets the page: the browser asks for it once more, and by that it counts.
func (p *Pages[T]) Drop(k Key) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f := p.find(k); f != nil {
		p.remove(f)
	}
}

// Close forgets everything, and keeps nothing from then on.
func (p *Pages[T]) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for p.byTime.Len() > 0 {
		p.remove(p.oldest())
	}
	p.room.Close()
}

// find returns the visitor's page, nil if there is none. The lock is held.
func (p *Pages[T]) find(k Key) *Fetch[T] {
	for _, f := range p.visitors[k.Visitor] {
		if f.key == k {
			return f
		}
	}
	return nil
}

// oldest returns the page that was asked for first. The lock is held, and there is one.
func (p *Pages[T]) oldest() *Fetch[T] {
	return p.byTime.Front().Value.(*Fetch[T]) //nolint:forcetypeassert // Nothing else is put there.
}

// remove takes a page out. The lock is held.
func (p *Pages[T]) remove(f *Fetch[T]) {
	own := p.visitors[f.key.Visitor]
	kept := own[:0]
	for _, other := range own {
		if other != f {
			kept = append(kept, other)
		}
	}
	clear(own[len(kept):])
	if len(kept) == 0 {
		delete(p.visitors, f.key.Visitor)
	} else {
		p.visitors[f.key.Visitor] = kept
	}
	p.byTime.Remove(f.place)
	f.place = nil
	if f.held {
		p.room.Leave(f.who, false, 1, int64(f.size))
		p.bytes -= f.size
	}
	p.total.Add(-1)
	p.seat(f.key.Page).Add(-1)
	if p.byTime.Len() == 0 {
		p.timer.Stop()
	}
}

// expire forgets what is too old, and comes back for the rest.
func (p *Pages[T]) expire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.byTime.Len() > 0 {
		if wait := time.Until(p.oldest().since.Add(Time)); wait > 0 {
			p.wake(wait)
			return
		}
		p.remove(p.oldest())
	}
}

// wake has expire run after that time, and not at the time that was set before. The
// lock is held.
func (p *Pages[T]) wake(after time.Duration) {
	if p.timer == nil {
		p.timer = time.AfterFunc(after, p.expire)
		return
	}
	p.timer.Reset(after)
}
