package deliver

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/queue"
)

// check compares the account with what the queue saw.
func (p *play) check() {
	fates := map[string]uint64{}
	for _, e := range p.events {
		fates[e.fate]++
	}
	a := p.sc.tally.Account(queue.Stats{})
	if a.Delivered != fates["delivered"] {
		p.t.Errorf("the account says %d delivered, the queue %d", a.Delivered, fates["delivered"])
	}
	for reason, n := range a.Dead {
		if fates[reason] != n {
			p.t.Errorf("the account says %d dead as %s, the queue %d", n, reason, fates[reason])
		}
	}
	h := &p.line.health
	undecided := len(h.gate.pending) + len(h.brought.pending)
	for _, g := range h.goals {
		undecided += len(g.pending)
	}
	if most := 2 * (p.benched + 16); undecided > most || p.benchBytes > benchBytes || p.line.known.Len() > knownIDs {
		p.t.Errorf("%d refusals are remembered, of at most %d benched with %d bytes, and %d IDs", undecided, p.benched, p.benchBytes, p.line.known.Len())
	}
	if p.sc.benched != h.bench.events || h.bench.events > benchEvents || p.benched > benchEvents {
		p.t.Errorf("%d benched of %d at most %d", p.sc.benched, h.bench.events, p.benched)
	}
	if p.queue.count == 0 && (p.sc.inWindow != 0 || p.sc.benched != 0 || h.bench.bytes != 0 || p.sc.aside != 0 || h.aside.events != 0 || h.aside.bytes != 0 || len(p.sc.lanes) != 0 || len(h.flying) != 0) {
		p.t.Errorf("at the end %d in the window, %d benched with %d bytes, %d lanes, %d under way", p.sc.inWindow, p.sc.benched, h.bench.bytes, len(p.sc.lanes), len(h.flying))
	}
}

// outcome is a scenario's result in figures.
type outcome struct {
	genuine, delivered, dead, full, left int
	poison, buried, poisonLeft           int
	p50, p95, max                        time.Duration // delays of genuine events
	late5                                int           // delivered later than 5 s
	requests                             float64       // for each event
	errors, warnings, infos              int
	resumed                              time.Duration // after the last fault
	tries                                int           // most of one poisoned event
}

func (p *play) outcome() (o outcome) {
	var delays []time.Duration
	var lastFault time.Duration
	for _, f := range p.faults {
		lastFault = max(lastFault, f.to)
	}
	o.resumed = -1
	for _, e := range p.events {
		if !e.kind.isGenuine() {
			o.poison++
			o.tries = max(o.tries, e.tries)
			switch e.fate {
			case "":
				o.poisonLeft++
			case "delivered", "full":
			default:
				o.buried++
			}
			continue
		}
		o.genuine++
		switch e.fate {
		case "delivered":
			o.delivered++
			delays = append(delays, e.done-e.at)
			if after := e.done - lastFault; after >= 0 && (o.resumed < 0 || after < o.resumed) {
				o.resumed = after
			}
		case "full":
			o.full++
		case "":
			o.left++
		default:
			o.dead++
		}
	}
	slices.Sort(delays)
	if n := len(delays); n > 0 {
		o.p50, o.p95, o.max = delays[n/2], delays[n*95/100], delays[n-1]
		o.late5 = n - len(delays[:sortedUpTo(delays, 5*time.Second)])
	}
	o.requests = float64(len(p.requests)) / float64(max(len(p.events), 1))
	o.errors, o.warnings, o.infos = p.logs.Count("ERROR"), p.logs.Count("WARN"), p.logs.Count("INFO")
	return o
}

func sortedUpTo(delays []time.Duration, most time.Duration) int {
	i, _ := slices.BinarySearch(delays, most+1)
	return i
}

func (o outcome) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "delivered %d of %d, dead %d, full %d, left %d; poison %d, buried %d, left %d, most tries %d; p50 %v p95 %v max %v, later than 5 s %d; %.2f requests an event; ERROR %d WARN %d INFO %d; resumed %v",
		o.delivered, o.genuine, o.dead, o.full, o.left, o.poison, o.buried, o.poisonLeft, o.tries, o.p50.Round(time.Millisecond), o.p95.Round(time.Millisecond), o.max.Round(time.Millisecond), o.late5, o.requests, o.errors, o.warnings, o.infos, o.resumed)
	return b.String()
}

// requestsIn counts the requests of a time.
func (p *play) requestsIn(from, to time.Duration) (n int) {
	for _, at := range p.requests {
		if from <= at && at < to {
			n++
		}
	}
	return n
}
