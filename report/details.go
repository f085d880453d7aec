package report

import (
	"cmp"
	"context"
	"slices"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/internal/sketch"
)

// Tally is a name and how often it was counted: of a reason, a near miss or a page.
type Tally struct {
	Key string `json:"key"`
	N   uint64 `json:"n"`
}

// byMost puts tallies in order, the most frequent first.
func byMost(counts map[string]uint64) []Tally {
	list := make([]Tally, 0, len(counts))
	for key, n := range counts {
		list = append(list, Tally{key, n})
	}
	slices.SortFunc(list, func(a, b Tally) int { return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Key, b.Key)) })
	return list
}

// Reasons says why the goal of a query did not count, or all goals if it names none, by
// the names of reasons. Those who may not be counted are among them.
func Reasons(ctx context.Context, s Store, q Query) ([]Tally, error) {
	v, err := look(ctx, s, q)
	if err != nil {
		return nil, err
	}
	reasons, err := v.reasons(ctx, q.Goal == "", q.Goal)
	delete(reasons, fact.Fired)
	return byMost(reasons), err
}

// reasons are those of decisions or visits, Fired among them.
func (v *view) reasons(ctx context.Context, all bool, of string) (map[string]uint64, error) {
	counts, err := v.store.Sum(ctx, Question{Site: v.Site, From: v.From, To: v.To, Of: of, AllGoals: all, ByReason: true})
	reasons := map[string]uint64{}
	for i := range counts {
		reasons[counts[i].Reason] += counts[i].N
	}
	return reasons, err
}

// NearMisses says in words how the goal of a query nearly counted, or all goals.
func NearMisses(ctx context.Context, s Store, q Query) ([]Tally, error) {
	return texts(ctx, s, q, NearMiss)
}

// Leads says where the accepted forms of the goal of a query led, or those of all goals.
func Leads(ctx context.Context, s Store, q Query) ([]Tally, error) { return texts(ctx, s, q, LedTo) }

func texts(ctx context.Context, s Store, q Query, d Dimension) ([]Tally, error) {
	v, err := look(ctx, s, q)
	if err != nil {
		return nil, err
	}
	counts, err := v.store.Sum(ctx, Question{
		Table: Parts, Site: v.Site, From: v.From, To: v.To, Of: v.Goal, AllGoals: v.Goal == "", Dimension: d,
	})
	sums := map[string]uint64{}
	for i := range counts {
		sums[counts[i].Text] += counts[i].N
	}
	return byMost(sums), err
}

// Asked says of how many page visits it is known that their visitors agreed.
type Asked struct {
	// Visits are those of people who may be counted.
	Visits uint64 `json:"visits"`
	// Unanswered and Refused are those of people who did not answer yet, or said no, by
	// the site's own question, by a cookie or by the browser.
	Unanswered uint64 `json:"unanswered"`
	Refused    uint64 `json:"refused"`
	// Others are those of machines, editors, health checks and colleagues, by reason.
	Others []Tally `json:"others"`
}

// People is how many page visits were people's.
func (a Asked) People() uint64 { return a.Visits + a.Unanswered + a.Refused }

// Consent says how many of the page visits of a query's days can be counted, which
// belongs beside every rate.
func Consent(ctx context.Context, s Store, q Query) (a Asked, err error) {
	v, err := look(ctx, s, q)
	if err != nil {
		return a, err
	}
	reasons, err := v.reasons(ctx, false, Visits)
	others := map[string]uint64{}
	for reason, n := range reasons {
		switch reason {
		case fact.Fired:
			a.Visits += n
		case "consent_unknown", "consent_expired", "consent_hold_full":
			a.Unanswered += n
		case "consent_refused", "opt_out", "gpc":
			a.Refused += n
		default:
			others[reason] += n
		}
	}
	a.Others = byMost(others)
	return a, err
}

