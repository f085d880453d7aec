package deliver

import (
	"flag"
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/internal/bubble"
)

// ban is a firewall that refuses all for a minute after thirty bad events in ten
// seconds.
func ban() func(*play, *playEvent) string {
	var hits []time.Duration
	var until time.Duration
	var played *play
	return func(p *play, e *playEvent) string {
		if p != played {
			played, hits, until = p, nil, 0
		}
		now := p.now()
		if now < until {
			return cdpRefuses
		}
		if e.kind == refusedAlways {
			for len(hits) > 0 && hits[0] <= now-10*time.Second {
				hits = hits[1:]
			}
			if hits = append(hits, now); len(hits) > 30 {
				until, hits = now+time.Minute, nil
			}
		}
		return ""
	}
}

// share refuses a part of all answers at random, and fails to give another.
func share(no, later float64) func(*play, *playEvent) string {
	return func(p *play, _ *playEvent) string {
		switch r := p.dice.Float64(); {
		case r < no:
			return cdpRefuses
		case r < no+later:
			return cdpFails
		}
		return ""
	}
}

func brought404(_ *play, e *playEvent) string {
	if e.brought && !e.ours {
		return cdpKnowsNot
	}
	return ""
}

func outage(p *play, _ *playEvent) string {
	if p.dice.Float64() < 0.9 {
		return cdpFails
	}
	return cdpHangs
}

func one(int) int { return strangers }

// few are n events of so many visitors within the first three seconds.
func few(visitors, n int) func(*play) {
	return func(p *play) {
		for i := range n {
			p.offer(3*time.Second*time.Duration(i)/time.Duration(n), strangers+i%visitors, genuine, true, "SENT")
		}
	}
}

// turned are visitors of whom one event is accepted each, and then come bad ones.
func turned(p *play) {
	for i := range 1000 {
		p.offer(time.Second+59*time.Second*time.Duration(i)/1000, strangers+i, genuine, true, "SENT")
		p.offer(100*time.Second+time.Duration(i)*time.Millisecond/2, strangers+i, refusedAlways, true, "SENT")
	}
}

func both(a, b func(*play)) func(*play) { return func(p *play) { a(p); b(p) } }

const (
	s = time.Second
	m = time.Minute
	h = time.Hour
	// spoolAge is how long a spool keeps events.
	spoolAge = 72 * time.Hour
)

