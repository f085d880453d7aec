package format_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/format"
	"github.com/goaltrack/goaltrack/rule"
)

// TestFormat: files as people write them, and what becomes of them.
func TestFormat(t *testing.T) {
	for name, test := range map[string]struct{ from, want string }{
		"indentation and blanks": {
			"version:   1\ngoals:\n- goal:  A\n  visit:    /a\n  if:\n      query.q:   present\n-   goal: B\n    visit: /b\n\n\n\n-   goal: C\n    visit: /c",
			"version: 1\ngoals:\n  - goal: A\n    visit: /a\n    if:\n      query.q: present\n\n  - goal: B\n    visit: /b\n\n  - goal: C\n    visit: /c\n",
		},
		"comments": {
			"# The shop.\n\nversion: 1   # always\n# Goals.\ngoals: # all of them\n- goal: A #first\n  # Where.\n  visit: /a\n  # visit: /old\n\n# The second.\n- goal: B\n  visit: /b\n# The end.\n",
			"# The shop.\n\nversion: 1  # always\n# Goals.\ngoals:  # all of them\n  - goal: A  #first\n    # Where.\n    visit: /a\n    # visit: /old\n\n  # The second.\n  - goal: B\n    visit: /b\n# The end.\n",
		},
		"a comment that leads to a goal": {
			"goals:\n  - goal: A\n    visit: /a\n\n    # The second.\n    # It is new.\n  - goal: B\n    visit: /b\n",
			"goals:\n  - goal: A\n    visit: /a\n\n  # The second.\n  # It is new.\n  - goal: B\n    visit: /b\n",
		},
		"no goals yet": {
			"goals:\n   # - goal: A\n   #   visit: /a\n",
			"goals:\n  # - goal: A\n  #   visit: /a\n",
		},
		"brackets": {
			"goals: [{goal: A,visit: /a,data: {a: $query.a, \"b\":1}} ,\n { goal: B, visit: [], # none\n   if: {\n a: '#1', # one\n b: [x,y] } } ]\n",
			"goals:\n  - { goal: A, visit: /a, data: { a: $query.a, \"b\": 1 } }\n\n  - goal: B\n    visit: []  # none\n    if:\n      a: '#1'  # one\n      b: [x, y]\n",
		},
		"short goals stand together": {
			"goals:\n  - {goal: A, visit: /a}\n  - {goal: B, visit: /b}\n\n  - {goal: C, visit: /c}\n",
			"goals:\n  - { goal: A, visit: /a }\n  - { goal: B, visit: /b }\n\n  - { goal: C, visit: /c }\n",
		},
		"texts in lines of their own": {
			"goals:\n- goal: A\n  note: |  # for Ann\n     One # not a comment.\n\n       Two.\n\n  owner: >-\n     Three\n     four\n  visit: /a\n",
			"goals:\n  - goal: A\n    note: |  # for Ann\n      One # not a comment.\n\n        Two.\n\n    owner: >-\n      Three\n      four\n    visit: /a\n",
		},
		"a text over several lines": {
			"goals:\n- goal: A\n  note: \"one # two\n    three \\\"\n    # four\"  # five\n  label: six\n    seven\n  visit: /a\n",
			"goals:\n  - goal: A\n    note: \"one # two three \\\" # four\"  # five\n    label: six seven\n    visit: /a\n",
		},
		"a mark, CR LF and a document": {"\ufeff---\r\ngoals: []\r\n...\r\n", "goals: []\n"},
		"nothing behind a key":         {"goals:\n- goal: A\n  owner:\n  visit: /a\n  examples:\n    counts:\n    - GET /a\n    -\n", "goals:\n  - goal: A\n    owner:\n    visit: /a\n    examples:\n      counts:\n        - GET /a\n        -\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := format.Format([]byte(test.from))
			if err != nil || string(got) != test.want {
				t.Errorf("got\n%s\nwant\n%s\n%v", got, test.want, err)
			}
			check(t, []byte(test.from))
		})
	}
}

// TestFormatFaults: what is no rule file stays as it is.
func TestFormatFaults(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "empty",
		"goals: [":                      "yaml",
		"goals: []\n---\ngoals: []":     "second document",
		"- a":                           "key: value",
		"a: &x 1\nb: *x":                "line 1: a text that begins with & needs quotes",
		"a: !x 1":                       "line 1: a text that begins with ! needs quotes",
		"? [a, b]\n: 1":                 "line 1: a key is a word",
		"goals: []\nnote: \"a\u2028b\"": "line 2 has a line separator",
	} {
		if _, err := format.Format([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// TestFormatOfTheHouse: the rule files of this repository keep what they say.
func TestFormatOfTheHouse(t *testing.T) {
	files, _ := filepath.Glob("../../../../*/goals*.yaml")
	more, _ := filepath.Glob("../../../../rule/testdata/rules/*/*.yaml")
	if files = append(files, more...); len(files) < 50 {
		t.Fatalf("%d files", len(files))
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		check(t, text)
	}
}

// FuzzFormat: formatting twice changes nothing, and the goals before and after are equal.
func FuzzFormat(f *testing.F) {
	for _, file := range []string{"../../../../example/goals.yaml", "../../../../testdata/golden/inputs/goals.yaml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("goals: # a\n  - { goal: A, # b\n      visit: '/a' } # c\n  # d\n  - goal: B\n    note: |2+\n       x\n\n    visit: /b\n"))
	f.Fuzz(check)
}

func check(t *testing.T, text []byte) {
	t.Helper()
	once, err := format.Format(text)
	if err != nil {
		if _, unread := rule.Parse(text); unread == nil && !strings.Contains(err.Error(), "line separator") {
			t.Errorf("%q is a rule file: %v", text, err)
		}
		return
	}
	twice, err := format.Format(once)
	if err != nil || string(twice) != string(once) {
		t.Errorf("%q became\n%q and then\n%q, %v", text, once, twice, err)
	}
	before, err := rule.Parse(text)
	if err != nil {
		return
	}
	after, err := rule.Parse(once)
	if err != nil || !reflect.DeepEqual(before.Definitions(), after.Definitions()) {
		t.Errorf("%q became\n%q, which says something else: %v", text, once, err)
	}
}
