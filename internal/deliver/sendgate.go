package deliver

import (
	"slices"
	"time"
)

// Who may not send, and what may not be sent. A key that was rotated must cost
// no event, however long nobody notices. An event that a firewall takes offence
// at must not stop the others. Both look alike: an answer that says no. Five
// sentences tell them apart.
//
//  1. A line sends at full speed as long as something is accepted, whatever
//     else is refused.
//  2. When twenty sends in a row were not accepted, and nothing was accepted
//     for a second, the line sends one event at a time. Before each it waits a
//     sixteenth of the time since the last acceptance, and never more than a
//     minute. One acceptance makes it fast again.
//  3. While anything was not accepted in the last minute, half of the events
//     sent are not the oldest. One in four is the newest of a visitor who was
//     accepted before, and one in four the newest of all. So no burst hides the
//     others, wherever it stands in the queue.
//  4. A refused event goes to the bench (bench.go), from which few workers try
//     it again at growing waits. A refusal is a strike only if an event like it
//     is sent and accepted afterwards, and its gate was not SLOW in between.
//     Like it is one of the same goal or, if the CDP does not know its browser
//     ID, one with another ID that a visitor brought.
//  5. Four strikes bury an event as "blocked". Two are enough when the last
//     fifty second tries on the bench were all refused. It takes ten minutes as
//     well when an event that had a strike was accepted after all in the last
//     ten minutes.
//
// An example. A scanner sends forty forms with a text that a firewall before
// the CDP refuses with 403. Each is refused once and goes to the bench. Between
// them the forms of other visitors are accepted, so the line stays OPEN. One
// after the other the forty are tried again, after 1, 4, 16 and 60 seconds, always
// after somebody's form of the same goal was accepted. After four strikes they are
// dead letters. With a wrong key, nobody's form would have been accepted: no
// strike, no letter, and after a second the line would be SLOW.
//
//	gate (one for the line; one for each goal; one for the IDs that visitors bring)
//
//	  OPEN ──── 20 in a row not accepted, and 1 s of silence ────▶ SLOW: one at a time,
//	    ▲                                                            │   every silence/16
//	    └───────────────────── one acceptance ◀──────────────────────┘
//
//	event
//
//	  waiting ──▶ sent ──▶ accepted: delivered
//	     ▲         │ ├───▶ not processed, unknown: backoff, then waiting again
//	     │         │ └───▶ refused: BENCH ──▶ sent again: delivered, or one refusal more ──▶ dead: blocked
//	     └─────────┘
//
// "held" and "down" are no states. They are names, for the log and for Snapshot, of
// a gate that has been silent for so long that no single visitor can be the cause.
type sendGate struct {
	run     int       // sends in a row that were not accepted
	since   time.Time // when the first of them began; zero: all is well
	next    time.Time // while SLOW: when the next may go
	who     []string  // visitors whose events these were, at most heldVisitors
	tried   int       // all sends since then,
	no      int       // and how many of them were refused
	refused bool      // the last answer was a refusal; else there was none
	err     error     // the last answer,
	body    []byte    // and the event that got it, for the log
	pending []*job    // refused, and not yet decided whether that is a strike
	choice  choice    // which event was the last one to be tried
	told    string    // what the log was told of its silence
	waiting readyList // of a gate within the line: the events that wait for it
	probe   *job      // of a gate within the line: the one event that is under way
	benched time.Time // when the bench may try an event of this gate again
}

// pacing are the numbers of the rule. Those that are times grow with
// Options.ProbeBase and ProbeMax, so that tests on real sockets need not wait
// for seconds.
type pacing struct {
	// SLOW begins after slowRun sends in a row and a silence of slowAfter. With
	// other traffic at ten events a second, a second of silence has odds of
	// e^-10; the count keeps a site of 19 events out of it. As many events must
	// be rejected in a row (400 and the like) before that may be the sender's
	// fault. The first wait on the bench is slowAfter as well.
	slowRun   int
	slowAfter time.Duration
	// A wait is the silence divided by slowShare, at most slowMost: whatever a
	// fault lasted, delivery resumes within 6 % of it, and it takes 16·ln(t)
	// probes. slowMost is also the longest wait on the bench, and how long a silence
	// must be until the log tells of it. For as long after the last send that was
	// not accepted, half of what is sent is not the oldest.
	slowShare int
	slowMost  time.Duration
	// A gate is called held or down when its silence is slowShare times as long
	// as it takes to be SLOW, if so many visitors are concerned. After longest it
	// is called so in any case.
	heldVisitors int
	// It takes strikes to bury an event, sureStrikes after sureAfter second
	// tries that were all refused, and then one while more than a quarter of a
	// window is benched. For longest after the CDP took an event that had a
	// strike, it takes that long as well.
	strikes, sureStrikes, sureAfter int
	longest                         time.Duration
}

