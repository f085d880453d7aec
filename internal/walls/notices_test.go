package walls

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

//go:generate go test -run ^TestNotices$ . -args -write-notices

var writeNotices = flag.Bool("write-notices", false, "write THIRD_PARTY_NOTICES.txt anew")

const noticesFile = top + "/THIRD_PARTY_NOTICES.txt"

// isNotice matches the names of files that a licence asks to pass on.
var isNotice = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|copyright|patents)([-._].*)?$`)

// noCode are such files that are about pictures, not about code.
var noCode = []string{"LICENSE-LOGO"}

// dependency is what "go list -m" says of one.
type dependency struct {
	Path, Version, Dir string
}

// required are the modules that go.mod names: those of which a program is built.
func required(t *testing.T) (list []dependency) {
	t.Helper()
	var mod struct {
		Require []struct{ Path, Version string }
	}
	if err := json.Unmarshal([]byte(goTool(t, nil, "mod", "edit", "-json")), &mod); err != nil {
		t.Fatal(err)
	}
	for _, r := range mod.Require {
		list = append(list, dependency{Path: r.Path, Version: r.Version})
	}
	return list
}

// found are the modules whose code is on this machine.
func found(t *testing.T) map[string]string {
	t.Helper()
	dirs := map[string]string{}
	ask := []string{"list", "-m", "-e", "-json"}
	for _, m := range required(t) {
		ask = append(ask, m.Path)
	}
	out := json.NewDecoder(strings.NewReader(goTool(t, []string{"GOFLAGS=-mod=readonly", "GOPROXY=off"}, ask...)))
	for {
		var m dependency
		if err := out.Decode(&m); errors.Is(err, io.EOF) {
			return dirs
		} else if err != nil {
			t.Fatal(err)
		}
		if m.Dir != "" {
			dirs[m.Path+" "+m.Version] = m.Dir
		}
	}
}

// section is what the file says of a module, or of Go itself.
func section(name, dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n\n", strings.Repeat("=", 80), name)
	n := 0
	for _, e := range entries {
		if e.IsDir() || !isNotice.MatchString(e.Name()) || strings.HasSuffix(e.Name(), ".go") || slices.Contains(noCode, e.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return "", err
		}
		n++
		fmt.Fprintf(&b, "--- %s\n\n%s\n\n", e.Name(), bytes.TrimSpace(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))))
	}
	if n == 0 {
		return "", fmt.Errorf("%s has no licence in %s", name, dir)
	}
	return b.String(), nil
}

const noticesHead = `Notices of third parties
========================

goaltrack is under the Apache License 2.0 (LICENSE). A program built from it has code of the modules below, and of Go's
own library. Pass this file on with such a program. A program that imports only the packages goaltrack, rule, cdp and
queue has code of fewer of them.

Made by "go generate ./internal/walls" from go.mod. Do not edit.

`

// TestNotices: the file names every module of go.mod in its version, with the words that
// its licence asks to pass on, and no other. What is not on this machine cannot be
// compared, but for its name and version.
func TestNotices(t *testing.T) {
	dirs := found(t)
	names := []string{"Go"}
	want := map[string]string{}
	var err error
	if want["Go"], err = section("Go", strings.TrimSpace(goTool(t, nil, "env", "GOROOT"))); err != nil {
		t.Log(err) // some distributions put it elsewhere
	}
	for _, m := range required(t) {
		name := m.Path + " " + m.Version
		names = append(names, name)
		if dir := dirs[name]; dir != "" {
			if want[name], err = section(name, dir); err != nil {
				t.Error(err)
			}
		}
	}
	if *writeNotices {
		var b strings.Builder
		b.WriteString(noticesHead)
		for _, name := range names {
			if want[name] == "" {
				t.Fatalf("%s is not on this machine: go mod download", name)
			}
			b.WriteString(want[name])
		}
		if err := os.WriteFile(noticesFile, []byte(strings.TrimSpace(b.String())+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(noticesFile)
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, m := range regexp.MustCompile(`(?m)^={80}\n(.*)$`).FindAllSubmatch(text, -1) {
		said = append(said, string(m[1]))
	}
	if !slices.Equal(said, names) {
		t.Errorf("THIRD_PARTY_NOTICES.txt is about\n%q, and go.mod about\n%q: go generate ./internal/walls", said, names)
	}
	compared := 0
	for name, section := range want {
		if section == "" || name == "Go" {
			continue
		}
		compared++
		if !strings.Contains(string(text), strings.TrimSpace(section)) {
			t.Errorf("THIRD_PARTY_NOTICES.txt does not have what %s asks for: go generate ./internal/walls", name)
		}
	}
	if compared < 5 { // those that this test itself was built beside
		t.Errorf("%d modules were compared", compared)
	}
}
