package goaltrack

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goaltrack/goaltrack/cdp"
)

// goal is a Goal compiled.
type goal struct {
	Goal
	number   int
	typ      string // the event type
	triggers []trigger
	success  success
	// early can be tested before the handler runs, late only afterwards.
	early, late []condition
	data        []field
	value       value
	page        source
	base        [baseFields]source
	// formFields are the names of the form fields the goal reads.
	formFields []string
	// readsHeader says that a header or cookie of the request is read after
	// the handler ran, which may have changed them by then.
	readsHeader bool
}

// field is one name of data: and where its value comes from.
type field struct {
	name    string
	from    source
	literal any // used when from is a literal
}

// value is value: compiled.
type value struct {
	set      bool
	amount   float64
	from     source
	currency string
	max      float64
}

// The base fields a goal may replace.
const (
	baseLanguage = iota
	baseCurrency
	baseChannel
	basePointOfSale
	baseFields
)

// trigger is one path and method that makes a goal a candidate.
type trigger struct {
	goal   *goal
	kind   triggerKind
	method string
	path   template
}

type triggerKind uint8

const (
	triggerVisit triggerKind = iota
	triggerSubmit
	triggerDownload
	triggerCode
	triggerView // a VIEW event, which no rule names
)

// compileGoal checks def and compiles it. Every fault goes to f.
func compileGoal(def Goal, f *faults) *goal {
	g := &goal{Goal: def, typ: def.Name}
	if def.Sends != "" {
		g.typ = def.Sends
	}
	g.checkNames(f)
	g.compileTriggers(f)
	g.compileConditions(f)
	g.compileData(f)
	g.compileValue(f)
	g.compileBase(f)
	slices.Sort(g.formFields)
	g.formFields = slices.Compact(g.formFields)
	return g
}

