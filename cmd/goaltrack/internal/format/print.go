package format

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"
)

// level is a list or mapping in whose lines something stands: at which column they begin in
// the source, and by what they are indented now.
type level struct{ column, indent int }

// spot is where the first line of something begins.
type spot struct {
	indent int
	lead   string  // what stands before it in the line: "- "
	opened []level // the lists of which that is
	apart  bool    // an empty line stands above
}

// printer writes a file.
type printer struct {
	from  *source
	lines []string
	next  int     // the first comment that is not written yet
	path  []level // in which the last line stands
	full  bool    // the last line takes no comment at its end
}

const step = 2

func pad(n int) string { return strings.Repeat(" ", n) }

// text is the whole file.
func (p *printer) text() string { return strings.Join(p.lines, "\n") + "\n" }

// begin begins a line with what stands at a line of the source, after the comments above it.
func (p *printer) begin(line int, at spot, own level) {
	opened := append(slices.Clone(at.opened), own)
	p.above(line, opened[0], at.apart)
	keep := slices.IndexFunc(p.path, func(l level) bool { return l.indent >= opened[0].indent })
	if keep < 0 {
		keep = len(p.path)
	}
	p.path = append(p.path[:keep:keep], opened...)
	p.lines = append(p.lines, pad(opened[0].indent)+at.lead)
	p.full = false
}

// add goes on with the last line.
func (p *printer) add(text string) { p.lines[len(p.lines)-1] += text }

// comments writes those above a line of the source.
func (p *printer) comments(line int, to level) { p.above(line, to, false) }

// above writes the comments above a line of the source, which belongs to a level. One
// below a goal, indented as its keys, stays with the goal. apart puts an empty line before
// the rest. What had one above it has one.
func (p *printer) above(line int, to level, apart bool) {
	for ; p.next < len(p.from.comments) && p.from.comments[p.next].line < line; p.next++ {
		c := &p.from.comments[p.next]
		if !c.own && len(p.lines) > 0 && !p.full {
			p.add("  " + c.text)
			p.full = true
			continue
		}
		indent := p.indentOf(c, line, to)
		p.space(c.own && p.from.blankBefore(c.line) || apart && indent == to.indent)
		apart = apart && indent != to.indent
		p.lines, p.full = append(p.lines, pad(indent)+c.text), true
	}
	if line <= len(p.from.lines) {
		p.space(p.from.blankBefore(line) || apart)
	}
}

// space writes an empty line, unless there is one.
func (p *printer) space(wanted bool) {
	if n := len(p.lines); wanted && n > 0 && p.lines[n-1] != "" {
		p.lines = append(p.lines, "")
	}
}

// indentOf is by how much a comment is indented: as the lines above that begin at its column
// or before. If only comments lead from an empty line to the line below, the comment belongs
// to that line, and is indented as it is.
func (p *printer) indentOf(c *comment, line int, to level) int {
	if line <= len(p.from.lines) && p.leads(line) {
		return to.indent
	}
	best := to
	for _, l := range p.path {
		if best.column < l.column && l.column <= c.column && l.indent > best.indent {
			best = l
		}
	}
	return best.indent
}

// leads reports whether the comments before a line of the source stand directly above it,
// after an empty line.
func (p *printer) leads(line int) bool {
	if p.from.blankBefore(line) {
		return false
	}
	for i := p.next; i < len(p.from.comments) && p.from.comments[i].line < line; i++ {
		if i > p.next && p.from.blankBefore(p.from.comments[i].line) {
			return false
		}
	}
	first := p.from.comments[p.next].line
	for first > 1 && p.isOwn(first-1) {
		first-- // that one is written
	}
	return p.from.blankBefore(first)
}

func (p *printer) isOwn(line int) bool {
	return slices.ContainsFunc(p.from.comments, func(c comment) bool { return c.line == line && c.own })
}

// mapping writes key: value, line by line.
func (p *printer) mapping(n *yaml.Node, at spot) {
	for i := 0; i < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		p.begin(k.Line, at, level{k.Column, at.indent})
		p.add(scalar(k) + ":")
		p.value(k, v, at.indent)
		at = spot{indent: at.indent}
	}
}

