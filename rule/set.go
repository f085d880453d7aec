package rule

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/consent"
	"github.com/goaltrack/goaltrack/internal/ext"
	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/visit"
)

// Set are goals checked and compiled, by [Load], [Parse] or [New]. They never change,
// so that any number of goroutines may use them. New rules are a new set, which
// goaltrack's Tracker.SetRules puts in the place of the old one. The zero value has no
// goals.
type Set struct {
	goals    []*goal
	byID     map[string]*goal // by name
	index    urlpath.Index[*Cause]
	failure  *failurePages // what failure: says; nil is nothing
	hash     string
	warnings []Fault
	hasEnv   bool                // a goal says env:
	consents [consent.Needs]bool // the kinds of consent by which something may count
	forgets  bool                // a goal says forget:
	events   bool                // a goal says event:
	file     string
	past     visit.Needs

	connected bool // goals have a second event, for a connector
}

// Names lists the goals in the order of the file, also those that are paused. The list
// is the caller's.
func (s *Set) Names() []string {
	names := make([]string, 0, len(s.goals))
	for _, g := range s.goals {
		names = append(names, g.Name)
	}
	return names
}

// Has reports whether a goal has that name.
func (s *Set) Has(name string) bool { return s.byID[name] != nil }

// Hash is a short fingerprint of the text that the rules were read from: 8 hexadecimal
// digits of its SHA-256. It is "" for rules made in Go.
func (s *Set) Hash() string { return s.hash }

// Warnings are what is no fault but may not be what was meant, such as a goal that
// counts on every page. They keep nothing from loading. The list is the caller's.
func (s *Set) Warnings() []Fault { return slices.Clone(s.warnings) }

// Goals returns each goal by its first cause, in the order of the file. It is for a
// live site.
func (s *Set) Goals() []*Cause {
	list := make([]*Cause, 0, len(s.goals))
	for _, g := range s.goals {
		list = append(list, &g.causes[0])
	}
	return list
}

// Definitions returns the goals as they were written, with the defaults of the file, in its
// order. The list is the caller's; what the goals' maps and lists hold may not be changed.
func (s *Set) Definitions() []Goal {
	list := make([]Goal, 0, len(s.goals))
	for _, g := range s.goals {
		list = append(list, g.Goal)
	}
	return list
}

// Find appends to into what a request can make happen in the environment env, and
// returns it. Each alternative of a goal is a cause of its own. path is as rules see
// it: decoded, with a slash at its beginning. It finds no goal that is paused, and none
// that is raised in code. It is for a live site.
func (s *Set) Find(method, path, env string, into []*Cause) []*Cause {
	found := s.index.Find(method, path, into)
	if s.hasEnv {
		found = slices.DeleteFunc(found, func(c *Cause) bool { return !c.goal.hasEnv(env) })
	}
	return found
}

// Raised finds a goal that may be raised in code with such data. If no goal has the
// name, the error is just that name. Another error says that the rule lacks code: true.
// If the goal is returned beside an error, that is what is wrong with the data. It is for
// a live site.
func (s *Set) Raised(name string, data map[string]any) (*Cause, error) {
	g := s.byID[name]
	switch {
	case g == nil:
		return nil, errors.New(name)
	case !g.Code:
		return nil, fmt.Errorf("the rule of %s does not say code: true", name)
	}
	c := &g.causes[0]
	return c, c.checkData(data)
}

// checkData reports what is wrong with data given to a goal raised in code.
func (c *Cause) checkData(data map[string]any) error {
	e := cdp.Event{Type: "A", Ext: make(cdp.Ext, 0, len(data))} // what the goal's own type needs comes from its rule
	for _, k := range slices.Sorted(maps.Keys(data)) {
		if slices.Contains(ext.Reserved, k) {
			return fmt.Errorf("%s is sent by goaltrack itself", k)
		}
		if c.goal.readsWhole(k, data[k]) {
			continue
		}
		e.Ext = append(e.Ext, cdp.Attr{Name: k, Value: data[k]})
	}
	if err := c.checkGiven(data); err != nil {
		return err
	}
	if n := len(data) + len(c.goal.data); n > ext.Max {
		return fmt.Errorf("%d attributes are more than %d", n, ext.Max)
	}
	return e.Validate()
}

// Notes is what a live site says of the rules when they come into force. The paths below
// the prefix, and the prefix itself, are each behind the name of their goal; "" has none.
// The names allowed look like secrets and are read all the same, because allow: names them.
func (s *Set) Notes(prefix string) (below [][2]string, allowed []string) {
	for _, g := range s.goals {
		allowed = append(allowed, g.overruled...)
		for i := range g.causes {
			if path := g.causes[i].path.Text; prefix != "" && urlpath.IsOrBelow(path, prefix) {
				below = append(below, [2]string{g.Name, path})
			}
		}
	}
	slices.Sort(allowed)
	return below, slices.Compact(allowed)
}

// Needs reports whether a goal that is not paused needs that consent. It is for a live
// site.
func (s *Set) Needs(n consent.Need) bool { return s.consents[n] }

// Past is what the goals ask of visitors' past. Nobody may change it. It is for a live
// site.
func (s *Set) Past() *visit.Needs { return &s.past }
