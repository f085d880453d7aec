package deliver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/internal/bubble"
	"github.com/goaltrack/goaltrack/queue"
)

// each is another visitor for each event.
func each(i int) int { return strangers + i }

// burstIn is a burst of one goal, of as many visitors.
func burstIn(goal string, at time.Duration, n int, kind eventKind, over time.Duration) func(*play) {
	return volley{at, n, kind, over, each, true, goal}.offer
}

// burstsIn is a burst of many goals that nobody else uses.
func burstsIn(goals, n int, kind eventKind, at, over time.Duration) func(*play) {
	return func(p *play) {
		for i := range goals * n {
			p.offer(at+over*time.Duration(i)/time.Duration(goals*n), each(i), kind, true, fmt.Sprint("POISONED_", i%goals))
		}
	}
}

// alternating is a burst of which every other event is accepted.
func alternating(at time.Duration, n int, over time.Duration, who func(int) int) func(*play) {
	return func(p *play) {
		for i := range n {
			kind := refusedAlways
			if i%2 == 1 {
				kind = takenAlways
			}
			p.offer(at+over*time.Duration(i)/time.Duration(n), who(i), kind, true, "SENT")
		}
	}
}

// onceAt gives one answer at a time, and then none of its own.
func onceAt(at time.Duration, answer string) func(*play, *playEvent) string {
	var given *play
	return func(p *play, _ *playEvent) string {
		if given == p || p.now() < at {
			return ""
		}
		given = p
		return answer
	}
}

// attacks are what somebody may try who has read the rule. What is poisoned in
// goals that nobody else uses is held for as long as events are kept, so it may be
// left.
func attacks() []scenario {
	return []scenario{
		{name: "every other event of one visitor is accepted", bound: bound{max: s, requests: 2, warnings: 1}, length: 5 * m, rate: 10, traffic: alternating(20*s, 2000, 10*s, one)},
		{name: "every other event of many is accepted", bound: bound{max: s, requests: 2, warnings: 1}, length: 5 * m, rate: 10, traffic: alternating(20*s, 2000, 10*s, each)},
		{name: "every other event is accepted, at once", bound: bound{max: 10 * s, requests: 2, warnings: 1}, length: 5 * m, rate: 10, traffic: alternating(20*s, 2000, s/2, each)},
		{name: "two goals at once", bound: bound{max: 5 * s, requests: 2, warnings: 1, poison: "blocked"}, length: 5 * m, rate: 10, goals: 2, traffic: both(burstIn("GOAL_0", 20*s, 500, refusedAlways, s/2), burstIn("GOAL_1", 20*s, 500, refusedAlways, s/2))},
		{name: "two goals, in two ways", bound: bound{max: 5 * s, requests: 2, warnings: 1}, length: 5 * m, rate: 10, goals: 2, traffic: both(burstIn("GOAL_0", 20*s, 500, badContents, s/2), burstIn("GOAL_1", 20*s, 500, refusedAlways, s/2))},
		{name: "ten goals that nobody else uses", bound: bound{max: 5 * s, requests: 2, errors: 11}, length: 5 * m, rate: 10, traffic: burstsIn(10, 400, refusedAlways, 20*s, s/2)},
		{name: "fifty goals", bound: bound{max: 5 * s, requests: 2, errors: 51}, length: 5 * m, rate: 10, traffic: burstsIn(50, 100, refusedAlways, 20*s, s/2)},
		{name: "fifty goals, 100 a second", bound: bound{max: 5 * s, requests: 2, errors: 51}, length: 5 * m, rate: 10, traffic: burstsIn(50, 100, refusedAlways, 20*s, 50*s)},
		{name: "fifty goals, and IDs made up", bound: bound{max: 15 * s, requests: 2, errors: 52, warnings: 1, replaced: .2}, length: 5 * m, rate: 10, traffic: both(burstsIn(50, 100, refusedAlways, 20*s, 50*s), volley{20 * s, 1000, madeUp, s / 2, func(i int) int { return strangers + 1<<20 + i }, true, "SENT"}.offer)},
		{name: "answers take 2 s", bound: bound{max: 20 * s, requests: 2, errors: 1, warnings: 1}, length: 10 * m, rate: 2, slow: 2 * s, traffic: burst(20*s, 1000, refusedAlways, s/2)},
		{name: "answers take 2 s, at the head", bound: bound{max: 30 * s, requests: 2, errors: 1, warnings: 2}, length: 10 * m, rate: 2, slow: 2 * s, traffic: burst(0, 1000, refusedAlways, 0)},
		{name: "a Retry-After in a burst", bound: bound{max: playPause + 5*s, requests: 2, warnings: 1, poison: "blocked"}, length: 5 * m, rate: 10, traffic: burst(20*s, 1000, refusedAlways, s/2), faults: []fault{{0, m, onceAt(21*s, cdpPauses)}}},
		{name: "a Retry-After in a hold", bound: bound{hold: true, resumed: m, requests: 1.05}, length: 15 * m, rate: 10, faults: []fault{{2 * m, 12 * m, onceAfter(5*m, cdpPauses, cdpRefuses)}}},
		{name: "events of 20 kB", bound: bound{max: 5 * s, requests: 4, warnings: 1, poison: "blocked"}, length: 5 * m, rate: 10, bytes: 20_000, traffic: burst(20*s, 1000, refusedAlways, s/2)},
		{name: "a goal that is never accepted again, for hours", bound: bound{max: 5 * s, errors: 2, warnings: 1}, length: 3 * h, rate: .1, traffic: func(p *play) {
			for at := time.Duration(0); at < 3*h; at += 20 * m {
				burstIn("OTHER", at, 100, refusedAlways, s/2)(p)
			}
		}},
	}
}

