// Package format lays out a rule file in one way, as gofmt does with Go: two blanks for a
// level, one line between goals, one blank after a colon. What the file says stays as it is,
// and so do its comments and the order of its keys.
package format

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// Format returns the file in its one layout. The error says why it has none: it is no YAML,
// or has what no rule file has, such as an alias. If Format cannot lay a file out without
// changing what it says, the error says just that.
func Format(text []byte) ([]byte, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if !utf8.Valid(text) { // a YAML reader may take UTF-16, whose comments would be lost here
		return nil, errors.New("it is not UTF-8 (save it as UTF-8 in your editor)")
	}
	text = bytes.ReplaceAll(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")), []byte("\r"), []byte("\n"))
	if i := bytes.IndexAny(text, "\u0085\u2028\u2029"); i >= 0 { // YAML 1.1 ends a line here, and 1.2 does not
		return nil, fmt.Errorf("line %d has a line separator that nobody can see", 1+bytes.Count(text[:i], []byte("\n")))
	}
	root, err := parse(text)
	if err != nil {
		return nil, err
	}
	from := read(string(text), root)
	p := printer{from: from}
	p.mapping(root, spot{})
	p.comments(len(from.lines)+1, level{column: 1})
	out := p.text()
	again, err := parse([]byte(out))
	if err != nil || !same(root, again) || !slices.Equal(sorted(from), sorted(read(out, again))) {
		return nil, errors.New("it cannot be laid out without changing what it says")
	}
	return []byte(out), nil
}

// parse reads one document that is a mapping.
func parse(text []byte) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var doc, more yaml.Node
	if err := decoder.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, errors.New("the file is empty")
	} else if err != nil {
		return nil, err
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, errors.New("a second document begins in it")
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, errors.New("it does not hold lines of the form key: value")
	}
	return root, plain(root)
}

// plain returns an error for what a rule file does not use of YAML.
func plain(n *yaml.Node) error {
	switch {
	case n.Kind == yaml.AliasNode:
		return fmt.Errorf("line %d: a text that begins with * needs quotes", n.Line)
	case n.Anchor != "":
		return fmt.Errorf("line %d: a text that begins with & needs quotes", n.Line)
	case n.Style&yaml.TaggedStyle != 0:
		return fmt.Errorf("line %d: a text that begins with ! needs quotes", n.Line)
	}
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 && (child.Kind != yaml.ScalarNode || isBlock(child)) {
			return fmt.Errorf("line %d: a key is a word", child.Line)
		}
		if err := plain(child); err != nil {
			return err
		}
	}
	return nil
}

func isBlock(n *yaml.Node) bool { return n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 }

// same reports whether two files say the same.
func same(a, b *yaml.Node) bool {
	return a.Kind == b.Kind && a.ShortTag() == b.ShortTag() && a.Value == b.Value && slices.EqualFunc(a.Content, b.Content, same)
}

func sorted(s *source) []string {
	var texts []string
	for _, c := range s.comments {
		texts = append(texts, c.text)
	}
	slices.Sort(texts)
	return texts
}

// source is a file as it was written.
type source struct {
	lines    []string
	filled   []bool // the line is part of a text that began above
	comments []comment
	blocks   map[*yaml.Node]block
}

// comment is one line of them.
type comment struct {
	line, column int // as yaml.Node has them
	text         string
	own          bool // nothing stands before it
}

// block is a text in lines of its own, after | or >.
type block struct {
	header string   // such as ">-", without a number
	lines  []string // without what they are indented by
}

// blankBefore reports whether an empty line stands above a line.
func (s *source) blankBefore(line int) bool {
	return line >= 2 && line-2 < len(s.lines) && !s.filled[line-2] && strings.TrimSpace(s.lines[line-2]) == ""
}
