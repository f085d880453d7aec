package rule

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	mostNamed   = 6   // how many of several texts a sentence names
	mostOfAText = 100 // how much of one text it quotes, in bytes
)

// Sentence says in plain English when the goal counts, in one sentence, and in a second
// what that is worth, if the rule says so. It is for people, so its words may change. What
// no rule file may hold is said as it is written. It says nothing of the site's own
// defaults, such as its currency: a goal of a file has those of the file already.
func (g *Goal) Sentence() string {
	when := g.triggersInWords()
	if when == "" {
		return "Never counts: nothing says when."
	}
	begin := "Counts"
	switch g.Status {
	case statusDraft:
		begin = "Draft, which is never sent: counts"
	case statusPaused:
		begin = "Paused: would count"
	}
	often, count := "each time", g.countInWords()
	if count != "" {
		often = "when"
	}
	parts := []string{begin + " " + often + " " + when}
	for _, part := range []string{
		count, g.numberInWords(), g.stepsInWords(), g.barsInWords(), conditionsInWords("if ", g.If, " and "), conditionsInWords("unless ", g.Unless, " or "),
		namedInWords("on the host ", "on hosts ", g.Hosts), namedInWords("in the environment ", "in the environments ", g.Env),
		g.datesInWords(), g.consentInWords(), map[bool]string{true: "even if it may be a bot"}[g.Bots == "count"],
	} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ", ") + "." + g.Value.inWords(g.Currency) + g.expectInWords() + g.sendsInWords() + g.renamedInWords()
}

// sendsInWords is the sentence about a standard event of Sitecore's, "" for a custom one.
func (g *Goal) sendsInWords() string {
	typ := g.Sends
	if g.Order != (Order{}) {
		typ = eventOrder
	}
	if standardEvents[typ] == nil {
		return ""
	}
	return " Sends Sitecore's event " + typ + "."
}

func (g *Goal) triggersInWords() string {
	triggers := g.Any
	if own := g.trigger(); own != (Trigger{}) {
		triggers = append([]Trigger{own}, triggers...)
	}
	accepted := g.successInWords()
	list := make([]string, 0, len(triggers))
	for _, t := range triggers {
		if words := t.inWords(); words != "" && t.Submit != (Submit{}) {
			list = append(list, words+" and "+accepted)
		} else if words != "" {
			list = append(list, words)
		}
	}
	return oneOfTexts(list, ", or ")
}

func (t *Trigger) inWords() string {
	switch {
	case t.Visit == "/**":
		return "any page is opened"
	case t.Visit != "":
		return pathInWords("the page ", "a page like ", t.Visit) + " is opened"
	case t.Submit != (Submit{}):
		form := "a form"
		if t.Submit.Form != "" {
			form = "the form " + quoted(t.Submit.Form)
		}
		text := form + " is sent to " + pathInWords("", "a page like ", t.Submit.Path)
		if method := strings.ToUpper(t.Submit.Method); method != "" && method != http.MethodPost {
			text += " by " + shown(method)
		}
		return text
	case t.Download != "":
		return pathInWords("the file ", "a file like ", t.Download) + " is downloaded"
	case t.Code:
		return "the site's own code says so"
	}
	return t.actInWords()
}

// successInWords says which answer means that a form was accepted.
func (g *Goal) successInWords() string {
	if g.SuccessIf != nil {
		return "in the answer " + conditionsInWords("", g.SuccessIf, " and ")
	}
	s, err := parseSuccess(g.Success)
	if err != nil {
		return "the answer is " + quoted(g.Success)
	}
	switch s.kind {
	case successRedirect:
		return "the site answers with a redirect to another page"
	case successRedirectTo:
		status := ""
		if s.status != 0 {
			status = fmt.Sprintf(" (%d)", s.status)
		}
		return "the site answers with a redirect" + status + " to " + pathInWords("", "a page like ", s.target.Text)
	case successStatus:
		return fmt.Sprintf("the site answers with the status %d", s.status)
	case successClass:
		return fmt.Sprintf("the site answers with a status from %d00 to %d99", s.status, s.status)
	case successConfirmed:
		return "the site's own code confirms it"
	case successDefault, successIf:
	}
	return "the site accepts it"
}

