package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/accesslog"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
)

// replayer is the replay command: what a rule file would have counted in access
// logs.
type replayer struct {
	rules  *goaltrack.Rules
	logs   []string
	json   bool
	prefix string
	ignore map[string][]string // lists that are not the default, by setting
	days   *byDay              // nil without --by day
	into   replayInto
}

func replayCommand() command {
	return command{
		name: "replay", summary: "count what an access log would have counted",
		operands: operands{value: "FILE LOG...", min: 2, about: "the rule file, and access logs; - is the standard input"},
		note: accesslog.Formats + `
A log tells neither forms nor headers, and seldom where a redirect leads. What
it does not tell is taken to hold, so the counts of goals that depend on it are
upper bounds; the output says which they are. Only downloads in parts (206) are
left out, since no log tells which part it was.

With --json, one object is printed:
  {"lines":1000,"unreadable":0,"files":[{"name":"access.log","format":"combined","lines":1000,"read":1000}],
   "goals":{"NAME":12},"ledTo":{"NAME":[{"to":"/thanks","times":12}]},
   "unknown":["OTHER"]}

With --into, the report of a proxy is filled in with what the log has of the past: the
days that are over and have no counts yet. They are marked on its pages, since a log
knows nobody's consent. A second time nothing is added. "goaltrack report drop --writer
logs DIR" deletes them all.

With --by day, the counts of each day follow.

The exit code is 1 if there are lines, and none of them could be read.
`,
		program: &replayer{},
	}
}

// check returns the faults of the rules, and the logs that are not there.
func (r *replayer) check(v *settings.Values, words []string) error {
	r.json, r.prefix, r.ignore = v.On("json"), v.Text("path-prefix"), map[string][]string{}
	for _, name := range []string{"health-paths", "editor-paths", "editor-modes"} {
		if v.Given(name) {
			r.ignore[name] = v.List(name)
		}
	}
	var badZone error
	if v.Text("by") == "day" {
		r.days, badZone = newByDay(v)
	}
	if len(words) == 0 {
		return nil // that was said
	}
	rules, err := goaltrack.LoadRules(words[0])
	r.rules, r.logs = rules, words[1:]
	return errors.Join(err, checkPrefix(v), areThere(r.logs), badZone, r.into.check(v))
}

func (r *replayer) run(ctx context.Context, out console) error {
	replay := r.rules.NewReplay()
	replay.PathPrefix = r.prefix
	for name, list := range map[string]*[]string{"health-paths": &replay.HealthPaths, "editor-paths": &replay.EditorPaths, "editor-modes": &replay.EditorModes} {
		if given, ok := r.ignore[name]; ok {
			*list = given
		}
	}
	if err := r.into.open(ctx, replay); err != nil {
		return err
	}
	defer r.into.close()
	if r.days != nil {
		r.days.next, replay.Tells.Sink = replay.Tells.Sink, r.days
	}
	read, err := readLogs(ctx, r.logs, out.stderr, replay.Add)
	if err != nil {
		return err
	}
	if r.days == nil && r.into.dir == "" {
		read.timeless = 0 // nobody asked for days
	}
	if !r.json {
		printReplay(out.stdout, read, replay)
		r.days.print(out.stdout)
	}
	filled, err := r.into.fill(ctx)
	if r.json {
		return errors.Join(err, sayJSON(out.stdout, replayed(read, replay, filled, r.days)), read.fault())
	}
	filled.print(out.stdout)
	return errors.Join(err, read.fault())
}

// replayJSON is what --json prints.
type replayJSON struct {
	Lines      int64 `json:"lines"`
	Unreadable int64 `json:"unreadable"`
	// Cut are the unreadable lines whose rest is missing.
	Cut   int64             `json:"cut,omitempty"`
	Files []fileRead        `json:"files"`
	Goals map[string]uint64 `json:"goals"`
	// LedTo says where accepted forms led, for goals of which the log tells it.
	LedTo map[string][]goaltrack.Lead `json:"ledTo,omitempty"`
	// Unknown are the goals of which no log tells how often they happen, or not all.
	Unknown []string `json:"unknown,omitempty"`
	// Filled says which days of a report were filled in, with --into.
	Filled *filledJSON `json:"filled,omitempty"`
	// Days has the counts of each day, with --by day.
	Days map[string]map[string]uint64 `json:"days,omitempty"`
}

func replayed(read logsRead, replay *goaltrack.Replay, filled *filledJSON, days *byDay) replayJSON {
	goals, ledTo, unknown := map[string]uint64{}, map[string][]goaltrack.Lead{}, []string(nil)
	for _, c := range replay.Counts() {
		if c.Raised || c.InPage {
			unknown = append(unknown, c.Goal)
		}
		goals[c.Goal] = c.Count
		if c.LedTo != nil {
			ledTo[c.Goal] = c.LedTo
		}
	}
	return replayJSON{read.lines, read.unreadable, read.cut, read.files, goals, ledTo, unknown, filled, days.counts()}
}

// keptSuggestions is how many goals are suggested at most.
const keptSuggestions = 5

