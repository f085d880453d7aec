package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/accesslog"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
)

// comparison is the diff command. It shows what changes from one rule file to
// another.
type comparison struct {
	log  string
	json bool

	// The old and the new rules.
	rules [2]*goaltrack.Rules
	texts [2]ruleText
}

func diffCommand() command {
	return command{
		name: "diff", summary: "tell what changes between two rule files",
		operands: operands{value: "OLD NEW", min: 2, max: 2, about: "the rule file in force, and the one to come"},
		note: `A goal that got another name is one removed and one added, unless the new file
says what it was: renamed: OLD_NAME.

` + accesslog.Formats + `
With --json, one object is printed. A change is "added", "removed", "changed" or
"renamed", which has the old name under "from"; "notes" say what that means; keys are written as in value.amount; what was or is not there is null; "counts"
is only there with --log, and has every goal of either file:
  {"defaults":[{"key":"currency","old":"EUR","new":"USD"}],
   "goals":[{"goal":"NAME","change":"changed","keys":[{"key":"value","old":"5","new":"10"}]}],
   "counts":{"NAME":{"old":12,"new":14}}}

The exit code is 0 whether or not anything changes. It is 1 if nothing of the
log could be read.
`,
		program: &comparison{},
	}
}

// check returns the faults of both files together.
func (c *comparison) check(v *settings.Values, files []string) error {
	c.log, c.json = v.Text("log"), v.On("json")
	var faults []error
	for i, file := range files[:min(len(files), len(c.rules))] {
		var err error
		if c.rules[i], err = goaltrack.LoadRules(file); err == nil {
			c.texts[i], err = readRuleText(file)
		}
		faults = append(faults, err)
	}
	if c.log != "" {
		faults = append(faults, areThere([]string{c.log}))
	}
	return errors.Join(faults...)
}

// difference is what --json prints.
type difference struct {
	Defaults []keyChange          `json:"defaults"`
	Goals    []goalChange         `json:"goals"`
	Counts   map[string]oldAndNew `json:"counts,omitempty"`

	// Notes are what a new name means for visitors and in Sitecore.
	Notes []string `json:"notes,omitempty"`

	untold []string // goals that no log shows, or not all of
}

type goalChange struct {
	Goal   string      `json:"goal"`
	Change string      `json:"change"`
	Keys   []keyChange `json:"keys"`
	From   string      `json:"from,omitempty"` // the old name of what was renamed
}

// keyChange is a key whose value changed. nil means that the key is absent.
type keyChange struct {
	Key string  `json:"key"`
	Old *string `json:"old"`
	New *string `json:"new"`
}

// oldAndNew is how often a goal counts by either file. nil means that the file
// does not have it.
type oldAndNew struct {
	Old *uint64 `json:"old"`
	New *uint64 `json:"new"`
}

func (c *comparison) run(ctx context.Context, out console) error {
	d := compare(c.texts[0], c.texts[1], c.rules[1].Definitions())
	d.Notes = renamingNotes(c.rules[0].Definitions(), c.rules[1].Definitions())
	var read logsRead
	if c.log != "" {
		var err error
		if read, err = c.count(ctx, out.stderr, &d); err != nil {
			return err
		}
	}
	if c.json {
		return errors.Join(sayJSON(out.stdout, d), read.fault())
	}
	d.print(out.stdout)
	if c.log != "" {
		say(out.stdout, "\n%s, counted by either file:\n\n", read)
		d.printCounts(out.stdout, c.names())
	}
	return read.fault()
}

// count counts the log by both files in one pass.
func (c *comparison) count(ctx context.Context, stderr io.Writer, d *difference) (logsRead, error) {
	before, after := c.rules[0].NewReplay(), c.rules[1].NewReplay()
	read, err := readLogs(ctx, []string{c.log}, stderr, func(e goaltrack.LogEntry) {
		before.Add(e)
		after.Add(e)
	})
	d.Counts = map[string]oldAndNew{}
	for _, n := range before.Counts() {
		d.Counts[n.Goal] = oldAndNew{Old: &n.Count}
		d.noteUntold(n)
	}
	for _, n := range after.Counts() {
		d.Counts[n.Goal] = oldAndNew{Old: d.Counts[n.Goal].Old, New: &n.Count}
		d.noteUntold(n)
	}
	return read, err
}

func (d *difference) noteUntold(n goaltrack.ReplayCount) {
	if (n.Raised || n.InPage) && !slices.Contains(d.untold, n.Goal) {
		d.untold = append(d.untold, n.Goal)
	}
}

