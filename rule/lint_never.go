package rule

import (
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// lintNever finds goals that cannot count, and events that cannot be used as the rule
// says they are.
func (g *goal) lintNever(f *faults) {
	if g.Status == statusPaused {
		return
	}
	if until := g.limits.until; !until.IsZero() && !time.Now().Before(until) {
		f.warn("until", "until: "+g.Until+" is over, so the goal does not count any more", "write a later date, or status: paused")
	}
	for i := range g.causes {
		if c := &g.causes[i]; c.kind == causeVisit && isFile(c.path.Text) {
			key, what := g.placeOf("visit", c.path.Text), "write download: "+c.path.Text
			f.warn(key, "a visit is a page, and a "+strings.ToLower(path.Ext(c.path.Text))+" file is none, so the goal never counts", what)
		}
	}
	g.lintExperiment(f)
}

// placeOf is the key under which a path stands: of the goal, or of one of its alternatives.
func (g *goal) placeOf(key, text string) string {
	if g.Visit == text {
		return key
	}
	for i, t := range g.Any {
		if t.Visit == text {
			return "any." + strconv.Itoa(i) + "." + key
		}
	}
	return key
}

// fileEndings are those of files that browsers do not show as HTML.
var fileEndings = []string{
	".7z", ".apk", ".avi", ".csv", ".dmg", ".doc", ".docx", ".eot", ".epub", ".exe", ".gif", ".gz", ".ico", ".ics", ".jpeg", ".jpg", ".m4a", ".m4v", ".mov", ".mp3",
	".mp4", ".msi", ".odp", ".ods", ".odt", ".ogg", ".otf", ".pdf", ".pkg", ".png", ".ppt", ".pptx", ".ps", ".rar", ".rtf", ".svg", ".tar", ".tgz", ".tif", ".tiff", ".txt", ".vcf",
	".wav", ".webm", ".webp", ".woff", ".woff2", ".xls", ".xlsx", ".zip",
}

func isFile(text string) bool {
	return slices.Contains(fileEndings, strings.ToLower(path.Ext(text)))
}

// lintExperiment finds what an experiment cannot see. The custom goals of Sitecore
// Personalize compare an attribute as a text, by String Equals and String Not Equals
// (doc.sitecore.com, "Add a custom goal to an experiment").
func (g *goal) lintExperiment(f *faults) {
	if !slices.Contains(g.UsedBy, usedByExperiment) {
		return
	}
	for i := range g.data {
		d := &g.data[i]
		if typ := d.sentAs(); typ == "number" || typ == "bool" {
			hint := "{ from: ..., as: text }"
			if d.from.kind == sourceLiteral {
				hint = "put quotes around it"
			}
			f.warn("data."+d.name, d.name+" is sent as a "+typ+", and a goal of an experiment compares attributes as texts only", hint)
		}
	}
}
