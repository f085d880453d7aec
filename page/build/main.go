// Command build makes page/script.min.js of the files in page/script, with esbuild's
// minifier. It is a module of its own, so that nobody who uses goaltrack downloads
// esbuild. Run it by "go generate ./page".
package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// parts are the files, the base first. Each is one function, assigned to a name that
// is taken off again: else the minifier would see that nobody calls it.
var parts = []string{"base", "tools", "seen", "read", "stay", "played", "started"}

const name = "goaltrack="

func main() {
	text, err := build("../script")
	if err == nil {
		err = os.WriteFile("../script.min.js", text, 0o644) //nolint:gosec // It is source, for everybody to read.
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// build makes a line of each part: its name and its code.
func build(from string) ([]byte, error) {
	var lines bytes.Buffer
	for _, part := range parts {
		text, err := fs.ReadFile(os.DirFS(from), part+".js")
		if err != nil {
			return nil, err
		}
		result := api.Transform(string(text), api.TransformOptions{
			MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true,
			Target: api.ES2021, LegalComments: api.LegalCommentsNone,
			Charset: api.CharsetASCII, Sourcefile: part + ".js",
		})
		for _, fault := range result.Errors {
			return nil, fmt.Errorf("%s.js:%d: %s", part, fault.Location.Line, fault.Text)
		}
		code, ok := strings.CutPrefix(strings.TrimSuffix(strings.TrimSpace(string(result.Code)), ";"), name)
		if !ok || strings.Contains(code, "\n") {
			return nil, fmt.Errorf("%s.js: it is not one function that is assigned to goaltrack", part)
		}
		fmt.Fprintf(&lines, "%s %s\n", part, code)
	}
	return lines.Bytes(), nil
}
