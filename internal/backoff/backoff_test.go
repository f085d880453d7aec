package backoff

import (
	"testing"
	"time"
)

func TestJitter(t *testing.T) {
	for _, tc := range []struct {
		base, limit time.Duration
		failures    int
		least, most time.Duration
	}{
		{time.Second, 5 * time.Minute, -3, 100 * time.Millisecond, time.Second},
		{time.Second, 5 * time.Minute, 1, 100 * time.Millisecond, time.Second},
		{time.Second, 5 * time.Minute, 2, 100 * time.Millisecond, 2 * time.Second},
		{time.Second, 5 * time.Minute, 5, 100 * time.Millisecond, 16 * time.Second},
		{time.Second, 5 * time.Minute, 9, 100 * time.Millisecond, 256 * time.Second},
		{time.Second, 5 * time.Minute, 10, 100 * time.Millisecond, 5 * time.Minute},
		{time.Second, 5 * time.Minute, 29, 100 * time.Millisecond, 5 * time.Minute},
		{time.Second, 5 * time.Minute, 1 << 40, 100 * time.Millisecond, 5 * time.Minute},
		{5 * time.Minute, time.Hour, 29, 30 * time.Second, time.Hour}, // 5 min << 28 does not fit
		{time.Hour, time.Minute, 1, 6 * time.Second, time.Minute},     // a base above the limit
		{1, 1, 1, 0, 1},
	} {
		var sum time.Duration
		low, high := tc.most, tc.least
		const n = 2000
		for range n {
			d := Jitter(tc.base, tc.limit, tc.failures)
			low, high, sum = min(low, d), max(high, d), sum+d
		}
		if low < tc.least || high > tc.most {
			t.Errorf("Jitter(%v, %v, %d): %v to %v, want %v to %v", tc.base, tc.limit, tc.failures, low, high, tc.least, tc.most)
		}
		// Full jitter: spread over all of the range, the mean in its middle.
		if width := tc.most - tc.least; width > time.Millisecond && (high-low < width*9/10 || (sum/n-tc.least-width/2).Abs() > width/10) {
			t.Errorf("Jitter(%v, %v, %d): %v to %v with mean %v is not spread over %v to %v",
				tc.base, tc.limit, tc.failures, low, high, sum/n, tc.least, tc.most)
		}
	}
}
