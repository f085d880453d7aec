package goaltrack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/queue"
)

// Tracker watches requests and sends goals. Make one with [New] and close it
// when the server has shut down. All methods are safe for concurrent use.
type Tracker struct {
	config Config
	sites  []*site
	rules  atomic.Pointer[Rules]
	bots   *botCache
	forms  formBudget
	ledger *ledger
	sender *sender // nil with DryRun
	panics atomic.Uint64
}

// site is a Site with its defaults and what belongs to it.
type site struct {
	Site
	cookie browserCookie
	line   *line // nil with DryRun
}

// The bounds of forms held in memory while handlers read them.
const (
	formLimit  = 64 << 10 // of one form
	formsLimit = 32 << 20 // of all at once
)

// New starts a tracker. It returns every fault of the configuration at once and
// opens no connection itself; with Cookie.Warm, its background does.
func New(config Config) (*Tracker, error) {
	c := config.withDefaults()
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("goaltrack: %w", err)
	}
	t := &Tracker{config: c, bots: newBotCache(), ledger: newLedger()}
	t.forms.limit = formsLimit
	budget := newBucket(c.Cookie.CreatePerSecond, c.Cookie.CreateBurst)
	names := make(map[string]bool)
	var lines []*line
	var errs []error
	for i := range c.Sites {
		s, err := t.newSite(c.Sites[i], budget)
		if err != nil {
			errs = append(errs, fmt.Errorf("Sites[%d]: %w", i, err))
			continue
		}
		if names[s.Name] {
			errs = append(errs, fmt.Errorf("Sites[%d]: the name %q is used twice; set Name", i, s.Name))
		}
		names[s.Name] = true
		t.sites = append(t.sites, s)
		if s.line != nil {
			lines = append(lines, s.line)
		}
	}
	errs = append(errs, t.fits(c.Rules))
	if err := errors.Join(errs...); err != nil {
		for _, ln := range lines {
			ln.ids.close()
		}
		return nil, fmt.Errorf("goaltrack: %w", err)
	}
	t.useRules(c.Rules)
	if !c.DryRun {
		q := c.Delivery.Queue
		if q == nil {
			q = queue.NewMemory(c.Delivery.QueueEvents, c.Delivery.QueueBytes)
		}
		t.sender = newSender(q, lines, c.Delivery, t.ledger, c.Logger)
	}
	return t, nil
}

func (t *Tracker) newSite(def Site, budget *bucket) (*site, error) {
	s := &site{Site: def, cookie: newBrowserCookie(def.CDP, t.config.Cookie)}
	s.Name = siteName(def)
	s.Language = wireLanguage(def.Language)
	if s.Language == "" {
		s.Language = "EN"
	}
	if s.Channel == "" {
		s.Channel = "WEB"
	}
	s.PathPrefix = trimPath(s.PathPrefix)
	if t.config.DryRun {
		return s, nil
	}
	d := &t.config.Delivery
	options := cdp.Options{HTTPClient: d.HTTPClient, Workers: d.Workers, Timeout: d.Timeout}
	client, err := cdp.New(def.CDP, options)
	if err != nil {
		return nil, err
	}
	// IDs are made over connections of their own, so that a queue of events
	// never keeps a new visitor waiting.
	options.Workers = poolFlights
	creator, err := cdp.New(def.CDP, options)
	if err != nil {
		return nil, err
	}
	warm := t.config.Cookie.Warm
	if t.config.Cookie.Create == CreateNever {
		warm = 0
	}
	s.line = &line{name: s.Name, client: client, ids: newIDPool(creator.CreateBrowser, budget, warm, t.ledger, t.config.Logger)}
	return s, nil
}

// siteName is the name given, or what the CDP calls the site.
func siteName(s Site) string {
	switch c := s.CDP.(type) {
	case cdp.Direct:
		def(&s.Name, c.PointOfSale)
	case cdp.Edge:
		def(&s.Name, c.SiteName)
	}
	def(&s.Name, s.CDP.CookieName())
	return s.Name
}

// Handler wraps a handler, a whole site or one route; as a method value it is a
// middleware for gorilla/mux and for everything else that takes
// func(http.Handler) http.Handler. A request that no rule can match is handed
// on as it came, writer and request untouched. Wrapping twice counts once.
func (t *Tracker) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tr := t.interest(r)
		if tr == nil {
			next.ServeHTTP(w, r)
			return
		}
		tr.serve(w, next)
	})
}

