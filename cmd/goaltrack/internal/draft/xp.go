package draft

import (
	"fmt"
	"strings"

	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/xpitems"
)

// FromXP makes goals of those of Sitecore XP. One that no page names is a draft, since
// nobody but its code, form or link knows when it happens.
func FromXP(found *xpitems.Import) []Goal {
	goals := make([]Goal, 0, len(found.Goals))
	for i := range found.Goals {
		g := &found.Goals[i]
		made := Goal{
			Comment: []string{g.Path}, Name: g.Name, Label: g.Label, Note: g.Description,
			Visit: g.Visits, Download: g.Downloads, Value: g.Points,
		}
		if len(g.Named) > 0 {
			made.Comment = append(made.Comment, "Named by "+strings.Join(g.Named, ", "))
		}
		if len(g.Visits)+len(g.Downloads) == 0 {
			made.Status = "draft"
			made.Comment = append(made.Comment, "No page names it. In XP a form, code or a link (sc_trk) raises it. Say when it counts in",
				"place of code: true, such as submit: /contact, and take status: away.")
		}
		goals = append(goals, made)
	}
	return goals
}

// AboutXP says how the file was made.
func AboutXP(found *xpitems.Import, dir string) []string {
	points := 0.0
	for i := range found.Goals {
		points = max(points, found.Goals[i].Points)
	}
	about := []string{
		fmt.Sprintf("Made by goaltrack init --from-xp %s: %d goals of Sitecore XP.", dir, len(found.Goals)),
		"Addresses are the paths of items below the start item, with - for a blank. Compare them with",
		"those of the site, also if it has languages in its addresses or shows display names there.",
	}
	if points > 0 {
		about = append(about, "Values are engagement value points, so they have no currency.")
	}
	return about
}