// holdScenarios are what the rule was made for. Where a fault lasts for a while, a
// bound on delays would say nothing; how soon the line resumes does.
func holdScenarios() []scenario {
	return []scenario{
		{name: "0 all is well, 10 a second", bound: bound{max: s / 5, requests: 1}, length: 2 * m, rate: 10},
		{name: "1a the key is wrong for 10 minutes", bound: bound{hold: true, resumed: m, requests: 1.05}, length: 15 * m, rate: 10, faults: []fault{{2 * m, 12 * m, always(cdpRefuses)}}},
		{name: "1b the key is wrong for 3 hours", bound: bound{hold: true, resumed: m, requests: 1.05}, length: 4 * h, rate: .5, faults: []fault{{h, 4 * h, always(cdpRefuses)}}},
		{name: "1c a restart in it, 3,000 in the spool", bound: bound{hold: true, resumed: m, requests: 1.05, warnings: 1}, length: h, rate: 2, waiting: 3000, maxAge: spoolAge, faults: []fault{{0, 30 * m, always(cdpRefuses)}}},
		{name: "1d the key is wrong for 90 seconds", bound: bound{hold: true, resumed: 10 * s}, length: 10 * m, rate: 10, faults: []fault{{2 * m, 210 * s, always(cdpRefuses)}}},
		{name: "1e a wrong version of the API: 400 for all", bound: bound{dead: 19. / 5900, errors: 1}, length: 10 * m, rate: 10, faults: []fault{{2 * m, 4 * m, always(cdpRejects)}}},
		{name: "1f three visitors, all refused", bound: bound{states: "ok slow held", errors: 1, warnings: 1}, length: 5 * m, traffic: few(3, 60), faults: []fault{{0, 5 * m, always(cdpRefuses)}}},
		{name: "1g one visitor, all refused", bound: bound{states: "ok slow", errors: 1, warnings: 1}, length: 5 * m, traffic: few(1, 60), faults: []fault{{0, 5 * m, always(cdpRefuses)}}},
		{name: "1h nineteen events, all refused", bound: bound{states: "ok", errors: 1, warnings: 1}, length: 5 * m, traffic: few(1, 19), faults: []fault{{0, 30 * s, always(cdpRefuses)}}},
		{name: "2a a wrong tenant: every ID is unknown", bound: bound{hold: true, resumed: m, requests: 1.1}, length: 20 * m, rate: 2, faults: []fault{{0, 15 * m, always(cdpKnowsNot)}}},
		{name: "2b a wrong tenant: brought IDs are unknown", bound: bound{errors: 1, requests: 1.1}, length: 20 * m, rate: 2, faults: []fault{{0, 15 * m, brought404}}},
		{name: "2c redirects for all", bound: bound{hold: true, resumed: m, requests: 1.1}, length: 20 * m, rate: 2, faults: []fault{{5 * m, 15 * m, always(cdpRefuses)}}},
		{name: "3a a firewall refuses 1 in 1,000", bound: bound{max: s, requests: 1.02, poison: "blocked"}, length: 20 * m, rate: 10, traffic: sprinkled(.01, refusedAlways)},
		{name: "3b 1,000 poisoned, of 1,000 IDs", bound: bound{max: 5 * s, requests: 1.3, poison: "blocked", warnings: 1}, length: 5 * m, rate: 10, traffic: burst(20*s, 1000, refusedAlways, s/2)},
		{name: "3c the same, one genuine a second", bound: bound{max: 5 * s, requests: 3, poison: "blocked", warnings: 1}, length: 5 * m, rate: 1, traffic: burst(20*s, 1000, refusedAlways, s/2)},
		{name: "3d the same, then nobody for a minute", bound: bound{max: 5 * s, requests: 2, poison: "blocked", errors: 1, warnings: 2}, length: 5 * m, rate: 10, from: m, traffic: burst(0, 1000, refusedAlways, s/2)},
		{name: "3d1 then one a second", bound: bound{max: 5 * s, requests: 3, poison: "blocked", errors: 1, warnings: 2}, length: 10 * m, rate: 1, from: m, traffic: burst(0, 1000, refusedAlways, s/2)},
		{name: "3e 1,000 of one visitor", bound: bound{max: s, requests: 2, poison: "blocked", warnings: 1}, length: 5 * m, rate: 10, traffic: volley{20 * s, 1000, refusedAlways, s / 2, one, true, "SENT"}.offer},
		{name: "3f 1,000 anonymous", bound: bound{max: 5 * s, requests: 2, poison: "blocked", warnings: 1}, length: 5 * m, rate: 10, traffic: volley{20 * s, 1000, refusedAlways, s / 2, func(i int) int { return strangers + i }, false, "SENT"}.offer},
		{name: "3g a restart with them at the head", bound: bound{max: s, requests: 2, poison: "blocked", warnings: 2}, length: 5 * m, rate: 10, traffic: burst(0, 1000, refusedAlways, 0)},
		{name: "3h 5,000 at the head", bound: bound{max: s, requests: 2, poison: "blocked", warnings: 2}, length: 5 * m, rate: 10, traffic: burst(0, 5000, refusedAlways, 0)},
		{name: "3i forty forms", bound: bound{max: s, requests: 2, poison: "blocked", warnings: 1}, length: 5 * m, rate: 10, traffic: burst(8*s, 40, refusedAlways, s/2)},
		{name: "3i1 thirty forms, of which somebody is to hear", bound: bound{max: s, poison: "blocked", warnings: 1, said: true}, length: 5 * m, rate: 10, traffic: burst(8*s, 30, refusedAlways, s/2)},
		{name: "3j 100 a second for a minute", bound: bound{max: s, requests: 2, poison: "blocked", warnings: 1}, length: 5 * m, rate: 10, traffic: burst(20*s, 6000, refusedAlways, m)},
		{name: "3k 1,000 answered 400", bound: bound{max: 5 * s, requests: 1.1, poison: "rejected_400"}, length: 5 * m, rate: 10, traffic: burst(20*s, 1000, badContents, s/2)},
		{name: "3k1 fifteen answered 400, and nobody else", bound: bound{poison: "rejected_400", requests: 1, errors: 1}, length: m, traffic: burst(0, 15, badContents, s/2)},
		{name: "3l 200 answered 503", bound: bound{max: s, requests: 2, warnings: 1}, length: 5 * m, rate: 10, traffic: burst(20*s, 200, failsAlways, 10*s)},
		{name: "3m 300 a second for a minute", bound: bound{requests: 2, full: .8, left: true, errors: 2, warnings: 1}, length: 5 * m, rate: 1, traffic: burst(20*s, 18000, refusedAlways, m)},
		{name: "3n a firewall that bans us", bound: bound{max: 16 * m, requests: 2, errors: 16, warnings: 2, full: .03}, length: 15 * m, rate: 10, traffic: burst(20*s, 1000, refusedAlways, s/2), faults: []fault{{0, 15 * m, ban()}}},
		{name: "4a 1,000 IDs made up", bound: bound{max: 10 * s, requests: 2, warnings: 1, replaced: .2}, length: 5 * m, rate: 10, traffic: burst(20*s, 1000, madeUp, s/2)},
		{name: "4b the same, and guests who were deleted", bound: bound{max: 5 * m, requests: 2, warnings: 1, replaced: .2, dead: .02}, length: 400 * s, rate: 10, traffic: both(burst(20*s, 1000, madeUp, s/2), sprinkled(.5, deleted))},
		{name: "4c guests who were deleted", bound: bound{max: m, requests: 1.1, replaced: .2, dead: .002}, length: 400 * s, rate: 10, traffic: sprinkled(.5, deleted)},
		{name: "5a half of all answers, 10 a second", bound: bound{max: 10 * m, requests: 2}, length: 15 * m, rate: 10, faults: []fault{{2 * m, 12 * m, share(.35, .15)}}},
		{name: "5b the same, 60 a second", bound: bound{max: 11 * m, requests: 2}, length: 15 * m, rate: 60, faults: []fault{{2 * m, 12 * m, share(.35, .15)}}},
		{name: "5c the same for an hour, one a minute", bound: bound{max: h, requests: 2, errors: 2, warnings: 2}, length: 2 * h, rate: 1. / 60, maxAge: spoolAge, drain: 3 * h, faults: []fault{{30 * m, 90 * m, share(.35, .15)}}},
		{name: "5d nine of ten", bound: bound{max: 12 * m, requests: 3, errors: 1, warnings: 1, dead: .001}, length: 15 * m, rate: 10, faults: []fault{{2 * m, 12 * m, share(.9, 0)}}},
		{name: "5e one in fifty", bound: bound{max: m, requests: 1.05}, length: 15 * m, rate: 10, faults: []fault{{2 * m, 12 * m, share(.02, 0)}}},
		{name: "5f half of all answers, and 1,000 poisoned", bound: bound{max: 13 * m, requests: 4, poison: "blocked", warnings: 1}, length: 15 * m, rate: 10, traffic: burst(200*s, 1000, refusedAlways, s/2), faults: []fault{{2 * m, 12 * m, share(.35, .15)}}},
		{name: "6a an outage and 200 poisoned", bound: bound{outage: true, resumed: 20 * s, requests: 1.1, poison: "blocked", warnings: 2}, length: 15 * m, rate: 10, traffic: burst(130*s, 200, refusedAlways, s/2), faults: []fault{{2 * m, 7 * m, outage}}},
		{name: "6b an outage", bound: bound{outage: true, resumed: 20 * s, requests: 1.05, warnings: 1}, length: 15 * m, rate: 10, faults: []fault{{2 * m, 7 * m, outage}}},
		{name: "7a the first 100 are poisoned", bound: bound{max: s, requests: 2, poison: "blocked", warnings: 2}, length: 5 * m, rate: 1, from: s, traffic: burst(0, 100, refusedAlways, s/2)},
		{name: "7b the key is wrong from the start", bound: bound{hold: true, resumed: m, requests: 1.2, warnings: 1}, length: 15 * m, rate: 1, faults: []fault{{0, 10 * m, always(cdpRefuses)}}},
		{name: "7c the same, and 1,000 poisoned", bound: bound{resumed: m, requests: 1.2, errors: 1, warnings: 2, poison: "blocked"}, length: 15 * m, rate: 10, traffic: burst(0, 1000, refusedAlways, s/2), faults: []fault{{0, 5 * m, always(cdpRefuses)}}},
		{name: "8 the key is wrong, 1,000 poisoned in it", bound: bound{resumed: m, requests: 1.1, errors: 1, warnings: 1, poison: "blocked"}, length: 20 * m, rate: 10, traffic: burst(5*m, 1000, refusedAlways, s/2), faults: []fault{{2 * m, 12 * m, always(cdpRefuses)}}},
		{name: "9 1,000 IDs accepted once, then poisoned", bound: bound{max: 5 * s, requests: 2, poison: "blocked", warnings: 1}, length: 400 * s, rate: 10, traffic: turned},
		{name: "10 one event an hour, the key is wrong for a day", bound: bound{hold: true, resumed: m}, length: 48 * h, rate: 1. / 3600, maxAge: spoolAge, drain: 6 * h, faults: []fault{{6 * h, 30 * h, always(cdpRefuses)}}},
		{name: "11 one goal of five is refused", bound: bound{errors: 1, requests: 1.2}, length: 15 * m, rate: 10, goals: 5, faults: []fault{{2 * m, 12 * m, func(_ *play, e *playEvent) string {
			if e.goal == "GOAL_0" {
				return cdpRefuses
			}
			return ""
		}}}},
		{name: "12 1,000 poisoned of a goal nobody else has", bound: bound{max: 2 * s, requests: 1.1, errors: 2}, length: 15 * m, rate: 10, traffic: volley{20 * s, 1000, refusedAlways, s / 2, func(i int) int { return strangers + i }, true, "OTHER"}.offer},
		{name: "13 2,000 poisoned, the key is wrong for 10 s in it", bound: bound{max: 2 * m, requests: 2, poison: "blocked", warnings: 1}, length: 5 * m, rate: 10, traffic: burst(20*s, 2000, refusedAlways, s/2), faults: []fault{{30 * s, 40 * s, always(cdpRefuses)}}},
		{name: "13a 1,000 poisoned in a spool, the key is wrong for 2 s", bound: bound{max: 2 * m, requests: 4, poison: "blocked", warnings: 3, errors: 1}, length: 15 * m, rate: 10, maxAge: spoolAge, traffic: burst(0, 1000, refusedAlways, 0), faults: []fault{{22 * s, 24 * s, always(cdpRefuses)}}},
		{name: "13b 4,000 poisoned, five times 10 s", bound: bound{max: 6 * m, requests: 3, poison: "blocked", warnings: 1}, length: 400 * s, rate: 10, traffic: burst(20*s, 4000, refusedAlways, s/2), faults: []fault{
			{24 * s, 34 * s, always(cdpRefuses)}, {50 * s, 60 * s, always(cdpRefuses)}, {70 * s, 80 * s, always(cdpRefuses)}, {90 * s, 100 * s, always(cdpRefuses)}, {110 * s, 120 * s, always(cdpRefuses)},
		}},
	}
}

