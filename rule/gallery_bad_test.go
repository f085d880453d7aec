package rule

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestBadRules reads the gallery of broken rule files. Each begins with what
// Load has to say about it, fault by fault:
//
//	# want: 4:12: goal NAME: message (hint)
//
// With UPDATE_RULES=1 in the environment these lines are written anew, for
// review.
func TestBadRules(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "rules", "bad", "*.yaml"))
	if err != nil || len(files) < 40 {
		t.Fatalf("%d files (%v)", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if os.Getenv("UPDATE_RULES") != "" {
				text = rewanted(t, text)
				if err := os.WriteFile(file, text, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, _ := cutWants(text)
			if len(want) == 0 {
				t.Fatal("the file wants no fault")
			}
			if got := faultsOf(t, text); !slices.Equal(got, want) {
				t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
			}
			// From a file, the same with its name.
			_, err = Load(file)
			rulesErr, ok := errors.AsType[*Error](err)
			if !ok || len(rulesErr.Faults) != len(want) || rulesErr.Faults[0].File != file {
				t.Errorf("Load: %v", err)
			}
		})
	}
}

const wantPrefix = "# want: "

// cutWants splits the lines that say what is wanted from the rest.
func cutWants(text []byte) (want []string, rest []byte) {
	for bytes.HasPrefix(text, []byte(wantPrefix)) {
		var line []byte
		line, text, _ = bytes.Cut(text, []byte("\n"))
		want = append(want, string(line[len(wantPrefix):]))
	}
	return want, text
}

// rewanted writes the wanted lines anew. They take lines themselves.
func rewanted(t *testing.T, text []byte) []byte {
	_, rest := cutWants(text)
	n := len(faultsOf(t, rest))
	got := faultsOf(t, append(bytes.Repeat([]byte("#\n"), n), rest...))
	return append([]byte(wantPrefix+strings.Join(got, "\n"+wantPrefix)+"\n"), rest...)
}

// faultsOf parses rules and returns the faults as lines.
func faultsOf(t *testing.T, text []byte) []string {
	t.Helper()
	rules, err := Parse(text)
	if err == nil {
		return nil
	}
	rulesErr, ok := errors.AsType[*Error](err)
	if !ok || rules != nil {
		t.Fatalf("rules %v, error %T %v", rules, err, err)
	}
	lines := make([]string, 0, len(rulesErr.Faults))
	for _, f := range rulesErr.Faults {
		lines = append(lines, f.String())
	}
	return lines
}