// printReplay writes what people want to know, the numbers first.
func printReplay(w io.Writer, read logsRead, replay *goaltrack.Replay) {
	counts := replay.Counts()
	printFiles(w, read)
	printCounts(w, counts)
	printLedTo(w, counts)
	printUntold(w, read, counts)
	suggestions := replay.Suggestions(keptSuggestions)
	if len(suggestions) == 0 {
		return
	}
	say(w, "\nNo goal counts these. To count them, put under goals:\n")
	for _, s := range suggestions {
		say(w, "\n  # %s\n%s", s.What, s.YAML)
	}
}

// printFiles writes what each log was taken for, and then the sum.
func printFiles(w io.Writer, read logsRead) {
	for _, f := range read.files {
		say(w, "%s: %s, %s; %s, %d read\n", f.Name, f.Format, f.encoding, counted(f.Lines, "line"), f.Read)
		if f.Lines > 0 && f.Read == 0 {
			say(w, "  None of its lines is a request in a known format, so the counts are without it.\n")
		}
	}
	say(w, "\n%s\n\n", read)
}

// printCounts writes the table of goals.
func printCounts(w io.Writer, counts []goaltrack.ReplayCount) {
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	say(table, "GOAL\tCOUNT\tGUESSED\tWHY NOT\n")
	for _, c := range counts {
		count, guessed := strconv.FormatUint(c.Count, 10), strconv.FormatUint(c.Guessed, 10)
		if c.Raised {
			count, guessed = "?", "?"
		}
		say(table, "%s\t%s\t%s\t%s\n", c.Goal, count, guessed, whyNot(c))
	}
	sayTable(w, table, &b)
}

// sayTable writes a table without blanks at the ends of its lines.
func sayTable(w io.Writer, table *tabwriter.Writer, text *strings.Builder) {
	_ = table.Flush() // a strings.Builder takes everything
	for line := range strings.Lines(text.String()) {
		say(w, "%s\n", strings.TrimRight(line, " \n"))
	}
}

// printLedTo writes where accepted forms led, as far as the log tells.
func printLedTo(w io.Writer, counts []goaltrack.ReplayCount) {
	said := false
	for _, c := range counts {
		if len(c.LedTo) == 0 {
			continue
		}
		if !said {
			say(w, "\nWhere accepted forms led:\n")
			said = true
		}
		words := make([]string, len(c.LedTo))
		for i, l := range c.LedTo {
			words[i] = fmt.Sprintf("%s %d", cmp.Or(l.To, "elsewhere"), l.Times)
		}
		say(w, "  %s: %s\n", c.Goal, strings.Join(words, ", "))
	}
}

// keptReasons is how many reasons the table has for a goal at most.
const keptReasons = 3

// whyNot lists the most frequent reasons for which a goal did not count.
func whyNot(c goaltrack.ReplayCount) string {
	if c.Status == "paused" {
		return "paused"
	}
	reasons := slices.SortedFunc(maps.Keys(c.NotFired), func(a, b string) int {
		return cmp.Or(cmp.Compare(c.NotFired[b], c.NotFired[a]), strings.Compare(a, b))
	})
	var words []string
	if c.Status == "draft" {
		words = append(words, "a draft, not sent")
	}
	for _, reason := range reasons[:min(keptReasons, len(reasons))] {
		words = append(words, fmt.Sprintf("%s %d", strings.ReplaceAll(reason, "_", " "), c.NotFired[reason]))
	}
	if more := len(reasons) - keptReasons; more > 0 {
		words = append(words, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(words, ", ")
}

// printUntold writes which counts are uncertain, and why.
func printUntold(w io.Writer, read logsRead, counts []goaltrack.ReplayCount) {
	say(w, "\nWhat the log does not tell:\n")
	parts := uint64(0)
	for _, c := range counts {
		parts += c.NotFired["range"]
		switch {
		case c.Raised && c.InPage:
			say(w, "  %s: unknown, since it happens inside a page\n", c.Goal)
		case c.Raised:
			say(w, "  %s: unknown, since it is raised in code\n", c.Goal)
		case c.Guessed > 0 || c.InPage:
			text := strconv.FormatUint(c.Count, 10)
			if c.Guessed > 0 {
				text = fmt.Sprintf("%s %s, depending on %s", read.most(), text, strings.Join(c.Untold, ", "))
			}
			if c.InPage {
				text += "; and what happens inside a page"
			}
			say(w, "  %s: %s\n", c.Goal, text)
		}
	}
	if read.unreadable == 0 {
		say(w, "  All goals: consent, opt-outs and prefetches; all counts are at most.\n")
	} else {
		say(w, "  All goals: consent, opt-outs and prefetches; and what %s says, so there may have been more.\n", counted(read.unreadable, "unreadable line"))
	}
	if parts > 0 {
		say(w, "  Which part of a file was sent: %s with 206 not counted as downloads.\n", counted(parts, "answer"))
	}
	if read.timeless > 0 {
		say(w, "  The day of %s: they are in the counts, and on no day.\n", counted(read.timeless, "request"))
	}
	if read.nameless > 0 {
		say(w, "  The user agent of %s: bots among them are counted as people.\n", counted(read.nameless, "request"))
	}
}
