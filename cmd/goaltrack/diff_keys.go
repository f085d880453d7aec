package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// ruleText is a rule file as its author wrote it, which diff shows. It does not
// know what the keys mean. It is read after the rules were loaded, so every
// fault has been found.
type ruleText struct {
	names    []string // the goals, in the order of the file
	goals    map[string]ruleKeys
	defaults ruleKeys // and the lists at the top of the file
}

// ruleKeys are the keys of a goal, written as in data.topic, and their values.
type ruleKeys struct {
	order  []string
	values map[string]string
}

func readRuleText(path string) (ruleText, error) {
	text := ruleText{goals: map[string]ruleKeys{}}
	content, err := os.ReadFile(path) //nolint:gosec // The user says which file.
	if err != nil {
		return text, err
	}
	var file struct {
		Cookies  yaml.Node   `yaml:"cookies"`
		Allow    yaml.Node   `yaml:"allow"`
		Defaults yaml.Node   `yaml:"defaults"`
		Goals    []yaml.Node `yaml:"goals"`
	}
	if err := yaml.Unmarshal(content, &file); err != nil {
		return text, fmt.Errorf("%s: %w", path, err)
	}
	text.defaults.read("cookies", &file.Cookies)
	text.defaults.read("allow", &file.Allow)
	text.defaults.read("", &file.Defaults)
	for i := range file.Goals {
		var keys ruleKeys
		keys.read("", &file.Goals[i])
		name := keys.values["goal"]
		keys.drop("goal")
		text.names = append(text.names, name)
		text.goals[name] = keys
	}
	return text, nil
}

// read adds the value of a key: a mapping key by key, anything else as text.
func (k *ruleKeys) read(key string, n *yaml.Node) {
	if n.Kind == yaml.MappingNode && len(n.Content) > 0 {
		for pair := range slices.Chunk(n.Content, 2) {
			k.read(strings.TrimPrefix(key+"."+pair[0].Value, "."), pair[1])
		}
		return
	}
	if key == "" || n.Kind == 0 {
		return // nothing at all
	}
	if k.values == nil {
		k.values = map[string]string{}
	}
	k.order = append(k.order, key)
	k.values[key] = plain(n)
}

func (k *ruleKeys) drop(key string) {
	k.order = slices.DeleteFunc(k.order, func(s string) bool { return s == key })
	delete(k.values, key)
}

// plain writes a value on one line. It uses quotes only where they matter, such
// as for a text that looks like a number.
func plain(n *yaml.Node) string {
	var items []string
	switch n.Kind {
	case yaml.SequenceNode:
		for _, item := range n.Content {
			items = append(items, plain(item))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case yaml.MappingNode:
		for pair := range slices.Chunk(n.Content, 2) {
			items = append(items, pair[0].Value+": "+plain(pair[1]))
		}
		return "{" + strings.Join(items, ", ") + "}"
	}
	if n.ShortTag() == "!!str" && !isPlainText(n.Value) {
		return strconv.Quote(n.Value)
	}
	return n.Value
}

// isPlainText reports whether YAML reads it as a one-line text, also without
// quotes.
func isPlainText(text string) bool {
	var v any
	err := yaml.Unmarshal([]byte(text), &v)
	return err == nil && v == any(text)
}

// changes lists the keys whose values differ, in the order of after. Then it
// lists those that only k has.
func (k ruleKeys) changes(after ruleKeys) []keyChange {
	list := []keyChange{}
	for _, key := range after.order {
		if old, now := k.get(key), after.get(key); old == nil || *old != *now {
			list = append(list, keyChange{key, old, now})
		}
	}
	for _, key := range k.order {
		if after.get(key) == nil {
			list = append(list, keyChange{key, k.get(key), nil})
		}
	}
	return list
}

func (k ruleKeys) get(key string) *string {
	if value, ok := k.values[key]; ok {
		return &value
	}
	return nil
}
