package rule

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// A fault of YAML, such as a missing quote, ends the parser's work. Then the faults behind
// it would show one by one, each after another look at the file. So what the parser does
// not understand is taken out, and the rest is read: first the line alone, and if its goal
// cannot be read without it, the goal. A goal that is taken out leaves its name, so that
// nobody misses it.

// maxMends bounds how often a file is read again.
const maxMends = 20

// mender takes lines out of a file. Those that stay keep their numbers.
type mender struct {
	l       *loader
	lines   [][]byte
	starts  []int  // the lines at which goals begin, counting from 0
	end     int    // the line behind the last one
	indent  string // of each goal
	touched map[int]bool
}

// mend reads what can be read of a text that YAML does not understand. The fault is the
// last one of l.list. It returns nil if it does not lie in a goal.
func (l *loader) mend(text []byte) *yaml.Node {
	m := &mender{l: l, lines: bytes.Split(bytes.Clone(text), []byte("\n")), touched: map[int]bool{}}
	m.find()
	for range maxMends {
		line := l.list[len(l.list)-1].Line - 1
		i := m.goalAt(line)
		if i < 0 {
			return nil
		}
		doc, err := m.without(i, line)
		if err == nil {
			return doc
		}
		next := &loader{}
		next.yamlError(err, m.text())
		if at := m.goalAt(next.list[0].Line - 1); at >= 0 && at <= i && m.touched[at] {
			return nil // what is wrong is not where the parser says
		}
		l.yamlError(err, m.text())
	}
	return nil
}

func (m *mender) text() []byte { return bytes.Join(m.lines, []byte("\n")) }

// goalLine is where a goal begins, with the blanks before it.
var (
	goalLine  = regexp.MustCompile(`^( *)-( |\r?$)`)
	tabLine   = regexp.MustCompile(`^ *\t[ \t]*-[ \t]+\{? *goal:`) // which YAML refuses
	nameLine  = regexp.MustCompile(`^[ \t-]*\{? *goal: *["']?([A-Za-z0-9_:]+)`)
	goalsLine = regexp.MustCompile(`^goals:\s*(#.*)?$`)
	topLine   = regexp.MustCompile(`^[A-Za-z]`)
)

// find finds where the goals begin.
func (m *mender) find() {
	begin := slices.IndexFunc(m.lines, goalsLine.Match)
	m.end = len(m.lines)
	if begin < 0 {
		return
	}
	for i := begin + 1; i < len(m.lines); i++ {
		if topLine.Match(m.lines[i]) {
			m.end = i
			return
		}
		g := goalLine.FindSubmatch(m.lines[i])
		if g != nil && len(m.starts) == 0 {
			m.indent = string(g[1])
		}
		if g != nil && string(g[1]) == m.indent || tabLine.Match(m.lines[i]) {
			m.starts = append(m.starts, i)
		}
	}
}

// goalAt is the goal in which a line lies, -1 if in none.
func (m *mender) goalAt(line int) int {
	if line >= m.end {
		return -1
	}
	i, found := slices.BinarySearch(m.starts, line)
	if !found {
		i--
	}
	return i
}

// without takes a line out, or the goal in which it lies.
func (m *mender) without(i, line int) (*yaml.Node, error) {
	start, end := m.starts[i], m.end
	if i+1 < len(m.starts) {
		end = m.starts[i+1]
	}
	if !m.touched[i] && line != start {
		kept := m.lines[line]
		m.lines[line] = nil
		doc, err := decode(m.text())
		if err == nil || m.goalAt(placeOf(err)) > i {
			m.touched[i] = true
			m.l.mended = append(m.l.mended, [2]int{start + 1, end + 1})
			return doc, err
		}
		m.lines[line] = kept
	}
	m.touched[i] = true
	name := ""
	for _, text := range m.lines[start:end] {
		if g := nameLine.FindSubmatch(text); g != nil {
			name = strings.Trim(string(g[1]), ":")
			break
		}
	}
	for n := start; n < end; n++ {
		m.lines[n] = nil
	}
	if goalName.MatchString(name) {
		m.lines[start] = []byte(m.indent + "- {goal: " + name + ", code: true}")
	}
	m.l.mended = append(m.l.mended, [2]int{start + 1, end + 1})
	return decode(m.text())
}

// placeOf is the line, counting from 0, at which an error of the parser lies.
func placeOf(err error) int {
	l := &loader{}
	l.yamlError(err, nil)
	return l.list[0].Line - 1
}

// decode reads the first document.
func decode(text []byte) (*yaml.Node, error) {
	var doc yaml.Node
	err := yaml.NewDecoder(bytes.NewReader(text)).Decode(&doc)
	if errors.Is(err, io.EOF) {
		return nil, nil //nolint:nilnil // There is none.
	}
	if err != nil || len(doc.Content) == 0 {
		return nil, err
	}
	return doc.Content[0], nil
}

// isMended reports whether a line lies in a goal of which something was taken out.
func (l *loader) isMended(line int) bool {
	return slices.ContainsFunc(l.mended, func(m [2]int) bool { return m[0] <= line && line < m[1] })
}

// withoutFollowing leaves out the faults of mended goals that may come of what was taken
// out. What is wrong with their names stays.
func (l *loader) withoutFollowing(found []Fault) []Fault {
	if len(l.mended) == 0 {
		return found
	}
	names := map[int]bool{}
	for _, at := range l.places {
		if n := at["goal"]; n != nil {
			names[n.Line] = true
		}
	}
	return slices.DeleteFunc(found, func(f Fault) bool {
		return l.isMended(f.Line) && (!names[f.Line] || strings.Contains(f.Message, "nothing says when"))
	})
}