func newPacing(o *Options) pacing {
	return pacing{
		slowRun: 20, slowAfter: o.ProbeBase, slowShare: 16, slowMost: o.ProbeMax, heldVisitors: 3,
		strikes: 4, sureStrikes: 2, sureAfter: 50, longest: 10 * o.ProbeMax,
	}
}

// silence is how long nothing was accepted.
func (g *sendGate) silence(now time.Time) time.Duration {
	if g.since.IsZero() {
		return 0
	}
	return max(now.Sub(g.since), 0)
}

// slow reports whether one event at a time is sent.
func (g *sendGate) slow(p *pacing, now time.Time) bool {
	return g.run >= p.slowRun && g.silence(now) >= p.slowAfter
}

// held reports whether the silence is so long, and of so many visitors, that
// it is not the events' fault.
func (g *sendGate) held(p *pacing, now time.Time) bool {
	silence := g.silence(now)
	return silence >= p.longest || silence >= time.Duration(p.slowShare)*p.slowAfter && len(g.who) >= p.heldVisitors
}

// refusing reports whether refusals have a share in the silence: the events are
// kept for as long as it lasts, also if some of the tries meet other trouble.
func (g *sendGate) refusing() bool { return g.no > 0 && 10*g.no >= g.tried }

// wait is how long to wait before the next event is tried.
func (g *sendGate) wait(p *pacing, now time.Time) time.Duration {
	return min(max(g.silence(now), p.slowAfter)/time.Duration(p.slowShare), p.slowMost)
}

// unaccepted counts a send that was not accepted. What was benched tells nothing new,
// unless nothing else is left to be tried.
func (g *sendGate) unaccepted(p *pacing, j *job, now time.Time, refused bool) {
	if g.since.IsZero() {
		g.since = now
		if !j.began.IsZero() {
			g.since = j.began
		}
	}
	if !j.benched || g.held(p, now) {
		g.run++
	}
	if g.tried++; refused {
		g.no++
	}
	g.refused = refused
	g.err, g.body = j.err, j.body
	if len(g.who) < p.heldVisitors && !slices.Contains(g.who, j.Key) {
		g.who = append(g.who, j.Key)
	}
}

// pause keeps the time of a Retry-After out of the silence: nothing was tried.
func (g *sendGate) pause(d time.Duration) {
	if !g.since.IsZero() {
		g.since = g.since.Add(d)
	}
}

// open is for an acceptance that is evidence for this gate. It returns the
// events for which it is a strike: those refused before it was sent. In a gate
// that was SLOW there are none, since it was the sender's fault; void says the
// same for another gate of theirs.
func (g *sendGate) open(p *pacing, accepted *job, now time.Time, void bool) (struck []*job) {
	void = void || g.slow(p, now) || g.held(p, now)
	undecided := g.pending[:0]
	for _, j := range g.pending {
		switch {
		case void || !j.benched:
			j.undecided = false
		case !j.lastRefused.After(accepted.began):
			j.undecided = false
			struck = append(struck, j)
		default: // it was refused while the accepted one was under way
			undecided = append(undecided, j)
		}
	}
	clear(g.pending[len(undecided):])
	g.pending = undecided
	g.run, g.since, g.who, g.tried, g.no = 0, time.Time{}, g.who[:0], 0, 0
	g.refused, g.err, g.body = false, nil, nil
	return struck
}

// hurry brings the gate's waits forward.
func (g *sendGate) hurry(by time.Time) {
	g.next, g.benched = earlier(g.next, by), earlier(g.benched, by)
}

// dropPending says of all refusals not decided yet that they are no strikes.
func (g *sendGate) dropPending() {
	for _, j := range g.pending {
		j.undecided = false
	}
	clear(g.pending)
	g.pending = g.pending[:0]
}

// leaveUndecided has a refusal wait for the next acceptance, which makes it a strike. Those
// that have met their fate meanwhile are forgotten, since there may never be one.
func (g *sendGate) leaveUndecided(j *job) {
	if j.undecided {
		return
	}
	if len(g.pending) == cap(g.pending) {
		g.pending = slices.DeleteFunc(g.pending, func(j *job) bool { return !j.benched })
	}
	j.undecided = true
	g.pending = append(g.pending, j)
}
