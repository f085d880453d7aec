package rule

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/consent"
	"github.com/goaltrack/goaltrack/internal/visit"
)

// goal is a Goal compiled.
type goal struct {
	Goal
	rules   *Set   // those it belongs to
	number  int    // its place in the file
	typ     string // the event type
	causes  []Cause
	success success
	// early can be judged before the handler runs, late only afterwards.
	early, late []condition
	first       []condition // on the visitor's first session
	data        []field
	value       value
	page        source
	base        [baseFields]source
	identity    *identity
	order       *order
	standard    *standardEvent // that sends: names; nil for a custom event
	fields      []sentField    // of it
	contact     *identity      // of an ADD_CONTACTS
	limits      limits
	need        consent.Need
	decimal     decimal
	expected    int        // how often it counts in a day, 0: that is not said
	past        visit.Goal // count: and after:
	key         source     // of count: ... for $source
	needs       needs
	cookies     []string // that it reads
	overruled   []string // names that look like secrets, and that allow: names
	private     bool     // see isPrivate
	lines       lines
	// examplesAt are line and column of the examples, counts before ignores.
	examplesAt [][2]int
}

// compileGoal checks def and compiles it. Every fault goes to f.
func compileGoal(def Goal, f *faults) *goal {
	g := &goal{Goal: def, typ: def.Name}
	if def.Sends != "" {
		g.typ = def.Sends
	}
	g.checkNames(f)
	g.checkRenamed(f)
	g.compileDecimal(f)
	g.compileTriggers(f)
	g.compileConditions(f)
	g.compileSession(f)
	g.compileLimits(f)
	g.compileData(f)
	g.compileValue(f)
	g.compileBase(f)
	g.compileIdentity(f)
	g.compileOrder(f)
	g.checkActs(f)
	g.compileStandard(f)
	g.private = g.isPrivate()
	slices.Sort(g.needs.form)
	g.needs.must.form = slices.Compact(slices.Sorted(slices.Values(g.needs.must.form)))
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
	if hint := unsendable[g.typ]; hint != "" {
		f.hint(key, "the CDP reserves the event type "+g.typ, hint)
	} else if cdp.Reserved(g.typ) && standardEvents[g.Sends] == nil {
		hint := "put the site before it, such as SHOP:" + strings.TrimPrefix(g.typ, "SC_")
		if standardEvents[g.typ] != nil {
			hint += ", or choose another name and say sends: " + g.typ
		}
		f.hint(key, "the CDP reserves the event type "+g.typ, hint)
	}
	if g.Bots != "" && g.Bots != "count" {
		f.hint("bots", fmt.Sprintf("bots: %q is not understood", g.Bots), "bots: count, or leave it out")
	}
}

func (g *goal) compileDecimal(f *faults) {
	var ok bool
	if g.decimal, ok = decimals[g.Decimal]; !ok {
		f.hint("decimal", fmt.Sprintf("decimal: %q is not understood", g.Decimal), "comma or point")
	}
}

func (g *goal) compileConditions(f *faults) {
	var first []condition
	for _, side := range []struct {
		key        string
		conditions Conditions
		unless     bool
	}{{"if", g.If, false}, {"unless", g.Unless, true}} {
		for _, cond := range g.parseConditions(side.key, side.conditions, side.unless, f) {
			switch {
			case cond.from.kind == sourceFirst:
				first = append(first, cond)
			case cond.from.late():
				g.late = append(g.late, cond)
			default:
				g.early = append(g.early, cond)
			}
		}
	}
	g.compileFirst(first)
}

// parseConditions compiles conditions in the order of their names.
func (g *goal) parseConditions(at string, conditions Conditions, unless bool, f *faults) (list []condition) {
	for _, key := range slices.Sorted(maps.Keys(conditions)) {
		cond, err := parseCondition(key, conditions[key], unless)
		if err != nil {
			f.add(at+"."+key, fmt.Errorf("%s: %w", key, err))
			continue
		}
		if err := g.permits(&cond.from); err != nil {
			f.add(at+"."+key, fmt.Errorf("%s: %w", key, err))
			continue
		}
		g.reads(at+"."+key, &cond.from, f)
		cond.decimal, cond.side = g.decimal, at
		cond.line, _ = f.at(f.goal, at+"."+key, 0)
		list = append(list, cond)
	}
	return list
}

// raised reports whether the goal is raised in code.
func (g *goal) raised() bool { return g.causes[0].kind == causeCode }

// submits reports whether every trigger of the goal is a form.
func (g *goal) submits() bool {
	return !slices.ContainsFunc(g.causes, func(c Cause) bool { return c.kind != causeSubmit })
}

func (g *goal) ends() bool { return g.Forget && g.Status != statusDraft }

// hasEnv reports whether the goal counts in the environment env.
func (g *goal) hasEnv(env string) bool { return len(g.Env) == 0 || slices.Contains(g.Env, env) }
