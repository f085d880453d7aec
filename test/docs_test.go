package test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack"
)

// The pages for marketers are tested as code is: what they show is run, and what
// the loader knows has to be on the page with all keys.

const (
	firstPage    = "../docs/first-goals.md"
	cookbook     = "../docs/cookbook.md"
	docsPage     = "../docs/goals.md"
	formsPage    = "../docs/forms.md"
	countingPage = "../docs/counting.md"
	privacyPage  = "../docs/privacy.md"
	reasonsPage  = "../docs/reasons.md"
	commandsPage = "../docs/tools.md"
	workedFile   = "../rule/testdata/rules/worked.yaml"
)

// block is a fenced block of the page.
type block struct {
	line           int
	language, text string
	fault, warning string // from the comment before it
}

var (
	fence   = regexp.MustCompile("^ *```([a-z]*)$")
	remark  = regexp.MustCompile(`^<!-- (fault|warning): (.*) -->$`)
	tryLine = regexp.MustCompile(`^goaltrack try (\S+) '(.*)'$`)
)

func blocks(t *testing.T, page string) (list []block) {
	t.Helper()
	var b *block
	next := block{}
	for i, line := range strings.Split(readText(t, page), "\n") {
		switch m := fence.FindStringSubmatch(line); {
		case m != nil && b == nil:
			next.line, next.language = i+1, m[1]
			b = &next
		case m != nil:
			list = append(list, *b)
			b, next = nil, block{}
		case b != nil:
			b.text += line + "\n"
		default:
			if m := remark.FindStringSubmatch(line); m != nil && m[1] == "fault" {
				next.fault = m[2]
			} else if m != nil {
				next.warning = m[2]
			}
		}
	}
	if b != nil {
		t.Fatalf("%s:%d: the block is never closed", page, b.line)
	}
	return list
}

// yamlBlocks are the yaml blocks of a page, made whole files as the first comment
// of docs/goals.md says.
func yamlBlocks(t *testing.T, page string) (list []block) {
	t.Helper()
	for _, b := range blocks(t, page) {
		if b.language != "yaml" {
			continue
		}
		switch {
		case strings.HasPrefix(b.text, "- goal:"):
			b.text = "version: 1\ngoals:\n" + b.text
		case strings.HasPrefix(b.text, "defaults:"):
			b.text = "version: 1\n" + b.text + "goals: []\n"
		}
		list = append(list, b)
	}
	return list
}

