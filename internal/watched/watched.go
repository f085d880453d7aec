// Package watched collects what becomes of a request whose visitor wants to know that: of
// every goal of the rules, and of what it sends.
package watched

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/internal/events"
	"github.com/goaltrack/goaltrack/internal/web"
	"github.com/goaltrack/goaltrack/rule"
)

// Request is a request that somebody watches. Nearly all are nil, whose methods do nothing.
// It belongs to one goroutine at a time.
type Request struct {
	watcher fact.Watcher
	dry     bool
	goals   map[string]fact.SeenGoal
}

// Of looks whether somebody watches the browser that sent these cookies. A nil Preview is
// none.
func Of(p fact.Preview, sent web.Cookies) *Request {
	if p == nil || len(sent) == 0 {
		return nil
	}
	var w fact.Watcher
	if sent.Value(p.Cookie(), func(v string) bool { w = p.Watch(v); return w != nil }) == "" {
		return nil
	}
	return &Request{watcher: w, dry: w.Dry(), goals: map[string]fact.SeenGoal{}}
}

// Another is for something else that the same browser did: each goroutine needs its own.
func (w *Request) Another() *Request {
	if w == nil {
		return nil
	}
	return &Request{watcher: w.watcher, dry: w.dry, goals: map[string]fact.SeenGoal{}}
}

// Dry reports whether the request may send nothing and change no cookie.
func (w *Request) Dry() bool { return w != nil && w.dry }

// Decided notes what became of a goal, by the name of the reason and, if a rule says it, in
// words. The first word about a goal stays, unless the goal counts after all.
func (w *Request) Decided(g *rule.Cause, reason, why string) {
	if w == nil {
		return
	}
	if had, known := w.goals[g.Name()]; known && had.Why != "" && had.Reason == reason {
		return
	}
	w.goals[g.Name()] = fact.SeenGoal{Name: g.Name(), Label: g.Label(), Reason: reason, Why: why}
}

// Passed notes what became of an event of a type that no goal sends, by a name for all of
// these.
func (w *Request) Passed(name, event, reason string) {
	if w != nil {
		w.goals[name] = fact.SeenGoal{Name: name, Label: strings.Clone(event), Reason: reason}
	}
}

// Sends tells what a goal sends to a site, before it is handed on.
func (w *Request) Sends(g *rule.Cause, browserID string, to cdp.Site, sent ...*cdp.Event) {
	if w != nil {
		w.SendsAs(g.Name(), browserID, to, sent...)
	}
}

// SendsAs is Sends for what is sent under another name than that of a goal.
func (w *Request) SendsAs(name, browserID string, to cdp.Site, sent ...*cdp.Event) {
	if w == nil {
		return
	}
	s := fact.Sent{Goal: name, BrowserID: strings.Clone(browserID)}
	for _, e := range sent {
		if e == nil {
			continue
		}
		shown := *e
		shown.BrowserID = browserID
		events.Mask(&shown)
		s.Events = append(s.Events, string(shown.AppendJSON(nil, to)))
	}
	w.watcher.Sends(s)
}

// Ended tells what became of the request: of the goals that were decided, and why the
// others of the rules have nothing to do with it.
func (w *Request) Ended(rules *rule.Set, x *rule.Exchange, env string, seen fact.Seen) {
	if w == nil {
		return
	}
	for _, v := range rules.Apart(x, env, func(goal string) bool { _, decided := w.goals[goal]; return decided }) {
		w.goals[v.Goal] = fact.SeenGoal{Name: v.Goal, Label: v.Label, Why: v.Why}
	}
	w.Over(rules, seen)
}

// Over is Ended for something that concerns the goals alone that were decided.
func (w *Request) Over(rules *rule.Set, seen fact.Seen) {
	if w == nil {
		return
	}
	seen.Time = time.Now()
	seen.Method, seen.Path, seen.Location = strings.Clone(seen.Method), strings.Clone(seen.Path), strings.Clone(seen.Location)
	for _, g := range rules.Goals() {
		if g, ok := w.goals[g.Name()]; ok {
			seen.Goals = append(seen.Goals, g)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.goals)) {
		if !rules.Has(name) { // a page view, or who the visitor is
			seen.Goals = append(seen.Goals, w.goals[name])
		}
	}
	w.watcher.Saw(seen)
	w.goals = map[string]fact.SeenGoal{}
}
