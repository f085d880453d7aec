package deliver

import (
	"time"

	"github.com/goaltrack/goaltrack/queue"
)

// window is how many events the sender has at once; the rest wait in the
// queue. Several sites share it, leastShare each at the least.
const (
	window     = 1000
	leastShare = 100
)

// spare returns for how many more events the window has room.
func (sc *schedule) spare() int { return sc.share*len(sc.lines) - sc.inWindow }

// wanted returns how many events to ask the queue for, 0 for none. Usually it is several
// at once, because each fetch wakes two goroutines. A part of the window stays free for
// events that go first.
func (sc *schedule) wanted() int {
	spare, some := sc.spare(), sc.share/16
	if spare >= 2*some {
		return spare - some
	}
	return max(min(spare, int(sc.shares.room.Waiting())), 0)
}

// fullWait is how long events wait in the queue whose line has its share of the
// window. While none of the line's is accepted, or the line is paused, it is up to
// maxLineWait: else a long backlog would be looked at all the time. Those of a visitor
// whose lane is full wait up to maxFullWait.
const (
	fullWait    = 250 * time.Millisecond
	maxLineWait = 4 * time.Second
	maxFullWait = 16 * time.Second
)

// fullWait returns how long events wait for room in the window: a quarter of the silence, or
// until the pause is over.
func (h *health) fullWait(now time.Time) time.Duration {
	return min(max(h.gate.silence(now)/4, h.pausedUntil.Sub(now), fullWait), maxLineWait)
}

// makeRoom lets an event in although its line may have its share of the window,
// while not all is accepted. Otherwise refused events would fill the window,
// and nothing that the CDP takes would ever be tried. Either it is one of the
// few beyond the window, or the oldest goes back to the queue for it.
func (sc *schedule) makeRoom(j *job, newest bool) bool {
	h := &j.line.health
	oldest := h.ready.oldest()
	switch {
	case !newest && !h.inTrouble(&sc.pacing, time.Now()):
		return false
	case h.inWindow < sc.share:
		return true
	case h.fetched < maxFetched:
		j.fetched = true
		return true
	case oldest == nil || !j.Time.After(oldest.Time):
		return false
	}
	j.fetched = oldest.fetched // it has the same place
	oldest.leaveList()
	sc.tally.note("order_released")
	sc.giveBack(oldest, h.fullWait(time.Now()))
	return true
}

// putBack returns an event to the queue if its line has its share of the
// window. A site that cannot send must not take the whole window from the
// others. This never happens to a single line.
func (ln *Line) putBack(d queue.Delivery, share int, wait time.Duration) bool {
	return putBack(d, ln.health.inWindow >= share, &ln.health.fullUntil, wait)
}

// putBackFirst returns an event that was to go first and does not any more, if there is only
// the room that is left for those that do.
func (sc *schedule) putBackFirst(d queue.Delivery) bool {
	if !d.First || sc.spare() > sc.share/16 || sc.shares.goesFirst(&d.Item) {
		return false
	}
	d.Nack(sc.capped(time.Second))
	return true
}

// putBack returns an event if there is no room. All events that come meanwhile
// go back until the same moment, so that none overtakes another.
func putBack(d queue.Delivery, full bool, until *time.Time, wait time.Duration) bool {
	now := time.Now()
	if !now.Before(*until) {
		if !full {
			return false
		}
		*until = now.Add(wait)
	}
	d.Nack(until.Sub(now))
	return true
}

func (sc *schedule) leaveWindow(j *job) {
	h := &j.line.health
	if j.aside {
		j.aside = false
		sc.aside--
		h.aside.events--
		h.aside.bytes -= int64(len(j.Body))
		return
	}
	sc.inWindow--
	h.inWindow--
	if j.fetched {
		j.fetched = false
		h.fetched--
	}
}

// stepAside takes an event that has to wait for a retry out of the window, so
// that others have its place. A thousand of them would fill the window while
// the CDP takes all the rest. As many may be aside as on the bench.
func (sc *schedule) stepAside(j *job) {
	h := &j.line.health
	if j.aside || j.benched || h.aside.events >= benchEvents || h.aside.bytes+int64(len(j.Body)) > benchBytes {
		return
	}
	sc.leaveWindow(j)
	j.aside = true
	sc.aside++
	h.aside.events++
	h.aside.bytes += int64(len(j.Body))
}

// giveBack returns an event to the queue, from which it will come like a new
// one.
func (sc *schedule) giveBack(j *job, d time.Duration) {
	sc.leaveWindow(j)
	sc.shares.taken(&j.Item, -1)
	j.Nack(sc.capped(d))
	sc.leaveLane(j)
}
