package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
	"github.com/goaltrack/goaltrack/internal/follow"
)

// needsStart are the settings of the proxy that hold until it ends: addresses, directories and
// files that are open, and how events wait there and are delivered.
var needsStart = []string{
	"listen", "to", "config", "check", "tls-cert", "tls-key", "no-http2", "h2c", "trust-unix", "ready-path", "dry-run",
	"state", "spool", "spool-level", "spool-wait", "spool-required", "spool-per-process", "spool-bytes",
	"report", "report-min", "report-keep", "notify", "health-webhook", "webhook-secret", "admin", "admin-password-file", "admin-trust-header", "admin-hosts", "admin-feed-token", "admin-pprof", "queue-events", "queue-bytes", "delivery-max-age", "delivery-workers", "delivery-timeout", "delivery-attempts", "delivery-wait",
	"backoff-base", "backoff-max", "probe-base", "probe-max", "log-level", "log-format", "access-log", "access-log-format",
}

// The settings that the tracker does not know.
var (
	ofFrontend = []string{"max-header-bytes", "header-timeout"}
	ofProgram  = []string{"answer-timeout", "max-body", "shutdown-delay", "request-grace", "delivery-grace", "watch", "rules"}
)

// reloadOn implements reloadable.
func (p *proxyProgram) reloadOn(hangups <-chan os.Signal, again func() (*settings.Values, error)) {
	p.hangups, p.again = hangups, again
}

// readAgain returns the program that the settings describe now, or every fault of them.
func (p *proxyProgram) readAgain() (*proxyProgram, error) {
	next := &proxyProgram{again: p.again, hangups: p.hangups}
	v, err := p.again()
	if err = errors.Join(err, next.check(v, nil)); err != nil {
		return nil, err
	}
	return next, nil
}

// reload puts settings, certificate and rules in force as they are now, or none of them. A file
// that is still being written is waited for: half of it may have no fault.
func (s *proxyServer) reload(ctx context.Context) {
	log, old := s.console.logger, s.current.program
	follow.Settle(ctx, old.settings.Text("config"), old.settings.Text("rules"))
	if ctx.Err() != nil {
		return
	}
	next, err := old.readAgain()
	if err != nil {
		log.Error("the settings are not put in force; those before stay", "error", err)
		return
	}
	changed := next.settings.Changed(old.settings)
	kept := slices.DeleteFunc(slices.Clone(changed), func(name string) bool { return !slices.Contains(needsStart, name) })
	changed = slices.DeleteFunc(changed, func(name string) bool { return slices.Contains(needsStart, name) })
	next.inherit(old)

	if err := s.replace(ctx, next, changed); err != nil {
		log.Error("the settings are not put in force; those before stay", "error", err)
		return
	}
	if old.secure != nil {
		if err := old.secure.take(); err != nil { // only if it has changed in this moment
			old.secure.refused(err)
		}
	}
	s.limits.Store(limitsOf(next.settings))
	if slices.ContainsFunc(changed, func(name string) bool { return slices.Contains(ofFrontend, name) }) {
		s.frontend.open(next.settings)
	}
	if len(kept) > 0 {
		log.Warn("settings have changed that need a start; the values before stay", "settings", strings.Join(kept, ", "))
	}
	log.Info("the settings are read again", "changed", strings.Join(changed, ", "))
}

// inherit takes over what holds until the process ends.
func (p *proxyProgram) inherit(old *proxyProgram) {
	p.target, p.secure, p.config.Delivery, p.config.DryRun, p.config.Logger = old.target, old.secure, old.config.Delivery, old.config.DryRun, old.config.Logger
	p.config.Report, p.config.Limits.Spent, p.report, p.hooks = old.config.Report, old.config.Limits.Spent, old.report, old.hooks
	p.config.Preview, p.preview = old.config.Preview, old.preview
}

// replace puts the rules in force, and another tracker if the rules are not all that
// has changed for it.
func (s *proxyServer) replace(ctx context.Context, next *proxyProgram, changed []string) error {
	needsTracker := slices.ContainsFunc(changed, func(name string) bool {
		return !slices.Contains(ofFrontend, name) && !slices.Contains(ofProgram, name)
	}) || (next.config.Rules == nil) != (s.current.program.config.Rules == nil)
	if !needsTracker {
		return s.replaceRules(ctx, next)
	}
	select {
	case s.retireSlots <- struct{}{}:
	default:
		return errors.New("the trackers of earlier changes are not over yet")
	}
	config := next.config
	config.Delivery.SpoolRequired = false // it is there; the tracker before has it
	tracker, err := goaltrack.New(config)
	if err != nil {
		<-s.retireSlots
		return err
	}
	warmUp(ctx, tracker)
	if len(config.Keys) == 0 {
		s.console.logger.Warn("no keys are set: what counted once may count again after this change")
	}
	if err := next.hooks.rekey(config.Keys); err != nil {
		s.console.logger.Warn("messages about goals are sealed with the keys from before", "error", err)
	}
	before := s.install(ctx, next, tracker)
	s.retiring.Go(func() {
		defer func() { <-s.retireSlots }()
		s.retire(ctx, before)
	})
	return nil
}

// replaceRules puts the rules in force, and follows their file if it is to be followed now.
func (s *proxyServer) replaceRules(ctx context.Context, next *proxyProgram) error {
	t := s.current
	if rules := next.config.Rules; rules != nil && rules.Hash() != t.tracker.Snapshot().RulesHash {
		if err := t.tracker.SetRules(rules); err != nil {
			return err
		}
	}
	t.stopWatching()
	t.program = next
	t.watch(ctx)
	return nil
}
