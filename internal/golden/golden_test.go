package golden

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAdd: a version's files are written once, and never again.
func TestAdd(t *testing.T) {
	root, state := t.TempDir(), "first"
	k := Kind{
		Name:  "kind",
		Write: func(t *testing.T, dir string) { write(t, filepath.Join(dir, "state"), state) },
		Read: func(t *testing.T, dir string) Texts {
			text, err := os.ReadFile(filepath.Join(dir, "state"))
			if err != nil {
				t.Fatal(err)
			}
			return Texts{"meaning.txt": "it says " + string(text)}
		},
	}
	if err := k.add(t, root, "v1"); err != nil {
		t.Fatal(err)
	}
	state = "second"
	for version, want := range map[string]string{"v1": "never changed", "2": "not a version", "v1/../v1": "not a version"} {
		if err := k.add(t, root, version); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", version, err)
		}
	}
	if err := k.add(t, root, "v2"); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"v1/kind/state": "first", "v1/kind/meaning.txt": "it says first",
		"v2/kind/state": "second", "v2/kind/meaning.txt": "it says second",
	} {
		if got, err := os.ReadFile(filepath.Join(root, file)); err != nil || string(got) != want {
			t.Errorf("%s: %q, want %q (%v)", file, got, want, err)
		}
	}
	k.Test(t, root)
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestDifference: any two texts that differ are told apart.
func TestDifference(t *testing.T) {
	for _, c := range []struct{ want, got, says string }{
		{"a\nb\n", "a\nb\n", ""},
		{"a\nb\n", "a\nc\n", "- b\n+ c\n"},
		{"a\n", "a", "- \n"},
		{"a\nb", "b\na", "the same lines, in another order or number:\nb\na"},
		{"a", "a\na", "the same lines, in another order or number:\na\na"},
	} {
		if says := difference(c.want, c.got); says != c.says {
			t.Errorf("%q and %q: %q, want %q", c.want, c.got, says, c.says)
		}
	}
}
