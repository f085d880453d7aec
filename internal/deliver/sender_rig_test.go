package deliver

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/idpool"
	"github.com/goaltrack/goaltrack/internal/logbook"
	"github.com/goaltrack/goaltrack/queue"
)

// rig is a sender with a scripted CDP, for tests in a synctest bubble. Every
// test ends with its check of the account.
type rig struct {
	t *testing.T
	*Sender
	cdps    map[string]*scripted
	offered int
	logs    *logbook.Book
	closing sync.Once
	lastErr error
}

// scripted is a CDP that answers as it is told and remembers what it saw.
type scripted struct {
	answer func(*call) error // nil: all is well
	shown  func(id string) error
	create func() error
	took   time.Duration             // for every answer
	takes  func(*call) time.Duration // if not always as long

	mu      sync.Mutex
	calls   []*call
	tries   map[string]int // by goal
	shows   int
	made    int
	flying  int
	highest int // most requests at once
}

// call is one event as the CDP saw it.
type call struct {
	goal, id   string
	body       map[string]any
	try        int // of this event, from 1
	start, end time.Time
	err        error
}

// newRig starts a sender for sites of these names ("shop" if there are none).
func newRig(t *testing.T, o Options, answer func(*call) error, sites ...string) *rig {
	t.Helper()
	o.QueueEvents, o.QueueBytes = 10_000, 16<<20
	return newRigOn(t, queue.NewMemory(10_000, 16<<20), o, answer, sites...)
}

// newRigOn starts a sender of what is in a queue.
func newRigOn(t *testing.T, q queue.Queue, o Options, answer func(*call) error, sites ...string) *rig {
	t.Helper()
	if len(sites) == 0 {
		sites = []string{"shop"}
	}
	r := &rig{t: t, cdps: map[string]*scripted{}, logs: &logbook.Book{}}
	logger := slog.New(r.logs)
	tally := NewTally(func(string, string, string) {})
	var lines []*Line
	budget := idpool.NewBucket(20, 200)
	for _, name := range sites {
		s := &scripted{answer: answer, took: 50 * time.Millisecond}
		r.cdps[name] = s
		lines = append(lines, &Line{Name: name, Client: s, IDs: idpool.New(idpool.Options{Create: s.CreateBrowser, Budget: budget, Note: tally.note, Log: logger})})
	}
	r.Sender = New(q, lines, o.orDefaults(), tally, logger)
	t.Cleanup(func() {
		r.close(0)
		for _, ln := range r.lines {
			ln.IDs.Close()
		}
		r.balanced()
	})
	return r
}

// orDefaults fills in what is not set.
func (o Options) orDefaults() Options {
	d := Defaults()
	return Options{
		Workers: cmp.Or(o.Workers, d.Workers), MaxAge: cmp.Or(o.MaxAge, d.MaxAge), UnknownAttempts: cmp.Or(o.UnknownAttempts, d.UnknownAttempts),
		BackoffBase: cmp.Or(o.BackoffBase, d.BackoffBase), BackoffMax: cmp.Or(o.BackoffMax, d.BackoffMax),
		ProbeBase: cmp.Or(o.ProbeBase, d.ProbeBase), ProbeMax: cmp.Or(o.ProbeMax, d.ProbeMax), Wait: o.Wait, AppendWait: o.AppendWait, Seal: o.Seal,
		QueueEvents: o.QueueEvents, QueueBytes: o.QueueBytes,
	}
}

// mayMake bounds how many browser IDs are made from now on.
func (r *rig) mayMake(budget *idpool.Bucket) {
	for _, ln := range r.lines {
		ln.IDs.Close()
		ln.IDs = idpool.New(idpool.Options{Create: r.cdps[ln.Name].CreateBrowser, Budget: budget, Note: r.tally.note, Log: r.log})
	}
}

func (r *rig) cdp() *scripted { return r.cdps["shop"] }

// close closes as Tracker.Close does; it may be called again.
func (r *rig) close(d time.Duration) error {
	r.closing.Do(func() {
		ctx, cancel := context.WithTimeout(r.t.Context(), d)
		defer cancel()
		r.lastErr = r.Close(ctx)
	})
	return r.lastErr
}

// account is what became of the events so far.
func (r *rig) account() Account { return r.tally.Account(r.Stats()) }

func (a Account) String() string {
	return fmt.Sprintf("accepted %d + recovered %d = delivered %d + dead %v + dropped %v + waiting %d; possible duplicates %d",
		a.Accepted, a.Recovered, a.Delivered, a.Dead, a.Dropped, a.Waiting, a.PossibleDuplicates)
}

// settled counts the events that have met their fate.
func (a Account) settled() uint64 { return a.Delivered + total(a.Dead) + total(a.Dropped) }

func total(m map[string]uint64) (n uint64) {
	for _, v := range m {
		n += v
	}
	return n
}

// balanced checks that nothing was lost track of.
func (r *rig) balanced() Account {
	r.t.Helper()
	a := r.account()
	if a.Accepted+a.Recovered != a.settled()+a.Waiting || a.Accepted != uint64(r.offered) {
		r.t.Errorf("%d events were offered, the account says\n%s", r.offered, a)
	}
	return a
}

// offer offers an event of the visitor for the first site.
func (r *rig) offer(visitor int, goal string) {
	r.t.Helper()
	r.offerTo("", visitor, goal, queue.Normal)
}

func (r *rig) offerTo(site string, visitor int, goal string, p queue.Priority) {
	r.t.Helper()
	id := visitorID(visitor)
	r.offerItem(queue.Item{Body: testEvent(cmp.Or(site, r.lines[0].Name), goal, id), Key: id, Priority: p, Time: time.Now()})
}

