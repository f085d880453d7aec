package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/net/publicsuffix"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/metrics"
	"github.com/goaltrack/goaltrack/report/live"
)

// proxyProgram is the proxy command: the middleware in front of a site.
type proxyProgram struct {
	settings *settings.Values

	// check makes these from the settings.
	target  *url.URL
	config  goaltrack.Config
	secure  *certificate  // nil for plain HTTP
	report  *reporting    // nil without one; run makes it
	hooks   *hooks        // run makes it
	preview *live.Preview // nil without --admin; run makes it
	access  *adminAccess  // nil without --admin
	admin   *admin        // likewise; run makes it

	// What is needed to read the settings again.
	again   func() (*settings.Values, error)
	hangups <-chan os.Signal
}

func proxyCommand() command {
	return command{
		name: "proxy", summary: "count goals in front of a site in any language",
		note: `The settings file may list several sites under sites:, each with settings of its
own beside name, hosts and path-prefix; those of the proxy are their defaults.
`,
		program: &proxyProgram{}, inOrder: true,
	}
}

// check returns the faults of settings, rules and configuration together.
func (p *proxyProgram) check(v *settings.Values, _ []string) error {
	p.settings = v
	faults := proxyFaults(v)
	var err error
	if to := v.Text("to"); to != "" {
		if p.target, err = parseTarget(to); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", v.From("to"), err))
		}
	}
	if p.config, err = proxyConfig(v); err != nil {
		faults = append(faults, err)
	}
	if p.secure, err = secureOf(v); err != nil {
		faults = append(faults, err)
	}
	faults = append(faults, hookFaults(v)...)
	if p.access, err = adminAccessOf(v); err != nil {
		faults = append(faults, err)
	}
	if len(p.config.Sites) > 0 && !slices.ContainsFunc(p.config.Sites, func(s goaltrack.Site) bool { return s.CDP == nil }) { // else the faults say why
		faults = append(faults, bySetting(v, tryOut(p.config, slog.New(slog.DiscardHandler))))
	}
	return errors.Join(faults...)
}

// tryOut returns the faults that the library finds in a configuration. What it warns of
// goes to log. It sends nothing: a real tracker makes its first browser IDs at once.
// What the list of public suffixes says has to be asked only here.
func tryOut(config goaltrack.Config, log *slog.Logger) error {
	config.DryRun, config.Logger, config.Cookie.PublicSuffixes = true, log, publicsuffix.List
	tracker, err := goaltrack.New(config)
	if err != nil {
		return err
	}
	_, err = tracker.Close(context.Background())
	return err
}

// run serves until ctx ends. Then it delivers what waits and prints the
// account.
func (p *proxyProgram) run(ctx context.Context, c console) error {
	if p.settings.On("check") {
		return p.checkOnly(c)
	}
	access, err := openAccessLog(p.settings.Text("access-log"), p.settings.Text("access-log-format"), c)
	if err != nil {
		return usageError{fmt.Errorf("%s: %w", p.settings.From("access-log"), err)}
	}
	listener, err := listen(ctx, p.settings.Text("listen"))
	if err != nil {
		return errors.Join(fmt.Errorf("--listen: %w", err), access.close(lastLines))
	}
	p.config.Logger = c.logger
	ofProcess.to.Store(&limitedLog{logger: c.logger, every: 10 * time.Second})
	for _, warning := range environmentWarnings(p.settings) {
		c.logger.Warn("the settings may be those of another environment", "because", warning)
	}
	if d := p.config.Delivery; d.SpoolDir == "" && !p.config.DryRun {
		c.logger.Info("events wait in memory, and are lost when too many wait; --state keeps them on disk",
			"most", cmp.Or(d.QueueEvents, 10000), "a_core_delivers", "about 4700 a second to a CDP that answers at once", "a_site_delivers", fmt.Sprintf("%d a second to a CDP that takes 50 ms", 20*cmp.Or(d.Workers, 16)))
	}
	if p.report, err = openReport(ctx, p.settings, c.logger); err != nil {
		return errors.Join(err, listener.Close(), access.close(lastLines))
	}
	defer p.report.close(ctx)
	if p.admin, err = openAdmin(ctx, p.settings); err != nil {
		return errors.Join(err, listener.Close(), access.close(lastLines))
	}
	defer p.admin.close(ctx)
	if p.config.Report, err = p.sink(); err != nil {
		return errors.Join(err, listener.Close(), access.close(lastLines))
	}
	defer p.hooks.close(ctx)
	if p.report != nil {
		p.config.Limits.Spent = p.report.recorder.Spent
	}
	if p.preview, err = openPreview(p.settings, p.config.Keys, c.logger); err != nil {
		return errors.Join(err, listener.Close(), access.close(lastLines))
	}
	if p.preview != nil {
		p.config.Preview = p.preview
	}
	tracker, err := goaltrack.New(p.config)
	if err != nil {
		return errors.Join(err, listener.Close(), access.close(lastLines))
	}
	warmUp(ctx, tracker)
	account, err := p.serve(ctx, listener, tracker, access, c)
	if late := access.close(lastLines); late != nil {
		c.logger.Warn("the access log is not whole", "error", late)
	}
	say(c.stdout, "%s\n", account)
	return err
}

