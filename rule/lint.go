package rule

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goaltrack/goaltrack/cdp"
	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/visit"
	"github.com/goaltrack/goaltrack/internal/web"
)

// maxTails is how many templates may be left to their regular expressions
// before it is worth a warning: the index cannot choose among those that hang
// at one place.
const maxTails = 100

// lint looks at goals as Sitecore will use them.
func (s *Set) lint(f *faults) {
	twins := make(map[string]string, len(s.goals))
	tails := 0
	for i, g := range s.goals {
		f.goal, f.name = i, g.Name
		if len(g.causes) == 0 {
			continue
		}
		if cdp.FormerlyReserved(g.typ) {
			f.warn("goal", "older tenants of the CDP reserve the event type "+g.typ, "put the site before it, such as SHOP:"+g.typ)
		}
		g.lintTriggers(f)
		for j := range g.causes {
			if !g.causes[j].path.IsLoose() {
				continue
			}
			if tails++; tails == maxTails+1 {
				f.warn("goal", fmt.Sprintf("more than %d paths do not fit whole parts of an address", maxTails), "those under one beginning are tried one by one; write {name} for a whole part where you can")
			}
		}
		g.lintSuccess(f)
		g.lintLate(f)
		g.lintCart(f)
		g.lintExpect(f)
		g.lintLiterals(f)
		g.lintNever(f)
		for n, name := range g.After {
			if s.byID[name] == nil {
				f.hint("after."+strconv.Itoa(n), "after: "+name+" is not a goal of this file", s.meant(name, g.Name))
			}
		}
		for n, name := range g.NotAfter {
			if s.byID[name] == nil {
				f.hint("not after."+strconv.Itoa(n), "not after: "+name+" is not a goal of this file", s.meant(name, g.Name))
			}
		}
		s.lintOften(g, f)
		if g.Status == statusPaused || g.raised() {
			continue
		}
		what := g.fingerprint()
		if other, known := twins[what]; known {
			f.warn("goal", "always counts together with "+other, "is one of them meant to have a condition?")
		}
		twins[what] = g.Name
	}
	s.lintRenamed(f)
	s.lintPast(f)
	s.lintTypes(f)
}

func (g *goal) lintTriggers(f *faults) {
	for i := range g.causes {
		c := &g.causes[i]
		everywhere := catchesAll(&c.path) && c.kind == causeVisit || (c.path.Text == "" || catchesAll(&c.path)) && (c.kind == causeRead || c.kind == causeStay)
		if everywhere && g.Status != statusDraft && (g.past.Scope == visit.PerRequest || g.past.Keyed) && len(g.early)+len(g.late) == 0 {
			f.warn(cmp.Or(c.act.key, "visit"), "counts on every page", "decisions see only the last 100 events of a session; views are sent with Config.Views")
		}
		c.lintVariables(f)
		for j := range g.early {
			cond := &g.early[j]
			if cond.unless && cond.from.kind == sourceWholePath && cond.test.swallows(c) {
				f.warn("unless."+cond.key, "excludes everything that the trigger matches, so the goal never counts", "")
			}
		}
	}
}

// otherVariable is a part of a path that is a variable to Flask, Django and Rocket (<id>),
// Next.js and SvelteKit ([id]) or Remix ($id), and a plain text here.
var otherVariable = regexp.MustCompile(`^(?:<(?:\w+:)?(\w+)>|\[(\w+)\]|\$(\w+))$`)

// otherRest is a part of a path that stands for all that follows, to Django (<path:rest>),
// Rocket (<rest..>), Next.js and SvelteKit ([...rest], [[...rest]]).
var otherRest = regexp.MustCompile(`^(?:<path:\w+>|<\w+\.\.>|\[{1,2}\.\.\.\w+\]{1,2})$`)

func (c *Cause) lintVariables(f *faults) {
	for part := range strings.SplitSeq(c.path.Text, "/") {
		hint := ""
		if otherRest.MatchString(part) {
			hint = "write **"
		} else if m := otherVariable.FindStringSubmatch(part); m != nil {
			hint = "write {" + cmp.Or(m[1], m[2], m[3]) + "}"
		}
		if hint != "" {
			key := map[causeKind]string{causeVisit: "visit", causeSubmit: "submit", causeDownload: "download"}[c.kind]
			f.warn(cmp.Or(key, "on"), part+" is just that text in a path, and no variable", hint)
		}
	}
}

