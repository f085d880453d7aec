package goaltrack

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

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