// sink is who is told facts: the metrics and the live list of the face, who is told by
// --notify, the report, or nobody.
func (p *proxyProgram) sink() (fact.Sink, error) {
	options := metrics.Options{Version: version()}
	if p.report != nil {
		options.Next, options.Lost = p.report.recorder, p.report.lost
	}
	var err error
	if p.hooks, options.Next, err = openHooks(p.settings, p.config.Keys, options.Next, p.config.Logger); err != nil || p.admin == nil {
		return options.Next, err
	}
	p.admin.live = live.New(live.Options{Next: options.Next})
	options.Next = p.admin.live
	p.admin.metrics = metrics.New(options)
	return p.admin.metrics, nil
}

// serve is run for what has been opened. It returns the account of the last tracker.
func (p *proxyProgram) serve(ctx context.Context, l net.Listener, tracker *goaltrack.Tracker, access *accessLog, c console) (goaltrack.Account, error) {
	p.sayPages(c.logger)
	s := &proxyServer{limits: newLimits(limitsOf(p.settings)), console: c}
	s.site = access.around(newProxy(s.limits, newTransport(), p.target, c.logger))
	s.precheck = precheckOf(p.settings)
	s.frontend = newFrontend(p.settings, l, p.secure, s, c)
	s.precheck.ending = &s.frontend.ending
	s.install(ctx, p, tracker)
	s.frontend.open(p.settings)
	following, stopFollowing := context.WithCancel(ctx)
	go p.report.watch(following, s.states)
	err := p.hooks.watchHealth(following, p.settings, p.report, s.states)
	if p.secure != nil {
		p.secure.logger = c.logger
		go p.secure.follow(following)
	}
	say(c.stdout, "listening on %s\n", urlOf(l, p.secure != nil))
	if err == nil && p.admin != nil {
		err = p.admin.open(s, p.access, p.report)
	}
	if err == nil {
		err = s.run(ctx, p.hangups)
	}
	stopFollowing()
	s.frontend.linger(ctx, s.current.program.settings.Time("shutdown-delay"))
	s.frontend.end(s.current.program.settings.Time("request-grace"))
	return s.shutDown(ctx), err
}

// lastLines is how long the access log may take for its last lines.
const lastLines = time.Second

// followRules puts changes of a rule file in force until its result is called. The
// tracker logs what becomes of them.
func followRules(ctx context.Context, tracker *goaltrack.Tracker, rules string) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { _ = tracker.WatchRules(ctx, rules) }) // the error is that of ctx
	return func() {
		cancel()
		watching.Wait()
	}
}

// readyWithin is how long the first visitor may have to wait if the CDP is slow
// or not there. Only tests change it.
var readyWithin = time.Second

// warmUp waits for browser IDs, so that the first visitor gets one.
func warmUp(ctx context.Context, tracker *goaltrack.Tracker) {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	_ = tracker.Ready(ctx) // without IDs the proxy serves all the same
}
