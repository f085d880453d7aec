package script

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/goaltrack/goaltrack/rule"
)

// Goals are what can happen in pages by the rules in force. It is safe for concurrent use.
// The zero value is ready.
type Goals struct{ made atomic.Pointer[goals] }

type goals struct {
	rules *rule.Set
	list  []rule.PageGoal
	visit bool // a goal counts visits
}

// of are the goals of rules.
func (g *Goals) of(rules *rule.Set) *goals {
	if made := g.made.Load(); made != nil && made.rules == rules {
		return made
	}
	made := &goals{rules: rules, list: rules.PageGoals(), visit: slices.ContainsFunc(rules.Goals(), (*rule.Cause).IsPage)}
	g.made.Store(made)
	return made
}

// Visits reports whether a goal of the rules counts visits.
func (g *Goals) Visits(rules *rule.Set) bool { return g.of(rules).visit }

// Where are the goals that may count on a page of that host, in an environment. A path of
// "" is any page. The visitor admits what they agreed to.
func (g *Goals) Where(rules *rule.Set, host, path, env string, admits func(*rule.Cause) bool) (list []*rule.PageGoal) {
	all, now := g.of(rules).list, time.Now()
	for i := range all {
		if one := &all[i]; one.MayCount(host, path, env, now) && admits(one.Cause()) {
			list = append(list, one)
		}
	}
	return list
}

// Told is the message as rules read it, on a page whose path is as rules see it.
func (m *Message) Told(path string) rule.Told {
	return rule.Told{Path: path, RawQuery: m.Query, Element: m.Data}
}
