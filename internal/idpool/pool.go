// Package idpool makes browser IDs in the background, so that no page of a new
// visitor waits for the CDP.
//
// pool.go keeps some ready, as many as new visitors came lately, and create.go makes them.
// bucket.go bounds how many are made, and shares that out among networks; refs.go knows
// which were made here. keep.go hands what nobody was given to the next process, in a file.
package idpool

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/trouble"
)

// Pool keeps a few browser IDs ready, so that the page of a new visitor need
// not wait for the CDP. It makes IDs in the background. An ID that was handed
// out never comes back, because two people would then be one guest. All methods
// are safe for concurrent use.
type Pool struct {
	create func(context.Context) (cdp.Browser, error)
	budget *Bucket
	made   *refs             // the last IDs that it made
	note   func(what string) // counts what happened
	log    *slog.Logger

	ctx    context.Context //nolint:containedctx // Ends with the pool, not with a call.
	cancel context.CancelFunc
	flying sync.WaitGroup

	limited trouble.Trouble // the budget refuses

	mu       sync.Mutex
	closed   bool
	ready    []Unused
	target   int // how many to keep ready
	inFlight int
	takes    int           // since lull
	lull     time.Time     // when the target was last looked at
	waiting  []chan string // those who wait for the next IDs, in turn
	vain     bool          // somebody waited in vain, and none was made since
	failures int
	pause    time.Time // nothing is made before
	timer    *time.Timer

	first    int           // how many IDs the tracker starts with
	warm     chan struct{} // closed when they are there, or one could not be had
	warmOnce sync.Once

	keeps  bool          // what is not used is for the next process
	maxAge time.Duration // of IDs that are ready
}

// Flights is how many requests for IDs may be under way at once. 128 requests
// of 300 ms make 400 IDs a second.
const Flights = 128

const (
	// maxReady bounds the IDs kept ready. They are thrown away after shortAge, or
	// after KeptAge if those that are not used are kept for the next process.
	maxReady = 256
	shortAge = 10 * time.Minute
	// remembered is of how many IDs a pool knows that it made them.
	remembered = 32 << 10
	// lullEvery is how often the target follows the rate of new visitors.
	lullEvery = 10 * time.Second
)

// Options say how a pool makes IDs. All but Warm and Kept are needed.
type Options struct {
	Create func(context.Context) (cdp.Browser, error) // makes one ID
	Budget *Bucket                                    // bounds how often; several pools may share it
	Note   func(what string)                          // gets the name of what happened to an ID
	Log    *slog.Logger
	Warm   int // how many IDs are kept ready from the start, from 0 to 256
	// Kept are the IDs that an earlier process has left. If they are not nil, what this
	// pool leaves is for the next process; see [Pool.Unused].
	Kept []Unused
}

// New returns a pool, which begins to make IDs at once. [Pool.Close] ends it.
func New(o Options) *Pool {
	p := &Pool{
		keeps: o.Kept != nil, maxAge: shortAge, ready: good(slices.Clone(o.Kept)),
		create: o.Create, budget: o.Budget, made: newRefs(remembered), note: o.Note, log: o.Log,
		target: min(max(o.Warm, 0), maxReady), lull: time.Now(), warm: make(chan struct{}),
	}
	p.limited.Log, p.limited.Begun, p.limited.Over = o.Log, logLimited, logUnlimited
	if p.keeps {
		p.maxAge = KeptAge
	}
	for _, u := range p.ready {
		p.made.add(u.ID, u.Guest)
	}
	if p.first = p.target; p.first <= len(p.ready) {
		p.warmed()
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fill()
	return p
}

// Warm returns a channel that is closed when the first IDs are ready, or when
// none could be made.
func (p *Pool) Warm() <-chan struct{} { return p.warm }

// Made reports whether the ID is one of the last that the pool made.
func (p *Pool) Made(id string) bool {
	_, made := p.made.get(id)
	return made
}

// Guest returns the guest that the CDP made with one of the last IDs that the pool made, ""
// if it is not known.
func (p *Pool) Guest(id string) string {
	guest, _ := p.made.get(id)
	return guest
}

func (p *Pool) warmed() { p.warmOnce.Do(func() { close(p.warm) }) }

// Want says for whom an ID is.
type Want struct {
	Network uint64 // that they come from, by package fair; 0: nobody knows
	// Form says that they have sent something. Whoever only looks at a page gets the
	// last IDs after them.
	Form bool
}

// Take returns a ready ID, or "" if there is none. It never waits.
func (p *Pool) Take(w Want) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.takeNow(w)
}

