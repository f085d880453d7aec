package goaltrack

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// page reads a file of the documentation.
func page(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var testName = regexp.MustCompile("`((?:Test|Benchmark)[A-Z]\\w*)`")

// TestReadmeIsTrue: every test the README names exists, and it names all that show
// what goaltrack never does.
func TestReadmeIsTrue(t *testing.T) {
	readme := page(t, "README.md")
	tests := testsOf(t)
	named := testName.FindAllStringSubmatch(readme, -1)
	if len(named) < 15 {
		t.Errorf("the README names %d tests", len(named))
	}
	for _, more := range []string{"docs/visitors.md", "docs/operations.md"} {
		named = append(named, testName.FindAllStringSubmatch(page(t, more), -1)...)
	}
	for _, n := range named {
		if !tests[n[1]] {
			t.Errorf("there is no %s", n[1])
		}
	}
	for test := range tests {
		if strings.HasPrefix(test, "TestNever") && !strings.Contains(readme, "`"+test+"`") {
			t.Errorf("the README does not name %s", test)
		}
	}
}

// TestReadmeLeadsEverywhere: one click leads from the README to every page of docs.
func TestReadmeLeadsEverywhere(t *testing.T) {
	readme := page(t, "README.md")
	pages, err := filepath.Glob("docs/*.md")
	if err != nil || len(pages) < 20 {
		t.Fatalf("%d pages (%v)", len(pages), err)
	}
	for _, p := range pages {
		if !strings.Contains(readme, "]("+filepath.ToSlash(p)) {
			t.Errorf("the README does not lead to %s", p)
		}
	}
}

// TestFatesAreExplained: the people who run a site find every fate there is.
func TestFatesAreExplained(t *testing.T) {
	text := page(t, "docs/reasons.md") + page(t, "docs/operations.md")
	for _, f := range fateNames {
		if name := f.name; name != "" && name != fired.String() && !strings.Contains(text, "`"+name+"`") {
			t.Errorf("it does not explain %s", name)
		}
	}
}

// TestDocsQuoteTheLog: who reads a line of the log at night finds it in
// docs/operations.md, in the same words, and finds no line there that is never
// written.
func TestDocsQuoteTheLog(t *testing.T) {
	inSource := map[string]bool{}
	logged := regexp.MustCompile(`(?:\.(?:Info|Warn|Error|Log|LogAttrs|once)\(|\blog[A-Z]\w* += ).*?"goaltrack: ([^"]+)"`)
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"internal/*/*.go", "relay/*.go"} {
		within, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, within...)
	}
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		for _, m := range logged.FindAllStringSubmatch(page(t, f), -1) {
			inSource[m[1]] = true
		}
	}
	if len(inSource) < 20 {
		t.Fatalf("%d lines of the log were found in the source", len(inSource))
	}
	_, table, _ := strings.Cut(page(t, "docs/operations.md"), "| level | the log says |")
	table, _, _ = strings.Cut(table, "\n\n")
	onPage := map[string]bool{}
	for row := range strings.Lines(table) {
		cells := strings.Split(row, " | ")
		if len(cells) != 3 {
			continue
		}
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[1], -1) {
			onPage[m[1]] = true
		}
	}
	for text := range inSource {
		if !onPage[text] {
			t.Errorf("the table in docs/operations.md does not explain %q: add a row that says what to do", text)
		}
	}
	for text := range onPage {
		if !inSource[text] {
			t.Errorf("docs/operations.md explains %q, which the log never says", text)
		}
	}
}