// goalName is upper case, perhaps after the site's name: shop:ORDER_PLACED.
var goalName = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_]{0,49}:){0,3}[A-Z][A-Z0-9_]{0,99}$`)

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
	if cdp.Reserved(g.typ) {
		f.hint(key, fmt.Sprintf("the CDP reserves the event type %s", g.typ), "put the site before it, such as SHOP:"+strings.TrimPrefix(g.typ, "SC_"))
	}
	if g.Count != "" && g.Count != "every" {
		f.hint("count", fmt.Sprintf("count: %q is not understood by this version, which counts every time", g.Count), "count: every")
	}
	if g.Bots != "" && g.Bots != "count" {
		f.hint("bots", fmt.Sprintf("bots: %q", g.Bots), "bots: count, or leave it out")
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

func (g *goal) compileTriggers(f *faults) {
	add := func(key string, kind triggerKind, method, path string) {
		t := trigger{goal: g, kind: kind, method: method}
		if kind != triggerCode {
			var err error
			if hint := queryHint(path); hint != "" {
				f.hint(key, fmt.Sprintf("the path %q has a query string, which a path never has", path), hint)
				return
			}
			if t.path, err = parseTemplate(path); err != nil {
				f.add(key, err)
			}
		}
		g.triggers = append(g.triggers, t)
	}
	if g.Visit != "" {
		add("visit", triggerVisit, http.MethodGet, g.Visit)
	}
	if g.Submit.Path != "" || g.Submit.Method != "" {
		method := strings.ToUpper(g.Submit.Method)
		def(&method, http.MethodPost)
		if !slices.Contains([]string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}, method) {
			f.hint("submit", fmt.Sprintf("submit: the method %q sends no form", g.Submit.Method), "POST, PUT, PATCH or DELETE")
		}
		add("submit", triggerSubmit, method, g.Submit.Path)
	}
	if g.Download != "" {
		add("download", triggerDownload, http.MethodGet, g.Download)
	}
	if g.Code {
		add("code", triggerCode, "", "")
	}
	switch {
	case len(g.triggers) == 0 && len(f.list) == 0:
		f.hint("goal", "nothing says when the goal happens", "add visit:, submit:, download: or code:")
	case len(g.triggers) > 1:
		f.hint("goal", "the goal has more than one trigger", "make a goal of each; they may share an event type with sends:")
	}
	var err error
	g.success, err = parseSuccess(g.Success)
	f.add("success", err)
	if g.Success != "" && g.Submit.Path == "" {
		f.hint("success", "success: is for submit: only", "")
	}
}

// queryHint says what to write instead of a path with a query string.
func queryHint(path string) string {
	_, query, ok := strings.Cut(outsideBraces(path), "?")
	if !ok {
		return ""
	}
	key, val, _ := strings.Cut(strings.Split(query, "&")[0], "=")
	if key == "" {
		return "leave the ? out"
	}
	if val == "" {
		val = "present"
	}
	return fmt.Sprintf("write if: { query.%s: %s }", key, val)
}

// outsideBraces blanks what is inside braces, where ? belongs to a regular
// expression.
func outsideBraces(s string) string {
	depth := 0
	return strings.Map(func(r rune) rune {
		switch r {
		case '{':
			depth++
		case '}':
			depth--
		}
		if depth > 0 {
			return '_'
		}
		return r
	}, s)
}

func (g *goal) compileConditions(f *faults) {
	for _, side := range []struct {
		key    string
		tests  Conditions
		unless bool
	}{{"if", g.If, false}, {"unless", g.Unless, true}} {
		for _, key := range slices.Sorted(maps.Keys(side.tests)) {
			c, err := parseCondition(key, side.tests[key], side.unless)
			if err != nil {
				f.add(side.key+"."+key, fmt.Errorf("%s: %w", key, err))
				continue
			}
			g.reads(side.key+"."+key, &c.from, f)
			if c.from.late() {
				g.late = append(g.late, c)
			} else {
				g.early = append(g.early, c)
			}
		}
	}
}

// late reports whether the source is known only when the handler has answered.
func (s *source) late() bool {
	switch s.kind {
	case sourceForm, sourceRedirect, sourceResponseHeader, sourceResponseType, sourceRoute, sourceApp:
		return true
	}
	return false
}

// reads notes what a source needs, and refuses what the trigger cannot give.
func (g *goal) reads(key string, s *source, f *faults) {
	if len(g.triggers) == 0 {
		return
	}
	t := &g.triggers[0]
	if t.kind == triggerCode && s.kind != sourceLiteral && s.kind != sourceApp {
		f.hint(key, "a goal raised in code has no request of its own to read from", "give the value to Trigger as data and write $app.name")
		return
	}
	switch s.kind {
	case sourceForm:
		if t.kind != triggerSubmit {
			f.hint(key, "only a submit has a form", "use submit: instead, or read query."+s.name)
		}
		g.formFields = append(g.formFields, s.name)
	case sourcePath:
		if !slices.Contains(t.path.names, s.name) {
			f.hint(key, fmt.Sprintf("the path %s has no {%s}", t.path.text, s.name), known("it has", t.path.names))
		}
	case sourceRedirect:
		if g.success.kind != successRedirectTo || !slices.Contains(g.success.target.names, s.name) {
			f.hint(key, fmt.Sprintf("$redirect.%s needs a target with {%s}", s.name, s.name), fmt.Sprintf("success: redirect to /orders/{%s}", s.name))
		}
	case sourceHeader, sourceCookie:
		g.readsHeader = true
	}
}

func known(lead string, names []string) string {
	names = slices.DeleteFunc(slices.Clone(names), func(s string) bool { return s == "" })
	if len(names) == 0 {
		return ""
	}
	return lead + " {" + strings.Join(names, "}, {") + "}"
}

// maxData leaves room among the CDP's 50 attributes for those goaltrack adds
// itself: eventId, occurredAt, goalConfig, late, goalValue and goalCurrency.
const maxData = 50 - 6

var reservedExt = []string{extEventID, extOccurredAt, extGoalConfig, extLate, extGoalValue, extGoalCurrency}

var extName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9]{0,99}$`)

