package walls

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

const (
	module = "github.com/goaltrack/goaltrack"
	top    = "../.." // the folder of the module
)

// graph is what imports what.
type graph struct {
	packages map[string]*node
}

// node is a package. Its name is that in this module, or the path by which it is
// imported.
type node struct {
	name           string
	ours, standard bool
	imports, tests []string // by the package, and by its tests
}

// load reads the packages of this module and all that they reach, as they are
// compiled for a system. On another system than this one the commands are left out,
// since what they need there of others may not be on this machine.
func load(t *testing.T, system string) *graph {
	t.Helper()
	noteSources(t)
	names := strings.Fields(goTool(t, nil, "list", "./..."))
	names = slices.DeleteFunc(names, func(n string) bool { return system != runtime.GOOS && within(module+"/cmd", n) })
	args := append([]string{"list", "-deps", "-json=ImportPath,Standard,Imports,TestImports,XTestImports"}, names...)
	out := json.NewDecoder(strings.NewReader(goTool(t, []string{"GOOS=" + system}, args...)))
	g := &graph{packages: map[string]*node{}}
	for {
		var p struct {
			ImportPath                         string
			Standard                           bool
			Imports, TestImports, XTestImports []string
		}
		if err := out.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		n := &node{name: here(p.ImportPath), ours: within(module, p.ImportPath), standard: p.Standard}
		for _, imported := range p.Imports {
			if imported != "C" { // no package, though it is written like one
				n.imports = append(n.imports, here(imported))
			}
		}
		for _, imported := range append(p.TestImports, p.XTestImports...) {
			n.tests = append(n.tests, here(imported))
		}
		g.packages[n.name] = n
	}
	if len(g.ours()) < 10 || len(g.reached(".")) < 100 {
		t.Fatalf("go list tells of %d packages of ours, and %d that goaltrack reaches", len(g.ours()), len(g.reached(".")))
	}
	return g
}

// invented makes a graph of packages that need not be there. Who has a dot in the
// first part of a name is a library's, and who has none and is in no folder of
// ours the standard library's.
func invented(imports map[string][]string) *graph {
	g := &graph{packages: map[string]*node{}}
	add := func(name string) *node {
		if n := g.packages[name]; n != nil {
			return n
		}
		first, _, _ := strings.Cut(name, "/")
		n := &node{name: name, ours: slices.Contains([]string{".", "cdp", "queue", "rule", "internal", "cmd", "example"}, first)}
		n.standard = !n.ours && !strings.Contains(first, ".")
		g.packages[name] = n
		return n
	}
	for name, list := range imports {
		add(name).imports = list
		for _, imported := range list {
			add(imported)
		}
	}
	return g
}

// ours are the names of this module's packages.
func (g *graph) ours() (names []string) {
	for name, n := range g.packages {
		if n.ours {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// reached are the names of all packages that one reaches, without itself.
func (g *graph) reached(name string) []string {
	from := g.before(name)
	delete(from, name)
	return slices.Sorted(maps.Keys(from))
}

// way is the shortest way by which one package reaches another, both included, or
// nil.
func (g *graph) way(name, reached string) (way []string) {
	from := g.before(name)
	if _, ok := from[reached]; !ok {
		return nil
	}
	for ; reached != name; reached = from[reached] {
		way = append(way, reached)
	}
	way = append(way, name)
	slices.Reverse(way)
	return way
}

// before says of every package that one reaches, and of itself, which package
// stands before it on the shortest way.
func (g *graph) before(name string) map[string]string {
	from := map[string]string{name: ""}
	for line := []string{name}; len(line) > 0; line = line[1:] {
		if g.packages[line[0]] == nil {
			continue // only a test imports it
		}
		for _, imported := range g.packages[line[0]].imports {
			if _, ok := from[imported]; !ok {
				from[imported] = line[0]
				line = append(line, imported)
			}
		}
	}
	return from
}

// here is the name of a package in this module.
func here(path string) string {
	if path == module {
		return "."
	}
	return strings.TrimPrefix(path, module+"/")
}

// shown is a package's name in a message, or a way of several.
func shown(names ...string) string {
	names = slices.Clone(names)
	for i := range names {
		if names[i] == "." {
			names[i] = "goaltrack"
		}
	}
	return strings.Join(names, " -> ")
}

// goTool runs the go command at the top of the module and returns what it prints.
func goTool(t *testing.T, env []string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir, cmd.Env = top, append(os.Environ(), env...)
	out, err := cmd.Output()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, failed.Stderr)
	} else if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// sources are all Go files of this repository, those of other modules in it
// included.
func sources(t *testing.T) (files []string) {
	t.Helper()
	err := filepath.WalkDir(top, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || d.Name() == "node_modules" || d.Name() == ".git"):
			return filepath.SkipDir
		case !d.IsDir() && filepath.Ext(name) == ".go":
			files = append(files, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 100 {
		t.Fatalf("%d Go files were found", len(files))
	}
	return files
}

// noteSources opens the files that the go command will read. The go command
// takes the result of a test from its cache if the files that the test opened
// are the same. It does not see which files are opened by programs that a test
// starts.
func noteSources(t *testing.T) {
	t.Helper()
	for _, name := range append(sources(t), top+"/go.mod") {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
	}
}
