package report

import (
	"context"
	"slices"

	"github.com/goaltrack/goaltrack/fact"
)

// Joined is a store in which what was counted of goals under former names stands under those
// that they have now, by the rules of info. It is s itself if none was renamed. What asks a
// store by questions of its own asks one of these; [Ask] and the like do so.
func Joined(s Store, info Info) Store {
	if info.Rules == nil {
		return s
	}
	j := joined{s, map[string]string{}, map[string][]string{}}
	for _, g := range info.Rules.Goals {
		for _, name := range g.Renamed {
			is := func(g fact.Goal) bool { return g.Name == name }
			if j.now[name] == "" && !slices.ContainsFunc(info.Rules.Goals, is) {
				j.now[name] = g.Name
				j.former[g.Name] = append(j.former[g.Name], name)
			}
		}
	}
	if len(j.now) == 0 {
		return s
	}
	return j
}

// NameNow is the name that a goal has now, by rules that may be nil.
func NameNow(rules *fact.Rules, name string) string {
	if j, ok := Joined(nil, Info{Rules: rules}).(joined); ok && j.now[name] != "" {
		return j.now[name]
	}
	return name
}

// joined is a [Joined] store.
type joined struct {
	Store

	now    map[string]string   // the name that a goal has, by a former one
	former map[string][]string // the other way round
}

// Sum implements [Store].
func (j joined) Sum(ctx context.Context, q Question) ([]Count, error) {
	if q.AllGoals {
		counts, err := j.Store.Sum(ctx, q)
		return j.merge(counts), err
	}
	counts, err := j.Store.Sum(ctx, q)
	for _, name := range j.former[q.Of] {
		if err != nil {
			return nil, err
		}
		q.Of = name
		var before []Count
		before, err = j.Store.Sum(ctx, q)
		counts = append(counts, before...)
	}
	return j.merge(counts), err
}

// merge gives counts the names of now, and adds up those that differ in nothing else.
func (j joined) merge(counts []Count) []Count {
	at, list := map[Count]int{}, counts[:0]
	for _, c := range counts {
		if name, ok := j.now[c.Goal]; ok {
			c.Goal = name
		}
		key := c
		key.Amount = Amount{}
		if i, there := at[key]; there {
			list[i].add(c.Amount)
			continue
		}
		at[key] = len(list)
		list = append(list, c)
	}
	return list
}

// Sketches implements [Store].
func (j joined) Sketches(ctx context.Context, site string, from, to Day) ([]Sketch, error) {
	return j.renamed(j.Store.Sketches(ctx, site, from, to))
}

// SketchesOf implements [SketcherOf].
func (j joined) SketchesOf(ctx context.Context, site, goal string, from, to Day) ([]Sketch, error) {
	of, ok := j.Store.(SketcherOf)
	if !ok {
		return j.Sketches(ctx, site, from, to)
	}
	list, err := of.SketchesOf(ctx, site, goal, from, to)
	for _, name := range j.former[goal] {
		if err != nil {
			return nil, err
		}
		var before []Sketch
		before, err = of.SketchesOf(ctx, site, name, from, to)
		list = append(list, before...)
	}
	return j.renamed(list, err)
}

func (j joined) renamed(list []Sketch, err error) ([]Sketch, error) {
	for i := range list {
		if name, ok := j.now[list[i].Goal]; ok {
			list[i].Goal = name
		}
	}
	return list, err
}
