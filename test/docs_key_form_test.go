package test

import (
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/goaltrack/goaltrack"
)

// The sections of docs/goals.md have one form, so that whoever knows one finds their way
// in all.

// keySection is the section of a key: its first yaml block, and its lines by their names.
type keySection struct {
	example string
	lines   map[string]string
	order   []string
}

var (
	keyHeading = regexp.MustCompile("(?m)^### `([^`]+)`\n")
	keyLine    = regexp.MustCompile(`(?m)^- \*\*(\w+):\*\*`)
	wrongLine  = regexp.MustCompile("^`([^`]+)`\\. (Check says|Check warns): `([^`]+)`$")
)

func keySections(t *testing.T) map[string]keySection {
	t.Helper()
	text := readText(t, docsPage)
	sections := map[string]keySection{}
	at := keyHeading.FindAllStringSubmatchIndex(text, -1)
	for _, m := range at {
		name, body := text[m[2]:m[3]], text[m[1]:]
		if end := regexp.MustCompile(`(?m)^##`).FindStringIndex(body); end != nil {
			body = body[:end[0]]
		}
		s := keySection{lines: map[string]string{}}
		_, block, _ := strings.Cut(body, "\n```yaml\n")
		s.example, body, _ = strings.Cut(block, "```\n")
		starts := keyLine.FindAllStringSubmatchIndex(body, -1)
		for i, l := range starts {
			end := len(body)
			if i+1 < len(starts) {
				end = starts[i+1][0]
			}
			line := body[l[2]:l[3]]
			s.order = append(s.order, line)
			s.lines[line] = strings.Join(strings.Fields(body[l[1]:end]), " ")
		}
		if _, twice := sections[name]; twice {
			t.Errorf("%s has two sections", name)
		}
		sections[name] = s
	}
	return sections
}

// TestDocsKeySections asserts that every key of a file, of defaults: and of a goal has a
// section, with an example that has the key and the four lines, and that check says of
// the wrong value what the section says.
func TestDocsKeySections(t *testing.T) {
	known := map[string]bool{}
	schema(t).keys("", known)
	sections, want := keySections(t), map[string]bool{}
	for key := range known {
		place, name, _ := strings.Cut(key, "/")
		if place == "" || place == "defaults" || place == "goals" {
			want[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		s, ok := sections[name]
		switch {
		case !ok:
			t.Errorf("%s has no section", name)
		case !slices.Equal(s.order, []string{"Values", "Default", "Counts", "Wrong"}):
			t.Errorf("%s has the lines %q", name, s.order)
		case !regexp.MustCompile(`(?m)^[ {-]*` + name + `:`).MatchString(s.example):
			t.Errorf("the example of %s does not have it", name)
		default:
			t.Run(name, func(t *testing.T) { tryWrong(t, name, s) })
		}
	}
	for name := range sections {
		if !want[name] {
			t.Errorf("%s has a section and is no key", name)
		}
	}
}

// tryWrong puts the wrong value into the example and compares what check says.
func tryWrong(t *testing.T, name string, s keySection) {
	t.Helper()
	m := wrongLine.FindStringSubmatch(s.lines["Wrong"])
	if m == nil {
		m = []string{"", strings.TrimSuffix(strings.Trim(s.lines["Wrong"], "`"), "`."), "", ""}
	}
	text := withLine(t, name, s.example, m[1])
	how, got := "Check says", []string(nil)
	rules, err := goaltrack.ParseRules([]byte(text))
	if err != nil {
		for _, f := range faultsIn(t, err) {
			got = append(got, says(f))
		}
	} else {
		how = "Check warns"
		for _, f := range rules.CheckExamples() {
			how, got = "Check says", append(got, says(f))
		}
		for _, f := range rules.Warnings() {
			got = append(got, says(f))
		}
	}
	if len(got) == 0 || m[2] != how || got[0] != m[3] {
		t.Errorf("%s: `%s`", how, strings.Join(got, "` and `"))
	}
}

func faultsIn(t *testing.T, err error) []goaltrack.Fault {
	t.Helper()
	rulesErr, ok := errors.AsType[*goaltrack.RulesError](err)
	if !ok {
		t.Fatal(err)
	}
	return rulesErr.Faults
}

// withLine is an example with another value of a key: in its last goal, under defaults:,
// or at the top of the file.
func withLine(t *testing.T, name, example, line string) string {
	t.Helper()
	switch {
	case strings.HasPrefix(example, "- goal:"):
		example = "version: 1\ngoals:\n" + example
	case strings.HasPrefix(example, "defaults:"):
		example = "version: 1\n" + example + "goals: []\n"
	}
	var doc, with yaml.Node
	if err := yaml.Unmarshal([]byte(example), &doc); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte(line), &with); err != nil || with.Content[0].Kind != yaml.MappingNode {
		t.Fatalf("%q is no key and value (%v)", line, err)
	}
	if !put(doc.Content[0], name, with.Content[0]) {
		t.Fatalf("the example has no %s", name)
	}
	text, err := yaml.Marshal(&doc)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// put replaces what stands under a key, where it stands last.
func put(n *yaml.Node, name string, with *yaml.Node) bool {
	if n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == name {
				n.Content[i], n.Content[i+1] = with.Content[0], with.Content[1]
				return true
			}
		}
	}
	for _, below := range slices.Backward(n.Content) {
		if put(below, name, with) {
			return true
		}
	}
	return false
}
