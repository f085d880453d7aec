package rule

import (
	"fmt"
	"strconv"
)

// TriedExample is an example of the rules, and what came of it.
type TriedExample struct {
	// Goal is the goal under which it stands.
	Goal string
	// Text is the example as it is written.
	Text string
	// Counts says that it stands under counts:, not under ignores:.
	Counts bool
	// Line and Column are where it stands, from 1. They are 0 for rules made in Go.
	Line, Column int
	// Fault is why it does not come out as the rule says, or cannot be read. It is nil if
	// the example is right.
	Fault *Fault
}

// CheckExamples returns what is wrong with the examples of every goal: the faults that
// [Set.TryExamples] finds.
func (s *Set) CheckExamples() (list []Fault) {
	for _, e := range s.TryExamples() {
		if e.Fault != nil {
			list = append(list, *e.Fault)
		}
	}
	return list
}

// TryExamples judges the examples of every goal, in the order of the goals. Of each goal
// those under counts: come first. An example is wrong if it does not come out as the rule
// says, or cannot be read. Its fault has what the goal made of it. Goals
// that are paused, or whose time has not come or is over, are judged as if they counted.
func (s *Set) TryExamples() (list []TriedExample) {
	for _, g := range s.goals {
		n := len(g.Examples.Counts)
		for i, at := range g.examplesAt {
			e := TriedExample{Goal: g.Name, Counts: i < n, Line: at[0], Column: at[1]}
			if e.Counts {
				e.Text = g.Examples.Counts[i]
			} else {
				e.Text = g.Examples.Ignores[i-n]
			}
			e.Fault = s.tryExample(g, e)
			list = append(list, e)
		}
	}
	return list
}

// tryExample returns nil if the example is right.
func (s *Set) tryExample(g *goal, e TriedExample) *Fault {
	f := &faults{file: s.file, name: g.Name, at: func(int, string, int) (int, int) { return e.Line, e.Column }}
	if example, err := ParseExample(e.Text); err != nil {
		f.add("", err)
	} else {
		x := example.exchange()
		if v := s.explain(g, &x, g.limits.sometime()); v.Fired != e.Counts {
			f.hint("", outcomeOf(e.Text, v), "")
		}
	}
	if len(f.list) == 0 {
		return nil
	}
	return &f.list[0]
}

// placeExamples notes where the examples stand.
func (g *goal) placeExamples(f *faults) {
	for _, side := range []struct {
		key   string
		lines []string
	}{{"counts", g.Examples.Counts}, {"ignores", g.Examples.Ignores}} {
		for n := range side.lines {
			line, column := f.at(f.goal, "examples."+side.key+"."+strconv.Itoa(n), 0)
			g.examplesAt = append(g.examplesAt, [2]int{line, column})
		}
	}
}

func outcomeOf(line string, v Verdict) string {
	if v.Fired {
		return fmt.Sprintf("the example %q is under ignores:, and it counts", line)
	}
	return fmt.Sprintf("the example %q does not count: %s", line, v.Reason)
}
