package goaltrack

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/internal/agent"
	"github.com/goaltrack/goaltrack/internal/ahead"
	"github.com/goaltrack/goaltrack/internal/budget"
	"github.com/goaltrack/goaltrack/internal/deliver"
	"github.com/goaltrack/goaltrack/internal/events"
	"github.com/goaltrack/goaltrack/internal/facts"
	"github.com/goaltrack/goaltrack/internal/fair"
	"github.com/goaltrack/goaltrack/internal/follow"
	"github.com/goaltrack/goaltrack/internal/hold"
	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/recall"
	"github.com/goaltrack/goaltrack/internal/recent"
	"github.com/goaltrack/goaltrack/internal/scan"
	"github.com/goaltrack/goaltrack/internal/tap"
	"github.com/goaltrack/goaltrack/internal/visit"
	"github.com/goaltrack/goaltrack/internal/web"
	"github.com/goaltrack/goaltrack/queue"
	"github.com/goaltrack/goaltrack/rule"
)

// Tracker watches requests and sends goals. Make one with [New], and call
// [Tracker.Close] when the server has shut down. All methods are safe for
// concurrent use.
type Tracker struct {
	// What is in force now.
	rules atomic.Pointer[Rules]
	fault atomic.Pointer[string] // of a rule file that was not put in force

	// New sets these, and from then on they are only read.
	config Config
	sites  []*site
	agents *agent.Judge
	names  *fair.Names // of visitors and networks, for whom something is bounded
	health web.Lengths // of Ignore.HealthPaths

	// What it remembers. Each has a bound and a lock of its own.
	forms    tap.Budget
	visits   *recall.Memory
	hintless *recent.Set // visitors who were asked for a client hint that they did not send
	holds    *hold.Store[*held]
	ahead    *ahead.Pages[keptPage]
	scripts  atomic.Pointer[scripts] // nil without package page
	relaying relaying
	budget   *budget.Budget // what this month costs

	// Delivery.
	ledger  *ledger
	sender  *deliver.Sender // nil with DryRun
	store   store           // where events wait for it
	atRest  *deliver.Seal   // seals people's data; nil if nothing is kept outside of memory, or without Keys
	clients []*cdp.Client   // those whose connections end with the tracker
	closed  struct {        // what the first call of Close returned
		once    sync.Once
		account Account
		err     error
	}

	// What the log says once, or counts.
	stopSummaries context.CancelFunc // ends the line a minute
	firsts        firsts
	keyless       sync.Once     // there are no keys but one for this process
	unlike        sync.Once     // the path seen is not the one asked for
	panics        atomic.Uint64 // that were recovered from
	pagesRead     atomic.Int32  // in which a script was looked for
	withoutID     atomic.Uint64 // first looks of visitors who got no browser ID
}

// site is a Site with its defaults and what belongs to it.
type site struct {
	Site
	says   rule.Base // of its events
	cookie browserCookie
	visits visit.Cookie
	zone   *time.Location // in which a day begins
	tenant *tenant
	line   *deliver.Line  // nil with DryRun
	facts  facts.Site     // what Config.Report is told of it
	budget *budget.Budget // of all sites
	// variantUnknown stops its VIEW events; see tracked.variantLocked.
	variantUnknown atomic.Bool
}

// tenant is what sites have in common whose visitors are known by one
// browser-ID cookie.
type tenant struct {
	forgotten recent.Table // the IDs of visitors who ended their profile
	visits    []string     // the names of the sites' visit cookies
}

