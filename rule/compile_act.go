package rule

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/selector"
	"github.com/goaltrack/goaltrack/internal/spelling"
)

// addActs compiles what t says of what happens in a page, and returns how many that is. at
// is where t stands in the goal.
func (g *goal) addActs(at string, t Trigger, f *faults) (n int) {
	add := func(key string, kind causeKind, compile func(c *Cause, at string, f *faults)) {
		n++
		c := Cause{goal: g, kind: kind}
		c.act.key = key
		compile(&c, at+key, f)
		if t.On != "" {
			if hint := queryHint(t.On); hint != "" {
				f.hint(at+"on", fmt.Sprintf("the path %q has a query string, which a path never has", t.On), hint)
			} else {
				var err error
				c.path, err = urlpath.Parse(t.On)
				f.add(at+"on", err)
			}
		}
		g.causes = append(g.causes, c)
	}
	if t.Click != (Click{}) {
		add("click", causeClick, t.Click.compile)
	}
	if t.Seen != "" {
		add("seen", causeSeen, func(c *Cause, at string, f *faults) { c.act.names(t.Seen, "", at, f) })
	}
	if t.Played != (Played{}) {
		add("played", causePlayed, t.Played.compile)
	}
	if t.Started != "" {
		add("started", causeStarted, func(c *Cause, at string, f *faults) { c.act.names(t.Started, "form", at, f) })
	}
	if t.Read != "" {
		add("read", causeRead, func(c *Cause, at string, f *faults) { c.act.percent = c.act.part(t.Read, at, f) })
	}
	if t.Stay != "" {
		add("stay", causeStay, func(c *Cause, at string, f *faults) { c.act.stays(t.Stay, at, f) })
	}
	if t.Event != "" {
		add("event", causeEvent, func(c *Cause, at string, f *faults) { c.act.isEvent(t.Event, at, f) })
	}
	return n
}

// places are where a click can lead that a rule can ask for.
var clickTargets = []string{"other-site", "tel", "mailto"}

// otherTargets are what people call them.
var otherTargets = map[string]string{
	"external": "other-site", "outbound": "other-site", "other": "other-site", "extern": "other-site", "elsewhere": "other-site",
	"phone": "tel", "telephone": "tel", "call": "tel", "mail": "mailto", "email": "mailto", "e-mail": "mailto",
}

func (t Click) compile(c *Cause, at string, f *faults) {
	a := &c.act
	if t.Element != "" {
		a.names(t.Element, "", at, f)
	}
	a.to = t.To
	if t.To == "" || slices.Contains(clickTargets, t.To) {
		return
	}
	hint := strings.Join(clickTargets, ", ")
	if near := nearest(t.To, clickTargets); near != "" {
		hint = "did you mean " + near + "?"
	}
	if known := otherTargets[strings.ToLower(strings.TrimSuffix(t.To, ":"))]; known != "" {
		hint = "write " + known
	}
	f.hint(at+".to", fmt.Sprintf("to: %q is not understood", t.To), hint)
}

func (t Played) compile(c *Cause, at string, f *faults) {
	a := &c.act
	if t.Element == "" {
		f.hint(at, "played: does not say which film", "played: { element: video, part: end }")
	} else {
		a.names(t.Element, "video audio", at, f)
	}
	switch t.Part {
	case "", "start":
	case "end":
		a.percent = 100
	default:
		if !strings.HasSuffix(t.Part, "%") {
			f.hint(at+".part", fmt.Sprintf("part: %q is not understood", t.Part), "start, end or a part such as 50%")
			return
		}
		a.percent = a.part(t.Part, at+".part", f)
	}
}

// partOfFilm is a film and how much of it, in one text.
var partOfFilm = regexp.MustCompile(`^([\w-]+),? +(?:at +|to +)?([0-9]{1,3}%)$`)

