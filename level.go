package goaltrack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strings"

	"github.com/goaltrack/goaltrack/queue"
)

// Level says where events wait until they are delivered, and so what a crash
// can cost.
type Level string

const (
	// LevelMemory keeps them in this process: a crash loses what waits. The
	// default without a SpoolDir.
	LevelMemory Level = "memory"
	// LevelDurable writes an event to the spool with write(2) before the
	// handler's answer leaves, as long as that fits net/http's buffer unflushed,
	// and waits for it at most Delivery.SpoolWait. A crash of the process loses
	// nothing that was written; a loss of power at most the last 100 ms, since
	// files are synced in groups. The default with a SpoolDir.
	LevelDurable Level = "durable"
	// LevelStrict waits for the sync as well.
	LevelStrict Level = "strict"
)

// store is where a tracker's events wait.
type store struct {
	level   Level          // as the configuration asks for
	spool   *queue.Spool   // nil if there is none, or none yet
	standby *queue.Standby // in place of spool, if that could not be opened at once
}

// openQueue makes the queue that the configuration asks for. Unless SpoolRequired
// says otherwise, a site does not stay down because of a disk.
func (c *Config) openQueue() (queue.Queue, store, error) {
	d := &c.Delivery
	switch {
	case d.Queue != nil:
		return d.Queue, store{}, nil
	case d.SpoolDir == "":
		return queue.NewMemory(d.QueueEvents, d.QueueBytes), store{level: LevelMemory}, nil
	}
	options := queue.SpoolOptions{Bytes: d.SpoolBytes, Wait: d.SpoolWait, PerProcess: d.SpoolPerProcess, Failing: c.tellFailing}
	if d.Level == LevelStrict {
		options.Level = queue.LevelStrict
	}
	spool, err := queue.OpenSpool(d.SpoolDir, options)
	switch {
	case err == nil:
		c.tellFound(spool.Report())
		return spool, store{level: d.Level, spool: spool}, nil
	case d.SpoolRequired:
		return nil, store{}, fmt.Errorf("Delivery.SpoolDir: the spool cannot be used, and SpoolRequired is set: %w", err)
	}
	c.Logger.Error("goaltrack: the spool cannot be used; events wait in memory, where a crash loses them", "dir", d.SpoolDir, "error", err)
	standby := queue.NewStandby(d.SpoolDir, options, queue.NewMemory(d.QueueEvents, d.QueueBytes), err, c.tellTaken)
	return standby, store{level: d.Level, standby: standby}, nil
}

// tellFound says what was in the spool when it was opened, and that others may add
// to it: whoever can write to the directory can make up events.
func (c *Config) tellFound(r queue.SpoolReport) {
	if info, err := os.Stat(c.Delivery.SpoolDir); err == nil && info.Mode().Perm()&0o002 != 0 && runtime.GOOS != "windows" {
		c.Logger.Warn("goaltrack: everybody on this machine may write to the spool's directory; it should have the mode 0700", "dir", c.Delivery.SpoolDir, "mode", info.Mode().Perm().String())
	}
	switch damage := damageOf(r); {
	case damage != "":
		c.Logger.Warn("goaltrack: the spool is damaged", "dir", c.Delivery.SpoolDir, "recovered", r.Recovered, "damage", damage)
	case r.Recovered > 0:
		c.Logger.Info("goaltrack: the spool has events from before", "dir", c.Delivery.SpoolDir, "recovered", r.Recovered)
	}
}

// tellTaken says that the spool can be used at last.
func (c *Config) tellTaken(spool *queue.Spool, moved int) {
	r := spool.Report()
	attrs := []any{"dir", c.Delivery.SpoolDir, "recovered", r.Recovered, "moved", moved}
	level := slog.LevelInfo
	if damage := damageOf(r); damage != "" {
		level, attrs = slog.LevelWarn, append(attrs, "damage", damage)
	}
	c.Logger.Log(context.Background(), level, "goaltrack: the spool can be used now; events wait on disk", attrs...)
}

// tellFailing says that the spool's disk refuses events, and that it takes them again.
func (c *Config) tellFailing(err error) {
	if err != nil {
		c.Logger.Error("goaltrack: the spool takes no events; it is tried again every second", "dir", c.Delivery.SpoolDir, "error", err)
	} else {
		c.Logger.Info("goaltrack: the spool takes events again", "dir", c.Delivery.SpoolDir)
	}
}

// damageOf says in words what of a spool could not be read, "" if all could.
func damageOf(r queue.SpoolReport) string {
	var found []string
	for _, f := range []struct {
		n    int
		what string
	}{
		{r.Damaged, "events lost"},
		{r.Torn, "segments with a torn end"},
		{r.DamagedAcks, "blocks of acknowledgements lost, whose events are delivered again"},
		{len(r.Quarantined), "files in quarantine"},
		{len(r.Skipped), "files left alone"},
		{r.Rewritten, "segments given up over a failing disk"},
	} {
		if f.n > 0 {
			found = append(found, fmt.Sprintf("%d %s", f.n, f.what))
		}
	}
	return strings.Join(found, ", ")
}

// state fills in where events wait, and who has the directory.
func (s *store) state(q *QueueState) {
	q.Level = s.level
	spool := s.spool
	if s.standby != nil {
		if spool = s.standby.Spool(); spool == nil {
			q.Level = LevelMemory
			if err := s.standby.Err(); err != nil {
				q.Degraded = err.Error()
				if locked, ok := errors.AsType[*queue.LockedError](err); ok {
					q.HeldBy = &locked.Holder
				}
			}
			return
		}
	}
	if spool == nil {
		return
	}
	holder, report := spool.Holder(), spool.Report()
	q.HeldBy, q.Damage, q.QuarantineBytes = &holder, damageOf(report), report.QuarantinedBytes
	if err := spool.Err(); err != nil {
		q.Degraded = err.Error()
	}
}
