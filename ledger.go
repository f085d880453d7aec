package goaltrack

import (
	"cmp"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/goaltrack/goaltrack/internal/deliver"
	"github.com/goaltrack/goaltrack/internal/trouble"
	"github.com/goaltrack/goaltrack/queue"
	"github.com/goaltrack/goaltrack/rule"
)

// ledger counts the fate of every decision, and adds what the events' tally
// says. Nothing that reaches the tracker goes without a fate.
type ledger struct {
	since  time.Time
	events *deliver.Tally

	// goals is copied when it grows, so that the request path reads it
	// without a lock. Its keys are names of goals, so it is as bounded as the
	// rule files loaded.
	goals atomic.Pointer[map[string]*tally]

	forms, holds trouble.Trouble

	answered func(goal, browserID, fate string) // of Config.Preview; nil without one

	mu     sync.Mutex
	notes  map[string]uint64
	recent [recentRecords]storedRecord
	next   int
}

// tally counts the decisions about one goal.
type tally struct {
	counts [decisionFates]atomic.Uint64
	last   atomic.Int64 // Unix nanoseconds when it last fired

	mu     sync.Mutex
	misses map[rule.Miss]NearMiss
	leads  rule.Leads
}

// recentRecords is how many decisions and deliveries a snapshot shows.
const recentRecords = 200

// storedRecord is a record as the ledger keeps it: the text of Browser may be a part of a request's
// header, which would be kept with it.
type storedRecord struct {
	Record
	browser [len("01234567")]byte
	length  int
}

func newLedger() *ledger {
	l := &ledger{since: time.Now(), notes: map[string]uint64{}}
	l.events = deliver.NewTally(l.recordEvent)
	l.goals.Store(&map[string]*tally{})
	return l
}

// add makes tallies for the goals named, keeping those there are.
func (l *ledger) add(names ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := maps.Clone(*l.goals.Load())
	for _, n := range names {
		if all[n] == nil {
			all[n] = new(tally)
		}
	}
	l.goals.Store(&all)
}

// decide counts the fate of one goal in one request.
func (l *ledger) decide(at time.Time, goal string, f fate, browserID, note string) {
	t := (*l.goals.Load())[goal]
	if t == nil {
		l.add(goal)
		t = (*l.goals.Load())[goal]
	}
	t.counts[f].Add(1)
	switch f {
	case fateConsentHoldFull:
		l.holds.Happens()
	case fateOf(rule.ReasonFormOverBudget):
		l.forms.Happens()
	}
	l.recordDecision(t, f, Record{Time: at, Goal: goal, Browser: shortID(browserID), Note: note})
}

// recordDecision keeps what became of a goal.
func (l *ledger) recordDecision(t *tally, f fate, r Record) {
	r.Fate = f.String()
	if f == fired {
		t.last.Store(r.Time.UnixNano())
	}
	l.record(r)
}

// The texts of the log about budgets, which begin and end as package trouble says.
const (
	logForms     = "goaltrack: the memory for forms is used up; goals that read a form do not count"
	logFormsOver = "goaltrack: there has been memory for forms for a minute"
	logHolds     = "goaltrack: too many goals wait for their visitors' consent; more do not count"
	logHoldsOver = "goaltrack: there has been room for goals that wait for consent for a minute"
)

// logTo says which log is told of budgets that refuse.
func (l *ledger) logTo(log *slog.Logger) {
	l.forms.Log, l.forms.Begun, l.forms.Over = log, logForms, logFormsOver
	l.holds.Log, l.holds.Begun, l.holds.Over = log, logHolds, logHoldsOver
}

// settle gives a decision that was held its fate. Both counts change together,
// so that their sum stays.
func (l *ledger) settle(goal string, f fate, browserID, note string) {
	t := (*l.goals.Load())[goal]
	l.mu.Lock()
	t.counts[fateHeld].Add(^uint64(0))
	t.counts[f].Add(1)
	l.mu.Unlock()
	l.recordDecision(t, f, Record{Time: time.Now(), Goal: goal, Browser: shortID(browserID), Note: note})
}

// knows reports whether a goal of that name was ever decided on, or is in the
// rules.
func (l *ledger) knows(goal string) bool { return (*l.goals.Load())[goal] != nil }