// New makes and starts a tracker. If the configuration has faults, it returns
// all of them in one error and starts nothing. New itself opens no connection;
// with Cookie.Warm, a goroutine of the tracker does.
func New(config Config) (*Tracker, error) {
	c := config.withDefaults()
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("goaltrack: %w", err)
	}
	t := &Tracker{config: c, names: fair.NewNames(), agents: agent.NewJudge(c.Bots.Allow, c.Bots.Deny), health: lengthsOfPaths(c.Ignore.HealthPaths), ledger: newLedger(), visits: recall.New()}
	if c.Preview != nil {
		t.ledger.answered = t.answered
	}
	t.forms.Limit, t.forms.Fault = c.Forms.TotalBytes, func(p any) { t.panicked("body", p) }
	t.ledger.logTo(c.Logger)
	t.budget = budget.New(t.limits(), c.Logger)
	t.holds, t.ahead, t.hintless = newHolds(t.ledger), ahead.New[keptPage](), recent.NewSet(recent.Size)
	keys := make([]visit.Key, len(c.Keys))
	for i, k := range c.Keys {
		keys[i] = visit.Key(k)
	}
	if len(keys) == 0 {
		keys = []visit.Key{visit.NewKey()}
	}
	for _, def := range c.Sites {
		s, err := t.newSite(def, keys)
		if err != nil {
			return nil, fmt.Errorf("goaltrack: %w", err)
		}
		t.sites = append(t.sites, s)
	}
	if c.DryRun {
		t.useRules(c.Rules)
		return t, nil
	}
	err := t.connect(func() (store, error) {
		where, err := t.config.openStore()
		if err == nil {
			t.useRules(c.Rules) // nothing can fail any more, and Config.Report has heard of no browser ID yet
		}
		return where, err
	})
	if err != nil {
		return nil, fmt.Errorf("goaltrack: %w", err)
	}
	return t, nil
}

// newSite makes the next site. Of its configuration, validate has found no fault.
func (t *Tracker) newSite(def Site, keys []visit.Key) (*site, error) {
	c := &t.config
	s := &site{Site: def, cookie: newBrowserCookie(def.CDP, c.Cookie), budget: t.budget}
	s.Language, s.PathPrefix = web.Language(def.Language), urlpath.Trim(urlpath.Normal(def.PathPrefix))
	s.says = events.Says(s.CDP, s.Language, s.Currency, s.Channel)
	var err error
	if s.zone, err = web.LoadZone(def.TimeZone); err != nil {
		return nil, fmt.Errorf("Sites[%d]: TimeZone: %w", len(t.sites), err) //nolint:staticcheck // It begins with the field, as all faults of settings.
	}
	s.visits, err = visit.NewCookie(visit.Options{
		Site: def.Name, Domain: c.Cookie.Domain, Path: c.Cookie.Path, MaxAge: c.Cookie.MaxAge, Session: def.SessionLength,
	}, keys)
	if err != nil {
		return nil, err // of Cookie or Keys, which all sites share
	}
	if c.Report != nil {
		s.facts = facts.Site{Sink: (*reportSink)(t), Name: def.Name, Zone: s.zone}
	}
	s.tenant = t.tenantOf(s)
	s.tenant.visits = append(s.tenant.visits, s.visits.Name)
	return s, nil
}

// tenantOf returns the tenant of an earlier site with the same browser-ID cookie, or a new one.
func (t *Tracker) tenantOf(s *site) *tenant {
	for _, o := range t.sites {
		if o.cookie.name == s.cookie.name {
			return o.tenant
		}
	}
	return new(tenant)
}

