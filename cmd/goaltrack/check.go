package main

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
)

// checker is the check command. It reports the faults of rule files, and the
// examples whose result differs from what they say.
type checker struct {
	files []string
	json  bool

	settings []checkedSettings // of the settings file; nil if there is none
	unsure   []string          // what is odd about them
}

func checkCommand() command {
	return command{
		name: "check", summary: "look for faults in rule files",
		operands: operands{value: "FILE...", min: 1, about: "the rule files"},
		note: `Each fault is a line: FILE:LINE:COLUMN: goal NAME: what is wrong (what to write).
Warnings are about what is allowed and perhaps not meant. A note says what goals
need beside the server: the script in the page, or the relay.

With --json, what is printed is a list of the faults, which is [] if there are
none; warnings and notes go to standard error:
  [{"file":"goals.yaml","line":12,"column":5,"goal":"NAME","message":"...","hint":"..."}]

With --config, the goals are held against the settings of the proxy: which never
count on its sites or in its environment, and whose value has no currency. If the
settings have environments: and --env names none, that is said of goals that count
in none of them, and of a currency that one of them lacks.

The exit code is 1 if there are faults or failed examples, 0 if there are none
or only warnings, and 2 if a file cannot be read.
`,
		program: &checker{},
	}
}

// check looks at the settings only, because the faults of the rule files are the subject
// of run.
func (c *checker) check(v *settings.Values, files []string) (err error) {
	c.files, c.json = files, v.On("json")
	if file := v.Text(table.Config); file != "" {
		c.settings, c.unsure, err = settingsFor(file, v.Text("env"))
	}
	return err
}

// findings are what was found in rule files.
type findings struct {
	faults, warnings []goaltrack.Fault
	files, goals     int // that could be read
	inPage, byEvent  int // goals that need more than the server
}

// inspect adds the findings of a rule file, and those that more finds. The error is the
// one of reading it.
func (f *findings) inspect(file string, more func(*goaltrack.Rules) []goaltrack.Fault) error {
	rules, err := goaltrack.LoadRules(file)
	if faulty, ok := errors.AsType[*goaltrack.RulesError](err); ok {
		f.faults = append(f.faults, faulty.Faults...)
		return nil
	}
	if err != nil {
		return err
	}
	f.goals += len(rules.Names())
	inPage, byEvent := rules.Needed()
	f.inPage, f.byEvent = f.inPage+inPage, f.byEvent+byEvent
	f.faults = append(f.faults, rules.CheckExamples()...)
	warnings := append(rules.Warnings(), more(rules)...)
	slices.SortStableFunc(warnings, func(a, b goaltrack.Fault) int { return cmp.Or(a.Line-b.Line, a.Column-b.Column) })
	f.warnings = append(f.warnings, warnings...)
	return nil
}

func (c *checker) run(_ context.Context, out console) error {
	found, unread := findings{faults: []goaltrack.Fault{}}, []error(nil) // in JSON [], not null
	for _, file := range c.files {
		if err := found.inspect(file, c.misfits); err != nil {
			unread = append(unread, err)
			continue
		}
		found.files++
	}
	if err := c.print(found, out); err != nil {
		return err
	}
	if err := errors.Join(unread...); err != nil {
		return usageError{err}
	}
	if len(found.faults) > 0 {
		return errSaid
	}
	return nil
}

func (c *checker) print(found findings, out console) error {
	warnings := out.stdout
	if c.json {
		warnings = out.stderr
		if err := sayJSON(out.stdout, found.faults); err != nil {
			return err
		}
	} else {
		for _, fault := range found.faults {
			say(out.stdout, "%s\n", fault)
		}
	}
	for _, warning := range c.unsure {
		say(warnings, "warning: %s\n", warning)
	}
	for _, warning := range found.warnings {
		say(warnings, "warning: %s\n", warning)
	}
	if n := found.inPage; n > 0 {
		say(warnings, "note: %s inside a page, which needs goaltrack's script there (goaltrack proxy --page, or the package page)\n", happen(n))
	}
	if n := found.byEvent; n > 0 {
		say(warnings, "note: %s by events of Sitecore's scripts, which have to come through the relay (goaltrack proxy --relay)\n", happen(n))
	}
	if !c.json && found.files > 0 {
		say(out.stdout, "%s\n", found.summary())
	}
	return nil
}

// happen is "1 goal happens" or "2 goals happen".
func happen(goals int) string {
	if goals == 1 {
		return "1 goal happens"
	}
	return counted(goals, "goal") + " happen"
}

// summary returns the last line for people.
func (f *findings) summary() string {
	text := counted(f.files, "file") + ", " + counted(f.goals, "goal") + " loaded: "
	if len(f.faults) == 0 {
		text += "no faults"
	} else {
		text += counted(len(f.faults), "fault")
	}
	if len(f.warnings) > 0 {
		text += ", " + counted(len(f.warnings), "warning")
	}
	return text
}
