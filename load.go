package goaltrack

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// parseRules reads a rule file strictly: an unknown key, a key given twice or a
// value of the wrong kind is a fault with its line and column. A rule file is
// written by people who do not read Go, so every message says what to write.
func parseRules(file string, text []byte) (*Rules, error) {
	l := &loader{file: file}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		l.yamlError(err)
		return nil, l.err()
	}
	if len(doc.Content) == 0 {
		l.list = append(l.list, Fault{File: file, Line: 1, Column: 1, Message: "the file is empty", Hint: "goals: begins the list of goals"})
		return nil, l.err()
	}
	defaults := l.document(doc.Content[0])
	rs, err := compileRules(defaults, l.goals, l.position, file)
	// Both passes report, so that one look at the file mends it all.
	if rulesErr, ok := errors.AsType[*RulesError](err); ok {
		l.list = append(l.list, rulesErr.Faults...)
	}
	if err := l.err(); err != nil {
		return nil, err
	}
	rs.hash = hashOf(text)
	return rs, nil
}

// loader walks the YAML nodes and notes where each key of each goal stands.
type loader struct {
	file  string
	goals []Goal
	// places holds, for each goal, where its keys stand; places[-1 + 1] is the
	// document's own.
	places []map[string]*yaml.Node
	doc    map[string]*yaml.Node
	list   []Fault
	name   string // of the goal being read
}

func (l *loader) err() error {
	f := faults{list: l.list}
	return f.err()
}

func (l *loader) fault(n *yaml.Node, message, hint string) {
	l.list = append(l.list, Fault{File: l.file, Line: n.Line, Column: n.Column, Goal: l.name, Message: message, Hint: hint})
}

// position finds a key such as "data.topic", or the nearest there is.
func (l *loader) position(goal int, key string) (line, column int) {
	places := l.doc
	if goal >= 0 {
		places = l.places[goal]
	}
	for {
		if n := places[key]; n != nil {
			return n.Line, n.Column
		}
		i := strings.LastIndexByte(key, '.')
		if i < 0 {
			break
		}
		key = key[:i]
	}
	if n := places[""]; n != nil {
		return n.Line, n.Column
	}
	return 1, 1
}

// pairs walks a mapping. Unknown and repeated keys are faults; read is called
// for the others.
func (l *loader) pairs(n *yaml.Node, what string, known []string, read func(key string, k, v *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		l.fault(n, fmt.Sprintf("%s is expected to be a list of key: value", what), "")
		return
	}
	seen := make(map[string]bool, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		switch {
		case k.Kind != yaml.ScalarNode:
			l.fault(k, "a key is expected here", `put quotes around a text that begins with { or [`)
			continue
		case seen[k.Value]:
			l.fault(k, fmt.Sprintf("%s: is given twice", k.Value), "the second would silently replace the first")
			continue
		case known != nil && !slices.Contains(known, k.Value):
			l.unknownKey(k, known)
			continue
		case v.Kind == yaml.AliasNode || v.Anchor != "":
			l.fault(v, "anchors and aliases (& and *) are not read", `put quotes around a text that begins with * or &`)
			continue
		}
		seen[k.Value] = true
		read(k.Value, k, v)
	}
}

// laterKeys belong to the language but not to this version.
var laterKeys = []string{
	"any", "after", "within", "identify", "forget", "consent", "status", "from", "until", "timezone", "env",
	"hosts", "late", "order", "examples", "click", "seen",
}

func (l *loader) unknownKey(k *yaml.Node, known []string) {
	switch {
	case k.Value == "event":
		l.fault(k, "unknown key event:", "a goal raised in code is written code: true")
	case slices.Contains(laterKeys, k.Value):
		l.fault(k, k.Value+": is not understood by this version", "a goal that ignored it would count too much")
	default:
		hint := "keys are " + strings.Join(known, ", ")
		if near := nearest(k.Value, known); near != "" {
			hint = "did you mean " + near + ":?"
		}
		l.fault(k, fmt.Sprintf("unknown key %s:", k.Value), hint)
	}
}

func (l *loader) document(n *yaml.Node) (d Defaults) {
	l.doc = map[string]*yaml.Node{"": n}
	var list *yaml.Node
	l.pairs(n, "the file", []string{"version", "defaults", "goals"}, func(key string, k, v *yaml.Node) {
		switch key {
		case "version":
			if v.Value != "1" {
				l.fault(v, fmt.Sprintf("version %q is not known", v.Value), "version: 1")
			}
		case "defaults":
			d = l.defaults(v)
		case "goals":
			list = v
		}
	})
	switch {
	case list == nil && n.Kind == yaml.MappingNode:
		l.fault(n, "there is no goals: list", "goals: begins it")
	case list != nil && list.Kind != yaml.SequenceNode:
		l.fault(list, "goals: is expected to be a list", "each goal begins with - goal: NAME")
	case list != nil:
		for _, item := range list.Content {
			l.goal(item)
		}
	}
	return d
}

