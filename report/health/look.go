package health

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/report"
)

// The causes that a message names, in the order in which they are named. Their names do
// not change.
const (
	RulesChanged = "rules_changed" // other rules were put in force shortly before
	TooFew       = "too_few"       // the goal counted less than is expected
	Refused      = "refused"       // the site refuses far more than it did
	Delivery     = "delivery"      // events of the goal's site do not reach the CDP
)

// Hours is how many hours back is looked, beside the one that has begun.
const Hours = 24

// The bounds of what is taken for a surge of refusals.
const (
	leastRefused = 10 // in Hours
	surge        = 3  // times as many as a day before
	weekBefore   = 7 * 24
)

// refusals are the reasons of forms that were sent, and that the site did not accept.
var refusals = []string{"not_successful", "doubtful_redirect", "not_confirmed", "rejected_by_handler"}

// State is how a goal is doing of which something is expected.
type State struct {
	Goal fact.Goal
	// Counted and Refused are how often it counted, and how often the site refused a
	// form, in the last [Hours].
	Counted, Refused uint64
	// UsuallyRefused is how often the site refused one in as many hours, in the week
	// before.
	UsuallyRefused float64
	// NearMiss says in words what kept the goal from counting most often.
	NearMiss string
	// Changed is when the rules were put in force, if that may be the cause.
	Changed time.Time
	// Unknown says that there are no numbers of all of the hours yet, or that the goal
	// was not in the rules for all of them.
	Unknown bool
	// Causes are why the goal is unwell, none if it is well.
	Causes []string
}

// Unwell reports whether the goal does not do what is expected.
func (s *State) Unwell() bool { return len(s.Causes) > 0 }

// Look says how the goals are doing of which something is expected, by the numbers of a
// report. A goal counts on all sites together.
func Look(ctx context.Context, store report.Store, now time.Time) ([]State, error) {
	info, err := store.Info(ctx)
	if err != nil || info.Rules == nil || !slices.ContainsFunc(info.Rules.Goals, func(g fact.Goal) bool { return g.Expect > 0 }) {
		return nil, err
	}
	l := looked{start: now.Truncate(time.Hour).Add(-Hours * time.Hour), goals: map[string]*numbers{}}
	for site, name := range info.Zones {
		if err := l.add(ctx, store, site, name, now); err != nil {
			return nil, err
		}
	}
	if info.First != 0 && info.First.Begin(time.UTC).Before(l.start.Add(-2*Hours*time.Hour)) {
		l.see(l.start.Unix()) // wherever the days begin
	}
	var states []State
	for _, g := range info.Rules.Goals {
		if !l.expects(&g, now) {
			continue
		}
		s := State{Goal: g, Unknown: !l.knows(&g, &info)}
		if !s.Unknown {
			l.judge(&s, &info)
		}
		if s.Refused > 0 && s.Unwell() {
			if s.NearMiss, err = nearMiss(ctx, store, &info, g.Name, now); err != nil {
				return nil, err
			}
		}
		states = append(states, s)
	}
	return states, nil
}

// looked are numbers of all sites.
type looked struct {
	start    time.Time // of the hours that are looked at
	earliest int64     // the hour of which there are numbers first, as Unix time; 0: none
	goals    map[string]*numbers
}

// numbers are those of a goal, in the hours that are looked at and in the week before.
type numbers struct{ now, before counts }

type counts struct{ fired, refused uint64 }

// add adds the numbers of a site.
func (l *looked) add(ctx context.Context, store report.Store, site, zoneName string, now time.Time) error {
	zone, err := time.LoadLocation(zoneName)
	if err != nil {
		zone = time.UTC
	}
	week := l.start.Add(-weekBefore * time.Hour)
	q := report.Question{
		Table: report.Totals, Site: site, From: report.DayOf(week, zone), To: report.DayOf(now, zone),
		AllGoals: true, Hours: true, ByGoal: true, ByReason: true,
	}
	rows, err := store.Sum(ctx, q)
	if err != nil {
		return err
	}
	for i := range rows {
		r := &rows[i]
		l.see(r.Hour)
		n := l.goals[r.Goal]
		if n == nil {
			n = new(numbers)
			l.goals[r.Goal] = n
		}
		c := &n.now
		if r.Hour < l.start.Unix() {
			c = &n.before
		}
		switch {
		case r.Hour < week.Unix():
		case r.Reason == fact.Fired:
			c.fired += r.N
		case slices.Contains(refusals, r.Reason):
			c.refused += r.N
		}
	}
	q.AllGoals, q.Of, q.ByGoal, q.ByReason = false, report.Visits, false, false
	rows, err = store.Sum(ctx, q)
	for i := range rows {
		l.see(rows[i].Hour)
	}
	return err
}

func (l *looked) see(hour int64) {
	if l.earliest == 0 || hour < l.earliest {
		l.earliest = hour
	}
}

// expects reports whether something was expected of a goal in all of the hours.
func (l *looked) expects(g *fact.Goal, now time.Time) bool {
	return g.Expect > 0 && !g.From.After(l.start) && (g.Until.IsZero() || now.Before(g.Until))
}

// knows reports whether there are numbers of all of the hours, and the goal was in the
// rules all the time.
func (l *looked) knows(g *fact.Goal, info *report.Info) bool {
	begins := info.RulesSince
	if n := l.goals[g.Name]; n != nil && n.before.fired+n.before.refused > 0 {
		begins = time.Time{} // it is older than the last change of the rules
	}
	return l.earliest != 0 && l.earliest <= l.start.Unix() && !begins.After(l.start)
}

// judge says how a goal is doing.
func (l *looked) judge(s *State, info *report.Info) {
	n := l.goals[s.Goal.Name]
	if n == nil {
		n = new(numbers)
	}
	s.Counted, s.Refused = n.now.fired, n.now.refused
	hours := min(weekBefore, float64(l.start.Unix()-l.earliest)/3600)
	if hours >= Hours {
		s.UsuallyRefused = float64(n.before.refused) * Hours / hours
	}
	if s.Counted < uint64(s.Goal.Expect) { //nolint:gosec // Never negative.
		s.Causes = append(s.Causes, TooFew)
	}
	if hours >= Hours && n.surges(s.UsuallyRefused) {
		s.Causes = append(s.Causes, Refused)
	}
	if s.Unwell() && info.RulesSince.After(l.start.Add(-Hours*time.Hour)) {
		s.Changed = info.RulesSince
		s.Causes = slices.Insert(s.Causes, 0, RulesChanged)
	}
}

// surges reports whether the site refuses far more than it did: in numbers, and of those
// that were sent, since a campaign brings more of both.
func (n *numbers) surges(usually float64) bool {
	sent, sentBefore := n.now.fired+n.now.refused, n.before.fired+n.before.refused
	return n.now.refused >= leastRefused && float64(n.now.refused) >= surge*usually &&
		n.now.refused*sentBefore >= 2*n.before.refused*sent
}

// nearMiss is what kept a goal from counting most often, today and yesterday.
func nearMiss(ctx context.Context, store report.Store, info *report.Info, goal string, now time.Time) (string, error) {
	var most report.Tally
	for site := range info.Zones {
		name, zone, err := report.Zone(ctx, store, site)
		if err != nil {
			return "", err
		}
		today := report.DayOf(now, zone)
		list, err := report.NearMisses(ctx, store, report.Query{Site: name, From: today - 1, To: today, Goal: goal})
		if err != nil {
			return "", err
		}
		if len(list) > 0 && cmp.Compare(list[0].N, most.N) > 0 {
			most = list[0]
		}
	}
	return most.Key, nil
}
