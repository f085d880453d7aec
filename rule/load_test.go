package rule_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/goaltrack/goaltrack/rule"
)

func TestLoad(t *testing.T) {
	if _, err := rule.Load(filepath.Join(t.TempDir(), "none.yaml")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := rule.Load(t.TempDir()); err == nil {
		t.Error("a folder was read")
	}
	file := filepath.Join(t.TempDir(), "goals.yaml")
	text := []byte("goals:\n  - goal: A_ONE\n    visit: /a\n")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	loaded, err := rule.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := rule.Parse(text)
	if err != nil || loaded.Hash() != parsed.Hash() || len(loaded.Hash()) != 8 {
		t.Errorf("hashes %q and %q (%v)", loaded.Hash(), parsed.Hash(), err)
	}
}