func (r *rig) offerItem(i queue.Item) {
	r.t.Helper()
	if err := r.Sender.offer(r.t.Context(), OfTheSite, i); err != nil {
		r.t.Fatalf("an event was refused: %v", err)
	}
	r.offered++
}

// offerMany offers n events of visitors from..from+n-1.
func (r *rig) offerMany(from, n int) {
	r.t.Helper()
	for v := from; v < from+n; v++ {
		r.offer(v, fmt.Sprintf("V%d", v))
	}
}

// settle waits until all is settled and returns how long that took.
func (r *rig) settle() time.Duration {
	r.t.Helper()
	begin := time.Now()
	ctx, cancel := context.WithTimeout(r.t.Context(), 1000*time.Hour)
	defer cancel()
	if err := r.Flush(ctx); err != nil {
		r.t.Fatalf("after %v: %v; %s; %+v", time.Since(begin), err, r.account(), r.States())
	}
	r.balanced()
	return time.Since(begin)
}

func (r *rig) note(what string) uint64 { return r.tally.Notes()[what] }

// wantDead checks the dead letters' reasons.
func (r *rig) wantDead(want map[string]uint64) {
	r.t.Helper()
	if got := r.account().Dead; !maps.Equal(got, want) {
		r.t.Errorf("dead %v, want %v", got, want)
	}
}

func (r *rig) wantDelivered(n int) {
	r.t.Helper()
	if got := r.account().Delivered; got != uint64(n) {
		r.t.Errorf("delivered %d, want %d", got, n)
	}
}

func visitorID(n int) string { return fmt.Sprintf("%08x-0000-4000-8000-000000000000", n) }

// testEvent is an event as the middleware queues it; without an ID, id is "".
func testEvent(site, goal, id string) []byte {
	e := cdp.Event{BrowserID: id, Type: goal, Channel: "WEB", Language: "EN"}
	head := Envelope{Site: site, Goal: goal}
	return e.AppendJSON(head.AppendHead(nil), cdp.Direct{ClientKey: "k", PointOfSale: "p"})
}

func (s *scripted) PostFrom(ctx context.Context, body []byte, _, _ string) (cdp.Receipt, error) {
	c := &call{start: time.Now()}
	if err := json.Unmarshal(body, &c.body); err != nil {
		return cdp.Receipt{}, err
	}
	c.goal, _ = c.body["type"].(string)
	c.id, _ = c.body["browser_id"].(string)
	s.mu.Lock()
	if s.tries == nil {
		s.tries = map[string]int{}
	}
	s.tries[c.goal]++
	c.try = s.tries[c.goal]
	s.calls = append(s.calls, c)
	s.flying++
	s.highest = max(s.highest, s.flying)
	takes := s.took
	if s.takes != nil {
		takes = s.takes(c)
	}
	s.mu.Unlock()
	took := sleep(ctx, takes)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flying--
	c.end = time.Now()
	switch {
	case !took:
		c.err = &cdp.Error{Outcome: cdp.Unknown, Err: ctx.Err()}
	case s.answer != nil:
		c.err = s.answer(c)
	}
	return cdp.Receipt{}, c.err
}

func (s *scripted) Show(_ context.Context, id string) (cdp.Browser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shows++
	if s.shown != nil {
		return cdp.Browser{}, s.shown(id)
	}
	return cdp.Browser{ID: id}, nil
}

func (s *scripted) CreateBrowser(ctx context.Context) (cdp.Browser, error) {
	if !sleep(ctx, s.took) {
		return cdp.Browser{}, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.create != nil {
		if err := s.create(); err != nil {
			return cdp.Browser{}, err
		}
	}
	s.made++
	return cdp.Browser{ID: fmt.Sprintf("feed%04x-0000-4000-8000-000000000000", s.made)}, nil
}

// of returns the calls for one goal.
func (s *scripted) of(goal string) []*call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.calls), func(c *call) bool { return c.goal != goal })
}

// all returns a copy of all calls.
func (s *scripted) all() []*call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// tell changes the script.
func (s *scripted) tell(answer func(*call) error) {
	s.mu.Lock()
	s.answer = answer
	s.mu.Unlock()
}

// status is the error of an answer, as package cdp classifies it.
func status(code int) error {
	outcome := cdp.EventBad
	switch code {
	case 201:
		return nil
	case 301, 302, 401, 402, 403, 404, 405, 407, 451, 501:
		outcome = cdp.SenderBad
	case 408, 425, 429, 503:
		outcome = cdp.NotProcessed
	case 500, 502, 504:
		outcome = cdp.Unknown
	}
	return &cdp.Error{Op: "send event", Outcome: outcome, Status: code}
}

func retryIn(code int, after time.Duration) error {
	err, _ := errors.AsType[*cdp.Error](status(code))
	err.RetryAfter = after
	return err
}

var (
	errRefused = &cdp.Error{Outcome: cdp.NotProcessed, Err: errors.New("connection refused")}
	errReset   = &cdp.Error{Outcome: cdp.Unknown, Err: errors.New("connection reset")}
	errNoID    = &cdp.Error{Outcome: cdp.BrowserUnknown, Status: http.StatusNotFound}
)

// countingQueue counts how often it is asked.
type countingQueue struct {
	*queue.Memory
	receives atomic.Int64
}

func (q *countingQueue) Receive(ctx context.Context, n int) ([]queue.Delivery, error) {
	q.receives.Add(1)
	return q.Memory.Receive(ctx, n)
}
