// Package golden tests what outlives a version of goaltrack: files that one
// version wrote and every later version must read. testdata/golden/README.md
// says which files there are. New ones may be added; no file is ever changed.
package golden

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var add = flag.String("add-golden", "", "write golden files of a `VERSION` that has none yet, such as v2")

// Texts are texts by the names of their files.
type Texts map[string]string

// Kind is a kind of state that is kept in files.
type Kind struct {
	// Name is the name of its directory inside the directory of a version.
	Name string
	// Write writes the state into dir, as this version does.
	Write func(t *testing.T, dir string)
	// Read reads the state in dir and says what it means to this version, as
	// texts that are kept in files beside it. It changes nothing in dir.
	Read func(t *testing.T, dir string) Texts
}

// Test reads the state that each version in root wrote. It compares what the
// state means now with what it meant then. With the flag -add-golden it first
// writes the state of a new version.
func (k Kind) Test(t *testing.T, root string) {
	t.Helper()
	if *add != "" {
		if err := k.add(t, root, *add); err != nil {
			t.Fatal(err)
		}
	}
	dirs, err := filepath.Glob(filepath.Join(root, "v*", k.Name))
	if err != nil || len(dirs) == 0 {
		t.Fatalf("%s: no version wrote anything (%v)", k.Name, err)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(filepath.Dir(dir)), func(t *testing.T) {
			for name, got := range k.Read(t, dir) {
				want, err := os.ReadFile(filepath.Join(dir, name)) //nolint:gosec // A file of this repository.
				if err != nil {
					t.Fatal(err)
				}
				if d := difference(string(want), got); d != "" {
					t.Errorf("%s does not mean what it meant (%s):\n%s", dir, name, d)
				}
			}
		})
	}
}

// add writes the state of a version that has none yet.
func (k Kind) add(t *testing.T, root, version string) error {
	t.Helper()
	dir := filepath.Join(root, version, k.Name)
	switch _, err := os.Lstat(dir); {
	case version[0] != 'v' || filepath.Base(version) != version:
		return fmt.Errorf("%q is not a version such as v2", version)
	case err == nil:
		return fmt.Errorf("%s is there already, and what a version wrote is never changed: name a new version", dir)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	made := t.TempDir()
	k.Write(t, made)
	for name, text := range k.Read(t, made) {
		if err := os.WriteFile(filepath.Join(made, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	if t.Failed() {
		return errors.New("nothing is added, because the test failed")
	}
	return os.CopyFS(dir, os.DirFS(made)) // which overwrites no file
}

// difference returns the lines that only one of two texts has, "" if the texts
// are the same.
func difference(want, got string) string {
	if want == got {
		return ""
	}
	var b strings.Builder
	wanted, lines := strings.Split(want, "\n"), strings.Split(got, "\n")
	for _, side := range []struct {
		sign        string
		here, there []string
	}{{"- ", wanted, lines}, {"+ ", lines, wanted}} {
		for _, line := range side.here {
			if !slices.Contains(side.there, line) {
				b.WriteString(side.sign + line + "\n")
			}
		}
	}
	if b.Len() == 0 {
		return "the same lines, in another order or number:\n" + got
	}
	return b.String()
}