// names lists the goals of the new file, then the goals that only the old file
// has.
func (c *comparison) names() []string {
	names := c.rules[1].Names()
	for _, name := range c.rules[0].Names() {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// compare finds what changed. Goals come in the order of the new file, then
// those that it does not have.
func compare(before, after ruleText, now []goaltrack.Goal) difference {
	d := difference{Defaults: before.defaults.changes(after.defaults), Goals: []goalChange{}}
	gone := map[string]bool{} // under another name
	for _, name := range after.names {
		had, ok := before.goals[name]
		change, from := "added", ""
		if ok {
			change = "changed"
		} else if from = formerName(name, now, before); from != "" {
			had, change, gone[from] = before.goals[from], "renamed", true
		}
		keys := had.changes(after.goals[name])
		if change != "changed" || len(keys) > 0 {
			d.Goals = append(d.Goals, goalChange{name, change, keys, from})
		}
	}
	for _, name := range before.names {
		if _, ok := after.goals[name]; !ok && !gone[name] {
			d.Goals = append(d.Goals, goalChange{name, "removed", before.goals[name].changes(ruleKeys{}), ""})
		}
	}
	return d
}

// formerName is the name in the old file of a goal that the new one calls otherwise, ""
// if it had none.
func formerName(name string, now []goaltrack.Goal, before ruleText) string {
	for i := range now {
		if now[i].Name != name {
			continue
		}
		for _, old := range slices.Backward(now[i].Renamed) {
			if _, ok := before.goals[old]; ok {
				return old
			}
		}
	}
	return ""
}

// renamingNotes says what a new name, or a goal that is gone, means for what is remembered
// of visitors, and for what in Sitecore uses the goal.
func renamingNotes(before, now []goaltrack.Goal) (notes []string) {
	find := func(list []goaltrack.Goal, is func(*goaltrack.Goal) bool) *goaltrack.Goal {
		if i := slices.IndexFunc(list, func(g goaltrack.Goal) bool { return is(&g) }); i >= 0 {
			return &list[i]
		}
		return nil
	}
	known := func(g *goaltrack.Goal) string { return append(slices.Clone(g.Renamed), g.Name)[0] }
	for i := range before {
		old := &before[i]
		after := find(now, func(g *goaltrack.Goal) bool { return g.Name == old.Name })
		if after == nil {
			after = find(now, func(g *goaltrack.Goal) bool { return slices.Contains(g.Renamed, old.Name) })
		}
		if after != nil && known(after) != known(old) {
			cure := fmt.Sprintf("renamed: of %s has to begin with %s", after.Name, known(old))
			if known(old) == after.Name {
				cure = "leave out renamed: of " + after.Name + ", which has that name again"
			}
			notes = append(notes, fmt.Sprintf("What is remembered of visitors under %s begins anew: %s.", known(old), cure))
		}
		if len(old.UsedBy) > 0 && (after == nil || cmp.Or(after.Sends, after.Name) != cmp.Or(old.Sends, old.Name)) {
			notes = append(notes, fmt.Sprintf("In Sitecore, this uses %s: %s. It gets nothing any more until it is changed there.", cmp.Or(old.Sends, old.Name), strings.Join(old.UsedBy, ", ")))
		}
	}
	return notes
}

// print writes what changed, with a sign in front as other diffs do.
func (d *difference) print(w io.Writer) {
	if len(d.Defaults)+len(d.Goals) == 0 {
		say(w, "Nothing changes.\n")
		return
	}
	if len(d.Defaults) > 0 {
		say(w, "~ defaults, for every goal that does not say otherwise\n")
		printKeys(w, d.Defaults)
	}
	signs := map[string]string{"added": "+", "removed": "-", "changed": "~", "renamed": "~"}
	for _, g := range d.Goals {
		if g.From != "" {
			say(w, "~ goal %s renamed, from %s\n", g.Goal, g.From)
		} else {
			say(w, "%s goal %s %s\n", signs[g.Change], g.Goal, g.Change)
		}
		printKeys(w, g.Keys)
	}
	for i, note := range d.Notes {
		if i == 0 {
			say(w, "\n")
		}
		say(w, "%s\n", note)
	}
}

func printKeys(w io.Writer, keys []keyChange) {
	for _, k := range keys {
		switch {
		case k.Old == nil:
			say(w, "    + %s: %s\n", k.Key, *k.New)
		case k.New == nil:
			say(w, "    - %s: %s\n", k.Key, *k.Old)
		default:
			say(w, "    ~ %s: %s -> %s\n", k.Key, *k.Old, *k.New)
		}
	}
}

// printCounts writes the numbers of the log.
func (d *difference) printCounts(w io.Writer, names []string) {
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	say(table, "GOAL\tOLD\tNEW\tCHANGE\n")
	for _, name := range names {
		n := d.Counts[name]
		say(table, "%s\t%s\t%s\t%s\n", name, orDash(n.Old), orDash(n.New), n.change())
	}
	sayTable(w, table, &b)
	if len(d.untold) > 0 {
		say(w, "\nNo log shows what is raised in code or happens inside a page: %s.\n", strings.Join(d.untold, ", "))
	}
	say(w, "\nA log does not tell all that goals look at: \"goaltrack replay\" says what it does not.\n")
}

func orDash(n *uint64) string {
	if n == nil {
		return "-"
	}
	return strconv.FormatUint(*n, 10)
}

// change returns a text such as "+2 (+20%)".
func (n oldAndNew) change() string {
	var before, after float64
	if n.Old != nil {
		before = float64(*n.Old)
	}
	if n.New != nil {
		after = float64(*n.New)
	}
	switch {
	case before == after:
		return ""
	case before == 0 || after == 0:
		return fmt.Sprintf("%+.0f", after-before)
	}
	return fmt.Sprintf("%+.0f (%+.0f%%)", after-before, 100*(after-before)/before)
}