// names reads what names an element: the word in its data-goal, or a selector. The kinds
// are those of elements that the trigger is about, of which each is a selector.
func (a *act) names(text, kinds, at string, f *faults) {
	a.written = text
	isKind := slices.Contains(strings.Fields(kinds), strings.ToLower(text)) // which alone can be meant
	if selector.IsName(text) && !isKind {
		if a.name = text; selector.IsElement(text) {
			f.warn(at+".element", text+" is the name in a data-goal here, not the kind of element", `write "body `+text+`" for each <`+text+`>`)
		}
		return
	}
	var err error
	if a.list, err = selector.Parse(text); err != nil {
		if part := partOfFilm.FindStringSubmatch(text); part != nil && a.key == "played" {
			f.hint(at, fmt.Sprintf("played: %q names no film", text), "write played: { element: "+part[1]+", part: "+part[2]+" }")
			return
		}
		f.add(at+".element", err)
		return
	}
	a.selector = text
}

// part reads a part in per cent.
func (a *act) part(text, at string, f *faults) int {
	if a.key == "read" {
		a.written = text
	}
	number, isPercent := strings.CutSuffix(text, "%")
	n, err := strconv.Atoi(strings.TrimSpace(number))
	switch {
	case err == nil && !isPercent && 0 < n && n <= 100:
		f.hint(at, fmt.Sprintf("%q has no unit", text), fmt.Sprintf("write %d%%", n))
	case err != nil || !isPercent || n < 1 || n > 100:
		f.hint(at, fmt.Sprintf("%q is not a percentage", text), "from 1% to 100%")
	}
	return n
}

// longestStay bounds stay:. Nobody looks at one page for longer without a break.
const longestStay = time.Hour

func (a *act) stays(text, at string, f *faults) {
	a.written = text
	d, err := time.ParseDuration(text)
	_, isNumber := strconv.ParseFloat(text, 64)
	switch {
	case isNumber == nil:
		f.hint(at, fmt.Sprintf("stay: %q has no unit", text), "write "+text+"s for seconds")
	case err != nil:
		f.hint(at, fmt.Sprintf("stay: %q is not a time", text), "for example 30s or 2m")
	case d < time.Second || d > longestStay:
		f.hint(at, fmt.Sprintf("stay: %s is not between a second and an hour", text), "for example 30s or 2m")
	}
	a.stay = d
}

// maxEventType bounds the type of a relayed event.
const maxEventType = 100

func (a *act) isEvent(text, at string, f *faults) {
	a.written, a.event = text, text
	switch unseen := spelling.Unseen(text); {
	case unseen != "":
		f.hint(at, fmt.Sprintf("%q has %s", text, unseen), "type it anew, without that")
	case len(text) > maxEventType || strings.ContainsAny(text, " \t\n\"'"):
		f.hint(at, fmt.Sprintf("event: %q is not the type of an event", text), "it is what the page's script sends as type, for example CLICKED")
	case slices.Contains(triggerKeys, strings.ToLower(text)):
		word := strings.ToLower(text)
		f.warn(at, "event: "+text+" is an event of that name, which one of Sitecore's scripts has to send", "for what happens in a page write "+word+": "+triggerExample(word))
	case text == "true":
		f.hint(at, "event: names the type of an event that Sitecore's script sends", "a goal that the application raises is written code: true")
	}
}

// checkActs refuses what a goal that happens in a page cannot have.
func (g *goal) checkActs(f *faults) {
	told := false
	for i := range g.causes {
		c := &g.causes[i]
		if told = told || c.told(); c.kind == causeEvent && c.act.event == g.typ {
			f.hint("event", "the relay sends "+g.typ+" already, as the page's script made it", "give the goal a name of its own")
		}
	}
	if _, says := g.Data["interactionType"]; told && g.typ == formType && !says {
		f.hint("sends", "a FORM event says that the form was sent, which nobody knows inside a page", "data: { interactionType: VIEWED }, or submit: for forms that were accepted")
	}
}