// countInWords says how often the goal counts, "" for each time.
func (g *Goal) countInWords() string {
	rest, once := strings.CutPrefix(g.Count, "once per ")
	word, key, hasKey := strings.Cut(rest, " for ")
	switch {
	case g.Count == "" || g.Count == "every":
		return ""
	case !once:
		return "count: " + quoted(g.Count)
	case strings.HasPrefix(rest, "$"):
		word, key, hasKey = "visitor", rest, true
	}
	text := "once per " + shown(word)
	if hasKey {
		text += " for each value of " + sourceInWords(strings.TrimPrefix(key, "$"))
	}
	return text
}

// numberInWords says in which session of a visitor the goal counts.
func (g *Goal) numberInWords() string {
	if g.Session == "" {
		return ""
	}
	return "in " + sessionInWords(g.Session) + " of a visitor"
}

// stepsInWords says what has to come before.
func (g *Goal) stepsInWords() string {
	if len(g.AfterEach) > 0 {
		return "only after " + strings.Join(eachInWords(g.AfterEach, Often.inASentence), " and ")
	}
	if len(g.After) == 0 {
		return ""
	}
	steps := make([]string, 0, len(g.After))
	for _, name := range g.After {
		steps = append(steps, shown(name))
	}
	text := "only after " + strings.Join(steps, ", then ") + " in the same session"
	if g.Within != "" {
		text += " and within " + durationInWords(g.Within)
		if len(steps) > 1 {
			text += " of the first"
		}
	}
	return text
}

// barsInWords says what may not have come before.
func (g *Goal) barsInWords() string {
	names := make([]string, 0, len(g.NotAfter))
	for _, name := range g.NotAfter {
		names = append(names, shown(name))
	}
	var parts []string
	if len(names) > 0 {
		parts = append(parts, "unless "+oneOfTexts(names, " or ")+" happened before in the session")
	}
	if each := eachInWords(g.NotAfterEach, Often.inASentence); len(each) > 0 {
		parts = append(parts, "unless "+oneOfTexts(each, " or ")+" happened")
	}
	return strings.Join(parts, ", ")
}

func durationInWords(text string) string {
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 || d%time.Second != 0 {
		return shown(text)
	}
	var parts []string
	for _, unit := range []struct {
		name string
		of   time.Duration
	}{{"hour", time.Hour}, {"minute", time.Minute}, {"second", time.Second}} {
		switch n := d / unit.of; {
		case n == 1:
			parts = append(parts, "1 "+unit.name)
		case n > 1:
			parts = append(parts, fmt.Sprintf("%d %ss", n, unit.name))
		}
		d %= unit.of
	}
	return strings.Join(parts, " ")
}

// datesInWords says from when and until when. A date in until: includes that day.
func (g *Goal) datesInWords() string {
	var parts []string
	if g.From != "" {
		parts = append(parts, "from "+shown(g.From))
	}
	if _, err := time.Parse(time.DateOnly, g.Until); err == nil {
		parts = append(parts, "to the end of "+g.Until)
	} else if g.Until != "" {
		parts = append(parts, "until "+shown(g.Until))
	}
	if parts == nil {
		return ""
	}
	return strings.Join(parts, " ") + " (" + shown(cmp.Or(g.Timezone, "UTC")) + ")"
}

func (g *Goal) consentInWords() string {
	switch g.Consent {
	case "analytics", "marketing":
		return "with consent to " + g.Consent
	case "not-needed":
		return "even without consent"
	}
	return ""
}

// inWords is the sentence about what the goal is worth. currency is the goal's own.
func (v *Value) inWords(currency string) string {
	in := cmp.Or(v.Currency, currency)
	if strings.HasPrefix(in, "$") {
		in = "" // which is another for each
	}
	if in == noCurrency {
		in = "points"
	}
	amount := func(n float64) string {
		return strings.TrimSpace(strconv.FormatFloat(n, 'f', -1, 64) + " " + shown(in))
	}
	switch {
	case v.From != "" && v.Max != 0:
		return " Its value is " + sourceInWords(strings.TrimPrefix(v.From, "$")) + ", at most " + amount(v.Max) + "."
	case v.From != "" && in != "":
		return " Its value is " + sourceInWords(strings.TrimPrefix(v.From, "$")) + ", in " + shown(in) + "."
	case v.From != "":
		return " Its value is " + sourceInWords(strings.TrimPrefix(v.From, "$")) + "."
	case v.Amount != 0:
		return " Each is worth " + amount(v.Amount) + "."
	}
	return ""
}

