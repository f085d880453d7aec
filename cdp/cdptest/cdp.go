package cdptest

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	defaultKeep  = 10_000
	keptBytes    = 32 << 20 // of events, and as many of requests
	keptBrowsers = 100_000
)

// Options say what the stand-in knows. The zero value accepts any site. Names are compared
// exactly.
type Options struct {
	// ClientKeys are the client keys of the tenant; another one is answered 401.
	// Default: every client key that is not empty.
	ClientKeys []string

	// PointsOfSale are the tenant's points of sale. A direct event for another one is
	// answered 201 and recorded as [Event.Lost], just as the real CDP loses it. Default:
	// every point of sale that is not empty.
	PointsOfSale []string

	// ContextIDs are the context IDs that the edge proxy knows; another one is answered
	// 401. Default: every context ID that is not empty.
	ContextIDs []string

	// SiteNames are the sites of the edge proxy. An event for another one is answered 201
	// and recorded as [Event.Lost]. Default: every site name that is not empty.
	SiteNames []string

	// APIToken is the token that the REST API expects beside the client key. Default:
	// every token that is not empty.
	APIToken string

	// Keep is how many events, and how many requests, are kept. The oldest are dropped
	// first. Default, also for a negative number: 10,000.
	Keep int

	// OnEvent is called for every event that is taken in, lost ones included, after it is
	// recorded and before it is answered. There is one call at a time, in order of
	// arrival. It may ask the CDP anything, but must not send it events. Default: nobody
	// is told.
	OnEvent func(Event)
}

// CDP is the stand-in: an [http.Handler] that can be mounted anywhere. With
// [http.StripPrefix] it can have a path of its own. All methods are safe for concurrent use.
// Make it with [New] or [NewServer].
type CDP struct {
	o      Options
	closed chan struct{} // closed by Close
	close  sync.Once
	notify sync.Mutex // held around OnEvent; always taken before mu

	mu       sync.Mutex
	events   tail[Event]
	requests tail[*Request]
	made     tail[string]      // browser IDs handed out
	known    map[string]string // browser ID to guest ID
	order    tail[string]      // the keys of known, oldest first
	schema   schema
	faults   []*armed
	arrived  chan struct{} // closed at the next event; nil while nobody waits
}

// New returns a stand-in that knows no browser IDs yet.
func New(o Options) *CDP {
	if o.Keep <= 0 {
		o.Keep = defaultKeep
	}
	c := &CDP{o: o, closed: make(chan struct{}), known: map[string]string{}, schema: schema{}}
	c.events = tail[Event]{limit: o.Keep, budget: keptBytes, weigh: func(e Event) int {
		return weightOf(e.Header, e.Query, e.Raw)
	}}
	c.requests = tail[*Request]{limit: o.Keep, budget: keptBytes, weigh: func(r *Request) int {
		return weightOf(r.Header, r.URL, r.Body)
	}}
	c.made = tail[string]{limit: keptBrowsers}
	c.order = tail[string]{limit: keptBrowsers, onDrop: func(id string) { delete(c.known, id) }}
	return c
}

// Close ends what [Hang] and [Delay] hold up, now and from now on: it drops those connections.
// Everything else goes on. Call it before shutting down a server that waits for its handlers.
// It may be called again and always returns nil.
func (c *CDP) Close() error {
	c.close.Do(func() { close(c.closed) })
	return nil
}

// Reset forgets everything: events, requests, browser IDs, the types of ext attributes, and
// faults. The options stay, and whoever waits goes on waiting.
func (c *CDP) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.events.reset()
	c.requests.reset()
	c.made.reset()
	c.order.reset()
	clear(c.known)
	clear(c.schema)
	c.faults = nil
}

// Events returns the kept events in order of arrival. They are those answered 201, so lost
// ones ([Event.Lost]) are among them.
func (c *CDP) Events() []Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.events.live())
}

// EventsOf returns those of [CDP.Events] that have this browser ID.
func (c *CDP) EventsOf(browserID string) []Event {
	return slices.DeleteFunc(c.Events(), func(e Event) bool { return e.BrowserID != browserID })
}

// Types returns the types of [CDP.Events], in the same order.
func (c *CDP) Types() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var types []string
	for _, e := range c.events.live() {
		types = append(types, e.Type)
	}
	return types
}

// Dropped returns how many events are not kept any more: see [Options.Keep].
func (c *CDP) Dropped() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.events.dropped
}

// Requests returns the kept API calls in order of arrival, refused and unanswered ones
// included. Requests for the list page are not among them.
func (c *CDP) Requests() []Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []Request
	for _, r := range c.requests.live() {
		all = append(all, *r)
	}
	return all
}

// Browsers returns the browser IDs handed out, in order, at most the newest 100,000. Forgotten
// ones are among them; those of [CDP.Know] are not.
func (c *CDP) Browsers() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.made.live())
}

// Made returns how many browser IDs were handed out. At the real CDP each makes a browser and
// an empty guest, so a site wants few.
func (c *CDP) Made() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.made.total()
}

// Know makes a browser ID known, as if it had been handed out on another day. An ID of any form
// is accepted. An event with an unknown ID is answered 404.
func (c *CDP) Know(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.know(id)
}

// know returns the guest ID of id, which it makes known. mu is held.
func (c *CDP) know(id string) (guest string) {
	if guest, ok := c.known[id]; ok {
		return guest
	}
	guest = newUUID()
	c.known[id] = guest
	c.order.push(id)
	return guest
}

// Forget makes a browser ID unknown. Its next event is answered 404; so a site learns to ask
// for a new ID.
func (c *CDP) Forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.known, id)
}

// WaitEvents waits until n events have been taken in since the start or the last [CDP.Reset],
// lost ones included. It returns those that are kept. If ctx ends first, the error wraps its
// cause, and says what came instead and what was refused last.
func (c *CDP) WaitEvents(ctx context.Context, n int) ([]Event, error) {
	for {
		events, total, next := c.watch()
		if total >= n {
			return events, nil
		}
		select {
		case <-next:
		case <-ctx.Done():
			return events, fmt.Errorf("cdptest: %d of %d events came: %w%s", total, n, context.Cause(ctx), c.story())
		}
	}
}

// watch returns the kept events, how many there ever were, and a channel that is closed at the
// next one. One channel serves everybody who waits, so nothing has to be taken back when
// somebody stops waiting.
func (c *CDP) watch() (events []Event, total int, next <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.arrived == nil {
		c.arrived = make(chan struct{})
	}
	return slices.Clone(c.events.live()), c.events.total(), c.arrived
}

// take makes the checks that need the memory of earlier events, records the event, and tells
// OnEvent. The other checks come before it.
func (c *CDP) take(e *Event) *refusal {
	if c.o.OnEvent != nil {
		c.notify.Lock() // before mu, so that calls come in order of arrival
		defer c.notify.Unlock()
	}
	if no := c.store(e); no != nil {
		return no
	}
	if c.o.OnEvent != nil {
		c.o.OnEvent(*e)
	}
	return nil
}

// store is take without OnEvent.
func (c *CDP) store(e *Event) *refusal {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.schema.check(e); err != nil {
		return refuse(http.StatusBadRequest, err)
	}
	if _, ok := c.known[e.BrowserID]; !ok {
		return unknownBrowser(e.BrowserID)
	}
	e.Time = time.Now()
	c.events.push(*e)
	if !e.Lost {
		c.schema.learn(e)
	}
	if c.arrived != nil {
		close(c.arrived)
		c.arrived = nil
	}
	return nil
}
