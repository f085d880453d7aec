package settings

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"go.yaml.in/yaml/v4"
)

// contents are what a settings file says.
type contents struct {
	given  map[string]given
	groups map[string][]entry
}

// entry is one entry of a group.
type entry struct {
	file string
	node *yaml.Node
}

// file reads the settings file of that name. It is one mapping of names to
// plain values, lists of them or groups. It returns what it could read, and
// every fault with its line and column.
func (t *Table) file(command, name string) (c contents, err error) {
	path, err := clean(name, true)
	if err != nil || path == "" {
		return c, nil // what is wrong with the name is said where it is resolved
	}
	root, err := load(path)
	if root == nil || err != nil {
		return c, err
	}
	mine := t.of(command)
	others := slices.Concat(mine, t.of(t.Main))
	c.groups = map[string][]entry{}
	var faults []error
	sections := map[string]func(*yaml.Node){}
	for _, s := range others {
		if s.Kind == Group {
			sections[s.Name] = func(n *yaml.Node) {
				if find(mine, s.Name) == nil {
					return // it belongs to another command
				}
				entries, err := entriesOf(path, s, n)
				c.groups[s.Name], faults = entries, append(faults, err)
			}
		}
	}
	c.given, err = readMapping(path, root, mine, others, sections)
	for name, g := range c.given {
		g.dir = filepath.Dir(path)
		c.given[name] = g
	}
	return c, errors.Join(append(faults, err)...)
}

// Unread is the error of a settings file that could not be read. So nobody knows what is
// missing beside it.
type Unread struct{ error }

// Unwrap returns what was wrong with the file.
func (u Unread) Unwrap() error { return u.error }

// load returns the mapping in a file, nil if the file is empty.
func load(path string) (*yaml.Node, error) {
	text, err := os.ReadFile(path) //nolint:gosec // The operator says which file.
	if err != nil {
		return nil, Unread{err}
	}
	var documents []yaml.Node
	if err := yaml.Load(text, &documents, yaml.WithAllDocuments(), yaml.WithUniqueKeys(false)); err != nil {
		return nil, inPlace(path, err)
	}
	if len(documents) == 0 {
		return nil, nil // nothing but comments
	}
	if len(documents) > 1 {
		return nil, fmt.Errorf("%s: a second document", at(path, &documents[1]))
	}
	root := documents[0].Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s: the file must be lines of the form name: value", at(path, root))
	}
	return root, nil
}

// inPlace says where the parser stopped, as other faults do.
func inPlace(path string, err error) error {
	wrong, ok := errors.AsType[*yaml.LoadError](err)
	if !ok || wrong.Mark.Line == 0 {
		return fmt.Errorf("%s: %w", path, err)
	}
	return fmt.Errorf("%s:%d:%d: the file is no YAML from here on: %s", path, wrong.Mark.Line, max(wrong.Mark.Column, 1), wrong.Message)
}

// at says where a node stands.
func at(path string, n *yaml.Node) string { return fmt.Sprintf("%s:%d:%d", path, n.Line, n.Column) }

// entriesOf returns the entries of a group.
func entriesOf(path string, s Setting, n *yaml.Node) (entries []entry, err error) {
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		return nil, fmt.Errorf("%s: %s: is a list: each entry begins with a dash and a blank", at(path, n), s.Name)
	}
	for _, one := range n.Content {
		if one.Kind != yaml.MappingNode {
			err = errors.Join(err, fmt.Errorf("%s: a %s is lines of the form name: value", at(path, one), s.Value))
			continue
		}
		entries = append(entries, entry{path, one})
	}
	return entries, err
}

// readMapping reads a mapping into the settings of mine. It also allows the
// names of others. A mapping under the name of a section is read for that
// section.
func readMapping(path string, n *yaml.Node, mine, others []Setting, sections map[string]func(*yaml.Node)) (map[string]given, error) {
	found, faults := map[string]given{}, []error(nil)
	sectionsFound := map[string]bool{}
	for pair := range slices.Chunk(n.Content, 2) {
		key, val := pair[0], pair[1]
		fault := func(format string, args ...any) {
			faults = append(faults, fmt.Errorf("%s: %s", at(path, key), fmt.Sprintf(format, args...)))
		}
		_, twice := found[key.Value]
		twice = twice || sectionsFound[key.Value]
		s := find(mine, key.Value)
		switch section := sections[key.Value]; {
		case section != nil && !twice:
			sectionsFound[key.Value] = true
			section(val)
		case key.Value == "config":
			fault("config: a settings file cannot name another")
		case find(others, key.Value) == nil:
			fault("there is no setting %q%s", key.Value, DidYouMean("", key.Value, namesOf(others)))
		case twice:
			fault("%s: given twice", key.Value)
		case s == nil: // it belongs to another command
		default:
			g, err := readValue(path, s, val)
			if err != nil {
				faults = append(faults, err)
			} else if val.Tag != "!!null" {
				found[key.Value] = g
			}
		}
	}
	return found, errors.Join(faults...)
}

// readValue reads the value of a setting. It takes the text and not YAML's
// reading of it: here "off" is a word and NO is a language.
func readValue(path string, s *Setting, n *yaml.Node) (given, error) {
	source := at(path, n) + ": " + s.Name
	switch {
	case s.Kind.isList() && isList(n):
		g := given{source: source, listed: true}
		for _, entry := range n.Content {
			g.words = append(g.words, word{trim(entry.Value), at(path, entry) + ": " + s.Name})
		}
		return g, nil
	case n.Kind != yaml.ScalarNode:
		return given{}, fmt.Errorf("%s: a single value is needed", source)
	}
	return given{text: trim(n.Value), source: source}, nil
}

// isList reports whether n is a list of plain values.
func isList(n *yaml.Node) bool {
	return n.Kind == yaml.SequenceNode && !slices.ContainsFunc(n.Content, func(n *yaml.Node) bool { return n.Kind != yaml.ScalarNode })
}
