package report

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/goaltrack/goaltrack/fact"
)

// Options say how facts are counted.
type Options struct {
	// Store gets the counts. Required.
	Store Store
	// Min is how many have to share a value or a combination of values when its day
	// closes; else it joins Other. 1 keeps all. Default: 5.
	Min int
	// Keep is for how many days everything is kept, at least 1. Older days have totals
	// only. Default: 400.
	Keep int
	// Session is how long a visitor may pause without ending their session: as long,
	// what they came by and what they were shown is remembered in memory. Default: 20
	// minutes.
	Session time.Duration
	// Writer names who writes to the store. It must not be used twice at the same
	// time. Default: a random name.
	Writer string
	// Logger gets a line when the store begins to refuse, and one when it takes counts
	// again. Default: slog.Default().
	Logger *slog.Logger
}

// The defaults of Options.
const (
	defaultMin     = 5
	defaultKeep    = 400
	defaultSession = 20 * time.Minute
)

func (o Options) withDefaults() (Options, error) {
	var errs []error
	fault := func(bad bool, text string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf("report: "+text, args...))
		}
	}
	fault(o.Store == nil, "Store: there is none")
	fault(o.Min < 0, "Min: %d is negative", o.Min)
	fault(o.Keep < 0, "Keep: %d is negative", o.Keep)
	fault(o.Session < 0, "Session: %v is negative", o.Session)
	if o.Min == 0 {
		o.Min = defaultMin
	}
	if o.Keep == 0 {
		o.Keep = defaultKeep
	}
	if o.Session == 0 {
		o.Session = defaultSession
	}
	if o.Writer == "" {
		o.Writer = randomName()
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o, errors.Join(errs...)
}

func randomName() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails
	return hex.EncodeToString(b[:])
}

// Recorder counts facts and adds the counts to a [Store] once a second. It is the
// [fact.Sink] for a tracker's Config.Report. Make one with [New]. All methods are safe for
// concurrent use.
//
// If the store does not take counts, they wait in bounded memory and are added later. What
// finds no room is lost, and counted as that.
type Recorder struct {
	options Options
	wake    chan struct{}      // there is much to count
	asked   chan chan<- error  // by Flush
	stopped chan struct{}      // when run has ended
	stop    context.CancelFunc // ends run

	lost  atomic.Uint64 // and not yet in a batch
	spent spent

	mu     sync.Mutex
	closed bool
	facts  []byte // encoded
	spare  []byte // the room of those before
	sites  []site
	rules  []*changed
	marks  []Mark
}

// site is a site of which facts came.
type site struct {
	name string
	zone *time.Location
}

// changed are rules that were put in force.
type changed struct {
	rules *fact.Rules
	at    time.Time
}

// The bounds of what waits to be counted.
const (
	firstFacts = 256 << 10 // bytes
	maxFacts   = 4 << 20
	maxChanges = 16 // of rules, and marks
	maxSites   = 1000
)

// flushEvery is how often counts are added to the store, and tidyEvery how often days are
// closed.
const (
	flushEvery = time.Second
	tidyEvery  = time.Minute
)

// New makes and starts a Recorder.
func New(o Options) (*Recorder, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &Recorder{
		options: o, wake: make(chan struct{}, 1), asked: make(chan chan<- error), stopped: make(chan struct{}), stop: stop,
		facts: make([]byte, 0, firstFacts), spare: make([]byte, 0, firstFacts),
	}
	go r.run(ctx)
	return r, nil
}

// Store is the store that was given.
func (r *Recorder) Store() Store { return r.options.Store }

// Report implements [fact.Sink]. It never blocks.
func (r *Recorder) Report(f fact.Fact) {
	if f.Kind == fact.RulesChanged {
		r.change(f)
		return
	}
	r.mu.Lock()
	at := r.siteOf(f.Site, f.Zone)
	if at < 0 || r.closed || len(r.facts) > maxFacts-maxEncoded {
		r.mu.Unlock()
		r.lost.Add(1)
		return
	}
	if cap(r.facts)-len(r.facts) < maxEncoded {
		r.facts = slices.Grow(r.facts, maxEncoded)
	}
	n := len(r.facts)
	r.facts = r.facts[:n+putFact(r.facts[n:cap(r.facts)], at, &f)]
	much := len(r.facts) > firstFacts/2
	r.mu.Unlock()
	if much {
		select {
		case r.wake <- struct{}{}:
		default: // it will come anyway
		}
	}
}

// siteOf is the number of a site, -1 if there are too many. r.mu is held.
func (r *Recorder) siteOf(name string, zone *time.Location) int {
	for i := range r.sites {
		s := &r.sites[i]
		// Each tracker has zones of its own, and a program may make many trackers.
		if s.name == name && (s.zone == zone || s.zone.String() == zone.String()) {
			return i
		}
	}
	if len(r.sites) == maxSites {
		return -1
	}
	r.sites = append(r.sites, site{name, zone})
	return len(r.sites) - 1
}

// change notes rules that were put in force.
func (r *Recorder) change(f fact.Fact) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.rules) == maxChanges {
		r.rules = r.rules[1:]
	}
	r.rules = append(r.rules, &changed{f.Rules, f.Time})
}

// Mark adds a mark, such as an outage, to the report. Of more than 16 in a second, the
// first are lost.
func (r *Recorder) Mark(m Mark) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.marks) == maxChanges {
		r.marks = r.marks[1:]
	}
	r.marks = append(r.marks, m)
}

// Flush adds everything that was reported before the call to the store. The error is that
// of the store, of ctx, or [ErrClosed].
func (r *Recorder) Flush(ctx context.Context) error {
	done := make(chan error, 1)
	select {
	case r.asked <- done:
	case <-r.stopped:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ErrClosed is returned by a Recorder that is closed.
var ErrClosed = errors.New("report: closed")

// Close adds what is left to the store, and stops the Recorder. Facts that come later are
// lost. The store stays open. The error is that of the last flush, or of ctx. Close it
// after the tracker.
func (r *Recorder) Close(ctx context.Context) error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	err := r.Flush(ctx)
	r.stop()
	select {
	case <-r.stopped:
	case <-ctx.Done():
	}
	if errors.Is(err, ErrClosed) {
		return nil // a second call
	}
	return err
}