// catchesAll reports whether a template matches any page, or any of the first
// level.
func catchesAll(t *urlpath.Template) bool {
	switch strings.TrimSuffix(t.Text, "/") {
	case "/**", "/*":
		return true
	}
	return anySegment.MatchString(t.Text)
}

// anySegment is a path that is one variable for anything.
var anySegment = regexp.MustCompile(`^/\{[^/:{}]+(:\.[*+])?\}/?$`)

// swallows reports whether a test on the path holds for all that the trigger
// matches, as far as that is plain to see.
func (t *test) swallows(c *Cause) bool {
	return slices.ContainsFunc(t.paths, func(p urlpath.Template) bool {
		return p.Text == c.path.Text || p.Text == "/**"
	})
}

func (g *goal) lintSuccess(f *faults) {
	switch s := &g.success; {
	case s.kind == successDefault && g.submits() && !s.leaves && g.Status != statusPaused:
		key := "submit"
		if len(g.Any) > 0 {
			key = "any"
		}
		f.warn(key, "nothing says where accepted forms lead", "see where the site goes on to, and write for example success: redirect to /thanks")
	case s.kind == successStatus && s.status == 200:
		f.warn("success", "a form shown again with its errors usually answers 200 too", "look at what the application answers to a bad form; success: confirmed lets it decide")
	case s.kind == successStatus && web.IsRedirect(s.status):
		f.warn("success", fmt.Sprintf("any %d counts, also one back to the form", s.status), fmt.Sprintf("success: %d to /path, or success: redirect", s.status))
	case s.kind == successIf && s.onlyAbsent():
		f.warn("success", "looks only at what an answer does not have", "add what only an accepted form gets, such as response.json.ok: true")
	case s.kind == successRedirectTo:
		for i := range g.causes {
			if strings.EqualFold(urlpath.Trim(g.causes[i].path.Text), urlpath.Trim(s.target.Text)) {
				f.warn("success", "the target is the form itself, where refused forms lead too", "")
			}
		}
	}
}

// fingerprint is equal for goals that count in the same exchanges.
func (g *goal) fingerprint() string {
	var b strings.Builder
	for _, c := range g.causes {
		fmt.Fprintf(&b, "%d %s %s %s %s|", c.kind, c.method, urlpath.AppendFold(nil, urlpath.Trim(c.path.Text)), c.form, &c.act)
	}
	for _, cond := range slices.Concat(g.early, g.late, g.first, g.success.answer) {
		fmt.Fprintf(&b, "%v %s|", cond.unless, &cond)
	}
	fmt.Fprintf(&b, "%d %d %s %v %v %v %v|", g.success.kind, g.success.status, g.success.target.Text, g.Hosts, g.Env, g.From, g.Until)
	fmt.Fprintf(&b, "%s %s %v %v %s %v %v", g.Count, g.Session, g.After, g.AfterEach, g.Within, g.NotAfter, g.NotAfterEach)
	return b.String()
}

// lintTypes finds attributes that have one type in one goal, and another in a goal that
// sends the same event. The CDP stops ingesting such an attribute (doc.sitecore.com,
// "Send additional event data").
func (s *Set) lintTypes(f *faults) {
	type attribute struct{ event, name string }
	seen := map[attribute]string{}
	by := map[attribute]string{}
	for i, g := range s.goals {
		f.goal, f.name = i, g.Name
		for _, d := range g.data {
			typ := d.sentAs()
			at := attribute{g.typ, d.name}
			switch before := seen[at]; {
			case typ == "":
			case before == "":
				seen[at], by[at] = typ, g.Name
			case before != typ:
				f.hint("data."+d.name, fmt.Sprintf("%s is a %s here and a %s in %s, which sends the same event", d.name, typ, before, by[at]), "the CDP wants an attribute to keep its type: { from: ..., as: "+before+" }")
			}
		}
	}
}

// sentAs is the type an attribute is sent as, "" if that is not known before.
func (d *field) sentAs() string {
	switch d.as {
	case asText:
		return "text"
	case asNumber:
		return "number"
	case asBool:
		return "bool"
	case asIs:
	}
	switch d.from.kind {
	case sourceApp, sourceJSON, sourceResponseJSON:
		return ""
	case sourceLiteral:
		switch d.literal.(type) {
		case bool:
			return "bool"
		case string:
			return "text"
		}
		return "number"
	default:
		return "text"
	}
}
