package deliver

import (
	"cmp"
	priority "container/heap"
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/idpool"
	"github.com/goaltrack/goaltrack/internal/logbook"
	"github.com/goaltrack/goaltrack/queue"
)

// play is one run of a scenario. It has the scheduler as it is, with a queue
// and workers that take no goroutine. So hours of traffic are played in a
// second.
type play struct {
	scenario
	t     *testing.T
	dice  *rand.Rand
	sc    *schedule
	line  *Line
	queue *playQueue
	logs  *logbook.Book
	begin time.Time
	steps playSteps
	wake  time.Time

	events     []*playEvent
	requests   []time.Duration // when each began
	replaced   int
	benched    int             // most at once
	benchBytes int64           // most on it
	gates      int             // most gates of goals at once
	pauses     []time.Duration // when an answer asked for a pause
	states     string
	nextID     string // that the CDP makes
	made       int
}

// playEvent is an event of the traffic and what became of it.
type playEvent struct {
	number  int
	visitor int
	goal    string
	kind    eventKind
	brought bool
	at      time.Duration // offered
	done    time.Duration
	fate    string // "", "delivered", "full", or the reason of its dead letter
	tries   int
	ours    bool // its ID was replaced
}

type eventKind uint8

const (
	genuine eventKind = iota
	deleted           // genuine, of a guest who was deleted in the CDP
	refusedAlways
	madeUp // with an ID that somebody made up
	badContents
	failsAlways
	breaksOff   // resets: it is not known what became of it
	takenAlways // from a client whose other events are not
)

func (k eventKind) isGenuine() bool { return k <= deleted }

// scenario is a traffic and a CDP.
type scenario struct {
	name    string
	bound   bound
	length  time.Duration
	rate    float64 // genuine events a second
	from    time.Duration
	waiting int // genuine events that are there at the start
	traffic func(*play)
	faults  []fault
	goals   int // how many the genuine events are of; 0: one
	maxAge  time.Duration
	drain   time.Duration
	slow    time.Duration // how much longer each answer takes
	bytes   int           // how much longer each event is
}

// fault is what the CDP does for a while.
type fault struct {
	from, to time.Duration
	answer   func(p *play, e *playEvent) string // "": as always
}

const (
	cdpTakes     = "accepted"
	cdpRefuses   = "refused"
	cdpKnowsNot  = "unknown"
	cdpRejects   = "bad"
	cdpFails     = "failed"
	cdpBreaksOff = "breaks off"
	cdpHangs     = "hung"
	cdpPauses    = "paused"
)

// playPause is how long the Retry-After of cdpPauses is.
const playPause = 30 * time.Second

func always(answer string) func(*play, *playEvent) string {
	return func(*play, *playEvent) string { return answer }
}

type playStep struct {
	at    time.Duration
	order int
	do    func()
}

type playSteps []playStep

func (s playSteps) Len() int { return len(s) }
func (s playSteps) Less(i, k int) bool {
	return cmp.Or(cmp.Compare(s[i].at, s[k].at), cmp.Compare(s[i].order, s[k].order)) < 0
}
func (s playSteps) Swap(i, k int) { s[i], s[k] = s[k], s[i] }
func (s *playSteps) Push(x any)   { *s = append(*s, x.(playStep)) }
func (s *playSteps) Pop() any {
	last := len(*s) - 1
	x := (*s)[last]
	*s = (*s)[:last]
	return x
}

// playScenario plays a scenario to its end.
func playScenario(t *testing.T, s scenario, seed uint64, adjust ...func(*pacing)) *play {
	t.Helper()
	p := &play{scenario: s, t: t, dice: rand.New(rand.NewPCG(seed, 7)), logs: &logbook.Book{}, begin: time.Now()}
	p.queue = &playQueue{p: p, capacity: 9500}
	if s.maxAge > time.Hour {
		p.queue.capacity = math.MaxInt // a spool
	}
	tally, log := NewTally(func(string, string, string) {}), slog.New(p.logs)
	create := func(context.Context) (cdp.Browser, error) { return cdp.Browser{ID: p.nextID}, nil }
	ids := idpool.New(idpool.Options{Create: create, Budget: idpool.NewBucket(1e9, 1e9), Note: tally.note, Log: log})
	defer ids.Close()
	p.line = &Line{Name: "shop", IDs: ids}
	p.sc = newSchedule(makeSender(p.queue, []*Line{p.line}, Options{MaxAge: s.maxAge}.orDefaults(), tally, log))
	p.sc.random = p.dice.Int64N
	for _, a := range adjust {
		a(&p.sc.pacing)
	}
	p.load()
	end := s.length + cmp.Or(s.drain, 30*time.Minute)
	for len(p.steps) > 0 {
		step := priority.Pop(&p.steps).(playStep)
		if step.at > end {
			break
		}
		time.Sleep(time.Until(p.begin.Add(step.at)))
		step.do()
		p.pump()
	}
	p.check()
	return p
}

