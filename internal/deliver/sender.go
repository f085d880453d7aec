package deliver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/idpool"
	"github.com/goaltrack/goaltrack/internal/recent"
	"github.com/goaltrack/goaltrack/internal/trouble"
	"github.com/goaltrack/goaltrack/queue"
)

// Sender delivers what is in the queue. All methods are safe for concurrent use. What is sent
// next, and how each line is doing, belongs to one goroutine, the scheduler. So that needs no
// lock. What requests touch as well has locks of its own: the intake, shares and waits.
type Sender struct {
	queue   queue.Queue
	bySite  map[string]*Line
	lines   []*Line
	options Options
	tally   *Tally
	log     *slog.Logger
	clock   *clock
	full    trouble.Trouble // the queue refuses
	failed  trouble.Trouble // the queue cannot take anything, for a reason of its own
	early   trouble.Trouble // events are let go before they are on the disk
	crowded trouble.Trouble // a visitor, or a network, has too much in the queue
	shares  shares
	drains  drains
	locked  trouble.Trouble // events are sealed with a key that is not known

	jobs     chan *job
	finished chan *job
	arrived  chan []queue.Delivery
	room     chan int // asks for so many events
	latest   chan int // asks for so many of the newest
	newest   chan []queue.Delivery
	asks     chan func(*schedule)

	group  errgroup.Group
	cancel context.CancelFunc // ends the sends under way
	stop   context.CancelFunc // ends the scheduler
	done   chan struct{}      // the scheduler has ended

	intake intake
	waits  waits
}

// Line is one site's way to the CDP, and how it is doing. Its maker sets the
// exported fields before New.
type Line struct {
	Name    string
	Client  poster
	IDs     *idpool.Pool
	Session time.Duration    // how long one may pause; see Envelope.DropStale
	NoExt   bool             // the tenant takes no ext, so an event that is late does not say so
	Given   func()           // told that an event was given a browser ID; nil for nobody
	Sent    func(again bool) // told of each request with an event, before it is made; nil for nobody
	Renew   func()           // closes idle connections, so that the next is made anew; nil for none

	// Requests read these as well as the scheduler.
	replaced recent.Table
	known    *recent.Set // browser IDs of which an event was accepted
	picky    atomic.Bool // something is refused; see keptForKnown

	// These are the scheduler's alone.
	health health
	meter  meter
}

// poster is what a worker needs of a cdp.Client.
type poster interface {
	PostFrom(ctx context.Context, body []byte, visitorUserAgent, visitorAddress string) (cdp.Receipt, error)
	Show(ctx context.Context, browserID string) (cdp.Browser, error)
}

// Replacement returns the browser ID that the visitor with this ID got since,
// "" if there is none.
func (ln *Line) Replacement(id string) string { return ln.replaced.Get(id) }

// job is one event on its way.
type job struct {
	queue.Delivery
	Envelope
	line     *Line
	lane     *lane
	id       string // browser ID, "" until one is made
	brought  bool   // id came with the visitor, and was not made in this process
	attempts int    // sends in all
	unknowns int    // sends of which the outcome is unknown
	failures int    // in a row, for the backoff
	spot     spot   // in which list it is ready
	due      int    // its place in a heap, from 1; 0: in none
	notYet   time.Time
	fetched  bool      // beyond the bound of the window
	aside    bool      // out of the window, until its fate is known or it is benched
	sent     time.Time // when it was last handed to a worker
	err      error
	began    time.Time     // when the last request began, zero if none was made
	took     time.Duration // until it was answered
	// madeID says that the worker made the browser ID. replaces is the ID that
	// the CDP did not know, if the new one stands for it.
	madeID   bool
	replaces string
	blame
}

// born returns when the event's age begins. The age of an event from the dead
// letters begins when it is resent, and of a held event when its visitor
// agreed.
func (j *job) born() time.Time {
	if j.Resent.After(j.Time) {
		return j.Resent
	}
	return j.Time
}

// knownIDs is how many visitors of accepted events a line remembers.
const knownIDs = 4096

// New makes a sender and starts it. Close also closes the queue. What the lines
// hold stays the caller's.
func New(q queue.Queue, lines []*Line, o Options, t *Tally, log *slog.Logger) *Sender {
	s := makeSender(q, lines, o, t, log)
	s.start()
	return s
}

func makeSender(q queue.Queue, lines []*Line, o Options, t *Tally, log *slog.Logger) *Sender {
	// Every line has its own workers: a site whose CDP hangs must not keep the
	// workers of the others waiting.
	workers := o.Workers * len(lines)
	s := &Sender{
		queue: q, bySite: make(map[string]*Line, len(lines)), lines: lines, options: o, tally: t, log: log,
		jobs:     make(chan *job, workers),
		finished: make(chan *job, workers),
		arrived:  make(chan []queue.Delivery),
		room:     make(chan int),
		latest:   make(chan int),
		newest:   make(chan []queue.Delivery),
		asks:     make(chan func(*schedule)),
		done:     make(chan struct{}),
		intake:   intake{over: make(chan struct{})},
		waits:    waits{limit: o.Wait, last: rand.Uint64() >> 1, byNumber: make(map[uint64]*Awaited)}, //nolint:gosec // Only has to differ.
		clock:    newClock(timeOfDay),
	}
	s.full.Log, s.full.Begun, s.full.Over = log, logFull, logRoom
	s.failed.Log, s.failed.Begun, s.failed.Over = log, logFailed, logTakes
	s.early.Log, s.early.Begun, s.early.Over = log, logEarly, logInTime
	s.crowded.Log, s.crowded.Begun, s.crowded.Over = log, logCrowded, logUncrowded
	s.shares.init(&s.options, o.Names)
	s.locked.Log, s.locked.Begun, s.locked.Over = log, logLocked, logOpened
	for _, ln := range lines {
		s.bySite[ln.Name] = ln
		ln.known = recent.NewSet(knownIDs)
		ln.health.limit = 1
	}
	return s
}

