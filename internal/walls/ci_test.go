package walls

import (
	"bufio"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	asked    = regexp.MustCompile(`go test .*-(?:run|skip|bench) '?(\^?(?:Test|Benchmark|Overhead)[^' ]*)'?.* (\.\S*?)(?: .*)?$`)
	choice   = regexp.MustCompile(`^(.*)\((.*)\)(.*)$`)
	declared = regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Fuzz)[A-Z]\w*)\(`)
)

// TestCIRunsWhatIsThere checks that each test that the scripts in .ci name is
// in the package where they look for it. Go does not complain about a name that
// no test has. A test that is renamed or moved would no longer run, or run
// where it was left out.
func TestCIRunsWhatIsThere(t *testing.T) {
	tests := testNames(t)
	found := 0
	for _, ask := range asks(t) {
		for _, pattern := range ask.patterns {
			found++
			if !slices.ContainsFunc(tests, func(test namedTest) bool { return ask.in(test.folder) && pattern.MatchString(test.name) }) {
				t.Errorf("%s:%d: no test in %s is called %s", ask.script, ask.line, ask.folder, pattern)
			}
		}
	}
	if found < 10 {
		t.Errorf("%d names of tests were found in .ci", found)
	}
}

// namedTest is a test, a benchmark or a fuzz target.
type namedTest struct{ folder, name string }

// testNames are those of all tests in the repository.
func testNames(t *testing.T) (tests []namedTest) {
	t.Helper()
	for _, file := range sources(t) {
		if !strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		folder, err := filepath.Rel(top, filepath.Dir(file))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range declared.FindAllSubmatch(text, -1) {
			tests = append(tests, namedTest{folder: folder, name: string(m[1])})
		}
	}
	return tests
}

// ask is a line of a script that names tests.
type ask struct {
	script   string
	line     int
	patterns []*regexp.Regexp // one of each choice
	folder   string
}

// in says whether the line looks for tests in a folder.
func (a ask) in(folder string) bool {
	return a.folder == "./..." || filepath.Clean(a.folder) == folder
}

// asks are the lines of all scripts that name tests.
func asks(t *testing.T) (list []ask) {
	t.Helper()
	scripts, err := filepath.Glob(filepath.Join(top, ".ci", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, script := range scripts {
		f, err := os.Open(script)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(f)
		for n := 1; lines.Scan(); n++ {
			m := asked.FindStringSubmatch(strings.TrimRight(lines.Text(), `\& `))
			if m == nil {
				continue
			}
			a := ask{script: filepath.Base(script), line: n, folder: m[2]}
			for _, pattern := range choices(m[1]) {
				a.patterns = append(a.patterns, regexp.MustCompile(pattern))
			}
			list = append(list, a)
		}
		if err := lines.Err(); err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
	}
	return list
}

// choices makes of "a(b|c)d" the patterns "abd" and "acd".
func choices(pattern string) (list []string) {
	m := choice.FindStringSubmatch(pattern)
	if m == nil {
		return []string{pattern}
	}
	for one := range strings.SplitSeq(m[2], "|") {
		list = append(list, m[1]+one+m[3])
	}
	return list
}
