package rule

import (
	"fmt"
	"strconv"
)

// CheckExamples judges the examples of every goal. It returns those that do not come out
// as the rule says, with what the goal made of them, and those that cannot be read. Goals
// that are paused, or whose time has not come or is over, are judged as if they counted.
func (s *Set) CheckExamples() []Fault {
	var at [2]int
	f := &faults{file: s.file, at: func(int, string, int) (int, int) { return at[0], at[1] }}
	for _, g := range s.goals {
		f.name = g.Name
		places := g.examplesAt
		for _, side := range []struct {
			key    string
			lines  []string
			counts bool
		}{{"counts", g.Examples.Counts, true}, {"ignores", g.Examples.Ignores, false}} {
			for _, line := range side.lines {
				at, places = places[0], places[1:]
				e, err := ParseExample(line)
				if err != nil {
					f.add("", err)
					continue
				}
				x := e.exchange()
				v := s.explain(g, &x, g.limits.sometime())
				if v.Fired != side.counts {
					f.hint("", outcomeOf(line, v), "")
				}
			}
		}
	}
	return f.list
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
