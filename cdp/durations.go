package cdp

import "time"

// Durations is a histogram of how long requests took, from dialing to the end of the
// answer. Those of several processes can be added up, which cannot be done with
// percentiles.
type Durations struct {
	// Requests is how many requests there were, and Sum how long they took together.
	Requests uint64
	Sum      time.Duration
	// AtMost has a row for each bound, the smallest first. A request is counted in
	// each row whose Time it did not exceed.
	AtMost []AtMost
}

// AtMost is how many requests took at most a time: Requests of them took Time or less.
type AtMost struct {
	Time     time.Duration
	Requests uint64
}
