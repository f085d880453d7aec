package rule

import (
	"errors"
	"fmt"
	"slices"

	"github.com/goaltrack/goaltrack/internal/consent"
	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/visit"
)

// Set are goals checked and compiled. They never change, so that any number of
// goroutines may use them; a [Tracker] swaps one set for another. The zero value
// has no goals.
type Set struct {
	goals    []*goal
	byID     map[string]*goal // by the name Trigger is given
	index    urlpath.Index[*Cause]
	failure  *failurePages // what failure: says; nil is nothing
	hash     string
	warnings []Fault
	hasEnv   bool                // a goal says env:
	needs    [consent.Needs]bool // the kinds of consent by which something may count
	forgets  bool                // a goal says forget:
	file     string
	past     visit.Needs
}

// Hash is a short fingerprint of the file the rules came from, "" for rules
// made in Go.
func (rs *Set) Hash() string { return rs.hash }

// Has reports whether a goal has that name.
func (rs *Set) Has(name string) bool { return rs.byID[name] != nil }

// Raised finds a goal that may be raised in code with such data. The error says why
// there is none, or what is wrong with the data.
func (rs *Set) Raised(name string, data map[string]any) (*Cause, error) {
	g := rs.byID[name]
	switch {
	case g == nil:
		return nil, errors.New(name)
	case !g.Code:
		return nil, fmt.Errorf("the rule of %s does not say code: true", name)
	}
	t := &g.triggers[0]
	return t, t.checkData(data)
}

// Find adds to into the goals that a request to that path can make happen in the
// environment env.
func (rs *Set) Find(method, path, env string, into []*Cause) []*Cause {
	found := rs.index.Find(method, path, into)
	if rs.hasEnv {
		found = slices.DeleteFunc(found, func(t *Cause) bool { return !t.goal.hasEnv(env) })
	}
	return found
}

// Goals returns each goal by its first trigger, in the order of the file.
func (rs *Set) Goals() []*Cause {
	list := make([]*Cause, 0, len(rs.goals))
	for _, g := range rs.goals {
		list = append(list, &g.triggers[0])
	}
	return list
}

// Needs reports whether a goal needs that consent.
func (rs *Set) Needs(n consent.Need) bool { return rs.needs[n] }

// Names lists the goals in the order of the file.
func (rs *Set) Names() []string {
	names := make([]string, 0, len(rs.goals))
	for _, g := range rs.goals {
		names = append(names, g.Name)
	}
	return names
}
