package goaltrack

import "time"

// senderOptions pace the sending. They are the fields of the same names of
// Delivery, which says what each is for.
type senderOptions struct {
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

// defaultOptions are those of a queue in memory.
func defaultOptions() senderOptions {
	return senderOptions{
		Workers: 16, MaxAge: 10 * time.Minute, UnknownAttempts: 3,
		BackoffBase: time.Second, BackoffMax: 5 * time.Minute, ProbeBase: time.Second, ProbeMax: time.Minute,
	}
}