// TakeWithin is [Pool.Take], but it waits at most d, or until ctx ends, if an
// ID for this caller is being made. Callers wait only for IDs that are being
// made, which Flights bounds. When one caller has waited in vain, or a request
// to the CDP has failed, nobody waits until an ID is made again. Waiting would
// only make pages slow then.
func (p *Pool) TakeWithin(ctx context.Context, d time.Duration, w Want) string {
	p.mu.Lock()
	id := p.takeNow(w)
	if id != "" || d <= 0 || p.closed || p.vain || p.failures > 0 || p.inFlight <= len(p.waiting) {
		p.mu.Unlock()
		return id
	}
	mine := make(chan string, 1)
	p.waiting = append(p.waiting, mine)
	p.mu.Unlock()

	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case id = <-mine:
		return id
	case <-timer.C:
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.waiting, mine); i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
		if ctx.Err() == nil {
			p.vain = true
			p.note("id_wait_timed_out")
		}
		return ""
	}
	return <-mine // it came at the last moment
}

// answerWaiters gives the ID to the first that waits, or "" to all if there
// will be none. It reports whether the ID was taken. The lock is held.
func (p *Pool) answerWaiters(id string) bool {
	n := len(p.waiting)
	if id != "" {
		n = min(n, 1)
	}
	for _, w := range p.waiting[:n] {
		w <- id // has room for one
	}
	p.waiting = slices.Delete(p.waiting, 0, n)
	return n > 0
}

// forForms is how many IDs stay ready for forms when no more can be made for visits.
const forForms = 8

// takeNow is Take with the lock held.
func (p *Pool) takeNow(w Want) string {
	p.warmed() // whoever waits for a warm pool has waited long enough
	switch {
	case !p.budget.shares(w.Network):
		// Their network has had its share, and others get the rest. The target must
		// not follow them.
		p.note("id_limited")
		p.limited.Happens()
		return ""
	case !w.Form && len(p.ready) <= forForms && !p.budget.has(visitReserve):
		p.note("id_limited")
		p.limited.Happens()
		p.fill()
		return ""
	}
	p.takes++
	id := p.pop()
	if id == "" && p.inFlight >= p.target {
		// More visitors came than were expected, and neither the CDP nor the
		// budget is the reason. The target grows by one for each visitor
		// without an ID, and by a few more if many come. So it ends just above
		// the number that come while one ID is made, and a burst does not make
		// hundreds of guests for nobody.
		p.target = min(p.target+1+p.target/32, maxReady)
	}
	p.fill()
	return id
}

// pop takes the oldest ID, because the others may be kept longer. The lock is
// held.
func (p *Pool) pop() string {
	p.expire(time.Now())
	if len(p.ready) == 0 || p.closed && p.keeps {
		return "" // what is left belongs to the next process
	}
	id := p.ready[0].ID
	p.ready = p.ready[1:]
	return id
}

// What the log is told of the budget.
const (
	logLimited   = "goaltrack: more browser IDs are asked for than may be made; some new visitors get none"
	logUnlimited = "goaltrack: as many browser IDs as were asked for could be made for a minute"
)

// ErrLimited says that the budget is used up.
var ErrLimited = errors.New("goaltrack: too many browser IDs asked for")

// Get returns a ready ID or makes one. Workers call it for events whose visitor
// has no ID, and say whether it is more than a page view. Workers can wait, so nothing
// is made in advance for them.
func (p *Pool) Get(ctx context.Context, form bool) (string, error) {
	reserve := visitReserve
	if form {
		reserve = 0
	}
	id := ""
	p.mu.Lock()
	if form || len(p.ready) > forForms || p.budget.has(reserve) {
		id = p.pop()
	}
	p.fill()
	p.mu.Unlock()
	if id != "" {
		return id, nil
	}
	if !p.budget.take(reserve) {
		p.note("id_limited")
		p.limited.Happens()
		return "", ErrLimited
	}
	b, err := p.create(ctx)
	if err == nil {
		p.made.add(b.ID, b.Guest)
		p.note("id_made")
	}
	return b.ID, err
}

// expire throws away IDs that are too old. It also lowers the target to the
// number of visitors in the last ten seconds, down to none. The lock is held.
func (p *Pool) expire(now time.Time) {
	for len(p.ready) > 0 && now.Sub(p.ready[0].Made) >= p.maxAge {
		p.ready = p.ready[1:]
		p.note("id_thrown_away")
	}
	if now.Sub(p.lull) < lullEvery {
		return
	}
	if p.takes < p.target {
		p.target = max(p.takes, p.target/2)
	}
	p.takes, p.lull = 0, now
}

// Size returns how many IDs are ready.
func (p *Pool) Size() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.ready)
}

// Unused returns the IDs that are for the next process, after Close.
func (p *Pool) Unused() []Unused {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed || !p.keeps {
		return nil
	}
	return slices.Clone(p.ready)
}

// Close ends the requests under way and waits for them.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	p.answerWaiters("")
	p.warmed()
	if p.timer != nil {
		p.timer.Stop()
	}
	p.mu.Unlock()
	p.limited.Close()
	p.budget.networks.Close()
	p.cancel()
	p.flying.Wait()
}
