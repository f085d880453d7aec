package goaltrack

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestReadmeIsTrue: every test the README names exists, and it explains every
// fate there is.
func TestReadmeIsTrue(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme := string(text)
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var tests strings.Builder
	for _, f := range files {
		source, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		tests.Write(source)
	}
	named := regexp.MustCompile("`((?:Test|Benchmark)[A-Z]\\w*)`").FindAllStringSubmatch(readme, -1)
	if len(named) < 15 {
		t.Errorf("the README names %d tests", len(named))
	}
	for _, n := range named {
		if !strings.Contains(tests.String(), "func "+n[1]+"(") {
			t.Errorf("there is no %s", n[1])
		}
	}
	for _, never := range regexp.MustCompile(`(?m)^func (TestNever\w+)\(`).FindAllStringSubmatch(tests.String(), -1) {
		if !strings.Contains(readme, "`"+never[1]+"`") {
			t.Errorf("the README does not name %s", never[1])
		}
	}
	for _, name := range fateNames {
		if name != fired.String() && !strings.Contains(readme, "`"+name+"`") {
			t.Errorf("the README does not explain %s", name)
		}
	}
}

// TestReadmeNamesTheSDKs: the versions it says were run in a browser are those
// that the browser tests install.
func TestReadmeNamesTheSDKs(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
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
		if said := "`" + name + "` " + version; !strings.Contains(string(readme), said) {
			t.Errorf("the README does not say %s", said)
		}
	}
	if n < 6 {
		t.Errorf("the browser tests install %d packages of Sitecore", n)
	}
}
