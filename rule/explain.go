package rule

import (
	"cmp"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/ext"
	"github.com/goaltrack/goaltrack/internal/visit"
)

// Verdict is what one goal makes of an example.
type Verdict struct {
	// Goal is the goal's name.
	Goal string `json:"goal"`
	// Fired says that the goal counted.
	Fired bool `json:"fired"`
	// Reason says in words what kept the goal from counting: the first thing that
	// did not hold. It is "" if the goal fired.
	Reason string `json:"reason"`
	// Value and Data are what the CDP would receive, nil if the goal did not
	// fire. Value is a float64, or nil if the goal has none.
	Value any            `json:"value"`
	Data  map[string]any `json:"data"`

	// Note says what else decides whether a goal that fired is sent: it is a
	// draft, only for some environments, or counts once or after others. An
	// example has no history, so such a goal is taken to count. It also says what
	// its event lacks, since that could not be read. "" is nothing.
	Note string `json:"-"`

	// Code is the reason by its name in snapshots and logs, [Fires] if the goal
	// fired.
	Code Reason `json:"-"`

	cause *Cause
	x     *Exchange
	lacks []string // of its event
}

// Counted is what made the goal count, and in which exchange, for those who show its
// events. Both are nil if the goal did not fire.
func (v *Verdict) Counted() (*Cause, *Exchange) { return v.cause, v.x }

// Explain judges an example by every goal, once each, in the order of the rules, by the
// same code that decides on a live site. The visitor is taken to be a person who may be
// counted, and the time to be now if the example says no other. A goal that is paused does
// not count.
func (s *Set) Explain(e Example) []Verdict {
	verdicts := s.explainAll(e, nil)
	for i := range verdicts {
		if v := &verdicts[i]; v.Fired {
			v.Note = s.goals[i].note(v.lacks, true)
		}
	}
	return verdicts
}

// explainAll judges an example by every goal. of is the visit, nil if the example begins it.
func (s *Set) explainAll(e Example, of *visit.Visit) []Verdict {
	verdicts := make([]Verdict, 0, len(s.goals))
	described := s.described(e)
	for _, g := range s.goals {
		if g.Status == statusPaused {
			verdicts = append(verdicts, Verdict{Goal: g.Name, Reason: "the goal is paused", Code: ReasonNotNow})
			continue
		}
		x := e.exchange()
		x.wants.described = described
		if of == nil {
			x.first = x.firstIn(&s.past)
		} else {
			x.CameFrom(&g.causes[0], func() *visit.Visit { return of })
		}
		v := s.explain(g, &x, e.At)
		if v.Fired {
			v.x = &x
		}
		verdicts = append(verdicts, v)
	}
	return verdicts
}

// described is the page that some rule about it describes, as [Exchange.Consider] finds
// it. A goal with a path such as /** takes its page from another that may count there.
func (s *Set) described(e Example) string {
	x := e.exchange()
	found := s.index.Find(x.method, x.path, nil)
	if pages := x.pages(); pages != nil {
		found = s.index.Find(x.method, pages[1], found)
	}
	for _, c := range found {
		if !c.IsPage() || c.path.Last == "" {
			continue
		}
		x.host = cmp.Or(e.Host, c.goal.someHost())
		x.at(c)
		values, _ := c.path.Capture(x.path, nil)
		if x.vars = (variables{&c.path, values}); c.goal.judgeAt(&x, e.At) == Fires {
			return c.path.Last
		}
	}
	return ""
}

// explain judges an example by a goal as if it were not paused, at a time; zero means now.
func (s *Set) explain(g *goal, x *Exchange, now time.Time) Verdict {
	v := Verdict{Goal: g.Name}
	if x.host == "" {
		x.host, x.noHost = g.someHost(), true
	}
	// The reason given is that of the cause that came closest.
	closest := -1
	for i := range g.causes {
		c := &g.causes[i]
		r, step, why := s.judgeBySteps(c, x, now)
		if r == Fires {
			var value any
			var data map[string]any
			var lacks []string
			if value, data, lacks, r = c.sends(x); r == Fires {
				v.Fired, v.Reason, v.Code, v.lacks = true, "", Fires, lacks
				v.Value, v.Data, v.cause = value, data, c
				return v
			}
			step, why = step+1, c.why(r, x)
		}
		if step > closest {
			closest, v.Reason, v.Code = step, why, r
		}
	}
	return v
}

// note says what decides beside the request whether the goal is sent: also what happened
// before it, if that is open.
func (g *goal) note(lacks []string, open bool) string {
	var notes []string
	if g.Status == statusDraft {
		notes = append(notes, "draft, not sent")
	} else if len(g.Env) > 0 {
		notes = append(notes, "only in "+strings.Join(g.Env, ", "))
	}
	if open && g.past.Counts() {
		notes = append(notes, g.inWords())
	}
	if late := g.lateInWords(); late != "" {
		notes = append(notes, late)
	}
	if len(lacks) > 0 {
		notes = append(notes, "without a value that could not be read ("+strings.Join(lacks, ", ")+")")
	}
	return strings.Join(notes, "; ")
}

// someHost is a host on which the goal counts.
func (g *goal) someHost() string {
	if len(g.Hosts) == 0 {
		return "example.com"
	}
	host, anyOf := strings.CutPrefix(g.Hosts[0], "*.")
	if anyOf {
		host = "www." + host
	}
	return host
}

// judgeBySteps judges one cause as a live site does. step tells how far it got.
func (s *Set) judgeBySteps(c *Cause, x *Exchange, now time.Time) (r Reason, step int, why string) {
	if x.told != nil && x.told.act != nil {
		return c.judgeAct(x, now)
	}
	if step, why, ok := c.matches(x); !ok {
		return ReasonCondition, step, why
	}
	if r := c.goal.judgeAt(x, now); r != Fires {
		if r == ReasonNotNow {
			return r, 2, c.goal.notNow(now)
		}
		return r, 2, c.why(r, x)
	}
	r = c.judgeLate(x, s.failure)
	return r, 3, c.why(r, x)
}

// sends is the value and the data of a goal whose rule held. A value that cannot
// be sent keeps it from counting after all. Whether the event is whole is not
// judged here, since what the site says in it is not known.
func (c *Cause) sends(x *Exchange) (value any, data map[string]any, lacks []string, r Reason) {
	e, r := c.Event(x, Base{Currency: anyCurrency})
	if r.IsOfValue() {
		return nil, nil, nil, r
	}
	if _, r = c.Counted(x, time.Now(), time.UTC); r != Fires {
		return nil, nil, nil, r
	}
	value, data = valueAndData(e.Ext)
	return value, data, e.Lacks, Fires
}

// anyCurrency is one in place of the site's, which is not known and not told.
const anyCurrency = "EUR"

// valueAndData takes an event's value from among its data.
func valueAndData(attrs cdp.Ext) (value any, data map[string]any) {
	data = make(map[string]any, len(attrs))
	for _, a := range attrs {
		switch a.Name {
		case ext.GoalValue:
			value = a.Value
		case ext.GoalCurrency, ext.GoalFrom:
		default:
			data[a.Name] = a.Value
		}
	}
	return value, data
}
