package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/internal/webhook"
	"github.com/goaltrack/goaltrack/queue"
	"github.com/goaltrack/goaltrack/report/health"
	"github.com/goaltrack/goaltrack/report/notify"
)

// hooks are the programs that a running proxy tells: --notify of each goal that counted,
// --health-webhook of goals that do not do what is expected of them.
type hooks struct {
	notifier *notify.Notifier // nil for none
	logger   *slog.Logger
}

// hookFaults says what is wrong with the settings of webhooks.
func hookFaults(v *settings.Values) (faults []error) {
	secret := v.Text("webhook-secret")
	for _, setting := range []string{"notify", "health-webhook"} {
		url := v.Text(setting)
		if url == "" {
			continue
		}
		if _, err := webhook.New(url, secret, nil); secret == "" {
			faults = append(faults, fmt.Errorf("%s: needs --webhook-secret, which signs the messages", v.From(setting)))
		} else if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", v.From(setting), err))
		}
	}
	if v.Text("health-webhook") != "" && reportDir(v) == "" && (v.Text("admin") == "" || v.Text("report") == noReport) {
		faults = append(faults, fmt.Errorf("%s: needs a report, from --state or --report", v.From("health-webhook")))
	}
	return faults
}

// mostNotifications bounds what waits for --notify, on the disk and in memory.
const (
	mostNotifications      = 10_000
	mostNotificationsBytes = 16 << 20
	notificationsSpool     = 256 << 20
)

// openHooks makes the programs that are told. next is told every fact, too.
func openHooks(v *settings.Values, keys []goaltrack.Key, next fact.Sink, logger *slog.Logger) (h *hooks, sink fact.Sink, err error) {
	h = &hooks{logger: logger}
	if v.On("dry-run") {
		return h, next, nil // nothing is sent
	}
	if url := v.Text("notify"); url != "" {
		h.notifier, err = notify.New(notify.Options{
			URL: url, Secret: v.Text("webhook-secret"), Keys: keysOfMessages(keys), Queue: notifications(v, logger), Next: next, Logger: logger,
		})
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", v.From("notify"), err)
		}
		next = h.notifier
	}
	return h, next, nil
}

// keysOfMessages are the keys of the site, which seal messages to --notify as well.
func keysOfMessages(keys []goaltrack.Key) []notify.Key {
	made := make([]notify.Key, len(keys))
	for i, k := range keys {
		made[i] = notify.Key(k)
	}
	return made
}

// rekey seals with other keys from now on.
func (h *hooks) rekey(keys []goaltrack.Key) error {
	if h == nil || h.notifier == nil {
		return nil
	}
	return h.notifier.SetKeys(keysOfMessages(keys)...)
}

// notifications is where messages to --notify wait.
func notifications(v *settings.Values, logger *slog.Logger) queue.Queue {
	memory := queue.NewMemory(mostNotifications, mostNotificationsBytes)
	dir := below(v.Text("state"), messagesDir)
	if dir == "" {
		return memory
	}
	o := queue.SpoolOptions{Bytes: notificationsSpool, LetterAge: queue.PrivateAge, PerProcess: v.On("spool-per-process")}
	spool, err := queue.OpenSpool(dir, o)
	if err == nil {
		return spool
	}
	if locked := (*queue.LockedError)(nil); !errors.As(err, &locked) {
		logger.Error("the directory for messages about goals cannot be used; they wait in memory", "dir", dir, "error", err)
	}
	return queue.NewStandby(dir, o, memory, err, nil)
}

// watchHealth watches the goals of a report until ctx ends. states say how delivery goes.
func (h *hooks) watchHealth(ctx context.Context, v *settings.Values, reported *reporting, states func() []goaltrack.SiteState) error {
	if reported == nil || v.On("dry-run") {
		return nil
	}
	o := health.Options{
		Store: reported.store, Fresh: reported.fresh, URL: v.Text("health-webhook"), Secret: v.Text("webhook-secret"), Logger: h.logger,
		Waiting: func(site string) bool { return isOut(states(), site) },
		Sites: func() (names []string) {
			for _, s := range states() {
				names = append(names, s.Site)
			}
			return names
		},
	}
	if dir := reportDir(v); dir != "" {
		o.File = filepath.Join(dir, "health.json")
	}
	watch, err := health.New(o)
	if err != nil {
		return fmt.Errorf("%s: %w", v.From("health-webhook"), err)
	}
	go watch.Run(ctx)
	return nil
}

// isOut reports whether events of a site wait for longer than they should; "" is any site.
func isOut(states []goaltrack.SiteState, site string) bool {
	for i := range states {
		if (site == "" || site == states[i].Site) && outageWords[states[i].State] != "" {
			return true
		}
	}
	return false
}

// notifyGrace is how long the last messages about goals may take.
const notifyGrace = 2 * time.Second

// close sends what waits. It comes after the last tracker.
func (h *hooks) close(ctx context.Context) {
	if h == nil || h.notifier == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), notifyGrace)
	defer cancel()
	if err := h.notifier.Close(ctx); err != nil {
		h.logger.Warn("not all messages about goals could be kept", "error", err)
	}
}
