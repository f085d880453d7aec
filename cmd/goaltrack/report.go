package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
	reports "github.com/goaltrack/goaltrack/report"
	"github.com/goaltrack/goaltrack/report/sqlite"
	"github.com/goaltrack/goaltrack/report/web"
)

// reporter is the report command. It prints what a report has, deletes days of it, or
// copies it.
type reporter struct {
	verb, dir, to string
	query         reports.Query
	since         time.Duration
	from, until   string
	before        reports.Day
	writer        string
	format        string
}

func reportCommand() command {
	return command{
		name: "report", summary: "print conversions over time, of a proxy with --report",
		operands: operands{value: "[cost|drop|backup] DIR [FILE]", min: 1, max: 3, about: "the directory of --report or --state"},
		note: `It may be asked while a proxy adds to the report. Days are those of the site's
time zone. With --format json it prints what the proxy answers at /goals.json, and
with --format html the overview as a page that stands alone, for cron and mail.
cost prints what goaltrack spent at Sitecore, by month: browser IDs that were made and
that were ever used, events that were sent and that were sent again.
drop deletes all days before the one of --before, for good, or those that were filled
in by replay --into under the name of --writer.
backup copies the report to a FILE that is not there yet.
`,
		program: &reporter{},
	}
}

// formatHTML is the format of the overview, which is no list of rows.
const formatHTML = "html"

// The verbs of the report command.
const (
	reportCost   = "cost"
	reportDrop   = "drop"
	reportBackup = "backup"
)

func (r *reporter) check(v *settings.Values, words []string) error {
	var faults []error
	if len(words) > 1 && slices.Contains([]string{reportCost, reportDrop, reportBackup}, words[0]) {
		r.verb, words = words[0], words[1:]
	}
	if len(words) == 0 {
		return nil // said already
	}
	r.dir = words[0]
	switch {
	case r.verb == reportBackup && len(words) == 2:
		r.to = words[1]
	case r.verb == reportBackup:
		faults = append(faults, errors.New("backup: name the file to write, after DIR"))
	case len(words) > 1:
		faults = append(faults, fmt.Errorf("%q: only a DIR is needed, or cost, drop or backup before it", words[1]))
	}
	var err error
	if r.dir, err = findReport(r.dir); err != nil {
		faults = append(faults, err)
	}
	return errors.Join(append(faults, r.read(v))...)
}

// read reads the flags.
func (r *reporter) read(v *settings.Values) error {
	var faults []error
	fault := func(name string, err error) {
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", v.From(name), err))
		}
	}
	var err error
	r.query = reports.Query{Site: v.Text("site"), Goal: v.Text("goal")}
	r.query.By, err = reports.ParseBy(v.Text("by"))
	fault("by", err)
	r.since, r.format, r.from, r.until = v.Time("since"), v.Text("format"), v.Text("from"), v.Text("until")
	for _, name := range []string{"from", "until", "before"} {
		if text := v.Text(name); text != "" {
			day, err := reports.ParseDay(text)
			if fault(name, err); name == "before" {
				r.before = day
			}
		}
	}
	if len(faults) == 0 && r.from > r.until && r.until != "" {
		faults = append(faults, fmt.Errorf("%s: %s is after %s, which %s says", v.From("from"), r.from, r.until, v.From("until")))
	}
	r.writer = v.Text("writer")
	switch before, drop := v.Text("before") != "", r.verb == reportDrop; {
	case drop != (before || r.writer != ""):
		faults = append(faults, errors.New("drop goes with --before or --writer, and they with drop: drop --before 2026-01-01 DIR"))
	case before && r.writer != "":
		faults = append(faults, errors.New("drop takes --before or --writer, and not both"))
	}
	if r.format == formatHTML && (v.Given("by") || r.query.Goal != "") {
		faults = append(faults, errors.New("--format html prints the overview of all goals: --by and --goal are for the other formats"))
	}
	if r.verb == reportCost && (v.Given("by") || r.query.Goal != "" || v.Given("site") || r.format == formatHTML) {
		faults = append(faults, errors.New("cost prints all sites by month: --by, --goal, --site and --format html are for the other numbers"))
	}
	return errors.Join(faults...)
}

// findReport finds the report in a directory, or in the one of --state.
func findReport(dir string) (string, error) {
	for _, at := range []string{dir, filepath.Join(dir, "report")} {
		if _, err := os.Stat(filepath.Join(at, sqlite.FileName)); err == nil {
			return at, nil
		}
	}
	if _, err := os.Stat(dir); err != nil {
		return dir, err
	}
	return dir, fmt.Errorf("%s has no report: a proxy with --report %s makes one", dir, dir)
}

func (r *reporter) run(ctx context.Context, c console) (err error) {
	store := sqlite.New(sqlite.Options{Dir: r.dir, ReadOnly: r.verb == "" || r.verb == reportCost, Logger: slog.New(slog.DiscardHandler)})
	defer func() { err = errors.Join(err, store.Close()) }()
	if err := store.Ready(ctx); err != nil {
		return err
	}
	switch r.verb {
	case reportBackup:
		return store.Backup(ctx, r.to)
	case reportDrop:
		if r.writer != "" {
			return r.dropWriter(ctx, c.stdout, store)
		}
		if err := store.Drop(ctx, r.before); err != nil {
			return err
		}
		say(c.stdout, "all days before %s are deleted\n", r.before)
		return nil
	}
	if err := r.period(ctx, store, time.Now()); err != nil {
		return err
	}
	if r.verb == reportCost {
		return r.cost(ctx, c.stdout, store)
	}
	if r.format == formatHTML {
		return web.WriteOverview(ctx, c.stdout, store, r.query)
	}
	result, err := reports.Ask(ctx, store, r.query)
	if err != nil {
		return err
	}
	switch r.format {
	case "json":
		return sayJSON(c.stdout, result)
	case "csv":
		return result.WriteCSV(c.stdout, r.query.By)
	default:
		return r.text(c.stdout, result)
	}
}