// bound is what a scenario may cost. In none may a genuine event be lost, or be
// left when all is well again.
type bound struct {
	max      time.Duration // delay of a genuine event
	requests float64       // for each event
	resumed  time.Duration // from the end of the fault to the next event accepted
	hold     bool          // all was refused: as few probes as the rule allows, one ERROR and one INFO
	outage   bool          // nothing answered: no ERROR, and a ramp
	errors   int
	warnings int
	said     bool    // there is a warning
	states   string  // that the line is in, in the order in which it comes to them; "": not looked at
	poison   string  // what becomes of all that is poisoned
	left     bool    // some may be left: a flood above what the workers can try is a matter of who is let in
	full     float64 // share of the genuine events that the queue may refuse
	dead     float64 // share of the genuine events that may be buried
	replaced float64 // IDs, as a share of the distinct ones that were accepted
}

var (
	holdSeeds   = flag.Uint64("holdseeds", 1, "how many times TestHoldRule plays each scenario")
	holdNumbers = flag.Bool("holdnumbers", false, "halve and double each number of the hold rule")
	holdFigures = flag.Bool("holdfigures", false, "print what came of each scenario")
)

// TestHoldRule plays every scenario in fake time. The bounds are the promises of
// docs/reliability.md.
func TestHoldRule(t *testing.T) {
	for _, tc := range someOf(holdScenarios()) {
		for seed := range *holdSeeds {
			bubble.Run(t, fmt.Sprint(tc.name, ", seed ", seed), func(t *testing.T) {
				p := playScenario(t, tc, seed)
				for _, fault := range p.faultsFound() {
					t.Error(fault)
				}
				if *holdFigures {
					t.Logf("%s; replaced %d, most benched %d", p.outcome(), p.replaced, p.benched)
				}
			})
		}
	}
}