func (g *goal) compileData(f *faults) {
	if len(g.Data) > maxData {
		f.hint("data", fmt.Sprintf("%d attributes are more than %d", len(g.Data), maxData), "the CDP takes 50 and goaltrack adds up to 6")
	}
	for _, name := range slices.Sorted(maps.Keys(g.Data)) {
		key := "data." + name
		switch {
		case !extName.MatchString(name):
			f.hint(key, fmt.Sprintf("the attribute %q is not made of letters and digits", name), "for example "+camel(name))
		case slices.Contains(reservedExt, name):
			f.hint(key, fmt.Sprintf("goaltrack sends the attribute %q itself", name), "")
		}
		d, err := parseField(name, g.Data[name])
		if err != nil {
			f.add(key, err)
			continue
		}
		g.reads(key, &d.from, f)
		g.data = append(g.data, d)
	}
}

func parseField(name string, v any) (field, error) {
	d := field{name: name, literal: v}
	switch v := v.(type) {
	case string:
		var err error
		d.from, err = parseSource(v)
		d.literal = d.from.text
		if len(d.from.text) > maxCollected {
			err = fmt.Errorf("the text is longer than %d bytes", maxCollected)
		}
		return d, err
	case bool, int, int64, uint64, float64:
		return d, nil
	}
	return d, errors.New("a text, a number, true, false or a $source is expected here")
}

// camel writes a name as the CDP advises.
func camel(name string) string {
	out := ""
	for i, w := range words(name) {
		if i > 0 {
			w = strings.ToUpper(w[:1]) + w[1:]
		}
		out += w
	}
	if out == "" {
		return "orderId"
	}
	return out
}

func (g *goal) compileValue(f *faults) {
	v := g.Value
	if v == (Value{}) {
		return
	}
	g.value = value{set: true, amount: v.Amount, currency: v.Currency, max: v.Max}
	if v.Currency != "" && !cdp.ValidCurrency(v.Currency) {
		f.hint("value", fmt.Sprintf("the currency %q is no ISO 4217 code", v.Currency), "for example EUR")
	}
	if v.Amount < 0 || v.Max < 0 {
		f.hint("value", "a value is not negative", "")
	}
	if v.From == "" {
		return
	}
	var err error
	if g.value.from, err = parseSource(v.From); err != nil {
		f.add("value", err)
		return
	}
	g.reads("value", &g.value.from, f)
	switch g.value.from.kind {
	case sourceLiteral:
		f.hint("value", fmt.Sprintf("value: %q is neither a number nor a $source", v.From), "")
	case sourceForm, sourceQuery, sourceCookie, sourceHeader:
		if v.Max == 0 {
			f.hint("value", fmt.Sprintf("the visitor writes %s, so it needs a maximum", v.From), "value: { from: "+v.From+", max: 20000 }")
		}
	}
}

func (g *goal) compileBase(f *faults) {
	parse := func(key, text string, into *source, check func(string) bool, example string) {
		var err error
		if *into, err = parseSource(text); err != nil {
			f.add(key, err)
			return
		}
		if text == "" {
			return
		}
		g.reads(key, into, f)
		if into.kind == sourceLiteral && check != nil && !check(into.text) {
			f.hint(key, key+": "+strconv.Quote(into.text)+" is not understood", example)
		}
	}
	parse("page", g.Page, &g.page, nil, "")
	parse("language", g.Language, &g.base[baseLanguage], func(s string) bool { return wireLanguage(s) != "" }, "for example EN or de-DE")
	parse("currency", g.Currency, &g.base[baseCurrency], cdp.ValidCurrency, "for example EUR")
	parse("channel", g.Channel, &g.base[baseChannel], func(s string) bool { return s == channelAuto || cdp.ValidChannel(s) }, "WEB, MOBILE_WEB or auto")
	parse("pos", g.PointOfSale, &g.base[basePointOfSale], nil, "")
}
