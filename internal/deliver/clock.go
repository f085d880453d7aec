package deliver

import (
	"sync"
	"time"
)

// clock tells how old events are. Waits are measured by the monotonic clock of
// the process, which nobody can set, and so is the age of an event of this
// process. An event from a disk has only the time of day. That can be set: by
// ten years, on a machine whose battery is empty. Such a jump must not make a
// whole backlog too old to be sent.
type clock struct {
	wall func() time.Time // the time of day

	mu     sync.Mutex
	seen   time.Time // by both clocks, when last looked at
	day    time.Time // what wall said then
	jumped time.Time // when it was last seen to have jumped
}

// jumpAllowed is how far the time of day may move away from the monotonic clock
// before ages by it are doubted. Time servers correct less, and summer time
// does not change it.
const jumpAllowed = time.Hour

func newClock(wall func() time.Time) *clock {
	return &clock{wall: wall, seen: time.Now(), day: wall()}
}

// timeOfDay returns the present without its monotonic part.
func timeOfDay() time.Time { return time.Now().Round(0) }

// age returns how long ago something happened. After a jump of the clock it is
// at most the time since the jump, because nobody knows which of the times is
// right.
func (c *clock) age(then time.Time) time.Duration {
	if then != then.Round(0) { // it has a reading of the monotonic clock
		return time.Since(then)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now, day := time.Now(), c.wall()
	if jump := day.Sub(c.day) - now.Sub(c.seen); jump.Abs() > jumpAllowed {
		c.jumped = now
	}
	c.seen, c.day = now, day
	age := max(day.Sub(then), 0)
	if !c.jumped.IsZero() {
		age = min(age, now.Sub(c.jumped))
	}
	return age
}
