package main

import (
	"context"

	"github.com/goaltrack/goaltrack"
)

// schemaPrinter is the schema command: the JSON Schema of rule files.
type schemaPrinter struct {
	json     bool
	settings *settings
}

func newSchemaPrinter() *schemaPrinter {
	s := &schemaPrinter{}
	s.settings = &settings{
		list: []setting{{name: "json", on: &s.json, about: "changes nothing: a schema is JSON"}},
		note: `Save it, and begin a rule file with a line that names it, which editors with a
YAML language server read:
  # yaml-language-server: $schema=goals.schema.json
`,
	}
	return s
}

func (s *schemaPrinter) table() *settings { return s.settings }

func (s *schemaPrinter) check() error { return nil }

func (s *schemaPrinter) run(_ context.Context, out console) error {
	_, err := out.stdout.Write(goaltrack.Schema())
	return err
}
