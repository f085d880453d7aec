package rule

import (
	"fmt"
	"slices"
)

// maxRenamed bounds the former names of a goal.
const maxRenamed = 10

// known is the name under which the goal is remembered: its oldest. So what a visitor did
// before a goal got another name counts, and a site of several instances can take the new
// file one after the other.
func (g *Goal) known() string {
	if len(g.Renamed) > 0 {
		return g.Renamed[0]
	}
	return g.Name
}

func (g *goal) checkRenamed(f *faults) {
	if len(g.Renamed) > maxRenamed {
		f.hint("renamed", fmt.Sprintf("renamed: has %d names, more than %d", len(g.Renamed), maxRenamed), "leave out those that no visit cookie has any more: it is kept for 400 days at most")
	}
	for i, name := range g.Renamed {
		key := fmt.Sprintf("renamed.%d", i)
		switch {
		case name == g.Name:
			f.hint(key, "renamed: "+name+" is the name that the goal has now", "write the names that it had before")
		case !goalName.MatchString(name):
			f.hint(key, fmt.Sprintf("renamed: the name %q is not made of upper-case letters, digits and _", name), suggestName(name))
		case slices.Contains(g.Renamed[:i], name):
			f.hint(key, "renamed: names "+name+" twice", "")
		}
	}
}

// lintRenamed finds former names that are still in use, and those that two goals claim. It
// warns of what in Sitecore hears nothing any more.
func (s *Set) lintRenamed(f *faults) {
	claimed := map[string]string{}
	for i, g := range s.goals {
		f.goal, f.name = i, g.Name
		for n, name := range g.Renamed {
			key := fmt.Sprintf("renamed.%d", n)
			switch other := claimed[name]; {
			case name == g.Name:
			case s.byID[name] != nil:
				f.hint(key, "renamed: "+name+" is still a goal of this file", "remove that goal, or leave it out here")
			case other != "" && other != g.Name:
				f.hint(key, "renamed: "+other+" says that it was "+name+", too", "only one goal can go on with what is remembered under a name")
			}
			if claimed[name] == "" {
				claimed[name] = g.Name
			}
		}
		if n := len(g.Renamed); n > 0 && len(g.UsedBy) > 0 && g.typ == g.Name && g.Status != statusPaused {
			f.warn("renamed", fmt.Sprintf("the CDP gets %s from now on, and what uses the goal there (%s) waits for %s", g.Name, g.UsedBy[0], g.Renamed[n-1]), "change it in Sitecore, or write sends: "+g.Renamed[n-1])
		}
	}
}

// meant is a hint for a goal that the file does not have, and that the goal asks for: it may
// have another name now.
func (s *Set) meant(name, asks string) string {
	for _, g := range s.goals {
		if slices.Contains(g.Renamed, name) {
			return "its name is " + g.Name + " now"
		}
	}
	return didYouMean(name, slices.DeleteFunc(s.Names(), func(n string) bool { return n == asks }))
}

// knownAs is the name under which a goal that another one names is remembered.
func (s *Set) knownAs(name string) string {
	if g := s.byID[name]; g != nil {
		return g.known()
	}
	return name
}

func (s *Set) allKnownAs(names []string) []string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = s.knownAs(name)
	}
	return list
}

// renamedInWords is the sentence about the names that a goal had before.
func (g *Goal) renamedInWords() string {
	if len(g.Renamed) == 0 {
		return ""
	}
	names := make([]string, len(g.Renamed))
	for i, name := range g.Renamed {
		names[i] = shown(name)
	}
	return " Its name was " + oneOfTexts(names, ", then ") + " before: in the CDP, what was counted then stands under that name."
}
