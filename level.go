package goaltrack

import "github.com/goaltrack/goaltrack/queue"

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
	level            Level
	degraded, damage string
}

// openQueue makes the queue that the configuration asks for. It never fails: a
// site must not stay down because of a disk.
func (c *Config) openQueue() (queue.Queue, store) {
	d := &c.Delivery
	if d.Queue != nil {
		return d.Queue, store{}
	}
	return queue.NewMemory(d.QueueEvents, d.QueueBytes), store{level: LevelMemory}
}
