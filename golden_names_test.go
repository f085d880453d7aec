package goaltrack

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/internal/golden"
)

// TestGoldenNames: a reason that a version gave for what did not count, or was not
// delivered, has that name for ever: people count by it.
func TestGoldenNames(t *testing.T) {
	golden.Kind{Name: "names", Write: func(t *testing.T, dir string) {
		names := slices.Sorted(maps.Keys(names()))
		if err := os.WriteFile(filepath.Join(dir, "names.txt"), []byte(strings.Join(names, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}, Read: func(t *testing.T, dir string) golden.Texts {
		text, err := os.ReadFile(filepath.Join(dir, "names.txt"))
		if err != nil {
			t.Fatal(err)
		}
		for name := range strings.FieldsSeq(string(text)) {
			if !names()[name] {
				t.Errorf("nothing is called %s any more", name)
			}
		}
		return nil
	}}.Test(t, "testdata/golden")
}

// names are those of all fates.
func names() map[string]bool {
	all := map[string]bool{}
	for f := range fateCount {
		all[f.String()] = true
	}
	return all
}