// onceAfter gives one answer at a time, and another before and after.
func onceAfter(at time.Duration, answer, otherwise string) func(*play, *playEvent) string {
	once := onceAt(at, answer)
	return func(p *play, e *playEvent) string {
		if a := once(p, e); a != "" {
			return a
		}
		return otherwise
	}
}

// TestAttacks plays what the rule was not made for: it costs the others no more.
func TestAttacks(t *testing.T) {
	for _, tc := range someOf(attacks()) {
		bubble.Run(t, tc.name, func(t *testing.T) {
			p := playScenario(t, tc, 0)
			for _, fault := range p.faultsFound() {
				t.Error(fault)
			}
			for _, at := range p.pauses {
				if n := p.requestsIn(at+1, at+playPause); n > 0 {
					t.Errorf("%d requests while the CDP asked to wait", n)
				}
			}
			if *holdFigures {
				t.Logf("%s; replaced %d; most benched %d with %d bytes, most gates %d", p.outcome(), p.replaced, p.benched, p.benchBytes, p.gates)
			}
		})
	}
}

// A pause that the CDP asks for is no silence, neither in a hold nor else.
func TestAPauseIsNoSilence(t *testing.T) {
	bubble.Run(t, "in a hold", func(t *testing.T) {
		var before, after time.Duration
		tc := scenario{length: 6 * m, rate: 10, faults: []fault{{m, 6 * m, onceAfter(3*m, cdpPauses, cdpRefuses)}}}
		tc.traffic = func(p *play) {
			silence := func() time.Duration { return p.line.health.gate.silence(time.Now()) }
			p.at(3*m, func() { before = silence() })
			p.at(4*m, func() { after = silence() })
		}
		p := playScenario(t, tc, 0)
		if len(p.pauses) != 1 || after-before != m-playPause {
			t.Errorf("paused at %v: the silence was %v, and a minute later %v", p.pauses, before, after)
		}
	})
	bubble.Run(t, "when all is well", func(t *testing.T) {
		var slow bool
		tc := scenario{length: 3 * m, rate: 10, faults: []fault{{m, 2 * m, onceAt(m, cdpPauses)}}}
		tc.traffic = func(p *play) {
			p.at(m+playPause, func() { slow = p.line.health.gate.silence(time.Now()) > s })
		}
		if p := playScenario(t, tc, 0); len(p.pauses) != 1 || slow || p.logs.Count("ERROR")+p.logs.Count("WARN") > 0 {
			t.Errorf("paused at %v: silent %v, %q", p.pauses, slow, p.logs.Lines())
		}
	})
}