func (l *loader) defaults(n *yaml.Node) (d Defaults) {
	l.pairs(n, "defaults:", []string{"language", "currency", "channel", "failure", "count"}, func(key string, k, v *yaml.Node) {
		l.doc["defaults."+key] = v
		switch key {
		case "language":
			d.Language = l.text(v)
		case "currency":
			d.Currency = l.text(v)
		case "channel":
			d.Channel = l.text(v)
		case "failure":
			d.Failure = l.texts(v)
		case "count":
			if l.text(v) != "every" {
				l.fault(v, fmt.Sprintf("count: %q is not understood by this version, which counts every time", v.Value), "count: every")
			}
		}
	})
	return d
}

// textKeys are the keys of a goal that are plain texts, and where they go.
var textKeys = map[string]func(*Goal) *string{
	"goal":     func(g *Goal) *string { return &g.Name },
	"label":    func(g *Goal) *string { return &g.Label },
	"note":     func(g *Goal) *string { return &g.Note },
	"owner":    func(g *Goal) *string { return &g.Owner },
	"sends":    func(g *Goal) *string { return &g.Sends },
	"page":     func(g *Goal) *string { return &g.Page },
	"visit":    func(g *Goal) *string { return &g.Visit },
	"download": func(g *Goal) *string { return &g.Download },
	"success":  func(g *Goal) *string { return &g.Success },
	"count":    func(g *Goal) *string { return &g.Count },
	"bots":     func(g *Goal) *string { return &g.Bots },
	"language": func(g *Goal) *string { return &g.Language },
	"currency": func(g *Goal) *string { return &g.Currency },
	"channel":  func(g *Goal) *string { return &g.Channel },
	"pos":      func(g *Goal) *string { return &g.PointOfSale },
}

var goalKeys = append(slices.Sorted(maps.Keys(textKeys)), "code", "data", "if", "submit", "unless", "value")

func (l *loader) goal(n *yaml.Node) {
	var g Goal
	places := map[string]*yaml.Node{"": n}
	l.name = nameOf(n)
	defer func() { l.name = "" }()
	l.pairs(n, "a goal", goalKeys, func(key string, k, v *yaml.Node) {
		places[key] = v
		if field := textKeys[key]; field != nil {
			*field(&g) = l.text(v)
			if v.Value == "" && v.Kind == yaml.ScalarNode {
				l.fault(v, key+": is empty", "leave the line out, or fill it")
			}
			return
		}
		switch key {
		case "code":
			if g.Code = v.Value == "true"; !g.Code {
				l.fault(v, "code: is expected to be true", "the application calls Trigger with the goal's name")
			}
		case "submit":
			g.Submit = l.submit(v)
		case "if":
			g.If = l.conditions(v, "if", places)
		case "unless":
			g.Unless = l.conditions(v, "unless", places)
		case "value":
			g.Value = l.value(v)
		case "data":
			g.Data = make(map[string]any)
			l.pairs(v, "data:", nil, func(name string, k, v *yaml.Node) {
				places["data."+name] = v
				g.Data[name] = l.scalar(v)
			})
		}
	})
	l.goals = append(l.goals, g)
	l.places = append(l.places, places)
}

// nameOf finds the goal's name before anything else, for the messages.
func nameOf(n *yaml.Node) string {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == "goal" {
			return n.Content[i+1].Value
		}
	}
	return ""
}

func (l *loader) submit(n *yaml.Node) (s Submit) {
	if n.Kind != yaml.MappingNode || len(n.Content) == 2 && n.Content[1].Tag == "!!null" {
		s.Path = l.text(n)
		return s
	}
	l.pairs(n, "submit:", []string{"path", "method"}, func(key string, k, v *yaml.Node) {
		switch key {
		case "path":
			s.Path = l.text(v)
		case "method":
			s.Method = l.text(v)
		}
	})
	return s
}

func (l *loader) conditions(n *yaml.Node, side string, places map[string]*yaml.Node) Conditions {
	c := make(Conditions)
	l.pairs(n, side+":", nil, func(key string, k, v *yaml.Node) {
		places[side+"."+key] = v
		if v.Kind == yaml.SequenceNode {
			list := make([]any, 0, len(v.Content))
			for _, item := range v.Content {
				list = append(list, l.scalar(item))
			}
			c[key] = list
			return
		}
		c[key] = l.scalar(v)
	})
	return c
}

