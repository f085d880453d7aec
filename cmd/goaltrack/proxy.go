package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/goaltrack/goaltrack"
)

// proxyProgram is the proxy command: the middleware in front of a site.
type proxyProgram struct {
	proxyOptions

	// What check makes of the options.
	target *url.URL
	config goaltrack.Config
}

func newProxyProgram() *proxyProgram {
	p := &proxyProgram{}
	p.settings = p.describe()
	return p
}

func (p *proxyProgram) table() *settings { return p.settings }

// check returns the faults of settings, rules and configuration together.
func (p *proxyProgram) check() error {
	faults := p.faults()
	var err error
	if p.to != "" {
		if p.target, err = parseTarget(p.to); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", p.settings.from("to"), err))
		}
	}
	p.config = goaltrack.Config{
		Views:          goaltrack.Views(p.views),
		RequireConsent: p.consent == consentRequired,
		Env:            p.env,
		PathPrefix:     p.prefix,
		Cookie:         goaltrack.Cookie{Domain: p.cookieDomain, Create: goaltrack.Create(p.create)},
		Delivery:       p.spool.delivery(),
	}
	if p.config.Sites, err = p.sites(); err != nil {
		faults = append(faults, err)
	}
	if p.config.Keys, err = parseKeys(p.keys); err != nil {
		faults = append(faults, fmt.Errorf("%s: %w", p.settings.from("keys"), err))
	}
	if p.config.Consent, err = p.consentReader(); err != nil {
		faults = append(faults, err)
	}
	p.config.ConsentHoldBy = p.consentHoldBy
	for name, into := range map[string]*[]netip.Prefix{"staff": &p.config.Staff, "trusted-proxies": &p.config.TrustedProxies} {
		if *into, err = p.networks(name); err != nil {
			faults = append(faults, err)
		}
	}
	if p.rules != "" {
		if p.config.Rules, err = goaltrack.LoadRules(p.rules); err != nil {
			faults = append(faults, err)
		}
	}
	if !slices.ContainsFunc(p.config.Sites, func(s goaltrack.Site) bool { return s.CDP == nil }) { // else the faults say why
		faults = append(faults, tryOut(p.config))
	}
	return errors.Join(faults...)
}

// networks reads a setting that lists networks and single addresses.
func (p *proxyProgram) networks(name string) (list []netip.Prefix, err error) {
	for _, text := range listOf(*p.settings.find(name).into) {
		prefix, bad := netip.ParsePrefix(text)
		if one, alone := netip.ParseAddr(text); alone == nil {
			prefix, bad = netip.PrefixFrom(one, one.BitLen()), nil
		}
		if bad != nil {
			err = errors.Join(err, fmt.Errorf("%s: %q is not a network such as 10.0.0.0/8", p.settings.from(name), text))
			continue
		}
		list = append(list, prefix)
	}
	return list, err
}

// tryOut returns what the library has against a configuration. Nothing is
// sent: a tracker that starts in earnest makes its first browser IDs at once.
func tryOut(config goaltrack.Config) error {
	config.DryRun = true
	config.Logger = slog.New(slog.DiscardHandler)
	tracker, err := goaltrack.New(config)
	if err != nil {
		return err
	}
	_, err = tracker.Close(context.Background())
	return err
}

// run serves until ctx ends, then delivers what is waiting and prints the account.
func (p *proxyProgram) run(ctx context.Context, c console) error {
	listener, err := listen(ctx, p.listen)
	if err != nil {
		return err
	}
	p.config.Logger = c.logger
	tracker, err := goaltrack.New(p.config)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	p.warmUp(ctx, tracker)
	stopWatching := p.follow(ctx, tracker)
	err = serve(ctx, listener, mindUploads(tracker.Handler(tracker.AskReadable(newProxy(p.target, c.logger)))), c)
	stopWatching()

	// The context of the command has ended: delivery gets time of its own.
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), deliveryGrace)
	defer cancel()
	account, closeErr := tracker.Close(grace)
	if closeErr != nil {
		c.logger.Warn("not everything was delivered", "error", closeErr)
	}
	say(c.stdout, "%s\n", account)
	return err
}

// follow puts changes of the rule file in force, if --watch says so, until the
// function it returns is called. The tracker logs what becomes of them.
func (p *proxyProgram) follow(ctx context.Context, tracker *goaltrack.Tracker) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	if p.watch {
		watching.Go(func() { _ = tracker.WatchRules(ctx, p.rules) }) // the error is that of ctx
	}
	return func() {
		cancel()
		watching.Wait()
	}
}

// readyWithin is how long the first visitor may be kept waiting for a CDP that
// is slow or not there.
const readyWithin = time.Second

// warmUp waits for browser IDs, so that the first visitor gets one.
func (p *proxyProgram) warmUp(ctx context.Context, tracker *goaltrack.Tracker) {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	_ = tracker.Ready(ctx) // without IDs the proxy serves all the same
}

// parseTarget reads the address of the site.
func parseTarget(text string) (*url.URL, error) {
	target, err := url.Parse(text)
	switch {
	case err != nil, target.Scheme != "http" && target.Scheme != "https", target.Host == "":
		return nil, fmt.Errorf("%q is not an address such as http://127.0.0.1:9000", text)
	case target.User != nil, target.RawQuery != "", target.Fragment != "":
		return nil, fmt.Errorf("%q: only scheme, host, port and path can be given", text)
	}
	return target, nil
}