// miss counts a way in which a goal nearly counted.
func (l *ledger) miss(goal string, m rule.Miss) {
	t := (*l.goals.Load())[goal]
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.misses == nil {
		t.misses = make(map[rule.Miss]NearMiss)
	}
	n, known := t.misses[m]
	if !known && len(t.misses) == keptMisses {
		t.forgetRarest()
	}
	n.Times, n.Last = n.Times+1, time.Now()
	t.misses[m] = n
}

// lead counts where the answer of a form that was accepted leads.
func (l *ledger) lead(goal string, x *rule.Exchange) {
	if t := (*l.goals.Load())[goal]; t != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.leads.Count(x)
	}
}

// ledTo tells where the accepted forms of a goal led.
func (l *ledger) ledTo(goal string) []Lead {
	t := (*l.goals.Load())[goal]
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.leads.List()
}

// keptMisses bounds the different near misses counted for a goal.
const keptMisses = 16

// forgetRarest makes room for a new near miss, so that what happens often now
// is seen beside what happened once. t.mu is held.
func (t *tally) forgetRarest() {
	var rarest rule.Miss
	least := NearMiss{Times: 1 << 62}
	for m, n := range t.misses {
		if n.Times < least.Times || n.Times == least.Times && n.Last.Before(least.Last) {
			rarest, least = m, n
		}
	}
	delete(t.misses, rarest)
}

// nearMisses tells what kept a goal from counting, the most frequent first.
func (l *ledger) nearMisses(g *rule.Cause) []NearMiss {
	t := (*l.goals.Load())[g.Name()]
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]NearMiss, 0, len(t.misses))
	for m, n := range t.misses {
		n.What, n.Hint = m.Describe(g)
		list = append(list, n)
	}
	slices.SortFunc(list, func(a, b NearMiss) int {
		return cmp.Or(cmp.Compare(b.Times, a.Times), strings.Compare(a.What, b.What))
	})
	return list
}

// recordEvent keeps what became of an event.
func (l *ledger) recordEvent(goal, fate, browserID string) {
	if l.answered != nil {
		l.answered(goal, browserID, fate)
	}
	l.record(Record{Time: time.Now(), Goal: goal, Fate: fate, Browser: shortID(browserID)})
}

func (l *ledger) record(r Record) {
	l.mu.Lock()
	k := &l.recent[l.next%recentRecords]
	k.length = copy(k.browser[:], r.Browser)
	k.Record, k.Browser = r, ""
	l.next++
	l.mu.Unlock()
}

// note counts what is no fate of its own, such as a cookie that could not be
// set.
func (l *ledger) note(what string) {
	l.mu.Lock()
	l.notes[what]++
	l.mu.Unlock()
}

// Account is the sum of what a tracker decided and delivered since it started.
// Two equations hold after Flush and Close, and whenever nothing is under way:
//
//	Decisions = Fired + all of NotFired + Held
//	Accepted + Recovered = Delivered + all of Dead + all of Dropped + Waiting
type Account struct {
	// Decisions counts how often a goal's path and method matched a request, or
	// a goal was raised in code. Fired counts those that counted. NotFired
	// counts the others, by reason.
	Decisions uint64            `json:"decisions"`
	Fired     uint64            `json:"fired"`
	NotFired  map[string]uint64 `json:"notFired"`
	// Held counts decisions that wait for the visitor's consent
	// (ConsentHoldBy). After Close it is 0, and those decisions have the reason
	// consent_unknown.
	Held uint64 `json:"held,omitempty"`

	// Accepted counts events that were taken into the queue. Recovered counts
	// events that came in another way: found in the spool at the start, or
	// resent from the dead letters.
	Accepted  uint64 `json:"accepted"`
	Recovered uint64 `json:"recovered"`
	// Delivered counts events that the CDP answered with success. They need not
	// be visible there: the CDP accepts an event with an unknown point of sale
	// and loses it.
	Delivered uint64 `json:"delivered"`
	// Dead counts events that were given up, by reason. Dropped counts events
	// that were lost with the process, by reason.
	Dead    map[string]uint64 `json:"dead"`
	Dropped map[string]uint64 `json:"dropped"`
	// Waiting is how many events the queue still holds.
	Waiting uint64 `json:"waiting"`

	// PossibleDuplicates counts how often an event may have counted once too
	// often: it was sent again although an earlier attempt may have counted.
	PossibleDuplicates uint64 `json:"possibleDuplicates"`
}

