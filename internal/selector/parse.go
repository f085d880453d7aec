package selector

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
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

// tag reads the kind of element: a, *, *|a, |a. "" is any.
func (p *parser) tag() string {
	name := ""
	switch {
	case p.peek() == '*':
		p.at++
	case p.startsName():
		name = p.name()
	case p.peek() != '|':
		return ""
	}
	if p.peek() != '|' || strings.HasPrefix(p.rest(), "||") {
		return name
	}
	if name != "" {
		p.fail(p.at, "a page has no names of namespaces", "write *|"+afterBar(p.rest())+", or only "+afterBar(p.rest()))
	}
	p.at++
	if p.peek() == '*' {
		p.at++
		return ""
	}
	if !p.startsName() {
		p.fail(p.at, "nothing follows the |", "leave it out")
	}
	return p.name()
}

func afterBar(rest string) string {
	p := &parser{text: rest, at: 1}
	if !p.startsName() {
		return "*"
	}
	return p.name()
}

// named reads an ID or a class behind its sign.
func (p *parser) named(sign byte, what string) string {
	p.at++
	if p.startsName() {
		return p.name()
	}
	word := plainWord(p.rest())
	switch {
	case word == "" && isBlank(p.peek()):
		p.fail(p.at, fmt.Sprintf("a blank follows the %c", sign), "write the name right behind it")
	case word == "":
		p.fail(p.at, fmt.Sprintf("the name of %s is missing after %c", what, sign), fmt.Sprintf("for example %cdemo", sign))
	case sign == '#':
		p.fail(p.at-1, "an ID that begins with a digit is not written #"+word, fmt.Sprintf("write [id=%q]", word))
	default:
		p.fail(p.at-1, "a class that begins with a digit is not written ."+word, fmt.Sprintf("write [class~=%q]", word))
	}
	return ""
}

// plainWord is the letters, digits, - and _ at the beginning of a text.
func plainWord(text string) string {
	end := 0
	for end < len(text) && isNameByte(text[end]) {
		end++
	}
	return text[:end]
}

// startsName reports whether a name of CSS begins here
// (https://www.w3.org/TR/css-syntax-3/#would-start-an-identifier).
func (p *parser) startsName() bool {
	rest := p.rest()
	if strings.HasPrefix(rest, "--") {
		return true
	}
	rest = strings.TrimPrefix(rest, "-")
	return rest != "" && (isNameStart(rest[0]) || isEscape(rest))
}

func isNameStart(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c >= utf8.RuneSelf
}

// isEscape reports whether a backslash begins the text that stands for a character.
func isEscape(text string) bool {
	return len(text) > 1 && text[0] == '\\' && text[1] != '\n' && text[1] != '\r' && text[1] != '\f'
}

// name reads a name, with what backslashes in it stand for.
func (p *parser) name() string {
	var b strings.Builder
	for p.at < len(p.text) {
		switch c := p.peek(); {
		case isNameByte(c) || c >= utf8.RuneSelf:
			b.WriteByte(c)
			p.at++
		case isEscape(p.rest()):
			b.WriteRune(p.escaped())
		default:
			return b.String()
		}
	}
	return b.String()
}

// escaped reads a backslash and what it stands for: up to six hexadecimal digits and a
// blank, or the character itself.
func (p *parser) escaped() rune {
	p.at++
	digits := 0
	for digits < 6 && p.at+digits < len(p.text) && strings.IndexByte("0123456789abcdefABCDEF", p.text[p.at+digits]) >= 0 {
		digits++
	}
	if digits == 0 {
		r, size := utf8.DecodeRuneInString(p.rest())
		p.at += size
		return r
	}
	n, err := strconv.ParseUint(p.text[p.at:p.at+digits], 16, 32)
	if p.at += digits; isBlank(p.peek()) {
		p.at++
	}
	if r := rune(n); err == nil && n > 0 && n <= unicode.MaxRune && utf8.ValidRune(r) { //nolint:gosec // Bounded.
		return r
	}
	return utf8.RuneError
}

// quoted reads a text between quotes.
func (p *parser) quoted() string {
	open, quote := p.at, p.peek()
	p.at++
	var b strings.Builder
	for p.at < len(p.text) {
		switch c := p.peek(); {
		case c == quote:
			p.at++
			return b.String()
		case c == '\n' || c == '\r' || c == '\f':
			p.fail(open, "a line ends between the quotes", "close the quote on its line")
		case c == '\\' && p.at+1 < len(p.text) && !isEscape(p.rest()):
			p.at += 2 // a line that goes on
		case isEscape(p.rest()):
			b.WriteRune(p.escaped())
		default:
			b.WriteByte(c)
			p.at++
		}
	}
	p.fail(open, fmt.Sprintf("the quote %c is never closed", quote), "")
	return ""
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
