package main

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/plan"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
)

// planner is the docs command: the tracking plan of a rule file.
type planner struct {
	rules  *goaltrack.Rules
	title  string
	format string
}

func docsCommand() command {
	return command{
		name: "docs", summary: "print the tracking plan: events, when, attributes, who uses them",
		operands: operands{value: "FILE", min: 1, max: 1, about: "the rule file"},
		note: `The plan says of each goal which events it sends, when, with which attributes and
types, and who uses them (used by:). Examples of values come from the examples:
of the goal. With --format csv, each attribute is a line, for a spreadsheet.
`,
		program: &planner{},
	}
}

func (p *planner) check(v *settings.Values, files []string) error {
	p.format = v.Text("format")
	if len(files) == 0 {
		return nil // that was said
	}
	var err error
	p.title = "Tracking plan: " + filepath.Base(files[0])
	p.rules, err = goaltrack.LoadRules(files[0])
	return err
}

func (p *planner) run(_ context.Context, out console) error {
	goals := plan.Of(p.rules)
	if len(goals) == 0 {
		return errors.New("the file has no goals")
	}
	if p.format == "csv" {
		return plan.CSV(out.stdout, goals)
	}
	return plan.Markdown(out.stdout, goals, p.title)
}