// Ready waits until browser IDs are ready for the first visitors, or the CDP
// could not make any, or ctx ends. A visitor who comes before that gets his ID
// on a later page; a server that waits for Ready before it listens spares its
// first visitors that. The error is that of ctx.
func (t *Tracker) Ready(ctx context.Context) error {
	for _, s := range t.sites {
		if s.line == nil {
			continue
		}
		select {
		case <-s.line.ids.warm:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// SetRules puts other rules in force. Requests under way end under the rules
// they began with. Rules that do not fit the sites are refused with an error,
// and the old ones stay.
func (t *Tracker) SetRules(rules *Rules) error {
	if rules == nil {
		return fmt.Errorf("goaltrack: %w: no rules", ErrInvalid)
	}
	if err := t.fits(rules); err != nil {
		return fmt.Errorf("goaltrack: %w", err)
	}
	t.useRules(rules)
	return nil
}

func (t *Tracker) useRules(rules *Rules) {
	t.ledger.add(append(rules.Names(), viewGoal))
	t.rules.Store(rules)
}

// fits finds goals with a value for which no site and no rule says a currency.
func (t *Tracker) fits(rules *Rules) error {
	var errs []error
	for _, g := range rules.goals {
		if !g.value.set || g.value.currency != "" || g.Currency != "" {
			continue
		}
		for _, s := range t.sites {
			if s.Currency == "" {
				errs = append(errs, fmt.Errorf("goal %s: its value has no currency, and neither has the site %s", g.Name, s.Name))
			}
		}
	}
	return errors.Join(errs...)
}

// Flush waits until every event accepted before the call has met its fate, or
// until ctx ends. The account is complete either way.
func (t *Tracker) Flush(ctx context.Context) (Account, error) {
	var err error
	if t.sender != nil {
		err = t.sender.flush(ctx)
	}
	return t.account(), err
}

// closeTimeout is how long Close may take if its context does not say.
const closeTimeout = 10 * time.Second

// Close delivers what it can until ctx ends, 10 seconds if ctx has no
// deadline, and stops the tracker. Waits between attempts are at most 250 ms
// meanwhile; if the CDP asks for a pause beyond the deadline, Close returns at
// once. The error is that of ctx, or ErrUndelivered. Call it after the server's
// Shutdown, with a context that has not ended yet. Requests after Close are
// served as before and not counted. Calling it again returns the same.
func (t *Tracker) Close(ctx context.Context) (Account, error) {
	s := t.sender
	if s == nil {
		return t.account(), nil
	}
	s.closing.Do(func() {
		if _, ok := ctx.Deadline(); !ok {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, closeTimeout)
			defer cancel()
		}
		s.lastErr = s.close(ctx)
		for _, site := range t.sites {
			site.line.ids.close()
		}
		s.last = t.account()
	})
	return s.last, s.lastErr
}

func (t *Tracker) account() Account {
	waiting := 0
	if t.sender != nil {
		waiting = t.sender.waiting()
	}
	return t.ledger.account(waiting)
}

// Snapshot returns the state of the tracker.
func (t *Tracker) Snapshot() Snapshot {
	rules := t.rules.Load()
	s := Snapshot{Account: t.account(), Since: t.ledger.since, RulesHash: rules.hash}
	for _, g := range rules.goals {
		s.Goals = append(s.Goals, t.ledger.goal(g.Name, g.Label))
	}
	if t.config.Views == ViewsServer {
		s.Goals = append(s.Goals, t.ledger.goal(viewGoal, "Page views"))
	}
	s.Notes, s.Recent = t.ledger.history()
	if t.sender != nil {
		s.Delivery = t.sender.states()
	}
	return s
}

// siteOf finds the site of a request: its host, and the longest prefix.
func (t *Tracker) siteOf(host, path string) *site {
	if len(t.sites) == 1 && t.sites[0].Hosts == nil && t.sites[0].PathPrefix == "" {
		return t.sites[0]
	}
	var best *site
	for _, s := range t.sites {
		if s.serves(hostOnly(host), path) && (best == nil || len(s.PathPrefix) > len(best.PathPrefix)) {
			best = s
		}
	}
	return best
}

func (s *site) serves(host, path string) bool {
	if rest, ok := strings.CutPrefix(path, s.PathPrefix); !ok || rest != "" && rest[0] != '/' {
		return false
	}
	if len(s.Hosts) == 0 {
		return true
	}
	for _, h := range s.Hosts {
		if suffix, ok := strings.CutPrefix(h, "*"); ok {
			if len(host) > len(suffix) && strings.EqualFold(host[len(host)-len(suffix):], suffix) {
				return true
			}
		} else if strings.EqualFold(h, host) {
			return true
		}
	}
	return false
}

// path is the path that rules see.
func (t *Tracker) path(r *http.Request) (path string) {
	if t.config.Path == nil {
		return r.URL.Path
	}
	defer t.recovered("Path", func() { path = r.URL.Path })
	return t.config.Path(r)
}

// recovered is deferred around the functions the user gave and around our own
// part of a request, never around the handler's: no fault of theirs or ours may
// bring the site down, and none may go unsaid.
func (t *Tracker) recovered(what string, then func()) {
	p := recover()
	if p == nil {
		return
	}
	then()
	t.ledger.note("panic_" + what)
	if n := t.panics.Add(1); n&(n-1) == 0 { // the 1st, 2nd, 4th, 8th ...: no storm of lines
		t.config.Logger.Error("goaltrack: recovered from a panic; the site goes on", "in", what, "panic", p, "times", n, "stack", string(debug.Stack()))
	}
}

func errPanic(p any) error { return fmt.Errorf("panic: %v", p) }
