package walls

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// seam is what one package uses of another: every function, method, field, type,
// constant and variable, each once, tests not counted. Both names are those in this
// module. The files in face do not count: they only hand names on to users.
func seam(t *testing.T, user, used string, face ...string) []string {
	t.Helper()
	noteSources(t)
	type listed struct {
		ImportPath, Dir, Export string
		GoFiles                 []string
	}
	packages := map[string]listed{}
	out := json.NewDecoder(strings.NewReader(goTool(t, nil, "list", "-deps", "-export", "-json=ImportPath,Dir,Export,GoFiles", "./"+user)))
	for {
		var p listed
		if err := out.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		packages[here(p.ImportPath)] = p
	}
	if packages[used].ImportPath == "" {
		t.Fatalf("%s does not import %s", shown(user), used)
	}
	set := token.NewFileSet()
	var files []*ast.File
	for _, name := range packages[user].GoFiles {
		f, err := parser.ParseFile(set, filepath.Join(packages[user].Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: importer.ForCompiler(set, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(packages[here(path)].Export)
	})}
	if _, err := config.Check(packages[user].ImportPath, set, files, info); err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for use, object := range info.Uses {
		if slices.Contains(face, filepath.Base(set.Position(use.Pos()).Filename)) {
			continue
		}
		if object.Pkg() != nil && object.Pkg().Path() == packages[used].ImportPath {
			names[called(object)] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// called is the name of what a package declares, with the type that it belongs to.
func called(object types.Object) string {
	switch o := object.(type) {
	case *types.Func:
		if r := o.Origin().Signature().Recv(); r != nil {
			return owner(r.Type()) + "." + o.Name()
		}
	case *types.Var:
		if o.IsField() {
			return ownerOfField(o.Origin()) + "." + o.Name()
		}
	}
	return object.Name()
}

// owner is the name of the type that has a method.
func owner(t types.Type) string {
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	if n, ok := t.(*types.Named); ok {
		return n.Obj().Name()
	}
	return t.String()
}

// ownerOfField is the name of the type that is declared with a field, and the line
// of the field if it is one of a type without a name.
func ownerOfField(field *types.Var) string {
	scope := field.Pkg().Scope()
	for _, name := range scope.Names() {
		if s, ok := scope.Lookup(name).Type().Underlying().(*types.Struct); ok {
			for f := range s.Fields() {
				if f == field {
					return name
				}
			}
		}
	}
	return "struct"
}

// TestSeamIsCounted: each kind of identifier counts, once, and nothing that only
// tests use.
func TestSeamIsCounted(t *testing.T) {
	const folder = "internal/walls/testdata/seam/"
	want := []string{
		"Box", "Box.Get", "Box.Value", "New", "Part.Deepen", "Part.Depth", "Sayer", "Sayer.Say", "Shared", "Size", "Thing", "Thing.Name", "Thing.Say",
	}
	if got := seam(t, folder+"user", folder+"used"); !slices.Equal(got, want) {
		t.Errorf("got\n%q, want\n%q", got, want)
	}
}

// TestSeamOfRule: the wall before the rule language stands where it should if
// goaltrack uses few things of it.
func TestSeamOfRule(t *testing.T) {
	const most = 70
	if names := seam(t, ".", "rule", "rules.go"); len(names) > most {
		t.Errorf("goaltrack uses %d identifiers of rule, and may use %d: move what uses them into rule, or let one of its methods answer what several are asked for\n%s",
			len(names), most, strings.Join(names, "\n"))
	}
}
