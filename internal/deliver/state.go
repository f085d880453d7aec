package deliver

import (
	"time"

	"github.com/goaltrack/goaltrack/cdp"
)

// State says how the delivery for one site is going.
type State struct {
	Site        string
	State       string // "ok", "slow", "paused", "down", "held", "stuck" or "closed"
	SilentSince time.Time
	Benched     int
	TwoMinds    bool // the CDP has lately accepted what it had refused
	HeldGoals   []string
	InFlight    int
	IDsReady    int
	Sends       uint64
	Retries     uint64
	Outcomes    map[string]uint64
	LastError   string
	LastErrorAt time.Time
	Latency     Latency
	Durations   cdp.Durations
}

// statesWait is how long a snapshot waits for the scheduler, which is busy for
// longer only if the queue's disk hangs.
const statesWait = time.Second

// States says how each line is doing. It asks the scheduler, which owns the
// lines, or reads them when the scheduler has ended.
func (s *Sender) States() []State {
	got := make(chan []State, 1)
	ask := func(*schedule) { got <- s.readStates(false) }
	timer := time.NewTimer(statesWait)
	defer timer.Stop()
	select {
	case s.asks <- ask:
		return <-got
	case <-s.done:
		return s.readStates(true)
	case <-timer.C:
	}
	states := make([]State, 0, len(s.lines))
	for _, ln := range s.lines {
		states = append(states, State{Site: ln.Name, State: "stuck", IDsReady: ln.IDs.Size()})
	}
	return states
}

func (s *Sender) readStates(closed bool) []State {
	now, p := time.Now(), newPacing(&s.options)
	states := make([]State, 0, len(s.lines))
	for _, ln := range s.lines {
		m, h := &ln.meter, &ln.health
		st := State{
			Site: ln.Name, State: ln.state(&p, now), InFlight: len(h.flying), IDsReady: ln.IDs.Size(),
			SilentSince: h.gate.since, Benched: h.bench.events, TwoMinds: now.Before(h.bench.minds), HeldGoals: h.heldGoals(&p, now),
			Sends: m.sends, Retries: m.retries, Outcomes: m.byOutcome(), Latency: m.latency.summary(now), Durations: m.durations.summary(),
			LastError: m.lastError, LastErrorAt: m.lastErrorAt,
		}
		if closed {
			st.State = "closed"
		}
		states = append(states, st)
	}
	return states
}