// add adds the decisions that were not to fire to notFired, by reason. It returns how many
// fired, and how many are held.
func (t *tally) add(notFired map[string]uint64) (counted, held uint64) {
	for f := range decisionFates {
		switch n := t.counts[f].Load(); {
		case f == fired:
			counted = n
		case f == fateHeld:
			held = n
		case n > 0:
			notFired[f.String()] += n
		}
	}
	return counted, held
}

// account adds up, with what the queue says.
func (l *ledger) account(q queue.Stats) Account {
	a := Account{NotFired: map[string]uint64{}}
	l.mu.Lock()
	for _, t := range *l.goals.Load() {
		counted, held := t.add(a.NotFired)
		a.Fired, a.Held = a.Fired+counted, a.Held+held
	}
	a.Decisions = a.Fired + sum(a.NotFired) + a.Held
	l.mu.Unlock()
	e := l.events.Account(q)
	a.Accepted, a.Recovered, a.Delivered, a.Waiting = e.Accepted, e.Recovered, e.Delivered, e.Waiting
	a.Dead, a.Dropped, a.PossibleDuplicates = e.Dead, e.Dropped, e.PossibleDuplicates
	return a
}

// Balanced reports whether the two equations hold.
func (a Account) Balanced() bool {
	return a.Decisions == a.Fired+sum(a.NotFired)+a.Held &&
		a.Accepted+a.Recovered == a.Delivered+sum(a.Dead)+sum(a.Dropped)+a.Waiting
}

// String returns the account in two lines.
func (a Account) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "decisions %d = fired %d + not fired %d%s", a.Decisions, a.Fired, sum(a.NotFired), list(a.NotFired))
	if a.Held > 0 {
		fmt.Fprintf(&b, " + held %d", a.Held)
	}
	b.WriteByte('\n')
	fmt.Fprintf(&b, "accepted %d", a.Accepted)
	if a.Recovered > 0 {
		fmt.Fprintf(&b, " + recovered %d", a.Recovered)
	}
	fmt.Fprintf(&b, " = delivered %d + dead %d%s + dropped %d%s + waiting %d",
		a.Delivered, sum(a.Dead), list(a.Dead), sum(a.Dropped), list(a.Dropped), a.Waiting)
	if a.PossibleDuplicates > 0 {
		fmt.Fprintf(&b, "; possible duplicates %d", a.PossibleDuplicates)
	}
	return b.String()
}

func sum(m map[string]uint64) (n uint64) {
	for _, v := range m {
		n += v
	}
	return n
}

// list writes " (bot 3, status 1)", the largest first.
func list(m map[string]uint64) string {
	if len(m) == 0 {
		return ""
	}
	keys := slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		return cmp.Or(cmp.Compare(m[b], m[a]), strings.Compare(a, b))
	})
	for i, k := range keys {
		keys[i] = fmt.Sprintf("%s %d", k, m[k])
	}
	return " (" + strings.Join(keys, ", ") + ")"
}

// goal adds up one goal.
func (l *ledger) goal(name, label string) GoalCount {
	c := GoalCount{Goal: name, Label: label, NotFired: map[string]uint64{}}
	t := (*l.goals.Load())[name]
	if t == nil {
		return c
	}
	l.mu.Lock() // as settle changes two counts together
	c.Fired, c.Held = t.add(c.NotFired)
	l.mu.Unlock()
	if ns := t.last.Load(); ns != 0 {
		c.Last = time.Unix(0, ns)
	}
	return c
}

// history returns the notes and the records, newest first.
func (l *ledger) history() (map[string]uint64, []Record) {
	notes := l.events.Notes()
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(l.next, recentRecords)
	records := make([]Record, 0, n)
	for i := range n {
		k := &l.recent[(l.next-1-i)%recentRecords]
		r := k.Record
		r.Browser = string(k.browser[:k.length])
		records = append(records, r)
	}
	for what, times := range l.notes {
		notes[what] += times
	}
	return notes, records
}

// shortID is a browser ID for a log or a page: enough to look it up, too little
// to follow somebody by.
func shortID(id string) string {
	head, _, _ := strings.Cut(id, "-")
	return head
}
