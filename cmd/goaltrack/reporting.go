package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
	reports "github.com/goaltrack/goaltrack/report"
	"github.com/goaltrack/goaltrack/report/sqlite"
)

// reporting is the report of a running proxy. All its trackers, one after the other, tell it facts.
type reporting struct {
	recorder *reports.Recorder
	store    reports.Store
	logger   *slog.Logger
}

// noReport is the word for --report that switches the report off.
const noReport = "off"

// reportDir is the directory of the report, "" if there is none.
func reportDir(v *settings.Values) string {
	if dir := v.Text("report"); dir != "" {
		if dir == noReport {
			return ""
		}
		return dir
	}
	return below(v.Text("state"), "report")
}

// openReport opens the report that the settings ask for, nil if they ask for none. If the
// file cannot be used, the proxy counts all the same: what is counted waits in memory,
// and the file is tried again.
func openReport(ctx context.Context, v *settings.Values, logger *slog.Logger) (*reporting, error) {
	dir := reportDir(v)
	if dir == "" {
		if v.Text("admin") == "" || v.Text("report") == noReport {
			return nil, nil
		}
		return newReporting(v, reports.NewMemory(0), logger) // for the pages of --admin, since the start
	}
	store := sqlite.New(sqlite.Options{Dir: dir, Logger: logger})
	if err := store.Ready(ctx); err != nil {
		logger.Error("the report cannot be opened; goals count all the same, and what is counted waits in memory", "error", err)
	}
	return newReporting(v, store, logger)
}

// newReporting makes a report of a store.
func newReporting(v *settings.Values, store reports.Store, logger *slog.Logger) (*reporting, error) {
	recorder, err := reports.New(reports.Options{
		Store: store, Min: v.Count("report-min"), Keep: int(v.Time("report-keep") / (24 * time.Hour)),
		Session: v.Time("session-length"), Logger: logger,
	})
	if err != nil {
		return nil, err
	}
	return &reporting{recorder, store, logger}, nil
}

// fresh adds what was counted until now, so that a page shows what has just happened.
func (r *reporting) fresh(ctx context.Context) error { return r.recorder.Flush(ctx) }

// lost is how many facts are in no figure. It is 0 while the store does not say.
func (r *reporting) lost() (n uint64) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	info, err := r.store.Info(ctx)
	if err != nil {
		return 0
	}
	for _, lost := range info.Lost {
		n += lost
	}
	return n
}

// reportGrace is how long the last counts may take.
const reportGrace = 5 * time.Second

// close adds the last counts. It comes after the last tracker.
func (r *reporting) close(ctx context.Context) {
	if r == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reportGrace)
	defer cancel()
	err := r.recorder.Close(ctx)
	if err = errors.Join(err, r.store.Close()); err != nil {
		r.logger.Warn("the report is not whole", "error", err)
	}
}