func (p *play) now() time.Duration { return time.Since(p.begin) }

func (p *play) at(d time.Duration, do func()) {
	priority.Push(&p.steps, playStep{d, len(p.events) + len(p.requests), do})
}

func (p *play) wakeAt(at time.Time) {
	if now := time.Now(); p.wake.After(now) && !at.Before(p.wake) {
		return
	}
	p.wake = at
	p.at(at.Sub(p.begin), func() {})
}

// pump does what the goroutines of a sender do.
func (p *play) pump() {
	sc, ctx := p.sc, context.Background()
	for {
		moved := false
		if sc.spare() >= sc.share/16 {
			batch, _ := p.queue.Receive(ctx, sc.spare())
			moved = len(batch) > 0
			for _, d := range batch {
				sc.admit(d, false)
			}
		} else if n := sc.wantsNewest(time.Now()); n > 0 {
			batch, _ := p.queue.ReceiveNewest(ctx, n)
			moved = len(batch) > 0
			sc.admitNewest(batch)
		}
		wait := sc.dispatch()
		for len(sc.jobs) > 0 {
			p.send(<-sc.jobs)
			moved = true
		}
		if !moved {
			if wait > 0 {
				p.wakeAt(time.Now().Add(wait))
			}
			return
		}
	}
}

// send is a worker's attempt.
func (p *play) send(j *job) {
	n, _ := strconv.Atoi(j.UserAgent)
	e := p.events[n]
	e.tries++
	j.began, j.took = time.Now(), 30*time.Millisecond+time.Duration(p.dice.Int64N(int64(40*time.Millisecond)))
	j.attempts++
	p.requests = append(p.requests, p.now())
	if j.id == "" {
		p.made++
		j.id, j.madeID = fmt.Sprintf("feed%04x-0000-4000-8000-000000000000", p.made), true
		if j.replaces != "" {
			p.replaced++
		}
	}
	e.ours = strings.HasPrefix(j.id, "feed")
	switch p.answer(e) {
	case cdpTakes:
		j.err = nil
	case cdpRefuses:
		j.err = status(http.StatusForbidden)
	case cdpKnowsNot:
		j.err = errNoID
		j.took *= 2 // Show is asked as well
	case cdpRejects:
		j.err = status(http.StatusBadRequest)
	case cdpBreaksOff:
		j.err, j.took = errReset, 10*time.Millisecond
	case cdpPauses:
		j.err = retryIn(http.StatusTooManyRequests, playPause)
	case cdpHangs:
		j.err, j.took = errRefused, 10*time.Second
	default:
		j.err = status(http.StatusServiceUnavailable)
	}
	j.took += p.slow
	paused := statusOf(j.err) == http.StatusTooManyRequests
	p.at(p.now()+j.took, func() {
		if paused {
			p.pauses = append(p.pauses, p.now())
		}
		p.sc.returned(j)
		h := &p.line.health
		p.benched, p.benchBytes, p.gates = max(p.benched, p.sc.benched), max(p.benchBytes, h.bench.bytes), max(p.gates, len(h.goals))
		if state := p.line.state(&p.sc.pacing, time.Now()); !strings.Contains(p.states, state) {
			p.states = strings.TrimSpace(p.states + " " + state)
		}
	})
}

// answer is what the CDP says.
func (p *play) answer(e *playEvent) string {
	now := p.now()
	for _, f := range p.faults {
		if f.from <= now && now < f.to {
			if a := f.answer(p, e); a != "" {
				return a
			}
		}
	}
	switch {
	case e.ours:
		return cdpTakes
	case e.kind == refusedAlways:
		return cdpRefuses
	case e.kind == madeUp, e.kind == deleted:
		return cdpKnowsNot
	case e.kind == badContents:
		return cdpRejects
	case e.kind == failsAlways:
		return cdpFails
	case e.kind == breaksOff:
		return cdpBreaksOff
	}
	return cdpTakes
}

