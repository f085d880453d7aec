package draft

import (
	"fmt"
	"net/http"
	"path"
	"strings"

	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/crawl"
	"github.com/goaltrack/goaltrack/rule"
)

// FromSite makes goals of what was found on a site.
func FromSite(site *crawl.Site) (goals []Goal, left []string) {
	alike := map[string][]string{} // addresses of forms, by template
	for _, f := range site.Forms {
		if f.Host == "" && f.Method == http.MethodPost {
			alike[rule.PathTemplate(f.Path)] = append(alike[rule.PathTemplate(f.Path)], f.Path)
		}
	}
	for i := range site.Forms {
		f := &site.Forms[i]
		paths := alike[rule.PathTemplate(f.Path)]
		switch {
		case f.Host == "" && f.Method == http.MethodPost && len(paths) > 1:
			if f.Path == paths[0] { // the others have other IDs
				goals = append(goals, postOf(f, rule.PathTemplate(f.Path)))
			}
		case f.Host != "":
			left = append(left, fmt.Sprintf("The form on %s is sent to %s, which goaltrack does not see.", f.On, f.Host))
		case f.Method == http.MethodPost:
			goals = append(goals, postOf(f, f.Path))
		case f.Search != "":
			goals = append(goals, Goal{
				Comment: []string{"The search on " + f.On + "."}, Name: "Site searched",
				Visit: []string{f.Path}, If: "query." + f.Search, Data: []string{"term", "$query." + f.Search},
			})
		}
	}
	folders := map[string][]crawl.File{}
	for _, f := range site.Files {
		folders[template(f.Path)] = append(folders[template(f.Path)], f)
	}
	for _, f := range site.Files {
		files := folders[template(f.Path)]
		switch {
		case len(files) < manyFiles:
			goals = append(goals, Goal{
				Comment: []string{"Linked on " + f.On + "."}, Label: f.Text,
				Name: strings.TrimSuffix(path.Base(f.Path), path.Ext(f.Path)) + " downloaded", Download: []string{f.Path},
			})
		case files[0] == f:
			name := path.Base(path.Dir(f.Path))
			goals = append(goals, Goal{
				Comment: []string{fmt.Sprintf("%d files are linked, such as %s.", len(files), f.Path)},
				Name:    strings.Trim(name, "/") + " " + strings.TrimPrefix(path.Ext(f.Path), ".") + " downloaded", Download: []string{template(f.Path)}, Data: []string{"file", "$path.file"},
			})
		}
	}
	return goals, append(left, site.Left...)
}

// postOf is the goal of a form, which is sent to a template. Where it leads if it is
// accepted, nobody may try out.
func postOf(f *crawl.Form, template string) Goal {
	name := path.Base(strings.TrimRight(template, "/*")) // the last part that is no ID
	if name == "/" || name == "." {
		name = f.Name
	}
	g := Goal{Name: strings.TrimSuffix(name, path.Ext(name)) + " sent", Submit: []string{template}}
	about := "The form on " + f.On
	if f.Name != "" {
		about += ", " + f.Name
	}
	if f.Password {
		about += ", with a password: perhaps a log-in"
	}
	g.Comment = []string{about + "."}
	if len(f.Fields) > 0 {
		g.Comment = append(g.Comment, "Its fields: "+strings.Join(f.Fields[:min(len(f.Fields), 12)], ", "))
	}
	g.Comment = append(g.Comment, Untold...)
	return g
}
