package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/text/encoding/unicode"
)

// TestFmtLosesNothing: what cannot be laid out as a whole stays as it is, and so does a file
// that is not there to be replaced.
func TestFmtLosesNothing(t *testing.T) {
	wide, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(untidy)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ text, want string }{
		"larger than is read":    {untidy + strings.Repeat("# a remark\n", maxRuleFile/11+1) + "- goal: B\n  visit: /b\n", "larger than 8 MiB"},
		"UTF-16 with a comment":  {wide, "UTF-8"},
		"Latin-1 in a comment":   {untidy + "# Gr\xf6\xdfe\n", "UTF-8"},
		"two documents":          {untidy + "---\n" + untidy, ""},
		"a comment and no goals": {"# nothing yet\n", ""},
	} {
		file := write(t, "goals.yaml", test.text)
		code, _, stderr := outcome(t, []string{"fmt", "-w", file}, nil)
		left, err := os.ReadFile(file)
		if code != exitUsage || err != nil || string(left) != test.text || !strings.Contains(stderr, test.want) {
			t.Errorf("%s: exit code %d, %d of %d bytes left, %v\n%s", name, code, len(left), len(test.text), err, stderr)
		}
	}
}

// TestReplaceFile: a file that somebody has changed since it was read, and what is no file,
// stay as they are. A file that already is as it should be is no fault. No other file is left
// behind.
func TestReplaceFile(t *testing.T) {
	file := write(t, "goals.yaml", "theirs")
	if err := replaceFile(file, []byte("as it was"), []byte("ours")); !errors.Is(err, errChanged) {
		t.Error(err)
	}
	dir := filepath.Dir(file)
	for _, name := range []string{dir, os.DevNull, filepath.Join(dir, "gone")} {
		if err := replaceFile(name, nil, []byte("ours")); err == nil {
			t.Errorf("%s was replaced", name)
		}
	}
	if text, err := os.ReadFile(file); string(text) != "theirs" {
		t.Error(string(text), err)
	}
	if entries, err := os.ReadDir(dir); len(entries) != 1 {
		t.Error(entries, err)
	}
	for _, was := range []string{"theirs", "as it was"} { // at the second, it is as it should be: another fmt was faster
		if err := replaceFile(file, []byte(was), []byte("ours")); err != nil {
			t.Errorf("%s: %v", was, err)
		}
	}
	if entries, err := os.ReadDir(dir); len(entries) != 1 {
		t.Error(entries, err)
	}
}