// offer has an event come at a time.
func (p *play) offer(at time.Duration, visitor int, kind eventKind, brought bool, goal string) {
	e := &playEvent{number: len(p.events), visitor: visitor, goal: goal, kind: kind, brought: brought, at: at}
	p.events = append(p.events, e)
	p.at(at, func() { p.arrive(e) })
}

func (p *play) arrive(e *playEvent) {
	q, id := p.queue, visitorID(e.visitor)
	if !e.brought {
		p.nextID = id
		_, _ = p.line.IDs.Get(p.t.Context(), true)
	}
	e.brought = !p.line.IDs.Made(id)
	kept := p.line.picky.Load() && !p.line.known.Has(id) && q.count >= 9000
	if q.count >= q.capacity || kept && q.capacity < math.MaxInt {
		e.fate = "full"
		return
	}
	q.count++
	event := cdp.Event{BrowserID: id, Type: e.goal, Channel: "WEB", Language: "EN"}
	head := Envelope{Site: "shop", Goal: e.goal, UserAgent: strconv.Itoa(e.number)}
	if p.bytes > 0 {
		event.Ext = cdp.Ext{{Name: "text", Value: strings.Repeat("x", p.bytes)}}
	}
	body := event.AppendJSON(head.AppendHead(nil), cdp.Direct{ClientKey: "k", PointOfSale: "p"})
	q.items = append(q.items, &playItem{Item: queue.Item{Body: body, Key: id, Time: time.Now()}, q: q, e: e})
}

// load plans the traffic.
func (p *play) load() {
	goal := func() string {
		if p.goals < 2 {
			return "SENT"
		}
		return fmt.Sprint("GOAL_", p.dice.IntN(p.goals))
	}
	const stock = 1 << 24
	for i := range p.waiting {
		p.offer(0, stock+i, genuine, true, goal())
	}
	var back []int
	next := 1
	for at := p.from; p.rate > 0; {
		at += time.Duration(p.dice.ExpFloat64() / p.rate * float64(time.Second))
		if at > p.length {
			break
		}
		if len(back) > 0 && p.dice.Float64() < 0.5 {
			recent := back[max(len(back)-200, 0):]
			p.offer(at, recent[p.dice.IntN(len(recent))], genuine, true, goal())
			continue
		}
		next++
		back = append(back, next)
		p.offer(at, next, genuine, p.dice.Float64() < 0.5, goal())
	}
	if p.traffic != nil {
		p.traffic(p)
	}
}

// strangers are the visitors whom no genuine event comes from.
const strangers = 1 << 25

// burst offers n events of a kind, spread over a time.
func burst(at time.Duration, n int, kind eventKind, over time.Duration) func(*play) {
	return volley{at, n, kind, over, func(i int) int { return strangers + i }, true, "SENT"}.offer
}

// volley is n events of a kind, spread over a time.
type volley struct {
	at      time.Duration
	n       int
	kind    eventKind
	over    time.Duration
	who     func(int) int
	brought bool // the visitors bring their IDs
	goal    string
}

// offer offers them.
func (v volley) offer(p *play) {
	for i := range v.n {
		p.offer(v.at+v.over*time.Duration(i)/time.Duration(v.n), v.who(i), v.kind, v.brought, v.goal)
	}
}

// sprinkled offers events of a kind at random, so many a second.
func sprinkled(rate float64, kind eventKind) func(*play) {
	return func(p *play) {
		for at, i := time.Duration(0), 0; ; i++ {
			at += time.Duration(p.dice.ExpFloat64() / rate * float64(time.Second))
			if at > p.length-2*time.Minute {
				return
			}
			p.offer(at, strangers+1<<20+i, kind, true, "SENT")
		}
	}
}

// someOf returns one in five of some scenarios if the race detector asks
// (-short). It makes them take ten times as long, and the same code runs in all
// of them.
func someOf[T any](scenarios []T) (list []T) {
	if !testing.Short() {
		return scenarios
	}
	for i := 4; i < len(scenarios); i += 5 {
		list = append(list, scenarios[i])
	}
	return list
}
