package main

import (
	"context"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/goaltrack/goaltrack"
)

// proxyServer is a running proxy. Its tracker can be replaced while requests go on.
type proxyServer struct {
	site     http.Handler // the way to the site, whoever counts
	limits   *limitsInForce
	precheck *precheck
	frontend *frontend
	console  console

	mu      sync.RWMutex
	current *generation // only the goroutine of run replaces it

	retiring    sync.WaitGroup // generations that were replaced and are not over
	retireSlots chan struct{}  // one for each of these that there may be
}

// generation is a tracker in front of the site, with the settings it was made of. New
// settings make another one.
type generation struct {
	program      *proxyProgram
	tracker      *goaltrack.Tracker
	handler      http.Handler
	requests     sync.WaitGroup
	stopWatching func()
}

// mostLeaving is how many trackers that were replaced may still deliver.
const mostRetiring = 4

// install puts a tracker in front of the site. Requests under way end with the
// tracker that they began with, which is returned; nil if there was none.
func (s *proxyServer) install(ctx context.Context, p *proxyProgram, tracker *goaltrack.Tracker) (before *generation) {
	next := &generation{program: p, tracker: tracker, handler: mindUploads(p.withPreview(p.pages(tracker, s.site)))}
	next.watch(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	before, s.current = s.current, next
	return before
}

// watch follows the file of the rules, if the settings say so.
func (t *generation) watch(ctx context.Context) {
	t.stopWatching = func() {}
	if t.program.settings.On("watch") {
		t.stopWatching = followRules(ctx, t.tracker, t.program.settings.Text("rules"))
	}
}

// begin returns the generation that a request belongs to. The caller calls Done on its
// requests in the end.
func (s *proxyServer) begin() *generation {
	s.mu.RLock()
	defer s.mu.RUnlock()
	s.current.requests.Add(1)
	return s.current
}

// ServeHTTP implements [http.Handler].
func (s *proxyServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.precheck.answers(w, r) {
		return
	}
	t := s.begin()
	defer t.requests.Done()
	t.handler.ServeHTTP(w, r)
}

// tracker is the one that requests which come now belong to.
func (s *proxyServer) tracker() *goaltrack.Tracker {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.current.tracker
}

// snapshot is the state of that tracker.
func (s *proxyServer) snapshot() goaltrack.Snapshot { return s.tracker().Snapshot() }

// states are how its delivery is going, for each site.
func (s *proxyServer) states() []goaltrack.SiteState { return s.snapshot().Delivery }

// run serves until ctx ends or nobody can be served any more.
func (s *proxyServer) run(ctx context.Context, hangups <-chan os.Signal) error {
	s.retireSlots = make(chan struct{}, mostRetiring)
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-s.frontend.failed:
			return err
		case <-hangups:
			s.reload(ctx)
		}
	}
}

// drain waits until the requests of a generation are over, but not for longer than patience.
func (t *generation) drain(ctx context.Context, patience time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	over := make(chan struct{})
	go func() { t.requests.Wait(); close(over) }()
	select {
	case <-over:
	case <-ctx.Done():
	}
}

// cutGrace is how long requests that were cut may take to notice it, so that what
// becomes of their goals is in the account. Only tests change it.
var cutGrace = time.Second

// shutDown ends the last generation, and waits for those before it. Delivery gets time
// of its own: the context of the command has ended.
func (s *proxyServer) shutDown(ctx context.Context) goaltrack.Account {
	ctx = context.WithoutCancel(ctx)
	last := s.current
	last.stopWatching()
	last.drain(ctx, cutGrace)
	account := last.close(ctx, s.console)
	s.retiring.Wait()
	return account
}

// close delivers what is waiting and returns the account.
func (t *generation) close(ctx context.Context, c console) goaltrack.Account {
	grace, cancel := context.WithTimeout(ctx, t.program.settings.Time("delivery-grace"))
	defer cancel()
	account, err := t.tracker.Close(grace)
	if err != nil {
		c.logger.Warn("not everything was delivered", "error", err)
	}
	return account
}

// retire ends a generation that was replaced. A spool is let go of as soon as its requests are
// over, for the next tracker to deliver the rest. What waits in memory is delivered first.
func (s *proxyServer) retire(ctx context.Context, t *generation) {
	t.stopWatching()
	t.drain(ctx, t.program.settings.Time("request-grace"))
	if t.program.config.Delivery.SpoolDir == "" {
		patience := t.program.settings.Time("delivery-max-age")
		if patience == 0 {
			patience = memoryMaxAge
		}
		flush, cancel := context.WithTimeout(ctx, patience)
		_, _ = t.tracker.Flush(flush) // to close says what was not delivered
		cancel()
	}
	account := t.close(context.WithoutCancel(ctx), s.console)
	s.console.logger.Info("the tracker from before the change has ended", "account", account.String())
}

// memoryMaxAge is how long the library tries an event that waits in memory.
const memoryMaxAge = 10 * time.Minute
