package main

import (
	"context"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/goaltrack/goaltrack"
)

// house is a running proxy. The tracker in it can be replaced while requests go on.
type house struct {
	site     http.Handler // the way to the site, whoever counts
	limits   *current
	doorman  *doorman
	entrance *entrance
	console  console

	mu  sync.RWMutex
	now *tenancy // only the goroutine of keep replaces it

	leaving sync.WaitGroup // tenancies that were replaced and are not over
	left    chan struct{}  // room for those
}

// tenancy is a tracker in front of the site, with the settings it was made of.
type tenancy struct {
	program      *proxyProgram
	tracker      *goaltrack.Tracker
	handler      http.Handler
	requests     sync.WaitGroup
	stopWatching func()
}

// mostLeaving is how many trackers that were replaced may still deliver.
const mostLeaving = 4

// moveIn puts a tracker in front of the site. Requests under way end with the
// tracker that they began with, which is returned; nil if there was none.
func (h *house) moveIn(ctx context.Context, p *proxyProgram, tracker *goaltrack.Tracker) (before *tenancy) {
	next := &tenancy{program: p, tracker: tracker, handler: mindUploads(p.withPreview(p.pages(tracker, h.site)))}
	next.watch(ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	before, h.now = h.now, next
	return before
}

// watch follows the file of the rules, if the settings say so.
func (t *tenancy) watch(ctx context.Context) {
	t.stopWatching = func() {}
	if t.program.settings.On("watch") {
		t.stopWatching = follow(ctx, t.tracker, t.program.settings.Text("rules"))
	}
}

// enter returns the tenancy that a request belongs to. It has to call Done on its requests.
func (h *house) enter() *tenancy {
	h.mu.RLock()
	defer h.mu.RUnlock()
	h.now.requests.Add(1)
	return h.now
}

// ServeHTTP implements [http.Handler].
func (h *house) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.doorman.answers(w, r) {
		return
	}
	t := h.enter()
	defer t.requests.Done()
	t.handler.ServeHTTP(w, r)
}

// tracker is the one that requests which come now belong to.
func (h *house) tracker() *goaltrack.Tracker {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.now.tracker
}

// snapshot is the state of that tracker.
func (h *house) snapshot() goaltrack.Snapshot { return h.tracker().Snapshot() }

// keep serves until ctx ends or nobody can be served any more.
func (h *house) keep(ctx context.Context, hangups <-chan os.Signal) error {
	h.left = make(chan struct{}, mostLeaving)
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-h.entrance.failed:
			return err
		case <-hangups:
			h.reload(ctx)
		}
	}
}

// drain waits until the requests of a tenancy are over, but not for longer than patience.
func (t *tenancy) drain(ctx context.Context, patience time.Duration) {
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
// becomes of their goals is in the account.
const cutGrace = time.Second

// moveOut ends the last tenancy, and waits for those before it. Delivery gets time
// of its own: the context of the command has ended.
func (h *house) moveOut(ctx context.Context) goaltrack.Account {
	ctx = context.WithoutCancel(ctx)
	last := h.now
	last.stopWatching()
	last.drain(ctx, cutGrace)
	account := last.close(ctx, h.console)
	h.leaving.Wait()
	return account
}

// close delivers what is waiting and returns the account.
func (t *tenancy) close(ctx context.Context, c console) goaltrack.Account {
	grace, cancel := context.WithTimeout(ctx, t.program.settings.Time("delivery-grace"))
	defer cancel()
	account, err := t.tracker.Close(grace)
	if err != nil {
		c.logger.Warn("not everything was delivered", "error", err)
	}
	return account
}

// leave ends a tenancy that was replaced. A spool is let go of as soon as its requests are
// over, for the next tracker to deliver the rest. What waits in memory is delivered first.
func (h *house) leave(ctx context.Context, t *tenancy) {
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
	account := t.close(context.WithoutCancel(ctx), h.console)
	h.console.logger.Info("the tracker from before the change has ended", "account", account.String())
}

// memoryMaxAge is how long the library tries an event that waits in memory.
const memoryMaxAge = 10 * time.Minute
