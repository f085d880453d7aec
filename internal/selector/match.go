package selector

import (
	"slices"
	"strings"
)

// Element is an element as somebody describes it in a few words: "#hero a.demo" is an a of
// the class demo, in an element with the ID hero. It has nothing that is not said of it.
type Element struct {
	chain chain
}

// Describe reads the description of an element, which is written as a selector. ok is false
// if that says more than what the element is and what it is in: then it describes none.
func Describe(list List) (e Element, ok bool) {
	if len(list) != 1 || len(list[0]) > maxDescribed {
		return e, false
	}
	for _, part := range list[0] {
		if len(part.pseudos) > 0 || part.combinator == '+' || part.combinator == '~' ||
			slices.ContainsFunc(part.attributes, func(a attribute) bool { return a.op != "" && a.op != "=" }) {
			return e, false
		}
	}
	return Element{list[0]}, true
}

// maxDescribed bounds how many elements a description names: each way in which a selector
// could fit them is tried.
const maxDescribed = 12

// Attribute is the value of an attribute of the element itself.
func (e Element) Attribute(name string) string {
	if len(e.chain) == 0 {
		return ""
	}
	v, _ := e.chain[len(e.chain)-1].attribute(name)
	return v
}

// Closest reports whether the element, or one that it is in, is one of the list, as far as
// its description tells.
func (l List) Closest(e Element) bool {
	for i := range e.chain {
		if l.match(e.chain[:i+1]) == yes {
			return true
		}
	}
	return false
}

// Matches reports whether the element is one of the list, as far as its description tells.
func (l List) Matches(e Element) bool { return l.match(e.chain) == yes }

// verdict is what a description tells: not all of it can be known.
type verdict uint8

const (
	no verdict = iota
	unknown
	yes
)

func (l List) match(e chain) verdict {
	best := no
	for _, c := range l {
		best = max(best, c.match(e))
	}
	return best
}

// match compares a selector, from its end, with an element and what it is in.
func (c chain) match(e chain) verdict {
	if len(e) == 0 {
		return no
	}
	last := &c[len(c)-1]
	v := last.match(e)
	if v == no || len(c) == 1 {
		return v
	}
	outer, rest := c[:len(c)-1], e[:len(e)-1]
	switch last.combinator {
	case ' ':
		best := no
		for n := len(rest); n > 0; n-- {
			best = max(best, outer.match(rest[:n]))
		}
		return min(v, best)
	case '>':
		best := outer.match(rest)
		if e[len(e)-1].combinator != '>' {
			best = min(best, unknown) // there may be others between them
		}
		return min(v, best)
	}
	return unknown // no description has brothers and sisters
}

// match compares what one element has to be with the last of e.
func (c *compound) match(e chain) verdict {
	is := &e[len(e)-1]
	switch {
	case c.tag != "" && !strings.EqualFold(c.tag, is.tag),
		slices.ContainsFunc(c.ids, func(id string) bool { return !is.hasID(id) }),
		slices.ContainsFunc(c.classes, func(class string) bool { return !is.hasClass(class) }),
		slices.ContainsFunc(c.attributes, func(a attribute) bool { return !a.match(is) }):
		return no
	}
	v := yes
	for i := range c.pseudos {
		v = min(v, c.pseudos[i].match(e))
	}
	return v
}

func (p *pseudo) match(e chain) verdict {
	switch p.name {
	case "is", "where":
		return p.list.match(e)
	case "not":
		return yes - p.list.match(e)
	}
	return unknown
}

func (c *compound) hasID(id string) bool {
	v, _ := c.attribute("id")
	return v == id
}

func (c *compound) hasClass(class string) bool {
	v, _ := c.attribute("class")
	return slices.Contains(strings.Fields(v), class)
}

// attribute is the value of an attribute of what c describes.
func (c *compound) attribute(name string) (v string, ok bool) {
	for _, a := range c.attributes {
		if a.name == name {
			v, ok = a.value, true
		}
	}
	switch {
	case name == "id" && len(c.ids) > 0:
		return c.ids[0], true
	case name == "class" && len(c.classes) > 0:
		return strings.TrimSpace(v + " " + strings.Join(c.classes, " ")), true
	}
	return v, ok
}

// match reports whether the element has such an attribute.
func (a *attribute) match(is *compound) bool {
	v, ok := is.attribute(a.name)
	want := a.value
	if a.fold {
		v, want = strings.ToLower(v), strings.ToLower(want)
	}
	switch {
	case !ok:
		return false
	case a.op == "":
		return true
	case a.op == "=":
		return v == want
	case a.op == "~=":
		return slices.Contains(strings.Fields(v), want)
	case a.op == "|=":
		return v == want || strings.HasPrefix(v, want+"-")
	case want == "":
		return false
	case a.op == "^=":
		return strings.HasPrefix(v, want)
	case a.op == "$=":
		return strings.HasSuffix(v, want)
	}
	return strings.Contains(v, want)
}
