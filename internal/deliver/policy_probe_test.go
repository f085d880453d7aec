package deliver

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/internal/bubble"
	"github.com/goaltrack/goaltrack/internal/idpool"
	"github.com/goaltrack/goaltrack/queue"
)

// TestProbesWithoutAnIDWait: when the CDP is down and no browser ID may be made,
// the one event there is must not be tried over and over.
func TestProbesWithoutAnIDWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{MaxAge: time.Minute}, func(*call) error { return status(503) })
		r.mayMake(idpool.NewBucket(0.000001, 0))
		for range 10 { // events with an ID open the breaker
			r.offer(1, "A")
		}
		r.offerItem(queue.Item{Body: testEvent("shop", "A", ""), Key: "request-1", Time: time.Now().Add(24 * time.Hour)}) // outlives the others
		bubble.Pass(time.Hour)
		if n := r.note("id_limited"); n > 2000 {
			t.Errorf("an ID was asked for %d times in an hour", n)
		}
	})
}
