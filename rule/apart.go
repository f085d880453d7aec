package rule

import (
	"strings"
	"time"
)

// Apart is a goal that a request has nothing to do with.
type Apart struct {
	// Goal is its name, and Label its name for people, "" if the rule has none.
	Goal, Label string
	// Why is the first thing that does not fit, in words.
	Why string
}

// Apart says of the goals that were not decided why a request has nothing to do with them,
// in the environment env. It is for people who look at what a live site made of one
// request.
func (s *Set) Apart(x *Exchange, env string, decided func(goal string) bool) []Apart {
	var list []Apart
	for _, g := range s.goals {
		if !decided(g.Name) {
			list = append(list, Apart{g.Name, g.Label, g.apart(x, env)})
		}
	}
	return list
}

func (g *goal) apart(x *Exchange, env string) string {
	switch {
	case g.Status == statusPaused:
		return "the goal is paused"
	case !g.hasEnv(env):
		return "counts only in " + strings.Join(g.Env, ", ")
	}
	closest, why := -1, ""
	for i := range g.causes {
		c := &g.causes[i]
		step, missed, matches := c.matches(x)
		if matches {
			step = 2
			if r := g.judgeAt(x, time.Now()); r != Fires {
				missed = c.why(r, x)
			}
		}
		if step > closest {
			closest, why = step, missed
		}
	}
	return why
}

// matches reports whether a request is one for the cause, by its method and path. step
// tells how far it got, and why what did not fit.
func (c *Cause) matches(x *Exchange) (step int, why string, ok bool) {
	switch {
	case c.kind == causeCode:
		return 0, "raised in code, not by a request", false
	case c.kind == causeEvent:
		return 0, "an event of Sitecore's scripts, not a request", false
	case c.told():
		return 0, "happens in a page, not by a request", false
	case c.method != x.method:
		return 0, "needs " + c.method + ", the request is " + x.method, false
	}
	x.at(c)
	values, ok := c.path.Capture(x.path, nil)
	if !ok {
		return 1, "the path " + x.path + " does not match " + c.path.Text, false
	}
	x.vars = variables{&c.path, values}
	return 2, "", true
}
