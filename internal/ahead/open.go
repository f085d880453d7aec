package ahead

import (
	"time"

	"github.com/goaltrack/goaltrack/internal/fair"
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
// all. Where there is too much, the oldest is forgotten, of whoever has more than their share
// first ([fair.Slots]). A page that may have been forgotten counts as open.
const (
	OpenTime = 30 * time.Minute

	openBuckets  = 1 << 13
	openStep     = 16 * time.Second
	openMostTabs = 1<<4 - 1
)

// openPages are the pages that visitors have open, as far as is known. It is safe for
// concurrent use.
type openPages struct{ fair.Slots[openPage] }

// openPage is one page: in how many tabs it is open.
type openPage struct {
	tabs uint8
	told bool // the page itself has said that it is shown
}

func newOpenPages() openPages {
	return openPages{fair.Slots[openPage]{Buckets: openBuckets, Life: OpenTime, Step: openStep, Doubts: true}}
}

func (o *openPages) at(k Key) fair.Seat[openPage] { return o.Go(uint64(k.Visitor), uint64(k.Page)) }

// open notes that the page is open, in one more tab or in at least one, of a visitor from a
// network.
func (o *openPages) open(k Key, network uint64, oneMore bool) {
	seat := o.at(k)
	defer seat.Leave()
	s := seat.Find()
	if s == nil {
		seat.Put(network).Is.tabs = 1
		return
	}
	seat.Touch(s)
	if oneMore {
		s.Is = openPage{tabs: min(s.Is.tabs+1, openMostTabs)}
	}
}

// leave notes that one tab has left the page. Of a page that is open in very many, nobody
// knows any more in how many.
func (o *openPages) leave(k Key) {
	if !o.Used() {
		return
	}
	seat := o.at(k)
	defer seat.Leave()
	s := seat.Find()
	if s == nil || s.Is.tabs == openMostTabs {
		return
	}
	if s.Is.tabs--; s.Is.tabs == 0 {
		seat.Forget(s)
	}
}

// has reports whether the page is open, and whether one was opened just now that has not said
// yet that it is shown.
func (o *openPages) has(k Key, network uint64) (open, owes bool) {
	if !o.Used() {
		return false, false
	}
	seat := o.at(k)
	defer seat.Leave()
	s := seat.Find()
	if s == nil {
		return seat.Doubted(network), false
	}
	return true, !s.Is.told && seat.Steps(s) <= 1
}

// tells notes that the page has said that it is shown.
func (o *openPages) tells(k Key) {
	if !o.Used() {
		return
	}
	seat := o.at(k)
	defer seat.Leave()
	if s := seat.Find(); s != nil {
		s.Is.told = true
	}
}

// Opened notes that the visitor, from a network as [fair.Who] has it, is shown the page in one
// more tab or frame.
func (p *Pages[T]) Opened(k Key, network uint64) { p.noteOpen(k, network, true) }

// Lives notes that something comes from the page, so that a tab has it open.
func (p *Pages[T]) Lives(k Key, network uint64) { p.noteOpen(k, network, false) }

func (p *Pages[T]) noteOpen(k Key, network uint64, oneMore bool) {
	p.opened.open(k, network, oneMore)
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
