package walls

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestFaceIsSmall: who asks the go command what goaltrack is gets an answer that
// can be read in a sitting.
func TestFaceIsSmall(t *testing.T) {
	const most = 120
	noteSources(t)
	if lines := strings.Count(goTool(t, nil, "doc", "."), "\n"); lines > most {
		t.Errorf(`"go doc ." has %d lines, and may have %d: what few need belongs in a package of its own, or in a struct that stands there already`, lines, most)
	}
}

// TestRootIsSmall: who opens the repository sees what a user can set and call, and
// the way of a request, and not every mechanism.
func TestRootIsSmall(t *testing.T) {
	const (
		most    = 30 // that are no tests
		mostAll = 50
		cure    = "make a package of a mechanism (internal/...), or move tests of the public API to the folder test; docs/code.md has the map"
	)
	var code, all int
	for _, file := range sources(t) {
		if filepath.Dir(file) != filepath.Clean(top) {
			continue
		}
		if all++; !strings.HasSuffix(file, "_test.go") {
			code++
		}
	}
	if code > most {
		t.Errorf("%d Go files at the top are no tests, and %d may be: %s", code, most, cure)
	}
	if all > mostAll {
		t.Errorf("%d Go files are at the top, and %d may be: %s", all, mostAll, cure)
	}
}

// mostParameters are what a reader of a call can tell apart.
const mostParameters = 6

// TestFunctionsTakeFew: no function, tests included, takes more than six
// parameters, whether it has a name, is an interface's method or is a value.
func TestFunctionsTakeFew(t *testing.T) {
	set := token.NewFileSet()
	for _, file := range sources(t) {
		f, err := parser.ParseFile(set, file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, fault := range tooMany(set, f) {
			t.Errorf("%s: a function takes more than %d parameters: let a type that has a meaning of its own carry some, or make two functions of it", fault, mostParameters)
		}
	}
}

// tooMany are the places of functions with too many parameters.
func tooMany(set *token.FileSet, f *ast.File) (places []string) {
	ast.Inspect(f, func(n ast.Node) bool {
		if function, ok := n.(*ast.FuncType); ok && function.Params.NumFields() > mostParameters {
			places = append(places, set.Position(function.Params.Pos()).String())
		}
		return true
	})
	return places
}

// TestParametersAreCounted: each name counts, wherever the function stands.
func TestParametersAreCounted(t *testing.T) {
	const code = `package p
func six(a, b, c int, d string, e ...int) {}
func seven(a, b, c, d, e, f, g int) {}
func (r int) method(a, b, c, d, e, f int) {}
func (r int) longMethod(a, b, c int, d, e, f, g string) {}
var value = func(int, int, int, int, int, int, int) {}
type face interface{ m(a, b, c, d, e, f, g int) }
`
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, "p.go", code, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := tooMany(set, f), []string{"p.go:3:11", "p.go:5:24", "p.go:6:17", "p.go:7:23"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
