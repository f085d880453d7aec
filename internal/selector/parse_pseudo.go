package selector

import (
	"fmt"
	"slices"
	"strings"
)

// pseudo reads a pseudo-class.
func (p *parser) pseudo(depth int) pseudo {
	from := p.at
	p.at++
	if p.peek() == ':' {
		p.at++
		p.refuseElement(from, plainWord(p.rest()))
	}
	if !p.startsName() {
		p.fail(from, "the name of a pseudo-class is missing after :", "for example :first-child; in the name of a class, write \\: for a colon")
	}
	name := strings.ToLower(p.name())
	if p.peek() != '(' {
		if !slices.Contains(plainPseudos, name) {
			p.refusePseudo(from, name, false)
		}
		return pseudo{name: name}
	}
	open := p.at
	read := functions[name]
	if read == nil {
		p.refusePseudo(from, name, true)
	}
	p.at++
	p.blanks()
	made := pseudo{name: name, list: read(p, depth+1)}
	p.blanks()
	switch {
	case p.peek() == ')':
		p.at++
	case p.at >= len(p.text):
		p.fail(open, "the bracket ( is never closed", "")
	default:
		p.fail(p.at, p.unexpected(), "")
	}
	return made
}

// functions read what stands in the brackets of pseudo-classes.
var functions map[string]func(p *parser, depth int) List

func init() { //nolint:gochecknoinits // The functions read selectors, in which they stand.
	inner := func(p *parser, depth int) List { return p.list(depth, false) }
	functions = map[string]func(*parser, int) List{
		"is": inner, "not": inner, "where": inner,
		"has":  (*parser).has,
		"lang": (*parser).languages, "dir": (*parser).direction,
		"nth-child": (*parser).nthOf, "nth-last-child": (*parser).nthOf,
		"nth-of-type": (*parser).nth, "nth-last-of-type": (*parser).nth,
	}
}

func (p *parser) has(depth int) List {
	if p.inHas {
		p.fail(p.at, ":has() cannot stand in :has()", "")
	}
	p.inHas = true
	list := p.list(depth, true)
	p.inHas = false
	return list
}

func (p *parser) languages(int) List {
	for {
		switch {
		case p.startsName():
			p.name()
		case p.peek() == '"' || p.peek() == '\'':
			p.quoted()
		default:
			p.fail(p.at, "a language is missing", "for example :lang(de)")
		}
		p.blanks()
		if p.peek() != ',' {
			return nil
		}
		p.at++
		p.blanks()
	}
}

func (p *parser) direction(int) List {
	from := p.at
	if word := strings.ToLower(plainWord(p.rest())); word == "ltr" || word == "rtl" {
		p.at += len(word)
		return nil
	}
	p.fail(from, "a direction is ltr or rtl", ":dir(rtl)")
	return nil
}

func (p *parser) nth(int) List {
	from := p.at
	end := strings.IndexAny(p.rest(), ")")
	if of := strings.Index(strings.ToLower(p.rest()), " of "); of >= 0 && (end < 0 || of < end) {
		end = of
	}
	if end < 0 {
		end = len(p.rest())
	}
	if text := strings.Trim(p.rest()[:end], " \t"); !isNth(strings.ToLower(text)) {
		p.fail(from, fmt.Sprintf("%q is no count", text), "for example 2, odd, even or 3n+1")
	}
	p.at += end
	return nil
}

func (p *parser) nthOf(depth int) List {
	p.nth(depth)
	p.blanks()
	if !strings.HasPrefix(strings.ToLower(p.rest()), "of") || !isBlank((&parser{text: p.text, at: p.at + 2}).peek()) {
		return nil
	}
	p.at += 2
	p.blanks()
	return p.list(depth, false)
}

// isNth reads odd, even, 3, -n+3, 2n + 1 (https://www.w3.org/TR/css-syntax-3/#anb).
func isNth(s string) bool {
	if s == "odd" || s == "even" {
		return true
	}
	step, add, hasN := strings.Cut(s, "n")
	if !hasN {
		return isWhole(s, true)
	}
	if step != "" && step != "-" && step != "+" && !isWhole(step, true) {
		return false
	}
	if add = strings.Trim(add, " \t"); add == "" {
		return true
	}
	return (add[0] == '+' || add[0] == '-') && isWhole(strings.TrimLeft(add[1:], " \t"), false)
}

func isWhole(s string, signed bool) bool {
	if signed && s != "" && (s[0] == '+' || s[0] == '-') {
		s = s[1:]
	}
	return s != "" && strings.Trim(s, "0123456789") == ""
}
