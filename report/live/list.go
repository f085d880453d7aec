// Package live keeps the last decisions about goals, for a page that shows them with their
// reasons as they happen. It keeps nothing for longer than it is of use, and writes
// nothing.
//
//	list := live.New(live.Options{Next: recorder})
//	tracker, err := goaltrack.New(goaltrack.Config{Report: list, ...})
//	pages, err := web.New(web.Options{Live: list, ...})
//
// On a small site, a list of the last minute may show one person. So it has no addresses,
// only the page's route or the path of the rule, it is late, and visitors who may not be
// counted are not in it.
package live

import (
	"sync"
	"time"

	"github.com/goaltrack/goaltrack/fact"
)

// Options say what a list shows.
type Options struct {
	// Next is told every fact, too, such as a report's recorder. nil is nobody.
	Next fact.Sink
	// AtOnce shows decisions when they happen. Without it they are shown [Late] later,
	// so that nobody can watch a person in another window.
	AtOnce bool
}

// Late is how much later than it happened a decision is shown.
const Late = 15 * time.Second

// Kept is how many decisions a list has. If more are made before they may be shown, those
// that come last are left out, and counted as that.
const Kept = 512

// The bounds of the texts of an [Entry], in bytes. Longer ones are cut.
const (
	longestName = 96
	longestText = 200
)

// Entry is one decision about a goal.
type Entry struct {
	// Number counts the decisions of a list, from 1.
	Number uint64
	// Time is when it happened.
	Time time.Time
	// Site and Goal are names.
	Site, Goal string
	// Reason is [fact.Fired], or the name of the reason why the goal does not count.
	Reason string
	// Page is where it happened, as the route of the router or the path of the rule, ""
	// if the goal does not count. It has neither query nor ID.
	Page string
	// NearMiss says in words how the goal nearly counted, "" if that is not worth telling.
	NearMiss string
}

// List is a [fact.Sink] that keeps the last decisions. Make one with [New]. All methods are
// safe for concurrent use. Report takes well under a microsecond, allocates nothing, and
// waits for nobody who looks.
type List struct {
	options Options
	delay   time.Duration
	closed  chan struct{}
	ending  sync.Once

	mu        sync.Mutex
	places    [Kept]place
	written   uint64 // entries, so the next one goes to places[written%Kept]
	missed    uint64
	uncounted uint64
	followers int
}

// place keeps one entry in room of its own: the texts of a fact may be parts of a request.
type place struct {
	came, happened time.Time
	site, goal     name
	reason         name
	page, miss     text
}

type name struct {
	length int
	bytes  [longestName]byte
}

type text struct {
	length int
	bytes  [longestText]byte
}

func (n *name) set(s string) { n.length = copy(n.bytes[:], s) }
func (t *text) set(s string) { t.length = copy(t.bytes[:], s) }

func (n *name) String() string { return string(n.bytes[:n.length]) }
func (t *text) String() string { return string(t.bytes[:t.length]) }

// New makes an empty list.
func New(o Options) *List {
	l := &List{options: o, delay: Late, closed: make(chan struct{})}
	if o.AtOnce {
		l.delay = 0
	}
	return l
}

// Delay is how much later than it happened a decision is shown.
func (l *List) Delay() time.Duration { return l.delay }

// Report implements [fact.Sink].
func (l *List) Report(f fact.Fact) {
	if f.Kind == fact.Decision {
		l.keep(&f, time.Now())
	}
	if l.options.Next != nil {
		l.options.Next.Report(f)
	}
}

// keep keeps a decision. Whoever may not be counted is a number, as everywhere in a report.
func (l *List) keep(f *fact.Fact, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f.Uncountable {
		l.uncounted++
		return
	}
	p := &l.places[l.written%Kept]
	if l.written >= Kept && l.delay > 0 && now.Sub(p.came) < l.delay {
		l.missed++ // what was there has not been shown yet
		return
	}
	p.came, p.happened = now, f.Time
	p.site.set(f.Site)
	p.goal.set(f.Goal)
	p.reason.set(f.Reason)
	p.page.set(f.Page)
	p.miss.set(f.NearMiss)
	l.written++
}

// Counts are what a list does not show, since it was made.
type Counts struct {
	// Uncounted are decisions about visitors who may not be counted.
	Uncounted uint64
	// Missed are those for which there was no room, because too many were made at once.
	Missed uint64
}

// Counts tells what is not shown.
func (l *List) Counts() Counts {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Counts{l.uncounted, l.missed}
}

// mostAtOnce bounds what is copied while others wait to report.
const mostAtOnce = 32

// Last returns the newest n decisions of a site that may be shown, the newest first. A site
// "" is all of them.
func (l *List) Last(site string, n int) []Entry {
	var list []Entry
	now := time.Now()
	for before := ^uint64(0); len(list) < n; {
		some := l.before(before, now)
		if len(some) == 0 {
			break
		}
		for _, e := range some {
			if before = e.Number; len(list) < n && (site == "" || e.Site == site) {
				list = append(list, e)
			}
		}
	}
	return list
}

// before returns some decisions that came before a number, the newest first.
func (l *List) before(number uint64, now time.Time) (list []Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for n := min(l.written, number-1); n > l.oldest() && len(list) < mostAtOnce; n-- {
		if p := &l.places[(n-1)%Kept]; now.Sub(p.came) >= l.delay {
			list = append(list, p.entry(n))
		}
	}
	return list
}

// after returns some decisions that came after a number and may be shown, the oldest first.
func (l *List) after(number uint64, now time.Time) (list []Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for n := max(number, l.oldest()) + 1; n <= l.written && len(list) < mostAtOnce; n++ {
		p := &l.places[(n-1)%Kept]
		if now.Sub(p.came) < l.delay {
			break
		}
		list = append(list, p.entry(n))
	}
	return list
}

// oldest is the number before the oldest decision that is kept.
func (l *List) oldest() uint64 { return max(l.written, Kept) - Kept }

func (p *place) entry(number uint64) Entry {
	return Entry{
		Number: number, Time: p.happened, Site: p.site.String(), Goal: p.goal.String(), Reason: p.reason.String(),
		Page: p.page.String(), NearMiss: p.miss.String(),
	}
}

// Close ends every Follow. Facts go on to Next all the same.
func (l *List) Close() { l.ending.Do(func() { close(l.closed) }) }