// Ready waits until browser IDs are ready for the first visitors, until the CDP
// failed to make any, or until ctx ends. A visitor who comes earlier gets their
// ID on a later page. A server avoids that if it waits for Ready before it
// listens. The error is that of ctx.
func (t *Tracker) Ready(ctx context.Context) error {
	for _, s := range t.sites {
		if s.line == nil {
			continue
		}
		select {
		case <-s.line.IDs.Warm():
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// SetRules puts other rules in force. Requests under way end under the rules
// with which they began. The error is ErrInvalid: for nil, and for rules that do
// not fit the sites, such as a value without a currency. It names all that does
// not fit. After an error the old rules stay.
func (t *Tracker) SetRules(rules *Rules) error {
	if rules == nil {
		return fmt.Errorf("%w: no rules", ErrInvalid)
	}
	if _, err := t.config.fits(rules); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	t.useRules(rules)
	return nil
}

func (t *Tracker) useRules(rules *Rules) {
	goals := rules.Goals()
	names := []string{rule.View.Name()}
	for _, g := range goals {
		names = append(names, g.Name())
	}
	t.ledger.add(names...)
	t.logGone(t.rules.Swap(rules), names)
	if t.config.Report != nil {
		(*reportSink)(t).Report(facts.InForce(rules, t.config.Env))
	}
	below, allowed := rules.Notes(t.config.PathPrefix)
	for _, of := range below {
		t.config.Logger.Warn("goaltrack: a path of the rules has the PathPrefix, which rules do not see, so it may never match", "goal", of[0], "path", of[1])
	}
	if len(allowed) > 0 {
		t.config.Logger.Warn("goaltrack: the rules read what looks like a secret, because allow: names it", "names", strings.Join(allowed, ", "))
	}
	others, _ := t.config.fits(rules) // its error was said by New or SetRules
	for _, o := range others {
		t.config.Logger.Warn("goaltrack: goals come into another session than the pages of their site; Personalize does not count them for an experiment there", "site", o.site, "differs", o.key, "goals", o.goals)
	}
	if rules.Past().Used && len(t.config.Keys) == 0 && !t.config.DryRun {
		t.keyless.Do(func() {
			t.config.Logger.Warn("goaltrack: no Keys are set: only this process knows what counted once, and forgets it when it ends")
		})
	}
}

// logGone says which goals the rules before had, and those in force do not have.
func (t *Tracker) logGone(before *Rules, names []string) {
	if before == nil {
		return
	}
	var gone []string
	for _, g := range before.Goals() {
		if name := g.Name(); !slices.Contains(names, name) && !slices.Contains(gone, name) {
			gone = append(gone, name)
		}
	}
	if len(gone) > 0 {
		const most = 20
		t.config.Logger.Warn("goaltrack: goals are gone with the new rules, and count no more", "gone", len(gone), "goals", gone[:min(len(gone), most)])
	}
}

// watchEvery is how often WatchRules looks at the file.
const watchEvery = 2 * time.Second

// WatchRules follows a rule file until ctx ends. When the content of the file
// changes, WatchRules loads it and puts it in force. It blocks, so start it in
// a goroutine of its own. It returns the error of ctx.
//
// A file with faults never replaces the rules in force. Its faults are logged
// once, and RulesFault of the Snapshot names them. WatchRules reads the file
// every two seconds and compares the content. So it does not matter how the
// file is changed: in place, by an editor that renames, or by a Kubernetes
// ConfigMap that swaps a symlink. A new content may be half written. So it is put
// in force only when it is the same at the next look, and the file has not been
// changed for ten seconds. What a swapped symlink leads to need not wait.
func (t *Tracker) WatchRules(ctx context.Context, path string) error {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	file := follow.New(path, t.rules.Load().Hash(), rule.Read)
	var judged *string // what is wrong with the content seen
	for {
		switch news, text, err := file.Look(); news {
		case follow.Failed:
			t.rulesFault(path, err)
		case follow.Back:
			t.fault.Store(judged)
		case follow.Changed:
			t.reload(path, text)
			judged = t.fault.Load()
		case follow.Nothing:
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// reload puts the text of a rule file in force, if it has no faults.
func (t *Tracker) reload(path string, text []byte) {
	rules, err := rule.ParseFile(path, text)
	if err == nil {
		err = t.SetRules(rules)
	}
	if err != nil {
		t.rulesFault(path, err)
		return
	}
	t.fault.Store(nil)
	t.config.Logger.Info("goaltrack: new rules in force", "file", path, "hash", rules.Hash(), "goals", len(rules.Goals()))
}

// rulesFault notes that a rule file could not be put in force.
func (t *Tracker) rulesFault(path string, err error) {
	text := err.Error()
	t.fault.Store(&text)
	attrs := []any{"file", path, "error", err}
	if faults, ok := errors.AsType[*RulesError](err); ok {
		attrs = []any{"file", path, "faults", len(faults.Faults), "first", fmt.Sprint(faults.Faults[0])}
	}
	t.config.Logger.Error("goaltrack: the rule file is not put in force; the rules before it stay", attrs...)
}

// Flush waits until every event that was accepted before the call has met its
// fate, or until ctx ends. It returns the account in both cases. The error is
// that of ctx, or ErrClosed.
func (t *Tracker) Flush(ctx context.Context) (Account, error) {
	var err error
	if t.sender != nil {
		err = t.sender.Flush(ctx)
	}
	return t.account(), err
}

// closeTimeout is how long Close may take if its context does not say.
const closeTimeout = 10 * time.Second

// Close delivers what it can until ctx ends and stops the tracker. If ctx has
// no deadline, it takes at most 10 seconds. Waits between attempts are at most
// 250 ms meanwhile. If the CDP asks for a pause beyond the deadline, Close
// returns at once.
//
// The error is that of ctx, or ErrUndelivered. Call Close after the server's
// Shutdown, with a context that has not ended yet. Requests after Close are
// served as before and not counted. A second call waits for the first, whatever
// its own context says, and returns the same.
func (t *Tracker) Close(ctx context.Context) (Account, error) {
	t.holds.Close()
	t.ahead.Close()
	t.scripts.Load().close()
	t.ledger.forms.Close()
	t.ledger.holds.Close()
	if t.sender == nil {
		return t.account(), nil
	}
	c := &t.closed
	c.once.Do(func() {
		if _, ok := ctx.Deadline(); !ok {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, closeTimeout)
			defer cancel()
		}
		c.err = t.sender.Close(ctx)
		t.stopSummaries()
		for _, site := range t.sites {
			site.line.IDs.Close()
		}
		t.putUnused()
		for _, client := range t.clients {
			client.Close()
		}
		c.account = t.account()
	})
	return c.account, c.err
}

func (t *Tracker) account() Account {
	if t.sender == nil {
		return t.ledger.account(queue.Stats{})
	}
	return t.ledger.account(t.sender.Stats())
}

// limits are those of the configuration, with a Spent that cannot panic.
func (t *Tracker) limits() fact.Limits {
	limits := t.config.Limits
	if ask := limits.Spent; ask != nil {
		limits.Spent = func() (ids, events uint64) {
			defer t.recovered("Limits.Spent", func() {})
			return ask()
		}
	}
	return limits
}

// recovered is deferred around the functions that the user gave and around our
// own part of a request, but never around the handler's. No fault of theirs or
// ours may bring the site down, and none may go unsaid.
func (t *Tracker) recovered(what string, then func()) {
	p := recover()
	if p == nil {
		return
	}
	then()
	t.panicked(what, p)
}

// Fault is told of a panic of ours while an answer was looked at. It implements [tap.Hook].
func (tr *tracked) Fault(p any)    { tr.t.panicked("answer", p) }
func (wd *withdrawal) Fault(p any) { wd.t.panicked("answer", p) }

// readable is [scan.Readable], whose faults change nothing.
func (t *Tracker) readable(accepts []string) (accept string, changed bool) {
	defer t.recovered("request", func() {})
	return scan.Readable(accepts)
}

// panicked notes a panic that was recovered from.
func (t *Tracker) panicked(what string, p any) {
	t.ledger.note("panic_" + what)
	if n := t.panics.Add(1); n&(n-1) == 0 { // the 1st, 2nd, 4th, 8th ...: no storm of lines
		t.config.Logger.Error("goaltrack: recovered from a panic; the site goes on", "in", what, "panic", p, "times", n, "stack", string(debug.Stack()))
	}
}
