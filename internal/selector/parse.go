package selector

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// parser reads a text from its beginning to its end. It gives up with a panic of a
// [*Fault], which [Parse] returns.
type parser struct {
	text string
	at   int
	// inHas: :has() does not stand in :has().
	inHas bool
}

func (p *parser) fail(at int, message, hint string) {
	panic(&Fault{at, message, hint})
}

// peek is the next byte, 0 at the end.
func (p *parser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *parser) rest() string { return p.text[p.at:] }

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' }

// blanks skips blanks and reports whether there were some.
func (p *parser) blanks() bool {
	from := p.at
	for isBlank(p.peek()) {
		p.at++
	}
	return p.at > from
}

// unexpected says what stands where nothing of a selector can.
func (p *parser) unexpected() string {
	if p.at >= len(p.text) {
		return "the selector ends too early"
	}
	r, _ := utf8.DecodeRuneInString(p.rest())
	return fmt.Sprintf("%q cannot stand here in a selector", r)
}

// list reads selectors between commas, up to the end or a closing bracket. Those that are
// relative may begin with a combinator.
func (p *parser) list(depth int, relative bool) (list List) {
	if depth > maxDepth {
		p.fail(p.at, "too many selectors stand in each other", "")
	}
	for {
		list = append(list, p.chain(depth, relative))
		if p.peek() != ',' {
			return list
		}
		comma := p.at
		p.at++
		p.blanks()
		if c := p.peek(); c == 0 || c == ')' || c == ',' {
			p.fail(comma, "nothing follows the comma", "leave it out, or write another selector after it")
		}
	}
}

// chain reads compounds and the combinators between them, and the blanks after them.
func (p *parser) chain(depth int, relative bool) (parts chain) {
	var combinator byte
	if relative && isCombinator(p.peek()) {
		combinator = p.peek()
		p.at++
		p.blanks()
	}
	for {
		part, ok := p.compound(depth)
		if !ok {
			p.lacksCompound(combinator)
		}
		part.combinator = combinator
		parts = append(parts, part)
		blank := p.blanks()
		switch c := p.peek(); {
		case isCombinator(c):
			combinator = c
			p.at++
			p.blanks()
		case c == 0 || c == ',' || c == ')':
			return parts
		case !blank:
			p.fail(p.at, p.unexpected(), p.hintHere())
		default:
			combinator = ' '
		}
	}
}

func isCombinator(c byte) bool { return c == '>' || c == '+' || c == '~' }

// lacksCompound says what is wrong where an element should be described.
func (p *parser) lacksCompound(combinator byte) {
	switch c := p.peek(); {
	case isCombinator(c) && combinator != 0:
		p.fail(p.at, fmt.Sprintf("nothing stands between %c and %c", combinator, c), "write the element between them, or * for any")
	case isCombinator(c):
		p.fail(p.at, fmt.Sprintf("nothing stands before the %c", c), "write the element before it, or leave it out")
	case c == ',':
		p.fail(p.at, "nothing stands before the comma", "leave it out, or write a selector before it")
	case combinator != 0 && (c == 0 || c == ')'):
		p.fail(p.at, fmt.Sprintf("nothing follows the %c", combinator), "write the element after it, or leave it out")
	case c == 0 || c == ')':
		p.fail(p.at, "a selector is missing", "for example a.button")
	}
	p.fail(p.at, p.unexpected(), p.hintHere())
}

// compound reads what one element has to be. ok is false if nothing of that follows.
func (p *parser) compound(depth int) (c compound, ok bool) {
	from := p.at
	c.tag = p.tag()
	for {
		switch p.peek() {
		case '#':
			c.ids = append(c.ids, p.named('#', "an ID"))
		case '.':
			c.classes = append(c.classes, p.named('.', "a class"))
		case '[':
			c.attributes = append(c.attributes, p.attribute())
		case ':':
			c.pseudos = append(c.pseudos, p.pseudo(depth))
		case '*', '|':
			if p.at > from {
				p.fail(p.at, p.unexpected(), "the kind of element stands first, as in a.button")
			}
			return c, false
		default:
			return c, p.at > from
		}
	}
}

var operators = []string{"=", "~=", "|=", "^=", "$=", "*="}

// attribute reads [href], [href="/x"] and [href^="/x" i].
func (p *parser) attribute() (a attribute) {
	open := p.at
	p.at++
	p.blanks()
	if strings.HasPrefix(p.rest(), "*|") {
		p.at += 2
	} else if p.peek() == '|' {
		p.at++
	}
	if !p.startsName() {
		p.fail(p.at, "the name of an attribute is missing after [", `for example [href="/contact"]`)
	}
	a.name = strings.ToLower(p.name())
	p.blanks()
	if strings.HasPrefix(p.rest(), "==") {
		p.fail(p.at, "== is no operator of CSS", "write =")
	}
	for _, op := range operators {
		if strings.HasPrefix(p.rest(), op) {
			a.op = op
			p.at += len(op)
			p.blanks()
			a.value = p.value(a.name, op)
			p.flag(&a)
			break
		}
	}
	if p.peek() == ']' {
		p.at++
		return a
	}
	switch rest := p.rest(); {
	case rest == "":
		p.fail(open, "the bracket [ is never closed", "")
	case strings.HasPrefix(rest, "!="):
		p.fail(p.at, "!= is no operator of CSS", "write :not(["+a.name+`="..."])`)
	}
	p.fail(p.at, p.unexpected(), "operators are "+strings.Join(operators, " "))
	return a
}

// value reads what an attribute is compared with.
func (p *parser) value(name, op string) string {
	switch c := p.peek(); {
	case c == '"' || c == '\'':
		return p.quoted()
	case p.startsName():
		from := p.at
		v := p.name()
		if c := p.peek(); c == 0 || c == ']' || isBlank(c) {
			return v
		}
		p.at = from
	}
	end := strings.IndexAny(p.rest(), "] ")
	if end < 0 {
		end = len(p.rest())
	}
	raw := p.rest()[:end]
	if raw == "" {
		p.fail(p.at, fmt.Sprintf("nothing follows %s%s", name, op), fmt.Sprintf(`write [%s] if it only has to be there`, name))
	}
	p.fail(p.at, fmt.Sprintf("the value %s needs quotes", raw), fmt.Sprintf("write [%s%s%q]", name, op, raw))
	return ""
}

// flag reads the i or s behind a value.
func (p *parser) flag(a *attribute) {
	p.blanks()
	if !p.startsName() {
		return
	}
	from := p.at
	switch p.name() {
	case "i", "I":
		a.fold = true
	case "s", "S":
	default:
		p.fail(from, "behind the value of an attribute stands only i or s", "i for letters in any case")
	}
	p.blanks()
}