// faultsFound compares what came with the bound.
func (p *play) faultsFound() (faults []string) {
	o, b := p.outcome(), p.bound
	check := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Sprintf(format, args...)+"; "+o.String())
		}
	}
	genuine := float64(o.genuine)
	check(o.left > 0 && !b.left, "%d genuine events are left", o.left)
	check(float64(o.dead) > b.dead*genuine, "%d genuine events were buried", o.dead)
	check(float64(o.full) > b.full*genuine, "%d genuine events were refused", o.full)
	check(b.max > 0 && b.max <= 10*s && o.late5 > 1+o.genuine/1000, "%d genuine events came later than 5 s", o.late5)
	check(b.max > 0 && o.max > b.max, "a genuine event came %v late, more than %v", o.max, b.max)
	check(b.requests > 0 && o.requests > b.requests, "%.2f requests an event, more than %.2f", o.requests, b.requests)
	check(b.resumed > 0 && (o.resumed < 0 || o.resumed > b.resumed), "resumed after %v, more than %v", o.resumed, b.resumed)
	check(o.warnings > b.warnings, "%d warnings, more than %d: %q", o.warnings, b.warnings, p.logs.Without("DEBUG"))
	check(b.said && o.warnings == 0, "no warning")
	check(o.tries > 8 && b.poison == "blocked" && len(p.faults) == 0, "a poisoned event was sent %d times", o.tries)
	if b.hold {
		fault := p.faults[0]
		length := (fault.to - fault.from).Seconds()
		probes := p.requestsIn(fault.from, fault.to)
		most := 20 + 20 + 16*math.Log(length) + length/60 + 5 // the first second, at one request at a time
		check(float64(probes) > most, "%d probes in %vs, more than %.0f", probes, length, most)
		check(o.errors != 1 || p.logs.Count("takes events again") != 1, "%d errors, %d all-clears: %q", o.errors, p.logs.Count("takes events again"), p.logs.Without("DEBUG"))
	} else {
		check(o.errors > b.errors, "%d errors, more than %d: %q", o.errors, b.errors, p.logs.Without("DEBUG"))
	}
	if b.outage {
		check(p.logs.Count("answers again") != p.logs.Count("does not answer"), "an outage has no end: %q", p.logs.Without("DEBUG"))
		check(!p.ramps(), "no ramp after the outage")
	}
	check(b.states != "" && p.states != b.states, "the states are %q", p.states)
	for _, e := range p.events {
		if b.poison != "" && !e.kind.isGenuine() && e.fate != b.poison {
			check(true, "poisoned event %d is %q", e.number, e.fate)
			break
		}
	}
	accepted := map[int]bool{}
	for _, e := range p.events {
		if e.brought && !e.ours && e.fate == "delivered" {
			accepted[e.visitor] = true
		}
	}
	check(float64(p.replaced) > b.replaced*float64(len(accepted))+20, "%d IDs were replaced, of %d distinct ones accepted", p.replaced, len(accepted))
	return faults
}