func (s *Sender) start() {
	sending, cancel := context.WithCancel(context.Background())
	scheduling, stop := context.WithCancel(context.Background())
	s.cancel, s.stop = cancel, stop
	for range cap(s.jobs) {
		s.group.Go(func() error { s.work(sending); return nil })
	}
	s.group.Go(func() error { s.fetch(scheduling); return nil })
	go func() {
		defer close(s.done)
		defer close(s.jobs)
		newSchedule(s).run(scheduling)
	}()
}

// fetch carries deliveries from the queue to the scheduler, as many as it asks
// for.
func (s *Sender) fetch(ctx context.Context) {
	failing := false
	for {
		var batch []queue.Delivery
		var err error
		to := s.arrived
		select {
		case n := <-s.room:
			batch, err = s.queue.Receive(ctx, n)
		case n := <-s.latest:
			to = s.newest
			batch, err = s.receiveNewest(ctx, n)
		case <-ctx.Done():
			return
		}
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, queue.ErrClosed) {
				return
			}
			if !failing {
				s.log.Error("goaltrack: the queue cannot be read; trying every second", "error", err)
			}
			failing = true
			if !sleep(ctx, time.Second) {
				return
			}
		} else if failing {
			failing = false
			s.log.Info("goaltrack: the queue can be read again")
		}
		select {
		case to <- batch:
		case <-ctx.Done():
			return
		}
	}
}

// receiveNewest takes from the newest end of the queue, if the queue can do
// that.
func (s *Sender) receiveNewest(ctx context.Context, n int) ([]queue.Delivery, error) {
	q, ok := s.queue.(queue.NewestReceiver)
	if !ok {
		return nil, nil
	}
	return q.ReceiveNewest(ctx, n)
}

// work sends one event after the other.
func (s *Sender) work(ctx context.Context) {
	for j := range s.jobs {
		s.send(ctx, j)
		s.finished <- j
	}
}

// send makes one attempt and leaves the result in j.err. Only an injected
// http.Client can cause a panic, which counts as an attempt with an unknown
// outcome.
func (s *Sender) send(ctx context.Context, j *job) {
	j.began, j.took = time.Time{}, 0
	defer func() {
		if p := recover(); p != nil {
			j.err = &cdp.Error{Op: "send event", Outcome: cdp.Unknown, Err: fmt.Errorf("panic: %v", p)}
		}
	}()
	if j.id == "" {
		if j.id, j.err = j.line.IDs.Get(ctx, j.Priority > queue.Low); j.err != nil {
			return
		}
		j.madeID = true
		if j.line.Given != nil {
			j.line.Given()
		}
	}
	e := j.Envelope
	e.setBrowserID(j.id)
	if s.clock.age(j.Time) > lateAfter && !j.line.NoExt {
		e.markLate(j.Time)
	}
	j.attempts++
	if j.line.Sent != nil {
		j.line.Sent(j.attempts > 1)
	}
	j.began = time.Now()
	_, j.err = j.line.Client.PostFrom(ctx, e.body, e.UserAgent, e.Address)
	j.took = time.Since(j.began)
	if cdp.OutcomeOf(j.err) == cdp.BrowserUnknown {
		j.err = s.confirm(ctx, j)
	}
}

// confirm asks again about a browser ID that the CDP does not know. The ID is
// given up only if the CDP says so twice. The event was not counted in any
// case.
func (s *Sender) confirm(ctx context.Context, j *job) error {
	_, err := j.line.Client.Show(ctx, j.id)
	switch cdp.OutcomeOf(err) {
	case cdp.BrowserUnknown:
		return j.err
	case cdp.Accepted:
		return &cdp.Error{Op: "send event", Outcome: cdp.SenderBad, Status: statusOf(j.err), Err: errors.New("the CDP refuses a browser ID that it knows")}
	case cdp.Unknown:
		return &cdp.Error{Op: "send event", Outcome: cdp.NotProcessed, Err: err}
	}
	return err
}

// Stats says what the queue holds. What a closed queue has lost does not wait.
func (s *Sender) Stats() queue.Stats {
	stats := s.queue.Stats()
	if stats.Waiting -= stats.Lost; stats.Waiting == 0 {
		stats.Bytes, stats.Oldest = 0, time.Time{}
	}
	return stats
}

// sleep waits for d. It reports false if ctx ends before.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
