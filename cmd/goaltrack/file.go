package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// readFile reads a settings file: one mapping of setting names to plain
// values, or to lists of them where a setting has many. It returns what it could read, and every fault with its line.
func readFile(path string, s *settings) (map[string]value, error) {
	text, err := os.ReadFile(path) //nolint:gosec // The operator says which file.
	if err != nil {
		return nil, err
	}
	var documents []yaml.Node
	if err := yaml.Load(text, &documents, yaml.WithAllDocuments(), yaml.WithUniqueKeys(false)); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(documents) == 0 {
		return nil, nil // nothing but comments
	}
	if len(documents) > 1 {
		return nil, fmt.Errorf("%s:%d: a second document", path, documents[1].Line)
	}
	root := documents[0].Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s:%d: the file must be lines of the form name: value", path, root.Line)
	}
	return readMapping(path, root, s)
}

// readMapping reads the settings of a mapping. What stands under the name of a
// section is handed to it.
func readMapping(path string, n *yaml.Node, s *settings) (map[string]value, error) {
	names := slices.Concat(s.names(), s.others)
	given, faults := map[string]value{}, []error(nil)
	for pair := range slices.Chunk(n.Content, 2) {
		key, val := pair[0], pair[1]
		source := fmt.Sprintf("%s:%d: %s", path, key.Line, key.Value)
		_, twice := given[key.Value]
		switch section, mine := s.sections[key.Value], s.find(key.Value); {
		case section != nil:
			section(val, path)
		case key.Value == "config":
			faults = append(faults, fmt.Errorf("%s: a settings file cannot name another", source))
		case !slices.Contains(names, key.Value):
			faults = append(faults, fmt.Errorf("%s:%d: there is no setting %q%s",
				path, key.Line, key.Value, didYouMean("", key.Value, names)))
		case twice:
			faults = append(faults, fmt.Errorf("%s: given twice", source))
		case mine == nil: // it belongs to another command
		case mine.many && isList(val):
			given[key.Value] = value{listed(val), source}
		case val.Kind != yaml.ScalarNode:
			faults = append(faults, fmt.Errorf("%s: a single value is needed", source))
		case val.Tag == "!!null":
		default:
			// The text, not YAML's reading of it: "off" is a word here, and NO
			// a language.
			given[key.Value] = value{val.Value, source}
		}
	}
	return given, errors.Join(faults...)
}

// isList reports whether n is a list of plain values.
func isList(n *yaml.Node) bool {
	return n.Kind == yaml.SequenceNode && !slices.ContainsFunc(n.Content, func(n *yaml.Node) bool { return n.Kind != yaml.ScalarNode })
}

// listed writes a list the way a flag has it: "a,b".
func listed(n *yaml.Node) string {
	words := make([]string, len(n.Content))
	for i, word := range n.Content {
		words[i] = word.Value
	}
	return strings.Join(words, ",")
}
