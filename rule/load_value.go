package rule

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// nameOf finds the goal's name for the messages.
func nameOf(n *yaml.Node) string {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == "goal" {
			return n.Content[i+1].Value
		}
	}
	return ""
}

func (l *loader) submit(n *yaml.Node) (s Submit) {
	if n.Kind != yaml.MappingNode || looksLikeVariable(n) {
		s.Path = l.text(n, "submit")
		return s
	}
	l.pairs(n, "submit:", "path: /newsletter", []string{"path", "method", "form"}, func(key string, v *yaml.Node) {
		switch key {
		case "path":
			s.Path = l.text(v, key)
		case "method":
			s.Method = l.text(v, key)
		case "form":
			s.Form = l.text(v, key)
		}
	})
	return s
}

// element reads the element of the trigger that stands at the place where: alone, or with
// one other key.
func (l *loader) element(n *yaml.Node, where, other string, at places) (element, more string) {
	key := where[strings.LastIndexByte(where, '.')+1:]
	if n.Kind != yaml.MappingNode {
		return l.selector(n, key), ""
	}
	example := map[string]string{"to": "to: tel", "part": "part: end"}[other]
	l.pairs(n, key+":", example, []string{"element", other}, func(k string, v *yaml.Node) {
		at[where+"."+k] = v
		if k == "element" {
			element = l.selector(v, k)
		} else {
			more = l.text(v, k)
		}
	})
	return element, more
}

func (l *loader) conditions(n *yaml.Node, side string, at places) Conditions {
	c := make(Conditions)
	l.pairs(n, side+":", "query.q: present", nil, func(key string, v *yaml.Node) {
		at[side+"."+key] = v
		if v.Kind != yaml.SequenceNode {
			// As it is written: a visitor sends texts, and 01234 is another
			// text than 1234.
			if s := l.text(v, key); s != "" {
				c[key] = s
			}
			return
		}
		list := make([]any, 0, len(v.Content))
		for _, item := range v.Content {
			if s := l.text(item, key); s != "" {
				list = append(list, s)
			}
		}
		if len(list) > 0 || len(v.Content) == 0 {
			c[key] = list
		}
	})
	return c
}

func (l *loader) value(n *yaml.Node) (v Value) {
	switch {
	case n.Kind == yaml.MappingNode && !looksLikeVariable(n):
		l.pairs(n, "value:", "from: $form.total", []string{"amount", "from", "currency", "max"}, func(key string, at *yaml.Node) {
			switch key {
			case "from":
				v.From = l.text(at, key)
			case "currency":
				v.Currency = l.text(at, key)
			case "amount":
				v.Amount = l.number(at, key)
			case "max":
				v.Max = l.number(at, key)
			}
		})
	case strings.HasPrefix(n.Value, "$"):
		v.From = l.text(n, "value")
	default:
		v.Amount = l.number(n, "value")
	}
	return v
}

// number reads a finite number other than 0, as people write one.
func (l *loader) number(n *yaml.Node, what string) float64 {
	if n.Kind != yaml.ScalarNode || isNull(n) {
		l.text(n, what)
		return 0
	}
	tag := n.ShortTag()
	f, err := strconv.ParseFloat(n.Value, 64)
	switch {
	case tag != "!!int" && tag != "!!float" || err != nil || !finite(f):
		hint := cmp.Or(amountHint(what, n.Value), "for example "+what+": 129.90")
		if point := strings.Replace(n.Value, ",", ".", 1); point != n.Value {
			if _, err := strconv.ParseFloat(point, 64); err == nil {
				hint = "write " + point
			}
		}
		l.fault(n, fmt.Sprintf("%s: %q is not a number", what, n.Value), hint)
		return 0
	case f == 0:
		l.fault(n, what+": 0 says nothing", "leave it out")
	}
	return f
}

// severalHints say how a goal says several of what stands in one text.
var severalHints = map[string]string{
	"visit": anyHint("visit"), "download": anyHint("download"), "submit": anyHint("submit"),
	"on":      "* and {name} stand for parts of a path; or make a goal of each page",
	"success": "2xx is each status from 200 to 299; for others make a goal of each, with one sends:",
	"count":   "for example once per session",
	"status":  "live, draft or paused",
}

func anyHint(key string) string {
	return "list them under any: - " + key + ": /a and - " + key + ": /b"
}

// text reads a scalar as it is written.
func (l *loader) text(n *yaml.Node, what string) string {
	switch {
	case n.Kind == yaml.SequenceNode && severalHints[what] != "":
		l.fault(n, what+": takes one, not a list", severalHints[what])
		return ""
	case n.Kind != yaml.ScalarNode:
		l.fault(n, "a text is expected here", "put quotes around a text that begins with { or [")
		return ""
	case isNull(n) && isCutOff(n):
		l.fault(n, what+": is empty: what begins with # is a remark", "put quotes around the text")
		return ""
	case isNull(n) || n.Value == "":
		l.fault(n, what+": is empty", "leave the line out, or fill it")
		return ""
	case len(n.Value) > maxInput:
		l.fault(n, fmt.Sprintf("%s: is longer than %d bytes", what, maxInput), "")
		return ""
	}
	return n.Value
}

// selector reads a text that may have a # in it.
func (l *loader) selector(n *yaml.Node, what string) string {
	l.whole(n)
	return l.text(n, what)
}

// whole reports a text that goes on behind a #: YAML takes that for a remark, and a
// selector such as main #buy would be another without it.
func (l *loader) whole(n *yaml.Node) {
	if !isNull(n) && isCutOff(n) {
		l.fault(n, fmt.Sprintf("what follows %q is a remark, and is not read", n.Value), "put quotes around the whole text; a remark begins with # and a blank")
	}
}

// isCutOff reports whether a remark follows that looks like a part of the text.
func isCutOff(n *yaml.Node) bool {
	c := n.LineComment
	plain := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
	return plain && len(c) > 1 && c[0] == '#' && c[1] != '#' && c[1] != ' ' && c[1] != '\t'
}

// scalar reads a text, a number, true or false. A number that would lose
// something as a number, such as 01234 or a very long one, is a text.
func (l *loader) scalar(n *yaml.Node, what string) any {
	s := l.text(n, what)
	switch n.ShortTag() {
	case "!!bool":
		return strings.EqualFold(s, "true")
	case "!!int":
		if i, err := strconv.ParseInt(s, 10, 64); err == nil && strconv.FormatInt(i, 10) == s {
			return i
		}
	case "!!float":
		f, err := strconv.ParseFloat(s, 64)
		switch {
		case err != nil || !finite(f):
			l.fault(n, fmt.Sprintf("%q is not a finite number", s), "put quotes around it if it is a text")
		case strings.ContainsAny(s, ".eE"):
			return f
		}
	}
	return s
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// looksLikeVariable tells a bare {id}, which YAML reads as a mapping of id to
// nothing, from a mapping that was meant.
func looksLikeVariable(n *yaml.Node) bool {
	return len(n.Content) == 2 && n.Style&yaml.FlowStyle != 0 && n.Content[1].Value == "" && isNull(n.Content[1]) && n.Content[1].Line == n.Line
}
