package goaltrack

import (
	"fmt"
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
	// and waits for it at most 20 ms. A crash of the process loses nothing that
	// was written; a loss of power at most the last 100 ms, since files are
	// synced in groups. The default with a SpoolDir.
	LevelDurable Level = "durable"
	// LevelStrict waits for the sync as well.
	LevelStrict Level = "strict"
)

// store is where a tracker's events wait.
type store struct {
	level    Level
	degraded string       // why it is not what the configuration asks for
	spool    *queue.Spool // nil if there is none
}

// openQueue makes the queue that the configuration asks for. It never fails: a
// site must not stay down because of a disk.
func (c *Config) openQueue() (queue.Queue, store) {
	d := &c.Delivery
	switch {
	case d.Queue != nil:
		return d.Queue, store{}
	case d.SpoolDir == "":
		return queue.NewMemory(d.QueueEvents, d.QueueBytes), store{level: LevelMemory}
	}
	options := queue.SpoolOptions{Bytes: d.SpoolBytes}
	if d.Level == LevelStrict {
		options.Level = queue.LevelStrict
	}
	spool, err := queue.OpenSpool(d.SpoolDir, options)
	if err != nil {
		c.Logger.Error("goaltrack: the spool cannot be used; events wait in memory, where a crash loses them", "dir", d.SpoolDir, "error", err)
		return queue.NewMemory(d.QueueEvents, d.QueueBytes), store{level: LevelMemory, degraded: err.Error()}
	}
	report := spool.Report()
	switch damage := damageOf(report); {
	case damage != "":
		c.Logger.Warn("goaltrack: the spool is damaged", "dir", d.SpoolDir, "recovered", report.Recovered, "damage", damage)
	case report.Recovered > 0:
		c.Logger.Info("goaltrack: the spool has events from before", "dir", d.SpoolDir, "recovered", report.Recovered)
	}
	return spool, store{level: d.Level, spool: spool}
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

// state fills in where events wait.
func (s *store) state(q *QueueState) {
	q.Level, q.Degraded = s.level, s.degraded
	if s.spool == nil {
		return
	}
	report := s.spool.Report()
	q.Damage, q.QuarantineBytes = damageOf(report), report.QuarantinedBytes
	if err := s.spool.Err(); err != nil {
		q.Degraded = err.Error()
	}
}
