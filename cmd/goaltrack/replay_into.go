package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
	reports "github.com/goaltrack/goaltrack/report"
	"github.com/goaltrack/goaltrack/report/sqlite"
	"github.com/goaltrack/goaltrack/rule"
)

// replayInto fills in a report with what a log has of the past. Without a directory it
// does nothing.
type replayInto struct {
	dir, writer, site, zone, currency string
	least                             int

	store  *sqlite.Store
	filler *reports.Filler
}

// defaultWriter is the name under which days are filled in.
const defaultWriter = "logs"

func (i *replayInto) check(v *settings.Values) error {
	i.dir, i.writer = v.Text("into"), cmp.Or(v.Text("writer"), defaultWriter)
	i.site, i.zone, i.currency, i.least = v.Text("site"), v.Text("time-zone"), v.Text("currency"), v.Count("report-min")
	if i.dir == "" {
		for _, name := range []string{"writer", "site", "time-zone", "currency", "report-min"} {
			if name == "time-zone" && v.Text("by") == "day" {
				continue // it is for the days of the log
			}
			if v.Given(name) {
				return fmt.Errorf("%s needs --into DIR", v.From(name))
			}
		}
		return nil
	}
	if found, err := findReport(i.dir); err == nil {
		i.dir = found
	}
	if _, err := time.LoadLocation(i.zone); err != nil {
		return fmt.Errorf("%s: %w", v.From("time-zone"), err)
	}
	return nil
}

// open opens the report, and has the replay tell it what is found. A report that is not
// there yet is made.
func (i *replayInto) open(ctx context.Context, replay *goaltrack.Replay) (err error) {
	if i.dir == "" {
		return nil
	}
	if info, err := os.Stat(filepath.Dir(filepath.Clean(i.dir))); err != nil || !info.IsDir() {
		return fmt.Errorf("--into: %s: its directory is not there", i.dir)
	}
	i.store = sqlite.New(sqlite.Options{Dir: i.dir, Logger: slog.New(slog.DiscardHandler)})
	if err := i.store.Ready(ctx); err != nil {
		return errors.Join(err, i.store.Close())
	}
	zone, err := i.place(ctx)
	if err == nil {
		i.filler, err = reports.NewFiller(reports.Options{Store: i.store, Writer: i.writer, Min: i.least})
	}
	if err != nil {
		return errors.Join(err, i.store.Close())
	}
	replay.Tells = rule.ReplayTells{Sink: i.filler, Site: i.site, Zone: zone, Currency: i.currency}
	return nil
}

// place finds out which site the log is of, and where its days begin.
func (i *replayInto) place(ctx context.Context) (*time.Location, error) {
	info, err := i.store.Info(ctx)
	if err != nil {
		return nil, err
	}
	sites := slices.Sorted(maps.Keys(info.Zones))
	switch {
	case i.site != "":
	case len(sites) == 1:
		i.site = sites[0]
	case len(sites) == 0:
		return nil, errors.New("the report is empty: say with --site what the site is called in it, as the proxy does (its --pos or --site), and with --time-zone where its days begin")
	default:
		return nil, fmt.Errorf("the report has several sites: say with --site which one the log is of: %s", strings.Join(sites, ", "))
	}
	known, there := info.Zones[i.site]
	if there && i.zone != "" && i.zone != known {
		return nil, fmt.Errorf("the days of %q in the report begin in %s: leave out --time-zone", i.site, known)
	}
	return time.LoadLocation(cmp.Or(known, i.zone))
}

// fill adds what was found.
func (i *replayInto) fill(ctx context.Context) (*filledJSON, error) {
	if i.filler == nil {
		return nil, nil
	}
	done, err := i.filler.Fill(ctx)
	f := &filledJSON{Writer: i.writer, Site: i.site, Days: []string{}, Left: done.Left}
	for _, d := range done.Days {
		f.Days = append(f.Days, d.Day.String())
	}
	return f, err
}

func (i *replayInto) close() {
	if i.store != nil {
		_ = i.store.Close() // all that was added is there
	}
}

// filledJSON says which days were filled in, and how many were left as they are.
type filledJSON struct {
	Writer string   `json:"writer"`
	Site   string   `json:"site"`
	Days   []string `json:"days"`
	Left   int      `json:"left"`
}

// print says it to people.
func (f *filledJSON) print(to io.Writer) {
	if f == nil {
		return
	}
	say(to, "\n%s of %s filled in as %q", counted(len(f.Days), "day"), f.Site, f.Writer)
	if n := len(f.Days); n > 0 {
		say(to, ", from %s to %s", f.Days[0], f.Days[n-1])
	}
	say(to, "\n")
	if f.Left > 0 {
		say(to, "%s left alone, which had counts already or are not over\n", counted(f.Left, "day"))
	}
}