func readText(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// says is a fault in the words the page uses.
func says(f goaltrack.Fault) string {
	if f.Hint == "" {
		return f.Message
	}
	return f.Message + " (" + f.Hint + ")"
}

func TestDocsBlocks(t *testing.T) {
	for page, least := range map[string]int{firstPage: 5, cookbook: 10, docsPage: 50, formsPage: 6, countingPage: 1, privacyPage: 3} {
		list := yamlBlocks(t, page)
		if len(list) < least {
			t.Errorf("%s: %d yaml blocks were found", page, len(list))
		}
		for _, b := range list {
			t.Run(fmt.Sprintf("%s line %d", page, b.line), func(t *testing.T) { runBlock(t, b) })
		}
	}
}

// runBlock loads a block and tries its examples.
func runBlock(t *testing.T, b block) {
	rules, err := goaltrack.ParseRules([]byte(b.text))
	if b.fault != "" {
		wantFault(t, err, b.fault)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range rules.CheckExamples() {
		t.Error(f)
	}
	var warnings []string
	for _, f := range rules.Warnings() {
		warnings = append(warnings, says(f))
	}
	if got := strings.Join(warnings, "\n"); got != b.warning {
		t.Errorf("warnings are\n%s\nthe page says\n%s", got, b.warning)
	}
}

// wantFault checks that err is one fault, in just those words.
func wantFault(t *testing.T, err error, want string) {
	t.Helper()
	rulesErr, ok := errors.AsType[*goaltrack.RulesError](err)
	if !ok || len(rulesErr.Faults) != 1 {
		t.Fatalf("got %v, want the one fault %q", err, want)
	}
	if got := says(rulesErr.Faults[0]); got != want {
		t.Errorf("the fault is\n%s\nthe page says\n%s", got, want)
	}
}

// TestDocsTry carries out the "goaltrack try" lines of a page on the file of the
// first page. Under each stands a line for every goal, in the order of the file.
func TestDocsTry(t *testing.T) {
	rules, err := goaltrack.ParseRules([]byte(yamlBlocks(t, firstPage)[0].text))
	if err != nil {
		t.Fatal(err)
	}
	for page, least := range map[string]int{firstPage: 2, commandsPage: 3} {
		tried := 0
		for _, b := range blocks(t, page) {
			if b.language == "sh" && tryLine.MatchString(strings.TrimSpace(firstLine(b.text))) {
				tried += tryBlock(t, page, rules, b)
			}
		}
		if tried < least {
			t.Errorf("%s: %d tries were found", page, tried)
		}
	}
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// tryBlock carries out the lines of a block, and returns how many they are.
func tryBlock(t *testing.T, page string, rules *goaltrack.Rules, b block) (tried int) {
	var got, want []string
	for line := range strings.Lines(b.text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "sends ") {
			continue // which a test of the command looks at
		}
		got = append(got, strings.Join(strings.Fields(line), " "))
		m := tryLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		tried++
		want = append(want, line)
		verdicts := explain(t, rules, m[2])
		for _, name := range rules.Names() {
			want = append(want, tryOutput(verdicts[name]))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s:%d: the page has\n%s\nthe outcome is\n%s", page, b.line, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	return tried
}

// tryOutput is the line of "goaltrack try" for a goal, with single spaces.
func tryOutput(v goaltrack.Verdict) string {
	if !v.Fired {
		return "- " + v.Goal + " " + v.Reason
	}
	words := []string{"fired", v.Goal}
	if v.Value != nil {
		words = append(words, fmt.Sprint("value ", v.Value))
	}
	for _, name := range slices.Sorted(maps.Keys(v.Data)) {
		words = append(words, fmt.Sprintf("%s=%q", name, v.Data[name]))
	}
	return strings.Join(words, " ")
}

func explain(t *testing.T, rules *goaltrack.Rules, line string) map[string]goaltrack.Verdict {
	t.Helper()
	e, err := goaltrack.ParseExample(line)
	if err != nil {
		t.Fatal(err)
	}
	verdicts := map[string]goaltrack.Verdict{}
	for _, v := range rules.Explain(e) {
		verdicts[v.Goal] = v
	}
	return verdicts
}

// keyPlaces are the page's tables of keys and where their keys belong.
var keyPlaces = map[string]string{
	"the file":           "",
	"`defaults:`":        "defaults",
	"a goal":             "goals",
	"`submit:`":          "goals.submit",
	"`click:`":           "goals.click",
	"`played:`":          "goals.played",
	"`value:`":           "goals.value",
	"a value of `data:`": "goals.data",
	"`order:`":           "goals.order",
	"`examples:`":        "goals.examples",
	"`identify:`":        "goals.identify",
	"an ID there":        "goals.identify",

	"a line of `after:`":     "goals.after",
	"a line of `not after:`": "goals.not after",
}

// keyRow is a line of such a table: its keys and what stands in the last cell.
type keyRow struct {
	place   string
	keys    []string
	example string
}

var quoted = regexp.MustCompile("`([^`]+)`")

func keyRows(t *testing.T) (rows []keyRow) {
	t.Helper()
	_, text, ok := strings.Cut(readText(t, docsPage), "\n## Every key\n")
	if !ok {
		t.Fatal("the page has no tables of keys")
	}
	text, _, _ = strings.Cut(text, "\n## ")
	place, known := "", false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if title, ok := strings.CutPrefix(line, "### In "); ok {
			if place, known = keyPlaces[title]; !known {
				t.Errorf("the table of keys in %s is not known here", title)
			}
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), " | ")
		if !strings.HasPrefix(line, "| `") && !strings.HasPrefix(line, "| [`") && !strings.HasPrefix(line, "| any ") {
			continue
		}
		if len(cells) != 3 {
			t.Errorf("%q has no three cells", line)
			continue
		}
		row := keyRow{place: place, example: strings.Trim(strings.TrimSpace(cells[2]), "`")}
		for _, m := range quoted.FindAllStringSubmatch(cells[0], -1) {
			row.keys = append(row.keys, m[1])
		}
		rows = append(rows, row)
	}
	return rows
}

// TestDocsKeys asserts that the tables have the keys of the schema, no more and
// no fewer, and that a block of the pages shows each.
func TestDocsKeys(t *testing.T) {
	root := schema(t)
	known, shown, listed := map[string]bool{}, map[string]bool{}, map[string]bool{}
	root.keys("", known)
	if len(known) < 60 {
		t.Fatalf("the schema has %d keys", len(known))
	}
	for _, page := range []string{docsPage, formsPage, countingPage, privacyPage} {
		for _, b := range yamlBlocks(t, page) {
			if b.fault == "" {
				root.used("", plain(t, b.text), shown)
			}
		}
	}
	for _, row := range keyRows(t) {
		for _, key := range row.keys {
			if row.place == "goals.identify" && !known[row.place+"/"+key] {
				continue // its keys are free
			}
			listed[row.place+"/"+key] = true
		}
	}
	for _, key := range slices.Sorted(maps.Keys(known)) {
		if !listed[key] {
			t.Errorf("the tables of keys do not have %s", key)
		}
		if !shown[key] {
			t.Errorf("no yaml block shows %s", key)
		}
	}
	for key := range listed {
		if !known[key] {
			t.Errorf("the tables of keys have %s, which the loader does not know", key)
		}
	}
}

// TestDocsKeyExamples asserts that the examples in the tables are such lines.
func TestDocsKeyExamples(t *testing.T) {
	root := schema(t)
	for _, row := range keyRows(t) {
		value, ok := plain(t, row.example).(map[string]any)
		if row.example == "goals:" {
			continue // its list begins on the next line
		}
		if !ok || len(value) != 1 {
			t.Errorf("%q is no key and value", row.example)
			continue
		}
		for key, v := range value {
			if !slices.Contains(row.keys, key) && row.place != "goals.identify" {
				t.Errorf("%q is an example of %v", row.example, row.keys)
			}
			if at := root.at(row.place, key); at == nil {
				t.Errorf("%q belongs nowhere in %q", row.example, row.place)
			} else if faults := at.validate(key, v); len(faults) > 0 {
				t.Errorf("%q: %v", row.example, faults)
			}
		}
	}
}

// TestDocsIdentify asserts that what the page calls attributes of the person
// are taken as such: unlike an ID, they cannot be hashed.
func TestDocsIdentify(t *testing.T) {
	tested := 0
	for _, row := range keyRows(t) {
		if row.place != "goals.identify" || len(row.keys) == 1 {
			continue
		}
		for _, key := range row.keys {
			tested++
			_, err := goaltrack.NewRules(goaltrack.Goal{
				Name: "A", Visit: "/a", Identify: map[string]any{"crm": "$app.id", key: "sha256($app.x)"},
			})
			wantFault(t, err, key+": only an e-mail address or an ID can be hashed")
			_, err = goaltrack.NewRules(goaltrack.Goal{
				Name: "A", Visit: "/a", Identify: map[string]any{"crm": "$app.id", key: "$app.x"},
			})
			if err != nil {
				t.Error(err)
			}
		}
	}
	if tested != 12 {
		t.Errorf("%d attributes of a person were found", tested)
	}
}

// TestDocsReasons asserts that the page explains every reason why a goal did
// not count, and no others.
func TestDocsReasons(t *testing.T) {
	source := readText(t, "../fate.go") + readText(t, "../rule/reason.go")
	names := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^\t(\w+):\s+\{?"([a-z_]+)"`).FindAllStringSubmatch(source, -1) {
		names[m[1]] = m[2]
	}
	want := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\t((?:fate|reason|Reason)[A-Z]\w+)$`).FindAllStringSubmatch(source, -1) {
		want[names[m[1]]] = true
	}
	for _, of := range []string{"fateOfRules", "fateShutdown", "fateDamaged", "fateDead", "fateCount"} {
		delete(want, names[of]) // of deliveries
	}
	if len(want) < 30 {
		t.Fatalf("%d reasons were found in the source", len(want))
	}
	_, table, _ := strings.Cut(readText(t, reasonsPage), "| Reason | What happened | What to do |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	got := map[string]bool{}
	for line := range strings.Lines(table) {
		cell, _, _ := strings.Cut(strings.TrimPrefix(line, "|"), "|")
		for _, m := range quoted.FindAllStringSubmatch(cell, -1) {
			got[m[1]] = true
		}
	}
	for name := range want {
		if !got[name] {
			t.Errorf("the page does not explain the reason %s", name)
		}
	}
	for name := range got {
		if !want[name] {
			t.Errorf("the page explains %s, which is no reason", name)
		}
	}
}
