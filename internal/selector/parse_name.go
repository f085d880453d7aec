package selector

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

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
