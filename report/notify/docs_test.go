package notify_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDocsHaveTheLog: docs/webhooks.md has each line of the log, and no other.
func TestDocsHaveTheLog(t *testing.T) {
	said := map[string]bool{}
	line := regexp.MustCompile(`"(goaltrack: [^"]+)"`)
	for _, dir := range []string{".", "../health"} {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			for _, m := range line.FindAllStringSubmatch(read(t, name), -1) {
				said[m[1]] = true
			}
		}
	}
	inDocs := map[string]bool{}
	for _, m := range regexp.MustCompile("`(goaltrack: [^`]+)`").FindAllStringSubmatch(read(t, "../../docs/webhooks.md"), -1) {
		inDocs[m[1]] = true
		if !said[m[1]] {
			t.Errorf("the page has a line that is never logged: %s", m[1])
		}
	}
	for text := range said {
		if !inDocs[text] {
			t.Errorf("the page lacks: %s", text)
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