// value writes what stands after a key.
func (p *printer) value(k, v *yaml.Node, indent int) {
	switch {
	case len(v.Content) == 0 || isOneLine(v):
		if text := inline(v); text != "" {
			p.add(" " + text)
		} else if !isBlock(v) {
			// A comment below stands where a value would.
			p.path = append(p.path, level{k.Column + 1, indent + step})
		}
		p.block(v, indent+step)
	case v.Kind == yaml.MappingNode:
		p.mapping(v, spot{indent: indent + step})
	default:
		p.sequence(v, spot{indent: indent + step}, k.Value == "goals" && indent == 0)
	}
}

// sequence writes the items of a list. Goals of several lines stand apart.
func (p *printer) sequence(n *yaml.Node, at spot, goals bool) {
	own := level{n.Column, at.indent}
	for i, item := range n.Content {
		one := len(item.Content) == 0 || isOneLine(item)
		inner := spot{at.indent + step, at.lead + "- ", append(slices.Clone(at.opened), own), at.apart}
		switch {
		case one:
			p.begin(item.Line, spot{at.indent, at.lead + "- ", at.opened, at.apart}, own)
			p.add(inline(item))
			p.lines[len(p.lines)-1] = strings.TrimRight(p.lines[len(p.lines)-1], " ")
			p.block(item, at.indent+step)
		case item.Kind == yaml.MappingNode:
			p.mapping(item, inner)
		default:
			p.sequence(item, inner, false)
		}
		at = spot{indent: at.indent}
		if goals && i+1 < len(n.Content) {
			next := n.Content[i+1]
			at.apart = !one || len(next.Content) > 0 && !isOneLine(next)
		}
	}
}

// block writes a text in lines of its own, if it is one.
func (p *printer) block(n *yaml.Node, indent int) {
	b, ok := p.from.blocks[n]
	if !ok {
		return
	}
	p.add(" " + b.header[:1])
	if first := slices.IndexFunc(b.lines, func(l string) bool { return l != "" }); first >= 0 && b.lines[first][0] == ' ' {
		p.add(strconv.Itoa(step))
	}
	p.add(b.header[1:])
	p.comments(n.Line+1, level{}) // one behind the header
	for _, line := range b.lines {
		if line != "" {
			line = pad(indent) + line
		}
		p.lines = append(p.lines, line)
	}
	p.full = true
}

// isOneLine reports whether a list or mapping in brackets begins in one line with all that
// is in it.
func isOneLine(n *yaml.Node) bool {
	if n.Style&yaml.FlowStyle == 0 {
		return len(n.Content) == 0 && n.Kind == yaml.ScalarNode
	}
	return !slices.ContainsFunc(n.Content, func(c *yaml.Node) bool {
		return c.Line != n.Line || len(c.Content) > 0 && !isOneLine(c)
	})
}

// inline writes something within a line, "" for nothing and for a block.
func inline(n *yaml.Node) string {
	var items []string
	switch n.Kind {
	case yaml.SequenceNode:
		for _, item := range n.Content {
			items = append(items, inline(item))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case yaml.MappingNode:
		for pair := range slices.Chunk(n.Content, 2) {
			items = append(items, strings.TrimRight(scalar(pair[0])+": "+inline(pair[1]), " "))
		}
		if len(items) == 0 {
			return "{}"
		}
		return "{ " + strings.Join(items, ", ") + " }"
	}
	if isBlock(n) {
		return ""
	}
	return scalar(n)
}

// scalar writes a text in one line, with the quotes that it had.
func scalar(n *yaml.Node) string {
	hidden := strings.ContainsFunc(n.Value, func(c rune) bool { return !unicode.IsPrint(c) })
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0, n.Style&yaml.SingleQuotedStyle != 0 && hidden:
		return doubleQuoted(n.Value)
	case n.Style&yaml.SingleQuotedStyle != 0:
		return "'" + strings.ReplaceAll(n.Value, "'", "''") + "'"
	}
	return n.Value
}

// doubleQuoted writes a text with the escapes of YAML 1.2, section 5.7.
func doubleQuoted(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			b.WriteRune('\\')
			b.WriteRune(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(c):
			b.WriteRune(c)
		case c < 0x100:
			fmt.Fprintf(&b, `\x%02x`, c)
		case c < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			fmt.Fprintf(&b, `\U%08x`, c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
