package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	untidy = "version:  1\n# All.\ngoals:\n- goal: A   # first\n  visit:   /a\n"
	tidy   = "version: 1\n# All.\ngoals:\n  - goal: A  # first\n    visit: /a\n"
)

// TestFmt: what is printed, what is written, and the exit codes of gofmt.
func TestFmt(t *testing.T) {
	for _, test := range []struct {
		flags, text string
		code        int
		stdout      string // FILE stands for the name
		left        string // in the file
	}{
		{"", untidy, exitOK, tidy, untidy},
		{"", tidy, exitOK, tidy, tidy},
		{"-l", untidy, exitOK, "FILE\n", untidy},
		{"--list", tidy, exitOK, "", tidy},
		{"-w", untidy, exitOK, "", tidy},
		{"-l -w", untidy, exitOK, "FILE\n", tidy},
		{"-d", tidy, exitOK, "", tidy},
		{"-d", untidy, exitFailed, "-- goal: A   # first\n", untidy},
		{"-w", "goals: [\n", exitUsage, "", "goals: [\n"},
	} {
		file := write(t, "goals.yaml", test.text)
		code, stdout, stderr := outcome(t, append(append([]string{"fmt"}, strings.Fields(test.flags)...), file), nil)
		left, err := os.ReadFile(file)
		stdout = strings.ReplaceAll(stdout, file, "FILE")
		as := stdout == test.stdout
		if strings.Contains(test.flags, "-d") {
			as = strings.Contains(stdout, test.stdout)
		}
		if code != test.code || !as || err != nil || string(left) != test.left {
			t.Errorf("fmt %s of %q: %d, %q and %q\n%s", test.flags, test.text, code, stdout, left, stderr)
		}
		if left, _ := filepath.Glob(filepath.Join(filepath.Dir(file), ".*")); len(left) > 0 {
			t.Errorf("fmt %s left %q", test.flags, left)
		}
	}
}

// TestFmtFaults: a fault has its place, and keeps no other file from its layout.
func TestFmtFaults(t *testing.T) {
	bad, good := write(t, "bad.yaml", "goals:\n  - goal: A\n    visit: *x\n"), write(t, "good.yaml", untidy)
	code, stdout, stderr := outcome(t, []string{"fmt", bad, good}, nil)
	if code != exitUsage || stdout != tidy || !strings.Contains(stderr, "bad.yaml:3:12: ") {
		t.Errorf("%d, %q, %s", code, stdout, stderr)
	}
	if code, _, stderr := outcome(t, []string{"fmt", "-w", "-"}, nil); code != exitUsage || !strings.Contains(stderr, "--write: ") {
		t.Errorf("%d, %s", code, stderr)
	}
	// What is a fault of the rules has a layout all the same.
	if code, stdout, _ := outcome(t, []string{"fmt", write(t, "goals.yaml", "goals:\n- lable:  x\n")}, nil); code != exitOK || stdout != "goals:\n  - lable: x\n" {
		t.Errorf("%d, %q", code, stdout)
	}
}

// TestFmtKeepsModeAndLink: who may read a file stays, and a link stays one.
func TestFmtKeepsModeAndLink(t *testing.T) {
	file := write(t, "goals.yaml", untidy)
	link := filepath.Join(t.TempDir(), "link.yaml")
	if err := os.Chmod(file, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil {
		t.Skip(err)
	}
	if code, _, stderr := outcome(t, []string{"fmt", "-w", link}, nil); code != exitOK {
		t.Fatal(stderr)
	}
	info, err := os.Lstat(link)
	if err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Error("the link is none any more", err)
	}
	if info, err = os.Stat(file); err != nil || info.Mode().Perm() != 0o640 {
		t.Error(info.Mode(), err)
	}
}