// What is poisoned of one of several sites hides its other events no more than if it
// were alone, whatever the other sites do.
func TestPoisonOfOneOfManySites(t *testing.T) {
	kinds := map[string]poisonKind{
		"refused":            {answer: status(403), events: 1200},
		"rejected":           {answer: status(422), events: 1200},
		"IDs made up":        {answer: errNoID, events: 1200},
		"resets":             {answer: errReset, events: 1200},
		"answered 503":       {answer: status(503), events: 1200},
		"anonymous":          {anonymous: true, events: 5000, last: 20 * time.Second}, // accepted, as soon as there are IDs for them
		"anonymous, resets":  {anonymous: true, answer: errReset, events: 2000},
		"anonymous, refused": {anonymous: true, answer: status(403), events: 2000},
	}
	for _, tc := range []struct {
		name   string
		others int
		held   bool // the others are
	}{
		{"alone", 0, false},
		{"beside one that is idle", 1, false},
		{"beside nine that are held", 9, true},
	} {
		if testing.Short() && !tc.held {
			continue
		}
		for name, kind := range kinds {
			bubble.Run(t, name+", "+tc.name, func(t *testing.T) {
				delays := poisonOneSite(t, kind, tc.others, tc.held)
				if last := delays[len(delays)-1]; last > cmp.Or(kind.last, 10*time.Second) || delays[len(delays)*99/100] > 5*time.Second {
					t.Errorf("the last was %v late, and one in a hundred %v", last, delays[len(delays)*99/100])
				}
			})
		}
	}
}

// poisonKind is a burst for one of several sites.
type poisonKind struct {
	answer    error // nil: it is accepted
	events    int
	anonymous bool          // each needs a browser ID
	last      time.Duration // how late the others may come, if later than 10 s
}

// poisonOneSite offers ten events a second for a site, and a burst, and returns how
// late the others came, sorted.
func poisonOneSite(t *testing.T, kind poisonKind, others int, held bool) (delays []time.Duration) {
	t.Helper()
	const poison, good, genuine = 100_000, 200_000, 300
	sites := []string{"shop"}
	for i := range others {
		sites = append(sites, fmt.Sprint("other", i))
	}
	r := newRig(t, Options{}, nil, sites...)
	r.cdps["shop"].answer = func(c *call) error {
		if visitorID(good) <= c.id && c.id < visitorID(good+genuine) {
			return nil
		}
		return kind.answer
	}
	r.cdps["shop"].shown = func(string) error { return errNoID }
	for _, name := range sites[1:] {
		if held {
			r.cdps[name].answer = script(status(401))
			for v := range 1500 / others {
				r.offerTo(name, v, "SENT", queue.Normal)
			}
		}
	}
	offered := map[string]time.Time{}
	for v := range genuine {
		if v == 30 {
			for i := range kind.events {
				if kind.anonymous {
					r.offerAnonymous(fmt.Sprint("request-", i), "SENT")
					continue
				}
				r.offerTo("shop", poison+i, "SENT", queue.Normal)
			}
		}
		offered[visitorID(good+v)] = time.Now()
		r.offerTo("shop", good+v, "SENT", queue.Normal)
		bubble.Pass(100 * time.Millisecond)
	}
	bubble.Pass(cmp.Or(kind.last, 10*time.Second))
	for _, c := range r.cdps["shop"].all() {
		if at, ok := offered[c.id]; ok {
			delays = append(delays, c.end.Sub(at))
		}
	}
	if len(delays) != genuine {
		t.Errorf("%d of %d genuine events came", len(delays), genuine)
	}
	for _, s := range r.States() {
		if s.Site != "shop" && held != (s.State == "held") {
			t.Errorf("%s is %q", s.Site, s.State)
		}
	}
	r.balanced()
	slices.Sort(delays)
	return delays
}

