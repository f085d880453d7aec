package main

import (
	"context"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
)

// schemaPrinter is the schema command: the JSON Schema of rule files.
type schemaPrinter struct{}

func schemaCommand() command {
	return command{
		name: "schema", summary: "print the JSON Schema of rule files, for editors",
		note: `Save it, and begin a rule file with a line that names it, which editors with a
YAML language server read:
  # yaml-language-server: $schema=goals.schema.json
`,
		program: schemaPrinter{},
	}
}

func (schemaPrinter) check(*settings.Values, []string) error { return nil }

func (schemaPrinter) run(_ context.Context, out console) error {
	_, err := out.stdout.Write(goaltrack.Schema())
	return err
}
