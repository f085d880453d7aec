package deliver

import (
	"time"

	"github.com/goaltrack/goaltrack/queue"
)

// lane is the way of one visitor's events. One of them goes at a time, and the
// others are parked. When their order is given up, up to width go at a time.
type lane struct {
	key       laneKey
	going     int
	width     int
	parked    []*job
	fullUntil time.Time
	fullWait  time.Duration
}

// laneKey tells lanes apart. Sites of one tenant can share their visitors' IDs,
// and one site may be held while the other is not.
type laneKey struct {
	line *Line
	key  string
}

// The bounds of order: beyond them the order of a visitor's events is given up, until
// none of them is left. Then wideLane of them go at once, of a line's sixteen
// workers, so that others have some, too. At most maxLane of them are in the window;
// what is more waits in the queue.
const (
	maxParked      = 64
	maxParkedTotal = window / 2
	maxLane        = window / 4
	wideLane       = 4
)

// advance lets the next events of a visitor go.
func (sc *schedule) advance(l *lane) {
	for l.going < l.width && len(l.parked) > 0 {
		next := l.parked[0]
		l.parked[0] = nil
		l.parked = l.parked[1:]
		sc.parked--
		l.going++
		sc.makeReady(next)
	}
}

// putBackBehind returns an event to the queue if its lane is full. Such events
// wait longer each time, so that a thousand of them are not looked at all the
// time.
func (sc *schedule) putBackBehind(l *lane, d queue.Delivery) bool {
	full := l.going+len(l.parked) >= maxLane
	if full && !time.Now().Before(l.fullUntil) {
		l.fullWait = min(max(2*l.fullWait, fullWait), maxFullWait)
	}
	return putBack(d, full, &l.fullUntil, sc.capped(l.fullWait))
}

// leaveLane lets the visitor's next event go.
func (sc *schedule) leaveLane(j *job) {
	l := j.lane
	if l == nil {
		return
	}
	j.lane = nil
	l.going--
	if sc.advance(l); l.going == 0 {
		delete(sc.lanes, l.key)
	}
}
