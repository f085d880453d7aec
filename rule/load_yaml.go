package rule

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

// maxRules bounds a rule file. Ten thousand goals take about 1 MiB.
const maxRules = 4 << 20

// maxDepth bounds how deep the file nests: the language needs five levels.
const maxDepth = 8

// parse reads the YAML. What it does not understand, and what a rule file does
// not use of YAML, goes to l.list.
func (l *loader) parse(text []byte) *yaml.Node {
	if len(text) > maxRules {
		l.at(1, 1, fmt.Sprintf("the file is larger than %d MiB", maxRules>>20), "")
		return nil
	}
	if !l.isText(text) {
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var doc, second yaml.Node
	switch err := decoder.Decode(&doc); {
	case errors.Is(err, io.EOF), err == nil && isNull(doc.Content[0]):
		l.at(1, 1, "the file is empty", "goals: begins the list of goals")
		return nil
	case err != nil:
		l.yamlError(err, text)
		root := l.mend(text)
		if root == nil || !l.refuse(root, 0) {
			return nil
		}
		return root
	}
	root := doc.Content[0]
	if !l.refuse(root, 0) {
		return nil
	}
	// yaml.Unmarshal would stop here and silently ignore the rest.
	if err := decoder.Decode(&second); err == nil {
		l.at(second.Line, second.Column, "a second document begins here", "write one file without --- or ... lines")
	} else if !errors.Is(err, io.EOF) {
		l.yamlError(err, text)
	}
	return root
}

func (l *loader) at(line, column int, message, hint string) {
	l.fault(&yaml.Node{Line: line, Column: column}, message, hint)
}

// isText finds the first byte that is not UTF-8 text, for which the parser
// knows no place.
func (l *loader) isText(text []byte) bool {
	line, column := 1, 1
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			l.at(line, column, "the file is not UTF-8 here", "save it as UTF-8 in your editor")
			return false
		case r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0x7f || r == 0x85: // U+0085 is a line break to some
			l.at(line, column, fmt.Sprintf("the file holds a control character (%U)", r), "remove it")
			return false
		case r == '\n':
			line, column = line+1, 0
		case r == '\ufeff':
			column--
		}
		column++
		i += n
	}
	return true
}

// refuse reports what YAML can do and a rule file does not: somebody who writes
// *.pdf does not mean an alias. What is nested too deep cannot be read on.
func (l *loader) refuse(n *yaml.Node, depth int) (readable bool) {
	message, hint := "", ""
	switch {
	case depth > maxDepth:
		l.fault(n, "too many levels inside each other", "a goal needs no more than goal, if, test")
		return false
	case n.Kind == yaml.AliasNode:
		message, hint = "a text that begins with * needs quotes", `for example "*.pdf"; aliases are not read`
	case n.Anchor != "":
		message, hint = "a text that begins with & needs quotes", "anchors are not read"
	case n.Style&yaml.TaggedStyle != 0 || !strings.HasPrefix(n.Tag, "!!"):
		message, hint = "a text that begins with ! needs quotes", "tags are not read"
	case n.Tag == "!!merge":
		message, hint = "<<: is not read", "write the lines out"
	}
	if message != "" {
		l.fault(n, message, hint)
		if l.refused == nil {
			l.refused = map[[2]int]bool{}
		}
		l.refused[[2]int{n.Line, n.Column}] = true
	}
	for _, child := range n.Content {
		if !l.refuse(child, depth+1) {
			return false
		}
	}
	return true
}

// hasRefused reports whether something in a node was refused.
func (l *loader) hasRefused(n *yaml.Node) bool {
	return len(l.refused) > 0 && (l.refused[[2]int{n.Line, n.Column}] || slices.ContainsFunc(n.Content, l.hasRefused))
}

// yamlWords says in plain words what the parser says in its own. The first that
// fits wins.
var yamlWords = []struct{ says, message, hint string }{
	{"tab character", "a tab at the beginning of a line", "indent with spaces"},
	{"cannot start any token", "a text cannot begin with this character", "put quotes around the text"},
	{"mapping values are not allowed", "a colon where none can be", `put quotes around a text with ": " in it; see whether the line above lacks its colon or this one is indented too far`},
	{"could not find expected ':'", "the line has no colon", "a line is key: value, with a space after the colon"},
	{"unknown anchor", "a text that begins with * needs quotes", `for example "*.pdf"`},
	{"did not find expected alphabetic", "a text that begins with * or & needs quotes", `for example "*.pdf"`},
	{"expected comment or line break", "a text that begins with > or | needs quotes", `for example "> 10"`},
	{"did not find expected ',' or", "a list or mapping in brackets is not closed, or holds a special character", `write one item a line, and quotes around texts with { } [ ] or ,`},
	{"did not find expected '-' indicator", "the indentation changes inside a list", `every "- " of a list stands in the same column, and the keys of a goal two columns further`},
	{"did not find expected key", "the indentation changes here, or something follows a closing quote or bracket", "the keys of a goal stand in the same column"},
	{"node content", "a text cannot begin with this character", "put quotes around the text"},
	{"unexpected end of stream", "a quote is opened and never closed", "write the same quote at the end of the text, or leave it out"},
	{"unknown escape", `a backslash inside double quotes begins an escape`, "use single quotes"},
	{"hexadecimal", `a backslash inside double quotes begins an escape`, "use single quotes"},
	{"escape code", `a backslash inside double quotes begins an escape`, "use single quotes"},
	{"sequence entries are not allowed", `a "- " cannot stand here`, "begin a new line with it, or put quotes around the text"},
	{"mapping keys are not allowed", `a "? " cannot stand here`, "put quotes around the text"},
	{"max depth", "too many brackets inside each other", ""},
	{"directive", "a line cannot begin with %", "put quotes around the text"},
}

func (l *loader) yamlError(err error, text []byte) {
	message, hint, at := strings.TrimPrefix(err.Error(), "yaml: "), "", yaml.Mark{Line: 1, Column: 1}
	if le, ok := errors.AsType[*yaml.LoadError](err); ok {
		message = le.Message
		if le.Mark.Line > 0 {
			at = le.Mark
		}
		// The end of the file tells nobody where a quote or bracket begins, and the next
		// line nobody which one has no colon.
		open := strings.Contains(message, "end of stream") || strings.Contains(message, "',' or") || strings.Contains(message, "could not find expected ':'")
		if strings.Contains(message, "node content") && at.Line > 1+bytes.Count(bytes.TrimRight(text, " \t\r\n"), []byte("\n")) {
			message, open = "did not find expected ',' or", true // a bracket is open at the end
		}
		if open && 0 < le.ContextMark.Line && le.ContextMark.Line < at.Line {
			at = le.ContextMark
		}
	}
	for _, w := range yamlWords {
		if strings.Contains(message, w.says) {
			message, hint = w.message, w.hint
			break
		}
	}
	if lines := bytes.Split(text, []byte("\n")); at.Line <= len(lines) && at.Column <= len(lines[at.Line-1]) {
		if at.Column > 0 && lines[at.Line-1][at.Column-1] == '\t' {
			message, hint = yamlWords[0].message, yamlWords[0].hint
		}
	}
	l.at(at.Line, max(at.Column, 1), message, hint)
}