func (l *loader) value(n *yaml.Node) (v Value) {
	if n.Kind != yaml.MappingNode {
		switch s := l.scalar(n).(type) {
		case string:
			v.From = s
		case int64:
			v.Amount = float64(s)
		case float64:
			v.Amount = s
		default:
			l.fault(n, fmt.Sprintf("value: %q is neither a number nor a $source", n.Value), "value: 10")
		}
		return v
	}
	l.pairs(n, "value:", []string{"amount", "from", "currency", "max"}, func(key string, k, at *yaml.Node) {
		switch key {
		case "from":
			v.From = l.text(at)
		case "currency":
			v.Currency = l.text(at)
		default:
			into := &v.Amount
			if key == "max" {
				into = &v.Max
			}
			var err error
			if *into, err = strconv.ParseFloat(at.Value, 64); err != nil {
				l.fault(at, fmt.Sprintf("%s: %q is not a number", key, at.Value), "for example "+key+": 129.90")
			}
		}
	})
	return v
}

// text reads a scalar as it is written.
func (l *loader) text(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode {
		l.fault(n, "a text is expected here", `put quotes around a text that begins with { or [`)
		return ""
	}
	return n.Value
}

func (l *loader) texts(n *yaml.Node) []string {
	if n.Kind != yaml.SequenceNode {
		return []string{l.text(n)}
	}
	list := make([]string, 0, len(n.Content))
	for _, item := range n.Content {
		list = append(list, l.text(item))
	}
	return list
}

// scalar reads a text, a number, true or false.
func (l *loader) scalar(n *yaml.Node) any {
	if n.Kind != yaml.ScalarNode {
		l.text(n)
		return ""
	}
	switch n.ShortTag() {
	case "!!bool":
		return n.Value == "true" || n.Value == "True" || n.Value == "TRUE"
	case "!!int":
		if i, err := strconv.ParseInt(n.Value, 0, 64); err == nil {
			return i
		}
		return n.Value // an order number too long for an integer is a text
	case "!!float":
		if f, err := strconv.ParseFloat(n.Value, 64); err == nil && f-f == 0 {
			return f
		}
		l.fault(n, fmt.Sprintf("%q is not a finite number", n.Value), "put quotes around it if it is a text")
		return 0.0
	case "!!null":
		l.fault(n, "nothing stands here", "leave the line out, or fill it")
		return ""
	}
	return n.Value
}

// yamlError says in plain words what the YAML parser found.
func (l *loader) yamlError(err error) {
	f := Fault{File: l.file, Line: 1, Column: 1, Message: strings.TrimPrefix(err.Error(), "yaml: ")}
	if le, ok := errors.AsType[*yaml.LoadError](err); ok {
		f.Message = le.Message
		if le.Mark.Line > 0 {
			f.Line, f.Column = le.Mark.Line, max(le.Mark.Column, 1)
		}
	}
	for _, t := range []struct{ says, message, hint string }{
		{"cannot start any token", "a text cannot begin with this character", `put quotes around the text; indent with spaces, never with tabs`},
		{"mapping values are not allowed", "a colon and a space inside a text, or a line indented too far", `put quotes around a text with ": " in it`},
		{"unknown anchor", "a text that begins with * needs quotes", `for example "*.pdf"`},
		{"did not find expected alphabetic", "a text that begins with * or & needs quotes", `for example "*.pdf"`},
		{"did not find expected ',' or", "a list in brackets is not closed, or holds a special character", `write the list one item a line, each after "- "`},
		{"did not find expected '-' indicator", "the indentation changes inside a list", `every "- " of a list stands in the same column`},
		{"did not find expected key", "the indentation changes inside a goal", "the keys of a goal stand in the same column"},
		{"unexpected end of stream", "a quote is opened and never closed", ""},
	} {
		if strings.Contains(f.Message, t.says) {
			f.Message, f.Hint = t.message, t.hint
			break
		}
	}
	l.list = append(l.list, f)
}

// nearest finds the word that s may have been meant to be: at most two letters
// off and no more than a third of it.
func nearest(s string, words []string) string {
	best, least := "", min(2, (len(s)+2)/3)+1
	for _, w := range words {
		if d := distance(s, w); d < least {
			best, least = w, d
		}
	}
	return best
}

// distance is the Levenshtein distance.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
