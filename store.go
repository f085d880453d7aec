package goaltrack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/internal/atrest"
	"github.com/goaltrack/goaltrack/internal/deliver"
	"github.com/goaltrack/goaltrack/queue"
)

// Events wait in a store until they are delivered: in memory, in a spool on the disk, or in
// memory until the spool can be used. What of people's data lies outside of memory is sealed.
// The log says what is wrong with a spool, and when it is well again.

// store is where a tracker's events wait.
type store struct {
	queue   queue.Queue
	wait    time.Duration  // how long an event may take to be queued; 0: the queue sees to that
	events  int            // how many it holds at most, and
	bytes   int64          // how much; 0 if that is not known
	level   Level          // as the configuration asks for
	spool   *queue.Spool   // nil if there is none, or none yet
	standby *queue.Standby // in place of spool, if that could not be opened at once
}

// openStore makes the queue that the configuration asks for. Unless SpoolRequired
// says otherwise, a site does not stay down because of a disk.
func (c *Config) openStore() (store, error) {
	d := &c.Delivery
	switch {
	case d.Queue != nil:
		return store{queue: d.Queue, wait: waitFor(d.Queue)}, nil
	case d.SpoolDir == "":
		return store{queue: queue.NewMemory(d.QueueEvents, d.QueueBytes), events: d.QueueEvents, bytes: d.QueueBytes, level: LevelMemory}, nil
	}
	options := queue.SpoolOptions{Bytes: d.SpoolBytes, Wait: d.SpoolWait, PerProcess: d.SpoolPerProcess, Failing: c.logFailing}
	if d.Level == LevelStrict {
		options.Level = queue.LevelStrict
	}
	spool, err := queue.OpenSpool(d.SpoolDir, options)
	c.logDirectory()
	switch {
	case err == nil:
		c.logFound(spool.Report())
		return store{queue: spool, bytes: d.SpoolBytes, level: d.Level, spool: spool}, nil
	case d.SpoolRequired:
		return store{}, fmt.Errorf("Delivery.SpoolDir: the spool cannot be used, and SpoolRequired is set: %w", err)
	}
	if locked := (*queue.LockedError)(nil); errors.As(err, &locked) && locked.IsOwn() {
		c.Logger.Info("goaltrack: another tracker of this process still has the spool; events wait in memory until it is closed", "dir", d.SpoolDir)
	} else {
		c.Logger.Error("goaltrack: the spool cannot be used; events wait in memory, where a crash loses them", "dir", d.SpoolDir, "error", err)
	}
	standby := queue.NewStandby(d.SpoolDir, options, queue.NewMemory(d.QueueEvents, d.QueueBytes), err, c.logTaken)
	return store{queue: standby, events: d.QueueEvents, bytes: d.QueueBytes, level: d.Level, standby: standby}, nil
}

// appendWait is how long a request waits for a queue that is not one of ours,
// which have bounds of their own.
const appendWait = 100 * time.Millisecond

func waitFor(q queue.Queue) time.Duration {
	switch q.(type) {
	case *queue.Memory, *queue.Spool, *queue.Standby:
		return 0
	}
	return appendWait
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

// logDirectory says, in one line, that others than the owner may reach the spool. If
// everybody may write to its directory, they can make up events. If it is a link,
// whoever can change that leads the events elsewhere.
func (c *Config) logDirectory() {
	dir := c.Delivery.SpoolDir
	named, err := os.Lstat(dir)
	if err != nil {
		return
	}
	link := named.Mode()&os.ModeSymlink != 0
	info, err := os.Stat(dir)
	switch {
	case err == nil && info.Mode().Perm()&0o002 != 0 && runtime.GOOS != "windows":
		c.Logger.Warn("goaltrack: everybody on this machine may write to the spool's directory; it should have the mode 0700", "dir", dir, "mode", info.Mode().Perm().String(), "link", link)
	case link:
		c.Logger.Warn("goaltrack: the spool's directory is a symbolic link; name the directory itself", "dir", dir)
	}
}

// logFound says what was in the spool when it was opened.
func (c *Config) logFound(r queue.SpoolReport) {
	switch damage := damageOf(r); {
	case damage != "":
		c.Logger.Warn("goaltrack: the spool is damaged", "dir", c.Delivery.SpoolDir, "recovered", r.Recovered, "damage", damage)
	case r.Recovered > 0:
		c.Logger.Info("goaltrack: the spool has events from before", "dir", c.Delivery.SpoolDir, "recovered", r.Recovered)
	}
}

// logTaken says that the spool can be used at last.
func (c *Config) logTaken(spool *queue.Spool, moved int) {
	r := spool.Report()
	attrs := []any{"dir", c.Delivery.SpoolDir, "recovered", r.Recovered, "moved", moved}
	level := slog.LevelInfo
	if damage := damageOf(r); damage != "" {
		level, attrs = slog.LevelWarn, append(attrs, "damage", damage)
	}
	c.Logger.Log(context.Background(), level, "goaltrack: the spool can be used now; events wait on disk", attrs...)
}

// logFailing says that the spool's disk refuses events, and that it takes them again.
func (c *Config) logFailing(err error) {
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

// seal is what keeps people's data closed where events wait, nil without Keys. What is
// kept with the queue is kept by keys of its own, which are made of Keys.
func (c *Config) seal() (*deliver.Seal, error) {
	secrets := make([]atrest.Secret, len(c.Keys))
	for i, k := range c.Keys {
		secrets[i] = atrest.Secret(k)
	}
	return deliver.NewSeal(secrets...)
}

// keptAtRest says for the log what of people's data is kept outside of memory, for how long
// and whether somebody can read it. It is "" if nothing is.
func (t *Tracker) keptAtRest() string {
	_, inMemory := t.store.queue.(*queue.Memory)
	if inMemory {
		return ""
	}
	kept := fmt.Sprintf("events until they are delivered, for %v at most; dead letters with people's data for %v", t.config.Delivery.MaxAge, queue.PrivateAge)
	if t.atRest == nil {
		return "not sealed, for want of Keys: " + kept
	}
	return "people's data sealed: " + kept
}