func conditionsInWords(begin string, conditions Conditions, between string) string {
	if len(conditions) == 0 {
		return ""
	}
	list := make([]string, 0, len(conditions))
	for _, key := range slices.Sorted(maps.Keys(conditions)) {
		list = append(list, sourceInWords(key)+" "+testInWords(key, conditions[key]))
	}
	return begin + strings.Join(list, between)
}

// testInWords is the right side of a condition.
func testInWords(key string, value any) string {
	t, err := parseTest(value, false)
	isForm := strings.HasPrefix(key, "form.")
	switch {
	case err != nil:
		return "is " + quoted(fmt.Sprint(value))
	case t.present && isForm:
		return "is filled in"
	case t.present:
		return "is there"
	case t.absent && isForm:
		return "is left empty"
	case t.absent:
		return "is not there"
	case t.re != nil:
		return "matches the pattern " + shown(t.re.String())
	case t.op != "":
		signs := map[string]string{"<": "less than", "<=": "at most", ">": "more than", ">=": "at least"}
		return "is " + signs[t.op] + " " + strconv.FormatFloat(t.number, 'f', -1, 64)
	}
	values := make([]string, 0, len(t.equal))
	for _, v := range t.equal {
		if key == "path" {
			values = append(values, pathInWords("", "like ", v))
		} else {
			values = append(values, quoted(v))
		}
	}
	return "is " + oneOfTexts(values, " or ")
}

// sourceInWords says where a value comes from. What is no source is said as it is.
func sourceInWords(source string) string {
	kind, name, _ := strings.Cut(source, ".")
	if kind == "response" {
		var part string
		part, name, _ = strings.Cut(name, ".")
		kind = strings.TrimSuffix(kind+"."+part, ".")
	}
	if kind == "path" && name != "" {
		kind = "path." // a part of it
	}
	words := map[string]string{
		"path": "the path", "host": "the host", "route": "the route", "referrer": "the site that they came from", "response.type": "the type of the answer",
		"path.": "the part {%s} of the address", "redirect": "the part {%s} of the address that follows", "query": "the parameter %s of the address",
		"form": "the field %s", "json": "the value %s that was sent", "header": "the header %s", "cookie": "the cookie %s", "utm": "utm_%s", "first": "the %s of the visitor's first session",
		"element": "data-goal-%s of the element", "event": "the attribute %s of the event", "app": "what the site's code says as %s", "response.header": "the header %s of the answer", "response.json": "the value %s of the answer",
	}[kind]
	switch hasName := strings.Contains(words, "%s"); {
	case words == "" || hasName != (name != ""):
		return quoted(source)
	case hasName:
		return fmt.Sprintf(words, shown(name))
	}
	return words
}

// namedInWords says several names behind the word for one, or for several.
func namedInWords(one, several string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	list := make([]string, 0, len(names))
	for _, name := range names {
		list = append(list, shown(name))
	}
	if len(list) == 1 && !strings.Contains(list[0], "*") {
		return one + list[0]
	}
	return several + oneOfTexts(list, " or ")
}

// pathInWords says a path behind the word for one page, or for those that are like it.
func pathInWords(one, like, path string) string {
	if strings.ContainsAny(path, "{*") {
		return like + shown(path)
	}
	return one + shown(path)
}

// oneOfTexts joins texts of which one is enough. or stands before the last.
func oneOfTexts(list []string, or string) string {
	if n := len(list) - mostNamed; n > 0 {
		list = append(slices.Clip(list[:mostNamed]), fmt.Sprintf("one of %d more", n))
	}
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:len(list)-1], ", ") + or + list[len(list)-1]
}

// quoted puts quotes around what a reader could not tell from the words around it.
func quoted(s string) string {
	if s = shown(s); s == "" || strings.ContainsAny(s, " ,\"") {
		return `"` + s + `"`
	}
	return s
}

// shown bounds a text of a rule, and takes out of it what nobody can see.
func shown(s string) string {
	if len(s) <= mostOfAText {
		return cutFact(s)
	}
	return cutFact(s[:mostOfAText]) + "…"
}
