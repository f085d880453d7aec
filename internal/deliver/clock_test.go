package deliver

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/internal/bubble"
	"github.com/goaltrack/goaltrack/queue"
)

func TestClockAge(t *testing.T) {
	const year = 365 * 24 * time.Hour
	for _, tc := range []struct {
		name  string
		shift time.Duration // what somebody sets the clock by, 20 minutes after the event
		old   time.Duration // what an event from the disk then is
	}{
		{"no jump", 0, 20 * time.Minute},
		{"a correction", 30 * time.Minute, 50 * time.Minute},
		{"a correction back", -15 * time.Minute, 5 * time.Minute},
		{"back before the event", -50 * time.Minute, 0},
		{"a day on, as by a suspended machine", 24 * time.Hour, 0},
		{"a day back", -24 * time.Hour, 0},
		{"ten years on", 10 * year, 0},
		{"ten years back", -10 * year, 0},
	} {
		bubble.Run(t, tc.name, func(t *testing.T) {
			var shift time.Duration
			c := newClock(func() time.Time { return timeOfDay().Add(shift) })
			made := time.Now()
			bubble.Pass(20 * time.Minute)
			shift = tc.shift
			if got := c.age(made.Round(0)); got != tc.old {
				t.Errorf("an event from the disk is %v old, want %v", got, tc.old)
			}
			// From then on time goes by as before.
			fresh := timeOfDay().Add(shift)
			bubble.Pass(time.Hour)
			if got := c.age(fresh); got != time.Hour {
				t.Errorf("an event made after the jump is %v old after an hour", got)
			}
		})
	}
}

// The monotonic clock, of which fake time has none, is not asked what day it is.
func TestClockAgeOfThisProcess(t *testing.T) {
	made := time.Now()
	c := newClock(func() time.Time { return timeOfDay().Add(1000 * time.Hour) })
	if got := c.age(made); got < 0 || got > time.Minute {
		t.Errorf("an event of this process is %v old", got)
	}
}

// TestFault23ClockJumps: however the clock is set, no event expires for it, those
// on a disk included, and no wait grows.
func TestFault23ClockJumps(t *testing.T) {
	const year = 365 * 24 * time.Hour
	for name, jump := range map[string]time.Duration{
		"a day on": 24 * time.Hour, "a day back": -24 * time.Hour, "ten years on": 10 * year, "ten years back": -10 * year,
	} {
		bubble.Run(t, name, func(t *testing.T) {
			r := newRig(t, Options{}, script(status(503)))
			var shift atomic.Int64
			r.clock.wall = func() time.Time { return timeOfDay().Add(time.Duration(shift.Load())) }
			r.offerMany(0, 20)
			for v := range 20 { // as a queue on disk finds them: without the monotonic clock
				id := visitorID(100 + v)
				r.offerItem(queue.Item{Body: testEvent("shop", "KEPT", id), Key: id, Time: timeOfDay()})
			}
			bubble.Pass(4 * time.Minute)
			shift.Store(int64(jump))
			bubble.Pass(4 * time.Minute)
			r.wantDead(map[string]uint64{})
			r.cdp().tell(nil)
			if took := r.settle(); took > 2*time.Minute {
				t.Errorf("it took %v more", took)
			}
			r.wantDelivered(40)
		})
	}
	// Without a jump they expire in their time.
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{}, script(status(503)))
		id := visitorID(1)
		r.offerItem(queue.Item{Body: testEvent("shop", "KEPT", id), Key: id, Time: timeOfDay()})
		if took := r.settle(); took < 10*time.Minute || took > 16*time.Minute {
			t.Errorf("given up after %v", took)
		}
		r.wantDead(map[string]uint64{"expired": 1})
	})
}
