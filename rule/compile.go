package rule

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/consent"
	"github.com/goaltrack/goaltrack/internal/visit"
)

// goal is a Goal compiled.
type goal struct {
	Goal
	rules    *Set   // those it belongs to
	number   int    // its place in the file
	typ      string // the event type
	triggers []Cause
	success  success
	// early can be tested before the handler runs, late only afterwards.
	early, late []condition
	data        []field
	value       value
	page        source
	base        [baseFields]source
	identity    *identity
	order       *order
	limits      limits
	need        consent.Need
	past        visit.Goal // count: and after:
	key         source     // of count: ... for $source
	needs       needs
	// examplesAt are line and column of the examples, counts before ignores.
	examplesAt [][2]int
}

// needs is what a goal has to see of a request and its answer, so that nothing
// else is kept.
type needs struct {
	form         []string // fields of the form
	json         bool     // the body, if it is JSON
	header       bool     // a header or cookie, after the handler ran
	cookie       bool     // a cookie
	answerHeader bool
	answerType   bool
	answerJSON   bool
	route        bool
	utm          []string // parameters of the session's first page
	referrer     bool     // and its referrer
}

// origin reports whether the goal wants to know where the session came from.
func (n *needs) origin() bool { return len(n.utm) > 0 || n.referrer }

// compileGoal checks def and compiles it. Every fault goes to f.
func compileGoal(def Goal, f *faults) *goal {
	g := &goal{Goal: def, typ: def.Name}
	if def.Sends != "" {
		g.typ = def.Sends
	}
	g.checkNames(f)
	g.compileTriggers(f)
	g.compileConditions(f)
	g.compileLimits(f)
	g.compileData(f)
	g.compileValue(f)
	g.compileBase(f)
	g.compileIdentity(f)
	g.compileOrder(f)
	slices.Sort(g.needs.form)
	g.needs.form = slices.Compact(g.needs.form)
	return g
}

