package format

import (
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// place is a line and a column, in characters.
type place struct{ line, column int }

// reader finds the comments of a file. A # is part of a text between quotes and of a text in
// lines of its own; where these begin, the nodes tell.
type reader struct {
	*source

	texts map[place]*yaml.Node
	above map[*yaml.Node]int // by what the collection around a block is indented
}

func read(text string, root *yaml.Node) *source {
	r := reader{&source{lines: strings.Split(strings.TrimSuffix(text, "\n"), "\n"), blocks: map[*yaml.Node]block{}}, map[place]*yaml.Node{}, map[*yaml.Node]int{}}
	r.filled = make([]bool, len(r.lines))
	r.find(root)
	for i := 0; i < len(r.lines); {
		i = r.line(i)
	}
	return r.source
}

// find notes the texts in which a # means nothing.
func (r *reader) find(n *yaml.Node) {
	for i, child := range n.Content {
		if child.Kind == yaml.ScalarNode && (isBlock(child) || child.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0) {
			r.texts[place{child.Line, child.Column}] = child
			r.above[child] = n.Column - 1
			if n.Kind == yaml.MappingNode {
				r.above[child] = n.Content[i&^1].Column - 1
			}
		}
		r.find(child)
	}
}

// line reads the line i, with the texts that begin in it and go on below. It returns the
// line to go on with.
func (r *reader) line(i int) int {
	rest, column, before := r.lines[i], 1, ' '
	for rest != "" {
		n := r.texts[place{i + 1, column}]
		switch {
		case n != nil && isBlock(n):
			rest = rest[1:]
			if at := strings.Index(rest, " #"); at >= 0 {
				r.comments = append(r.comments, comment{i + 1, column + 2 + at, strings.TrimSpace(rest[at+1:]), false})
				rest = rest[:at]
			}
			return r.block(n, i, rest)
		case n != nil:
			var taken int
			if i, taken = r.quoted(i, len(r.lines[i])-len(rest)); i == len(r.lines) {
				return i
			}
			column, before = utf8.RuneCountInString(r.lines[i][:taken])+1, '"'
			rest = r.lines[i][taken:]
			continue
		case rest[0] == '#' && (before == ' ' || before == '\t'):
			own := strings.TrimSpace(r.lines[i][:len(r.lines[i])-len(rest)]) == ""
			r.comments = append(r.comments, comment{i + 1, column, strings.TrimSpace(rest), own})
			return i + 1
		}
		c, size := utf8.DecodeRuneInString(rest)
		rest, column, before = rest[size:], column+1, c
	}
	return i + 1
}

// quoted finds the end of the text between quotes that begins in the line i at a byte. It
// returns the line of the end, and the byte after it.
func (r *reader) quoted(i, at int) (line, end int) {
	quote := r.lines[i][at]
	for at++; i < len(r.lines); i, at = i+1, 0 {
		text := r.lines[i]
		for ; at < len(text); at++ {
			switch {
			case text[at] == '\\' && quote == '"':
				at++
			case text[at] == quote && quote == '\'' && strings.HasPrefix(text[at+1:], "'"):
				at++
			case text[at] == quote:
				return i, at + 1
			}
		}
		if i+1 < len(r.lines) {
			r.filled[i+1] = true
		}
	}
	return i, 0
}

// block reads a text in lines of its own. Its header, without | or >, is in the line i.
func (r *reader) block(n *yaml.Node, i int, header string) (next int) {
	by := -1
	b := block{header: "|"}
	if n.Style&yaml.FoldedStyle != 0 {
		b.header = ">"
	}
	for _, c := range strings.TrimSpace(header) {
		if '1' <= c && c <= '9' {
			by = max(r.above[n], 0) + int(c-'0')
		} else {
			b.header += string(c)
		}
	}
	for i++; i < len(r.lines); i++ {
		text := r.lines[i]
		indent := len(text) - len(strings.TrimLeft(text, " "))
		blank := indent == len(text)
		if by < 0 && !blank {
			by = indent
			if indent <= r.above[n] {
				break // nothing at all
			}
		}
		if !blank && indent < by {
			break
		}
		b.lines = append(b.lines, text[min(max(by, 0), indent):])
	}
	if !strings.HasSuffix(b.header, "+") { // the last empty lines say nothing
		for len(b.lines) > 0 && strings.Trim(b.lines[len(b.lines)-1], " ") == "" {
			b.lines, i = b.lines[:len(b.lines)-1], i-1
		}
	}
	for filled := i - len(b.lines); filled < i; filled++ {
		r.filled[filled] = true
	}
	r.blocks[n] = b
	return i
}
