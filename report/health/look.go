package health

import (
	"context"
	"maps"
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

// State is how a goal is doing on a site, if something is expected of it.
type State struct {
	Goal fact.Goal
	// Site is where. It is "" for a goal that never counted on any of several sites.
	Site string
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
// report: each goal on each site. The sites are those in force; nil are all of the report. A
// goal need not be one of each site: on one of several it has to have counted before. If it
// did on none of them, something is expected of all together.
func Look(ctx context.Context, store report.Store, sites []string, now time.Time) ([]State, error) {
	info, err := store.Info(ctx)
	if err != nil || info.Rules == nil || !slices.ContainsFunc(info.Rules.Goals, func(g fact.Goal) bool { return g.Expect > 0 }) {
		return nil, err
	}
	l := looks{store: report.Joined(store, info), info: &info, now: now, start: now.Truncate(time.Hour).Add(-Hours * time.Hour), all: newLooked("")}
	if err := l.read(ctx, sites); err != nil {
		return nil, err
	}
	var states []State
	for i := range info.Rules.Goals {
		g := &info.Rules.Goals[i]
		if !l.expects(g) {
			continue
		}
		for _, where := range l.of(g.Name) {
			s := State{Goal: *g, Site: where.site, Unknown: !l.knows(where, g)}
			if !s.Unknown {
				l.judge(where, &s)
			}
			if s.Refused > 0 && s.Unwell() {
				if s.NearMiss, err = l.nearMiss(ctx, &s); err != nil {
					return nil, err
				}
			}
			states = append(states, s)
		}
	}
	return states, nil
}

// looks are the numbers of all sites.
type looks struct {
	store report.Store
	info  *report.Info
	now   time.Time
	start time.Time // of the hours that are looked at
	sites []*looked
	all   *looked // of all sites together
}

// looked are the numbers of a site.
type looked struct {
	site     string
	earliest int64 // the hour of which there are numbers first, as Unix time; 0: none
	goals    map[string]*numbers
}

func newLooked(site string) *looked { return &looked{site: site, goals: map[string]*numbers{}} }

// numbers are those of a goal, in the hours that are looked at and in the week before, and
// whether it counted before that.
type numbers struct {
	now, before counts
	older       bool
}

type counts struct{ fired, refused uint64 }

func (l *looked) of(goal string) *numbers {
	n := l.goals[goal]
	if n == nil {
		n = new(numbers)
		l.goals[goal] = n
	}
	return n
}

// read reads the numbers of the sites, in the order of their names.
func (l *looks) read(ctx context.Context, sites []string) error {
	for _, site := range slices.Sorted(maps.Keys(l.info.Zones)) {
		if sites != nil && !slices.Contains(sites, site) {
			continue
		}
		one := newLooked(site)
		if err := l.add(ctx, one); err != nil {
			return err
		}
		l.sites = append(l.sites, one)
	}
	if len(l.sites) < 2 {
		if l.info.First != 0 && l.info.First.Begin(time.UTC).Before(l.start.Add(-2*Hours*time.Hour)) {
			for _, one := range l.sites {
				one.see(l.start.Unix()) // wherever the days begin
			}
		}
		return nil
	}
	for _, one := range l.sites {
		if err := l.addOlder(ctx, one); err != nil {
			return err
		}
		l.all.see(one.earliest)
	}
	return nil
}

// of are the sites that a goal is one of, or all together.
func (l *looks) of(goal string) (list []*looked) {
	if len(l.sites) < 2 {
		return l.sites
	}
	for _, one := range l.sites {
		if n := one.goals[goal]; n != nil && (n.older || n.now.fired+n.before.fired > 0) {
			list = append(list, one)
		}
	}
	if list == nil {
		list = append(list, l.all)
	}
	return list
}

// add adds the numbers of a site.
func (l *looks) add(ctx context.Context, one *looked) error {
	week := l.start.Add(-weekBefore * time.Hour)
	zone := l.zone(one.site)
	q := report.Question{
		Table: report.Totals, Site: one.site, From: report.DayOf(week, zone), To: report.DayOf(l.now, zone),
		AllGoals: true, Hours: true, ByGoal: true, ByReason: true,
	}
	rows, err := l.store.Sum(ctx, q)
	if err != nil {
		return err
	}
	for i := range rows {
		one.see(rows[i].Hour)
		if rows[i].Hour >= week.Unix() {
			one.of(rows[i].Goal).add(&rows[i], l.start)
			l.all.of(rows[i].Goal).add(&rows[i], l.start)
		}
	}
	q.AllGoals, q.Of, q.ByGoal, q.ByReason = false, report.Visits, false, false
	rows, err = l.store.Sum(ctx, q)
	for i := range rows {
		one.see(rows[i].Hour)
	}
	return err
}

func (n *numbers) add(r *report.Count, start time.Time) {
	c := &n.now
	if r.Hour < start.Unix() {
		c = &n.before
	}
	switch {
	case r.Reason == fact.Fired:
		c.fired += r.N
	case slices.Contains(refusals, r.Reason):
		c.refused += r.N
	}
}

// addOlder notes which goals counted on a site before the week.
func (l *looks) addOlder(ctx context.Context, one *looked) error {
	until := report.DayOf(l.start, l.zone(one.site)) - 2
	if l.info.First == 0 || l.info.First > until {
		return nil
	}
	rows, err := l.store.Sum(ctx, report.Question{
		Table: report.Totals, Site: one.site, From: l.info.First, To: until, AllGoals: true, Reason: fact.Fired, ByGoal: true,
	})
	for i := range rows {
		one.of(rows[i].Goal).older = true
		one.see(l.start.Unix())
	}
	return err
}

func (l *looks) zone(site string) *time.Location {
	zone, err := time.LoadLocation(l.info.Zones[site])
	if err != nil {
		return time.UTC
	}
	return zone
}

// see notes that there are numbers of an hour.
func (l *looked) see(hour int64) {
	if hour != 0 && (l.earliest == 0 || hour < l.earliest) {
		l.earliest = hour
	}
}

// expects reports whether something was expected of a goal in all of the hours.
func (l *looks) expects(g *fact.Goal) bool {
	return g.Expect > 0 && !g.From.After(l.start) && (g.Until.IsZero() || l.now.Before(g.Until))
}

// knows reports whether there are numbers of all of the hours, and the goal was in the
// rules all the time.
func (l *looks) knows(where *looked, g *fact.Goal) bool {
	begins := l.info.RulesSince
	if n := where.goals[g.Name]; n != nil && (n.older || n.before.fired+n.before.refused > 0) {
		begins = time.Time{} // it is older than the last change of the rules
	}
	return where.earliest != 0 && where.earliest <= l.start.Unix() && !begins.After(l.start)
}

// judge says how a goal is doing.
func (l *looks) judge(where *looked, s *State) {
	n := where.of(s.Goal.Name)
	s.Counted, s.Refused = n.now.fired, n.now.refused
	hours := min(weekBefore, float64(l.start.Unix()-where.earliest)/3600)
	if hours >= Hours {
		s.UsuallyRefused = float64(n.before.refused) * Hours / hours
	}
	if s.Counted < uint64(s.Goal.Expect) { //nolint:gosec // Never negative.
		s.Causes = append(s.Causes, TooFew)
	}
	if hours >= Hours && n.surges(s.UsuallyRefused) {
		s.Causes = append(s.Causes, Refused)
	}
	if s.Unwell() && l.info.RulesSince.After(l.start.Add(-Hours*time.Hour)) {
		s.Changed = l.info.RulesSince
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
func (l *looks) nearMiss(ctx context.Context, s *State) (string, error) {
	var most report.Tally
	for _, one := range l.sites {
		if s.Site != "" && s.Site != one.site {
			continue
		}
		today := report.DayOf(l.now, l.zone(one.site))
		list, err := report.NearMisses(ctx, l.store, report.Query{Site: one.site, From: today - 1, To: today, Goal: s.Goal.Name})
		if err != nil {
			return "", err
		}
		if len(list) > 0 && list[0].N > most.N {
			most = list[0]
		}
	}
	return most.Key, nil
}