// goalName is upper case, perhaps after the site's name: shop:ORDER_PLACED.
var goalName = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_]{0,49}:){0,3}[A-Z][A-Z0-9_]{0,99}$`)

// formType is the standard event that A/B/n tests on SitecoreAI count.
const formType = "FORM"

func (g *goal) checkNames(f *faults) {
	switch {
	case g.Name == "":
		f.hint("goal", "the goal has no name", "goal: CONTACT_SENT")
	case !goalName.MatchString(g.Name):
		f.hint("goal", fmt.Sprintf("the name %q is not made of upper-case letters, digits and _", g.Name), suggestName(g.Name))
	}
	key := "goal"
	if g.Sends != "" {
		key = "sends"
		if !goalName.MatchString(g.Sends) {
			f.hint(key, fmt.Sprintf("the event type %q is not made of upper-case letters, digits and _", g.Sends), suggestName(g.Sends))
		}
	}
	if cdp.Reserved(g.typ) && g.Sends != formType {
		f.hint(key, "the CDP reserves the event type "+g.typ, "put the site before it, such as SHOP:"+strings.TrimPrefix(g.typ, "SC_"))
	}
	if g.Sends == formType {
		if _, ok := g.Data["formId"]; !ok {
			f.hint("sends", "a FORM event needs the form's ID", `data: { formId: "..." }, and componentInstanceId where the page has one`)
		}
	}
	if g.Bots != "" && g.Bots != "count" {
		f.hint("bots", fmt.Sprintf("bots: %q is not understood", g.Bots), "bots: count, or leave it out")
	}
}

// suggestName writes a name the way the CDP wants it.
func suggestName(s string) string {
	s = strings.Trim(regexp.MustCompile(`[^A-Z0-9_:]+`).ReplaceAllString(strings.ToUpper(s), "_"), "_")
	if !goalName.MatchString(s) {
		return "for example CONTACT_SENT"
	}
	return "write " + s
}

func (g *goal) compileConditions(f *faults) {
	for _, side := range []struct {
		key    string
		tests  Conditions
		unless bool
	}{{"if", g.If, false}, {"unless", g.Unless, true}} {
		for _, c := range g.parseConditions(side.key, side.tests, side.unless, f) {
			if c.from.late() {
				g.late = append(g.late, c)
			} else {
				g.early = append(g.early, c)
			}
		}
	}
}

// parseConditions compiles conditions in the order of their names.
func (g *goal) parseConditions(at string, tests Conditions, unless bool, f *faults) (list []condition) {
	for _, key := range slices.Sorted(maps.Keys(tests)) {
		c, err := parseCondition(key, tests[key], unless)
		if err != nil {
			f.add(at+"."+key, fmt.Errorf("%s: %w", key, err))
			continue
		}
		g.reads(at+"."+key, &c.from, f)
		list = append(list, c)
	}
	return list
}

// late reports whether the source is known only when the handler has answered.
func (s *source) late() bool {
	switch s.kind {
	case sourceForm, sourceJSON, sourceRedirect, sourceResponseHeader, sourceResponseJSON, sourceResponseType, sourceRoute, sourceApp:
		return true
	}
	return false
}

// reads notes what a source needs, and refuses what the trigger cannot give.
func (g *goal) reads(key string, s *source, f *faults) {
	if len(g.triggers) == 0 {
		return
	}
	if g.raised() && s.kind != sourceLiteral && s.kind != sourceApp {
		f.hint(key, "a goal raised in code has no request of its own to read from", "give the value to Trigger as data and write $app.name")
		return
	}
	switch s.kind {
	case sourceForm, sourceJSON:
		if !g.submits() {
			f.hint(key, "only a submit has a form", "use submit: instead, or read query."+s.name)
		}
		if s.kind == sourceForm {
			g.needs.form = append(g.needs.form, s.name)
		} else {
			g.needs.json = true
		}
	case sourcePath:
		for i := range g.triggers {
			if t := &g.triggers[i]; !slices.Contains(t.path.Names, s.name) {
				f.hint(key, fmt.Sprintf("the path %s has no {%s}", t.path.Text, s.name), known("it has", t.path.Names))
			}
		}
	case sourceRedirect:
		if g.success.kind != successRedirectTo || !slices.Contains(g.success.target.Names, s.name) {
			f.hint(key, fmt.Sprintf("$redirect.%s needs a target with {%s}", s.name, s.name), fmt.Sprintf("success: redirect to /orders/{%s}", s.name))
		}
	case sourceHeader, sourceCookie:
		g.needs.header = true
		g.needs.cookie = g.needs.cookie || s.kind == sourceCookie
	case sourceResponseHeader:
		g.needs.answerHeader = true
		g.needs.answerType = g.needs.answerType || s.ofType()
	case sourceResponseType:
		g.needs.answerType = true
	case sourceResponseJSON:
		g.needs.answerJSON = true
	case sourceRoute:
		g.needs.route = true
	case sourceUTM:
		if s.ofVisit {
			g.needs.utm = append(g.needs.utm, s.name)
		}
	case sourceReferrer:
		g.needs.referrer = g.needs.referrer || s.ofVisit
	}
}

// raised reports whether the goal is raised in code.
func (g *goal) raised() bool { return g.triggers[0].kind == triggerCode }

// submits reports whether every trigger of the goal is a form.
func (g *goal) submits() bool {
	return !slices.ContainsFunc(g.triggers, func(t Cause) bool { return t.kind != triggerSubmit })
}

func known(lead string, names []string) string {
	names = slices.DeleteFunc(slices.Clone(names), func(s string) bool { return s == "" })
	if len(names) == 0 {
		return ""
	}
	return lead + " {" + strings.Join(names, "}, {") + "}"
}

// hasEnv reports whether the goal counts in the environment env.
func (g *goal) hasEnv(env string) bool { return len(g.Env) == 0 || slices.Contains(g.Env, env) }

// judgeAt tests what is known before the handler runs, at a time; zero means now.
func (g *goal) judgeAt(x *Exchange, now time.Time) Reason {
	if f := g.limits.judge(x, now); f != Fires {
		return f
	}
	for i := range g.early {
		if f := g.early[i].holds(x); f != Fires {
			return f
		}
	}
	return Fires
}