// Browsers estimates how many different browsers each goal counted for, and under Visits
// how many went to a page, by about 2 %. They are never "people". It is an upper bound
// where days of several months are asked for, where several instances share a store, and
// when one was restarted: their browsers cannot be compared. A query for one goal is
// answered for that one alone, which is faster.
func Browsers(ctx context.Context, s Store, q Query) (map[string]uint64, error) {
	v, err := look(ctx, s, q)
	if err != nil {
		return nil, err
	}
	written, err := v.sketches(ctx)
	if err != nil {
		return nil, err
	}
	merged := map[SketchKey]*sketch.Sketch{}
	for i := range written {
		k := written[i].SketchKey
		if v.Goal != "" && k.Goal != v.Goal {
			continue
		}
		k.Day = 0
		if merged[k] == nil {
			merged[k] = new(sketch.Sketch)
		}
		if err := merged[k].Merge(written[i].Data); err != nil {
			return nil, err
		}
	}
	browsers := map[string]uint64{}
	for k, one := range merged {
		browsers[k.Goal] += one.Count()
	}
	return browsers, nil
}

// SketcherOf is a [Store] that finds the sketches of one goal without reading all. A store
// need not be one: it makes the page of a goal faster.
type SketcherOf interface {
	// SketchesOf is Sketches of one goal, or of visits.
	SketchesOf(ctx context.Context, site, goal string, from, to Day) ([]Sketch, error)
}

func (v *view) sketches(ctx context.Context) ([]Sketch, error) {
	if of, ok := v.store.(SketcherOf); ok && v.Goal != "" {
		return of.SketchesOf(ctx, v.Site, v.Goal, v.From, v.To)
	}
	return v.store.Sketches(ctx, v.Site, v.From, v.To)
}

// Step is one step of a funnel.
type Step struct {
	// Goal is the goal of the step, and Label its name for people.
	Goal  string `json:"goal"`
	Label string `json:"label,omitempty"`
	// Conversions is how often it counted on these days, whatever came before.
	Conversions uint64 `json:"conversions"`
	// TooEarly is how often it would have counted, but the steps before it had not
	// happened as they should (the reason not_after).
	TooEarly uint64 `json:"tooEarly"`
	// Asks says how often the step has to have happened, or in which time: "3 times in the
	// same session". Then Conversions cannot be compared with those of the next step. It is
	// "" for a step that has to have happened once in the session.
	Asks string `json:"asks,omitempty"`
}

// Funnel returns the goals of the after: of a goal, and the goal itself as the last step.
// First come those that have to have happened so often, or in such a time, in no order. It
// returns nil for a goal without after:, and for one that the rules in force do not have.
func Funnel(ctx context.Context, s Store, q Query) ([]Step, error) {
	v, err := look(ctx, s, q)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(v.goals(), func(g fact.Goal) bool { return g.Name == q.Goal })
	if at < 0 || len(v.goals()[at].After)+len(v.goals()[at].Asks) == 0 {
		return nil, nil
	}
	asked := slices.Clone(v.goals()[at].Asks)
	for _, name := range append(slices.Clone(v.goals()[at].After), q.Goal) {
		asked = append(asked, fact.Asked{Goal: name})
	}
	var steps []Step
	for _, ask := range asked {
		name := ask.Goal
		reasons, err := v.reasons(ctx, false, name)
		if err != nil {
			return nil, err
		}
		step := Step{Goal: name, Conversions: reasons[fact.Fired], TooEarly: reasons["not_after"], Asks: ask.Says}
		if i := slices.IndexFunc(v.goals(), func(g fact.Goal) bool { return g.Name == name }); i >= 0 {
			step.Label = v.goals()[i].Label
		}
		steps = append(steps, step)
	}
	return steps, nil
}

// MarksOf returns what happened on the days of a query, to its site or to all.
func MarksOf(ctx context.Context, s Store, q Query) ([]Mark, error) {
	v, err := look(ctx, s, q)
	if err != nil {
		return nil, err
	}
	marks, err := s.Marks(ctx, v.From.Begin(v.zone), (v.To + 1).Begin(v.zone))
	return slices.DeleteFunc(marks, func(m Mark) bool { return m.Site != "" && m.Site != v.Site }), err
}