// ramps reports whether the requests after the fault grow one by one.
func (p *play) ramps() bool {
	at := p.faults[len(p.faults)-1].to
	first := p.requestsIn(at, at+p.outcome().resumed+time.Millisecond)
	within := p.requestsIn(at, at+p.outcome().resumed+20*time.Millisecond)
	return within-first <= 3
}

// TestPoisonHidesNobody sends a thousand events that the CDP does not accept,
// of whatever kind and from whomever. They cost the others nothing, also if the
// CDP really refuses this sender in the midst of it.
func TestPoisonHidesNobody(t *testing.T) {
	kinds := map[string]eventKind{"refused": refusedAlways, "IDs made up": madeUp, "bad contents": badContents, "resets": breaksOff}
	sources := map[string]func(kind eventKind) func(*play){
		"of a thousand visitors": func(k eventKind) func(*play) { return burst(20*s, 1000, k, s/2) },
		"of one visitor":         func(k eventKind) func(*play) { return volley{20 * s, 1000, k, s / 2, one, true, "SENT"}.offer },
		"anonymous": func(k eventKind) func(*play) {
			return volley{20 * s, 1000, k, s / 2, func(i int) int { return strangers + i }, false, "SENT"}.offer
		},
		"at the head of a spool": func(k eventKind) func(*play) { return burst(0, 1000, k, 0) },
	}
	for kindName, kind := range kinds {
		for sourceName, source := range sources {
			for _, refuses := range []bool{false, true} {
				if testing.Short() && !refuses {
					continue // as in someOf
				}
				tc := scenario{length: 3 * m, rate: 10, maxAge: spoolAge, traffic: source(kind)}
				tc.bound = bound{max: 10 * s, requests: 2, warnings: 3, replaced: .2}
				switch kind {
				case breaksOff:
					tc.bound.requests = 3
				case madeUp:
					tc.bound.errors = 1 // when nobody comes any more, and some are still benched
				}
				if name := fmt.Sprint(kindName, ", ", sourceName); refuses {
					tc.name = name + ", while this sender is refused"
					tc.faults = []fault{{22 * s, 24 * s, always(cdpRefuses)}}
					tc.bound.max, tc.bound.requests, tc.bound.errors = 2*m, 4, 2
				} else {
					tc.name = name
				}
				bubble.Run(t, tc.name, func(t *testing.T) {
					for _, fault := range playScenario(t, tc, 0).faultsFound() {
						t.Error(fault)
					}
				})
			}
		}
	}
}

