package settings

import (
	"cmp"
	"fmt"
	"strings"
)

// Page writes the rows that keep accepts as a table in Markdown. Its first
// column has that title. The next has the variables, if the rows are read from
// the environment.
func (t *Table) Page(title string, variables bool, keep func(Setting) bool) string {
	var b strings.Builder
	titles := []string{title}
	if variables {
		titles = append(titles, "variable")
	}
	titles = append(titles, "value", "default", "what it does")
	fmt.Fprintf(&b, "| %s |\n|%s\n", strings.Join(titles, " | "), strings.Repeat("---|", len(titles)))
	for _, s := range t.Rows {
		if !keep(s) {
			continue
		}
		name := code(s.Name)
		if s.Short != "" {
			name += ", " + code("-"+s.Short)
		}
		cells := []string{name}
		if variables {
			cells = append(cells, cell(s.Kind != Group, t.Variable(s.Name)))
		}
		about := s.About
		if s.Secret {
			about += " It is a secret."
		}
		cells = append(cells, s.valueCell(), s.defaultCell(), about)
		fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
	}
	return b.String()
}

// valueCell says how a value is written.
func (s *Setting) valueCell() string {
	if len(s.OneOf) > 0 {
		words := make([]string, len(s.OneOf))
		for i, w := range s.OneOf {
			words[i] = code(w)
		}
		return strings.Join(words, ", ")
	}
	text := s.Kind.String()
	if s.Unit != "" {
		text += " of " + s.Unit
	}
	switch {
	case s.Most != "":
		text += fmt.Sprintf(", %s to %s", s.least(), s.Most)
	case s.Least != "" && s.Least != "0s":
		text += ", at least " + s.Least
	}
	if s.Like != "" {
		text += ", such as " + code(s.Like)
	}
	return text
}

// least returns the least value in words.
func (s *Setting) least() string {
	if s.Least == "" && s.Kind == Time {
		return "1ms"
	}
	return cmp.Or(s.Least, "1")
}

func (s *Setting) defaultCell() string {
	switch {
	case s.Default != "":
		return code(s.Default)
	case s.Unset != "" && !strings.Contains(s.Unset, " "):
		return code(s.Unset)
	case s.Unset != "":
		return s.Unset
	case s.Kind == Switch:
		return code("false")
	}
	return "none"
}

func code(text string) string { return "`" + strings.ReplaceAll(text, "|", `\|`) + "`" }

func cell(there bool, text string) string {
	if there {
		return code(text)
	}
	return "-"
}
