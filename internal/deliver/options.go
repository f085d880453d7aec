package deliver

import (
	"time"

	"github.com/goaltrack/goaltrack/internal/fair"
)

// Options pace the sending. Those that goaltrack.Delivery has, too, are explained
// there. None has a default of its own here; see Defaults.
type Options struct {
	Workers                 int // of each line
	MaxAge                  time.Duration
	UnknownAttempts         int
	BackoffBase, BackoffMax time.Duration
	ProbeBase, ProbeMax     time.Duration
	Wait                    time.Duration // 0: no request waits for its events
	// AppendWait is how long an event may take to be queued, 0 for a queue that
	// has a bound of its own.
	AppendWait time.Duration
	// QueueEvents and QueueBytes are what the queue holds at most, 0 for no such bound.
	// If both are 0, nothing is known of it, and nobody's share is bounded. Otherwise no
	// visitor may have more than a fortieth of it; see package fair.
	QueueEvents, QueueBytes int64
	// Names are those of the networks that Offer and Reserve are given. Default: names
	// of the sender's own.
	Names *fair.Names
	Seal  *Seal // opens what is sealed
}

// Defaults are those of a queue in memory.
func Defaults() Options {
	return Options{
		Workers: 16, MaxAge: 10 * time.Minute, UnknownAttempts: 3,
		BackoffBase: time.Second, BackoffMax: 5 * time.Minute, ProbeBase: time.Second, ProbeMax: time.Minute,
	}
}
