package rule

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/goaltrack/goaltrack/internal/visit"
)

// lintPast warns of what the visit cookie may not hold, and of goals that come
// after what never happens.
func (s *Set) lintPast(f *faults) {
	plain, steps := 0, 0
	barring := map[string]bool{} // each goal of a not after: takes one step, however many name it
	for i, g := range s.goals {
		if f.goal, f.name = i, g.Name; g.Status == statusPaused {
			continue
		}
		if g.past.Scope != visit.PerRequest && !g.past.Keyed {
			if plain++; plain == visit.MaxPlain+1 {
				f.warn("count", fmt.Sprintf("more than %d goals count once", visit.MaxPlain), "the visit cookie may have no room for the last of them, which would then count again")
			}
		}
		before := steps
		for _, name := range g.NotAfter {
			if !barring[name] {
				barring[name] = true
				steps++
			}
		}
		if steps += len(g.past.After); steps > visit.MaxSteps && before <= visit.MaxSteps {
			f.warn("after", fmt.Sprintf("the goals of all after: and not after: together are more than %d", visit.MaxSteps), "the visit cookie may forget the oldest of them")
		}
	}
	if len(s.past.Tallies) > visit.MaxHappened {
		f.goal, f.name = -1, ""
		f.warn("", fmt.Sprintf("the goals of all after: and not after: that say how often or within which time are more than %d", visit.MaxHappened), "the visit cookie forgets those that happened longest ago")
	}
	happens := s.happening()
	for i, g := range s.goals {
		f.goal, f.name = i, g.Name
		for n, name := range g.past.After {
			if before := s.byID[name]; before != nil && !happens[before] && g.Status != statusPaused {
				f.warn("after."+strconv.Itoa(n), "never counts: "+name+" is paused, or waits for this goal in turn", "")
				break
			}
			if slices.Contains(g.NotAfter, name) {
				f.warn("not after", "never counts: "+name+" stands under after: as well", "")
				break
			}
		}
		for _, name := range slices.Sorted(maps.Keys(g.AfterEach)) {
			if before := s.byID[name]; before != nil && name != g.Name && !happens[before] && g.Status != statusPaused {
				f.warn("after."+name, "never counts: "+name+" is paused, or waits for this goal in turn", "")
			}
		}
	}
}

// happening finds the goals that can happen: those that are not paused and come
// after nothing, or after such as can happen.
func (s *Set) happening() map[*goal]bool {
	can := make(map[*goal]bool, len(s.goals))
	for more := true; more; {
		more = false
		for _, g := range s.goals {
			never := func(name string) bool { return s.byID[name] != nil && !can[s.byID[name]] }
			if !can[g] && g.Status != statusPaused && !slices.ContainsFunc(g.past.After, never) && !slices.ContainsFunc(slices.Collect(maps.Keys(g.AfterEach)), never) {
				can[g], more = true, true
			}
		}
	}
	return can
}
