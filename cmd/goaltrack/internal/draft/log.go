package draft

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/goaltrack/goaltrack/rule"
)

// Suggested is how many suggestions of a log [FromLog] can use.
const Suggested = 500

// manyFiles of one kind in a folder become one goal.
const manyFiles = 3

// FromLog makes at most n goals of what a log shows without a goal, the most frequent first.
func FromLog(suggestions []rule.Suggestion, n int) []Goal {
	folders := map[string][]rule.Suggestion{}
	for _, s := range suggestions {
		if s.Download {
			folders[template(s.Path)] = append(folders[template(s.Path)], s)
		}
	}
	type counted struct {
		goal  Goal
		times uint64
	}
	var list []counted
	for _, s := range suggestions {
		files := folders[template(s.Path)]
		switch {
		case !s.Download:
			list = append(list, counted{formOf(&s), s.Times})
		case len(files) < manyFiles:
			list = append(list, counted{Goal{Comment: []string{s.What + "."}, Name: s.Goal, Download: []string{s.Path}}, s.Times})
		case files[0].Path == s.Path:
			times := uint64(0)
			for _, f := range files {
				times += f.Times
			}
			list = append(list, counted{folderOf(files, times), times})
		}
	}
	slices.SortStableFunc(list, func(a, b counted) int { return cmp.Compare(b.times, a.times) })
	goals := make([]Goal, 0, min(n, len(list)))
	for _, c := range list[:min(n, len(list))] {
		goals = append(goals, c.goal)
	}
	return goals
}

// template is the address of all files of one kind in a folder.
func template(file string) string { return path.Join(path.Dir(file), "{file}"+path.Ext(file)) }

func folderOf(files []rule.Suggestion, times uint64) Goal {
	kind := strings.ToUpper(strings.TrimPrefix(path.Ext(files[0].Path), "."))
	name := path.Base(path.Dir(files[0].Path))
	if name == "/" {
		name = ""
	}
	return Goal{
		Comment:  []string{fmt.Sprintf("%d files were downloaded %d times. The most frequent: %s", len(files), times, files[0].Path)},
		Name:     strings.TrimSpace(name+" "+kind) + " downloaded",
		Download: []string{template(files[0].Path)}, Data: []string{"file", "$path.file"},
	}
}

// formOf is the goal of a form. Where it led says what success: has to be, if that was one
// page.
func formOf(s *rule.Suggestion) Goal {
	g := Goal{Name: s.Goal, Submit: []string{s.Path}, Comment: []string{s.What + "."}}
	switch {
	case len(s.LedTo) == 0:
		g.Comment = append(g.Comment, Untold...)
	case len(s.LedTo) == 1 && strings.HasPrefix(s.LedTo[0].To, "/") && !strings.HasPrefix(s.LedTo[0].To, "//"):
		g.Success = "redirect to " + numbered(s.LedTo[0].To)
	default:
		var pages []string
		for _, l := range s.LedTo {
			pages = append(pages, fmt.Sprintf("%s %d", cmp.Or(l.To, "elsewhere"), l.Times))
		}
		g.Comment = append(g.Comment, "It led to: "+strings.Join(pages, ", "), "Which of these means that it was accepted? Write it as success: redirect to /...")
	}
	return g
}

// Untold says of a form what nobody but its reader knows.
var Untold = []string{
	"Nothing tells where an accepted form leads. Send it once, and write the page that",
	"follows: success: redirect to /...",
}

// numbered writes a variable for each part of a path that differs from visitor to visitor.
func numbered(lead string) string {
	for i := 1; strings.Contains(lead, "/*") && !strings.HasSuffix(lead, "/**"); i++ {
		name := "{id}"
		if i > 1 {
			name = fmt.Sprintf("{id%d}", i)
		}
		lead = strings.Replace(lead, "/*", "/"+name, 1)
	}
	return lead
}