// dropWriter deletes the days that were filled in under a name.
func (r *reporter) dropWriter(ctx context.Context, to io.Writer, store reports.Store) error {
	days, err := store.DropWriter(ctx, r.writer)
	switch {
	case err != nil:
		return err
	case days == 0:
		return fmt.Errorf("no day was filled in as %q", r.writer)
	}
	say(to, "%s deleted that was filled in as %q\n", counted(days, "day"), r.writer)
	return nil
}

// period finds out which days are asked for: in the zone of the site.
func (r *reporter) period(ctx context.Context, store reports.Store, now time.Time) error {
	site, zone, err := reports.Zone(ctx, store, r.query.Site)
	if err != nil {
		return err
	}
	info, err := store.Info(ctx)
	if err != nil {
		return err
	}
	if _, known := info.Zones[site]; !known && r.query.Site != "" {
		return fmt.Errorf("the report has no site %q", site)
	}
	r.query.Site = site
	if r.query.To, err = reports.ParseDay(r.until); err != nil {
		r.query.To = reports.DayOf(now, zone)
	}
	if r.query.From, err = reports.ParseDay(r.from); err != nil {
		days := reports.Day(r.since / (24 * time.Hour)) //nolint:gosec // It is bounded.
		r.query.From = r.query.To - max(days, 1) + 1
	}
	if r.query.From > r.query.To {
		return fmt.Errorf("%s, the day of --from, is after %s, the last one", r.query.From, r.query.To)
	}
	return r.findGoal(ctx, store, info)
}

// findGoal returns an error unless the report or the rules have the goal that is asked for.
func (r *reporter) findGoal(ctx context.Context, store reports.Store, info reports.Info) error {
	if r.query.Goal == "" {
		return nil
	}
	r.query.Goal = reports.NameNow(info.Rules, r.query.Goal)
	known := map[string]bool{}
	if info.Rules != nil {
		for _, g := range info.Rules.Goals {
			known[g.Name] = true
		}
	}
	counts, err := store.Sum(ctx, reports.Question{Site: r.query.Site, From: info.First, To: max(r.query.To, r.query.From), AllGoals: true, ByGoal: true})
	if err != nil {
		return err
	}
	for i := range counts {
		known[counts[i].Goal] = true
	}
	if known[r.query.Goal] {
		return nil
	}
	return fmt.Errorf("the report has no goal %q%s", r.query.Goal, settings.DidYouMean("", r.query.Goal, slices.Sorted(maps.Keys(known))))
}

// cost prints what the months cost.
func (r *reporter) cost(ctx context.Context, to io.Writer, store reports.Store) error {
	months, err := reports.Months(ctx, store, r.query.From, r.query.To)
	if err != nil {
		return err
	}
	switch r.format {
	case "json":
		return sayJSON(to, map[string][]reports.Month{"months": months})
	case "csv":
		return reports.WriteMonthsCSV(to, months)
	}
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	say(table, "MONTH\tSITE\tIDS MADE\tEVER USED\tEVENTS SENT\tSENT AGAIN\n")
	row := func(month, site string, s reports.Spending) {
		say(table, "%s\t%s\t%d\t%d\t%d\t%d\n", month, site, s.IDsMade, s.IDsGiven, s.EventsSent, s.EventsAgain)
	}
	for _, m := range months {
		for _, s := range m.Sites {
			row(m.Month, s.Site, s.Spending)
		}
		if len(m.Sites) > 1 {
			row(m.Month, "all", m.Spending)
		}
	}
	return table.Flush()
}

// text prints a table for people.
func (r *reporter) text(to io.Writer, result *reports.Result) error {
	say(to, "%s, %s to %s\n", r.query.Site, r.query.From, r.query.To)
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	currencies := result.Currencies()
	say(table, "%s\tCONVERSIONS\tOF VISITS\tRATE", strings.ToUpper(string(r.query.By)))
	for _, currency := range currencies {
		say(table, "\t%s", strings.ToUpper(nameOf(currency)))
	}
	say(table, "\n")
	for _, row := range result.Rows {
		say(table, "%s\t%d\t%d\t%s", row.Key, row.Conversions, row.Visits, r.rate(row))
		for _, currency := range currencies {
			say(table, "\t%s", row.Worth(currency))
		}
		say(table, "\n")
	}
	err := table.Flush()
	if result.Lost > 0 {
		say(to, "%s lost, and in no row\n", counted(int(result.Lost), "fact")) //nolint:gosec // There are fewer.
	}
	return err
}

// rate is a row's conversions of its visits, "-" if that says nothing. Several goals may
// count for one who saw a variant.
func (r *reporter) rate(row reports.Row) string {
	if row.Visits == 0 || r.query.By == reports.ByVariant && r.query.Goal == "" {
		return "-"
	}
	return strconv.FormatFloat(100*float64(row.Conversions)/float64(row.Visits), 'f', 1, 64) + " %"
}

// nameOf is the name of a currency.
func nameOf(currency string) string {
	if currency == "" {
		return "points"
	}
	return currency
}
