package idpool

import (
	"math"
	"sync"
	"time"

	"github.com/goaltrack/goaltrack/internal/fair"
)

// Bucket is a token bucket: rate tokens a second, at most burst at once. It is shared
// out: while less than half is left, a network gets a quarter of the rate and of the
// burst at most. The last quarter of it is for forms.
type Bucket struct {
	rate, burst float64
	networks    *fair.Pace

	mu     sync.Mutex
	tokens float64
	last   time.Time
}

// What is kept of a bucket, in parts of its burst.
const (
	littleLeft   = 0.5
	visitReserve = 0.25
)

// NewBucket returns one that is full.
func NewBucket(rate float64, burst int) *Bucket {
	return &Bucket{rate: rate, burst: float64(burst), networks: fair.NewPace(rate, burst), tokens: float64(burst), last: time.Now()}
}

// shares reports whether somebody from a network may have an ID now.
func (b *Bucket) shares(network uint64) bool {
	return network == 0 || b.networks.Take(network, !b.has(littleLeft))
}

// has reports whether a token is left beside a part of the burst.
func (b *Bucket) has(reserve float64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refill()
	return b.tokens >= 1+b.kept(reserve)
}

// take takes a token, if one is left beside a part of the burst.
func (b *Bucket) take(reserve float64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refill()
	if b.tokens < 1+b.kept(reserve) {
		return false
	}
	b.tokens--
	return true
}

// kept is how many tokens a reserve has. A small burst has none.
func (b *Bucket) kept(reserve float64) float64 { return math.Floor(reserve * max(b.burst-forForms, 0)) }

func (b *Bucket) refill() {
	now := time.Now()
	b.tokens = min(b.burst, b.tokens+now.Sub(b.last).Seconds()*b.rate)
	b.last = now
}

// wait is how long until there is a token again beside a part of the burst, at least a
// millisecond and at most an hour.
func (b *Bucket) wait(reserve float64) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	seconds := min((1+b.kept(reserve)-b.tokens)/b.rate, 3600)
	return max(time.Duration(seconds*float64(time.Second)), time.Millisecond)
}