// TestHoldRuleNumbers halves and doubles each number of the rule: if no scenario
// notices, the number does not matter and is to go. It takes minutes.
func TestHoldRuleNumbers(t *testing.T) {
	if !*holdNumbers {
		t.Skip("-holdnumbers was not given")
	}
	var p pacing
	for _, name := range slices.Sorted(maps.Keys(p.numbers())) {
		for _, how := range []string{"halved", "doubled"} {
			t.Run(name+" "+how, func(t *testing.T) {
				adjust := func(p *pacing) { p.change(name, how) }
				for _, tc := range holdScenarios() {
					noticed := false
					synctest.Test(t, func(t *testing.T) { noticed = len(playScenario(t, tc, 0, adjust).faultsFound()) > 0 })
					if noticed {
						t.Logf("noticed by %s", tc.name)
						return
					}
				}
				t.Error("no scenario notices")
			})
		}
	}
}

// numbers returns pointers to the numbers of the rule.
func (p *pacing) numbers() map[string]any {
	return map[string]any{
		"slowRun": &p.slowRun, "slowAfter": &p.slowAfter, "slowShare": &p.slowShare, "slowMost": &p.slowMost, "heldVisitors": &p.heldVisitors,
		"strikes": &p.strikes, "sureStrikes": &p.sureStrikes, "sureAfter": &p.sureAfter, "longest": &p.longest,
	}
}

func (p *pacing) change(name, how string) {
	switch at := p.numbers()[name].(type) {
	case *int:
		if *at *= 2; how == "halved" {
			*at /= 4
		}
	case *time.Duration:
		if *at *= 2; how == "halved" {
			*at /= 4
		}
	}
}