// Close in the midst of poison loses track of nothing: what is benched is tried once
// more and then left to the spool, or dropped by name.
func TestCloseInTheMidstOfPoison(t *testing.T) {
	seeds := uint64(12)
	if testing.Short() {
		seeds = 4
	}
	for seed := range seeds {
		bubble.Run(t, fmt.Sprint("seed ", seed), func(t *testing.T) {
			dice := rand.New(rand.NewPCG(seed, 1))
			dir, durable := t.TempDir(), seed%2 == 0
			var q queue.Queue = queue.NewMemory(10_000, 16<<20)
			if durable {
				q = openSpool(t, dir)
			}
			answers := []error{status(403), status(401), status(422), status(503), errReset, errNoID}
			r := newRigOn(t, q, Options{}, func(c *call) error {
				if c.goal == "BAD" {
					return answers[c.id[7]%byte(len(answers))]
				}
				return nil
			})
			r.cdp().shown = func(string) error { return errNoID }
			for i := range 600 {
				if r.offer(i, "BAD"); i%7 == 0 {
					r.offer(10_000+i, []string{"BAD", "GOOD"}[dice.IntN(2)])
				}
				if dice.IntN(20) == 0 {
					bubble.Pass(time.Duration(dice.IntN(1000)) * time.Millisecond)
				}
			}
			bubble.Pass(time.Duration(dice.IntN(30)) * time.Second)
			tries := len(r.cdp().all())
			benched := r.States()[0].Benched
			begin := time.Now()
			if err := r.close(5 * time.Second); err != nil && !undelivered(err) {
				t.Error(err)
			}
			if took := time.Since(begin); took > 7*time.Second {
				t.Errorf("Close took %v", took)
			}
			if n := len(r.cdp().all()) - tries; n > 5*16*20 {
				t.Errorf("%d sends while it closed, with %d benched", n, benched)
			}
			a := r.balanced()
			if durable != (a.Waiting > 0) || durable == (a.Dropped["shutdown"] > 0) {
				t.Errorf("with a spool: %v\n%s", durable, a)
			}
			if !durable {
				return
			}
			next := newRigOn(t, openSpool(t, dir), Options{}, nil)
			next.settle()
			if b := next.account(); b.Recovered != a.Waiting || b.Delivered != a.Waiting {
				t.Errorf("%d were left, then\n%s", a.Waiting, b)
			}
		})
	}
}

func openSpool(t *testing.T, dir string) *queue.Spool {
	t.Helper()
	spool, err := queue.OpenSpool(dir, queue.SpoolOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return spool
}

// Flush waits for what is benched, as for all that wait: until others are accepted
// and it is given up, or until its context ends.
func TestFlushWaitsForTheBench(t *testing.T) {
	bubble.Run(t, "a lone one", func(t *testing.T) {
		r := newRig(t, Options{}, refuses("BAD", 403))
		r.offer(1, "BAD")
		bubble.Pass(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		if err := r.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) || r.States()[0].Benched != 1 {
			t.Errorf("%v", err)
		}
	})
	bubble.Run(t, "among others", func(t *testing.T) {
		r := newRig(t, Options{}, func(c *call) error {
			if c.id == visitorID(1) {
				return status(403)
			}
			return nil
		})
		r.offer(1, "SENT")
		flushed := make(chan error, 1)
		go func() { flushed <- r.Flush(t.Context()) }()
		for v := range 600 {
			r.offer(100+v, "SENT")
			bubble.Pass(time.Second)
			if len(flushed) > 0 {
				break
			}
		}
		if err := <-flushed; err != nil || r.account().Dead["blocked"] != 1 {
			t.Errorf("%v; %s", err, r.account())
		}
	})
}