// TestDocsLinks: every link within the repository leads to a file that exists and
// to a heading in it.
func TestDocsLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#\s]*)(?:#([^)\s]+))?\)`)
	notInAnchor := regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	anchors := func(file string) (list []string) {
		for _, h := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(page(t, file), -1) {
			list = append(list, strings.ReplaceAll(notInAnchor.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-"))
		}
		return list
	}
	var files []string
	for _, pattern := range []string{"*.md", "docs/*.md", "testdata/*/README.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	n := 0
	for _, f := range files {
		for _, m := range link.FindAllStringSubmatch(page(t, f), -1) {
			if strings.Contains(m[1], ":") {
				continue // elsewhere
			}
			n++
			to := f
			if m[1] != "" {
				to = filepath.Join(filepath.Dir(f), m[1])
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s: there is no %s", f, m[1])
			} else if m[2] != "" && !slices.Contains(anchors(to), m[2]) {
				t.Errorf("%s: %s has no heading %q", f, to, m[2])
			}
		}
	}
	if n < 40 {
		t.Errorf("%d links were found", n)
	}
}

// TestDocsNameTheSDKs: the versions said to have been run in a browser are those
// that the browser tests install.
func TestDocsNameTheSDKs(t *testing.T) {
	said := page(t, "docs/visitors.md")
	text, err := os.ReadFile("e2e/package.json")
	if err != nil {
		t.Fatal(err)
	}
	var installed struct {
		Packages map[string]string `json:"devDependencies"`
	}
	if err := json.Unmarshal(text, &installed); err != nil {
		t.Fatal(err)
	}
	n := 0
	for name, version := range installed.Packages {
		if !strings.HasPrefix(name, "@sitecore") {
			continue
		}
		n++
		if version := "`" + name + "` " + version; !strings.Contains(said, version) {
			t.Errorf("it does not say %s", version)
		}
	}
	if n < 6 {
		t.Errorf("the browser tests install %d packages of Sitecore", n)
	}
}

// TestCodeIsMapped: the page that leads through the code names every file, and no
// other.
func TestCodeIsMapped(t *testing.T) {
	var here []string
	for _, pattern := range []string{"*.go", "rule/*.go", "internal/deliver/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		here = append(here, slices.DeleteFunc(files, func(f string) bool { return strings.HasSuffix(f, "_test.go") })...)
	}
	var named []string
	for _, link := range regexp.MustCompile(`\[(\w+\.go)\]\(\.\./([\w/]+\.go)\)`).FindAllStringSubmatch(page(t, "docs/code.md"), -1) {
		if link[1] != filepath.Base(link[2]) {
			t.Errorf("%s leads to %s", link[1], link[2])
		}
		named = append(named, link[2])
	}
	slices.Sort(here)
	slices.Sort(named)
	if !slices.Equal(here, named) {
		t.Errorf("the files are\n%v\nnamed are\n%v", here, named)
	}
}

// TestReliabilityIsTrue: every row of docs/reliability.md names tests that
// exist, and none is there twice.
func TestReliabilityIsTrue(t *testing.T) {
	text, err := os.ReadFile("docs/reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := testsOf(t)
	rows := map[int]bool{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		number, err := strconv.Atoi(strings.TrimSpace(cells[0]))
		if err != nil || !strings.HasPrefix(line, "|") {
			continue
		}
		if len(cells) != 6 {
			t.Errorf("row %d has %d cells", number, len(cells))
			continue
		}
		if rows[number] {
			t.Errorf("row %d is there twice", number)
		}
		rows[number] = true
		if !namedTest.MatchString(cells[5]) {
			t.Errorf("row %d names no test", number)
		}
		for i, cell := range cells {
			if strings.TrimSpace(cell) == "" {
				t.Errorf("row %d: cell %d is empty", number, i+1)
			}
		}
	}
	for _, n := range namedTest.FindAllStringSubmatch(string(text), -1) {
		if !tests[n[1]] {
			t.Errorf("there is no %s", n[1])
		}
	}
	for test := range tests {
		if m := regexp.MustCompile(`^TestFault(\d\d)`).FindStringSubmatch(test); m != nil {
			if n, _ := strconv.Atoi(m[1]); !rows[n] || !strings.Contains(string(text), "`"+test+"`") {
				t.Errorf("%s is not in the table", test)
			}
		}
	}
}

var namedTest = regexp.MustCompile("`((?:Test|Benchmark|Fuzz)[A-Z]\\w*)`")

// testsOf finds the names of all tests of the module, those in test/ and in
// internal/*/ among them.
func testsOf(t *testing.T) map[string]bool {
	t.Helper()
	tests := map[string]bool{}
	for _, pattern := range []string{"*_test.go", "*/*_test.go", "*/*/*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			source, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Fuzz)\w+)\(`).FindAllStringSubmatch(string(source), -1) {
				tests[m[1]] = true
			}
		}
	}
	return tests
}
