// Package backoff says how long to wait after a failure.
package backoff

import (
	"math/rand/v2"
	"time"
)

// Jitter returns the wait after a number of failures: a random time up to base
// x 2^(failures-1), at most limit. This is "full jitter"
// (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
// The wait is at least a tenth of base or limit, whichever is less.
func Jitter(base, limit time.Duration, failures int) time.Duration {
	return JitterBy(rand.Int64N, base, limit, failures)
}

// JitterBy is Jitter with its own source of random numbers: random returns a
// number from 0 to n-1.
func JitterBy(random func(n int64) int64, base, limit time.Duration, failures int) time.Duration {
	least := min(base, limit) / 10
	return least + time.Duration(random(int64(max(doubled(base, limit, failures)-least, 1))))
}

// doubled returns base x 2^(n-1), at most limit.
func doubled(base, limit time.Duration, n int) time.Duration {
	if shift := max(n-1, 0); shift < 63 && base <= limit>>shift {
		return base << shift
	}
	return limit
}
