package rule

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/web"
)

// compileRules checks and compiles goals, and returns what is wrong with them.
// at tells where a key of a goal stands in the file.
func compileRules(d Defaults, goals []Goal, at func(int, string, int) (int, int), file string) (*Set, []Fault) {
	f := &faults{file: file, at: at, goal: -1}
	s := &Set{byID: make(map[string]*goal, len(goals)), file: file, failure: new(failurePages)}
	d.check(f)
	s.connected = d.Connector == connectorCDP4S
	for i, line := range d.Failure {
		f.add("defaults.failure."+strconv.Itoa(i), s.failure.add(line))
	}
	for i, def := range goals {
		f.goal, f.name = i, def.Name
		def = d.apply(def)
		def.check(f)
		g := compileGoal(def, f)
		if def.Name != "" && s.byID[def.Name] != nil {
			f.hint("goal", fmt.Sprintf("the name %s is used twice", def.Name), "names are unique; several goals may share an event type with sends:")
		}
		s.byID[def.Name] = g
		s.goals = append(s.goals, g)
		g.number, g.rules = i, s
		s.hasEnv = s.hasEnv || len(g.Env) > 0
		s.forgets = s.forgets || g.ends()
		g.placeExamples(f)
		g.placeLines(f)
		if g.Status == statusPaused {
			continue
		}
		s.consents[g.need] = true
		for j := range g.causes {
			c := &g.causes[j]
			if c.byRequest() {
				s.index.Add(c.method, &c.path, c)
			}
			s.events = s.events || c.kind == causeEvent
		}
	}
	s.linkPast()
	s.lint(f)
	s.lintPermits(&d, f)
	s.warnings = f.warnings
	return s, f.list
}

// check reports what is wrong with the defaults, once, and forgets it, so that
// the goals do not report it again.
func (d *Defaults) check(f *faults) {
	for _, v := range []struct {
		key, example string
		text         *string
		ok           func(string) bool
	}{
		{"language", "for example EN or de-DE", &d.Language, func(s string) bool { return web.Language(s) != "" }},
		{"currency", currencyExample, &d.Currency, isCurrency},
		{"decimal", "comma or point", &d.Decimal, func(s string) bool { return s == "comma" || s == "point" }},
		{"connector", connectorCDP4S, &d.Connector, func(s string) bool { return s == connectorCDP4S }},
		{"channel", "WEB, MOBILE_WEB or auto", &d.Channel, func(s string) bool { return s == channelAuto || cdp.ValidChannel(s) }},
	} {
		switch {
		case *v.text == "" || v.ok(*v.text):
			continue
		case strings.HasPrefix(*v.text, "$"):
			f.hint("defaults."+v.key, fmt.Sprintf("%s: %s cannot be read for every goal", v.key, *v.text), "write it with the goals that have it")
		default:
			f.hint("defaults."+v.key, fmt.Sprintf("%s: %q is not understood", v.key, *v.text), v.example)
		}
		*v.text = ""
	}
}

func (d *Defaults) apply(g Goal) Goal {
	g.Language = cmp.Or(g.Language, d.Language)
	g.Currency = cmp.Or(g.Currency, d.Currency)
	g.Channel = cmp.Or(g.Channel, d.Channel)
	g.Decimal = cmp.Or(g.Decimal, d.Decimal)
	g.Timezone = cmp.Or(g.Timezone, d.Timezone)
	g.Count = cmp.Or(g.Count, d.Count)
	g.Consent = cmp.Or(g.Consent, d.Consent)
	g.Cookies, g.Allow = slices.Concat(d.Cookies, g.Cookies), slices.Concat(d.Allow, g.Allow)
	if g.Identify != nil || g.Sends == eventContacts {
		g.IdentityProvider = cmp.Or(g.IdentityProvider, d.IdentityProvider)
	}
	return g
}

// check reports what a goal leaves out or says twice.
func (g *Goal) check(f *faults) {
	if !g.hasTrigger() {
		f.hint("goal", "nothing says when the goal happens", "add visit:, submit:, download:, click: or another trigger")
	}
	v := g.Value
	switch {
	case v == (Value{}):
	case !finite(v.Amount) || !finite(v.Max):
		f.hint("value", "the value is not a finite number", "for example value: 129.90")
	case v.From == "" && v.Amount == 0:
		f.hint("value", "value: does not say how much", "give it an amount: or a from:")
	case v.From != "" && v.Amount != 0:
		f.hint("value", "value: says how much twice", "amount: and from: exclude each other")
	}
	for _, name := range slices.Sorted(maps.Keys(g.Data)) {
		if n, ok := g.Data[name].(float64); ok && !finite(n) {
			f.hint("data."+name, fmt.Sprintf("the attribute %q is not a finite number", name), "")
		}
	}
}

func finite(n float64) bool { return !math.IsNaN(n) && !math.IsInf(n, 0) }
