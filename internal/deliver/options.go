package deliver

import "time"

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
}

// Defaults are those of a queue in memory.
func Defaults() Options {
	return Options{
		Workers: 16, MaxAge: 10 * time.Minute, UnknownAttempts: 3,
		BackoffBase: time.Second, BackoffMax: 5 * time.Minute, ProbeBase: time.Second, ProbeMax: time.Minute,
	}
}
