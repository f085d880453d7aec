package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
)

// proxyProgram is the proxy command: the middleware in front of a site.
type proxyProgram struct {
	settings *settings.Values

	// check makes these from the settings.
	target *url.URL
	config goaltrack.Config
}

func proxyCommand() command {
	return command{
		name: "proxy", summary: "count goals in front of a site in any language",
		note: `The settings file may list several sites under sites:, each with settings of its
own beside name, hosts and path-prefix; those of the proxy are their defaults.
`,
		program: &proxyProgram{},
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
	if len(p.config.Sites) > 0 && !slices.ContainsFunc(p.config.Sites, func(s goaltrack.Site) bool { return s.CDP == nil }) { // else the faults say why
		faults = append(faults, bySetting(v, tryOut(p.config)))
	}
	return errors.Join(faults...)
}

// tryOut returns the faults that the library finds in a configuration. It sends
// nothing: a real tracker makes its first browser IDs at once.
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

// run serves until ctx ends. Then it delivers what waits and prints the
// account.
func (p *proxyProgram) run(ctx context.Context, c console) error {
	access, err := openAccessLog(p.settings.Text("access-log"), p.settings.Text("access-log-format"), c)
	if err != nil {
		return usageError{fmt.Errorf("%s: %w", p.settings.From("access-log"), err)}
	}
	listener, err := listen(ctx, p.settings.Text("listen"))
	if err != nil {
		return errors.Join(err, access.close(lastLines))
	}
	p.config.Logger = c.logger
	tracker, err := goaltrack.New(p.config)
	if err != nil {
		return errors.Join(err, listener.Close(), access.close(lastLines))
	}
	warmUp(ctx, tracker)
	stopWatching := func() {}
	if p.settings.On("watch") {
		stopWatching = follow(ctx, tracker, p.settings.Text("rules"))
	}
	site := access.around(newProxy(p.target, c.logger))
	handler := mindUploads(tracker.Handler(tracker.AskReadable(site)))
	err = serve(ctx, listener, handler, p.settings.Time("request-grace"), c)
	stopWatching()

	// The context of the command has ended, so delivery gets a context with its
	// own time.
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.settings.Time("delivery-grace"))
	defer cancel()
	account, closeErr := tracker.Close(grace)
	if closeErr != nil {
		c.logger.Warn("not everything was delivered", "error", closeErr)
	}
	if late := access.close(lastLines); late != nil {
		c.logger.Warn("the access log is not whole", "error", late)
	}
	say(c.stdout, "%s\n", account)
	return err
}

// lastLines is how long the access log may take for its last lines.
const lastLines = time.Second

// follow puts changes of a rule file in force until its result is called. The
// tracker logs what becomes of them.
func follow(ctx context.Context, tracker *goaltrack.Tracker, rules string) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { _ = tracker.WatchRules(ctx, rules) }) // the error is that of ctx
	return func() {
		cancel()
		watching.Wait()
	}
}

// readyWithin is how long the first visitor may have to wait if the CDP is slow
// or not there.
const readyWithin = time.Second

// warmUp waits for browser IDs, so that the first visitor gets one.
func warmUp(ctx context.Context, tracker *goaltrack.Tracker) {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	_ = tracker.Ready(ctx) // without IDs the proxy serves all the same
}
