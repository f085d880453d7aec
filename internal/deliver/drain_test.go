package deliver

import (
	"context"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/internal/bubble"
	"github.com/goaltrack/goaltrack/queue"
)

// TestDrain: whoever waits for a visitor's events waits until each has met its fate, and
// no longer than they said.
func TestDrain(t *testing.T) {
	const limit = 300 * time.Millisecond
	for _, tc := range []struct {
		name   string
		before int // events of the visitor that came before anybody asked
		events int
		others int
		answer func(*call) error
		took   time.Duration
	}{
		{"nothing waits", 0, 0, 0, nil, 0},
		{"one event", 0, 1, 0, nil, 50 * time.Millisecond},
		{"three, one after the other", 0, 3, 0, nil, 150 * time.Millisecond},
		{"what is given up waits no more", 0, 1, 0, script(status(400)), 50 * time.Millisecond},
		{"others do not matter", 0, 0, 5, nil, 0},
		{"one that cannot be sent", 0, 1, 0, script(errRefused), limit},
		{"what came before anybody asked", 2, 0, 0, nil, 0},
	} {
		bubble.Run(t, tc.name, func(t *testing.T) {
			r := newRigOn(t, queue.NewMemory(100, 1<<20), Options{BackoffBase: time.Minute}, tc.answer)
			for range tc.before {
				r.offer(1, "BEFORE")
			}
			r.WatchDrains()
			for range tc.events {
				r.offer(1, "SENT")
			}
			for i := range tc.others {
				r.offer(2+i, "OTHER")
			}
			begin := time.Now()
			r.Drain(t.Context(), visitorID(1), limit)
			if took := time.Since(begin); took != tc.took {
				t.Errorf("it took %v, want %v", took, tc.took)
			}
			_ = r.close(time.Second)
			if n := len(r.drains.left); tc.answer == nil && n > 0 {
				t.Errorf("%d visitors are still counted", n)
			}
		})
	}
}

// TestDrainRefused: what was not queued is not waited for.
func TestDrainRefused(t *testing.T) {
	bubble.Run(t, "full", func(t *testing.T) {
		r := newRigOn(t, queue.NewMemory(1, 1<<20), Options{BackoffBase: time.Minute}, script(errRefused))
		r.WatchDrains()
		r.offerTo("", 1, "FITS", queue.High)
		if err := r.Offer(t.Context(), nil, 0, queue.Item{Body: testEvent("shop", "DOES_NOT", visitorID(2)), Key: visitorID(2), Priority: queue.High, Time: time.Now()}); err == nil {
			t.Fatal("the queue has room for two")
		}
		begin := time.Now()
		r.Drain(t.Context(), visitorID(2), time.Second)
		if took := time.Since(begin); took != 0 {
			t.Errorf("it took %v", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		r.Drain(ctx, visitorID(1), time.Second)
		if took := time.Since(begin); took != 100*time.Millisecond {
			t.Errorf("with a context that ends it took %v", took)
		}
		_ = r.close(time.Second)
	})
}
