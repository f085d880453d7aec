package report

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/fact"
)

// counter makes batches of facts. It belongs to the goroutine of a Recorder.
type counter struct {
	options *Options
	read    reader
	batch   *Batch // that is being made
	pending *Batch // that the store has not taken yet
	seq     uint64
	failing time.Time // since when the store takes nothing

	zones    map[string]string // of the sites, as the store knows them
	rules    *fact.Rules       // in force
	days     map[SiteDay]*known
	sessions sessions
	browsers browsers
	closed   map[string]Day // the last day of each site that is closed
	expired  Day
	spent    *spent
}

func newCounter(o *Options, s *spent) *counter {
	return &counter{
		options: o, spent: s, batch: newBatch(), zones: map[string]string{}, days: map[SiteDay]*known{}, closed: map[string]Day{},
		sessions: sessions{length: o.Session}, browsers: browsers{sketches: map[SketchKey]*ofBrowsers{}},
	}
}

func newBatch() *Batch {
	return &Batch{
		Totals: map[TotalKey]Amount{}, Parts: map[PartKey]Amount{}, Cells: map[CellKey]Amount{},
		Lost: map[Day]uint64{}, Zones: map[string]string{}, Costs: map[CostKey]uint64{},
	}
}

// storeTime is how long the store may take for one thing.
const storeTime = 10 * time.Second

// begin learns what the store knows already. Without it, days are counted as if they were
// new, which only matters for what is kept of them.
func (c *counter) begin(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	info, err := c.options.Store.Info(ctx)
	if err != nil {
		return
	}
	maps.Copy(c.zones, info.Zones)
	maps.Copy(c.closed, info.Closed)
	c.rules = info.Rules
	c.readSpent(ctx, time.Now())
}

// mostRows bounds what waits while the store takes nothing.
const mostRows = 100_000

// count adds a fact to the batch.
func (c *counter) count(ctx context.Context, s *site, f *fact.Fact) {
	b := c.batch
	if len(b.Totals)+len(b.Parts)+len(b.Cells) > mostRows && f.Kind != fact.Spent {
		c.lose(1)
		return
	}
	c.sees(s, f.Time)
	day := DayOf(f.Time, s.zone)
	if f.Kind == fact.Spent {
		c.spend(CostKey{Site: s.name, Day: day, What: f.Reason})
		return
	}
	if f.Kind == fact.Shown { // its visit is counted already
		c.countVariants(ctx, f, PartKey{Site: s.name, Day: day}, Amount{})
		return
	}
	total := TotalKey{Site: s.name, Day: day, Goal: f.Goal, Reason: f.Reason}
	amount := Amount{N: 1}
	if f.Value.Known {
		total.Currency, amount.Minor = f.Value.Currency, f.Value.Minor
	}
	addTo(b.Totals, total, amount)
	if f.Uncountable {
		return
	}
	total.Hour = HourOf(f.Time, s.zone)
	addTo(b.Totals, total, amount)

	known := c.known(ctx, SiteDay{s.name, day})
	part := PartKey{Site: s.name, Day: day, Goal: f.Goal, Currency: total.Currency}
	if f.Reason != fact.Fired {
		if f.NearMiss != "" {
			part.Dimension, part.Text = NearMiss, known.admit(NearMiss, withoutLine(f.NearMiss))
			addTo(b.Parts, part, amount)
		}
		return
	}
	c.attribute(f)
	texts := textsOf(f)
	for i, d := range cellDimensions {
		texts[i] = known.admit(d, texts[i])
		part.Dimension, part.Text = d, texts[i]
		addTo(b.Parts, part, amount)
	}
	c.countVariants(ctx, f, part, amount)
	if f.LedTo != "" {
		part.Dimension, part.Text = LedTo, known.admit(LedTo, f.LedTo)
		addTo(b.Parts, part, amount)
	}
	if f.Goal != Visits {
		cell := CellKey{Site: s.name, Day: day, Goal: f.Goal, Texts: texts, Currency: total.Currency}
		addTo(b.Cells, known.admitCell(cell), amount)
	}
	c.browsers.add(SketchKey{Site: s.name, Day: day, Goal: f.Goal}, f.Browser)
}

// withoutLine cuts off what a near miss begins with: the line of the rule file that says so.
// The next edit of the file may move it, and what nearly counted is one thing all the same.
func withoutLine(miss string) string {
	if rest, ok := strings.CutPrefix(miss, "line "); ok {
		if digits, text, ok := strings.Cut(rest, ": "); ok && digits != "" && strings.Trim(digits, "0123456789") == "" {
			return text
		}
	}
	return miss
}

func addTo[K comparable](to map[K]Amount, k K, a Amount) {
	sum := to[k]
	sum.add(a)
	to[k] = sum
}

// textsOf are the values of the dimensions that can be combined.
func textsOf(f *fact.Fact) [len(cellDimensions)]string {
	source := Direct
	if f.Page == "" { // of a visitor who is not there, or has not agreed
		source = None
	}
	return [...]string{
		cmp.Or(f.Page, None), cmp.Or(f.Source, source), cmp.Or(f.Campaign, None), cmp.Or(f.Language, None), cmp.Or(f.Device, None),
	}
}

// attribute fills in what the session came by.
func (c *counter) attribute(f *fact.Fact) {
	if f.Browser == [16]byte{} {
		return
	}
	s := c.sessions.of(f.Browser, f.Time)
	switch {
	case f.Tagged || s.source == "" && s.campaign == "":
		s.source, s.campaign = f.Source, f.Campaign
	default:
		f.Source, f.Campaign = s.source, s.campaign
	}
}

// sees notes a site, and that its days begin elsewhere from now on.
func (c *counter) sees(s *site, at time.Time) {
	zone := "UTC"
	if s.zone != nil {
		zone = s.zone.String()
	}
	was, known := c.zones[s.name]
	if known && was == zone {
		return
	}
	c.zones[s.name], c.batch.Zones[s.name] = zone, zone
	if known {
		c.batch.Marks = append(c.batch.Marks, Mark{Time: at, Site: s.name, Kind: MarkZone, Text: zone})
	}
}

// change notes rules, if they are others than those in force.
func (c *counter) change(to *changed) {
	if to.rules == nil || c.rules != nil && equalRules(c.rules, to.rules) {
		return
	}
	c.rules, c.batch.Rules = to.rules, to.rules
	c.batch.Marks = append(c.batch.Marks, Mark{Time: to.at, Kind: MarkRules, Text: to.rules.Hash})
}

// equalRules reports whether two sets of rules are the same, as far as a report knows.
// The text of a file is known by its hash, whatever a version says of it in words. Rules
// made in Go have none, and are known by the words, if they were stored.
func equalRules(a, b *fact.Rules) bool {
	return a.Hash == b.Hash && slices.EqualFunc(a.Goals, b.Goals, func(x, y fact.Goal) bool {
		if a.Hash == "" && x.Sentence != y.Sentence && x.Sentence != "" {
			return false
		}
		return x.Name == y.Name && x.Label == y.Label && x.Status == y.Status && slices.Equal(x.After, y.After) && slices.Equal(x.Asks, y.Asks) && slices.Equal(x.Renamed, y.Renamed) &&
			x.Expect == y.Expect && x.From.Equal(y.From) && x.Until.Equal(y.Until)
	})
}

// lose counts facts that were lost.
func (c *counter) lose(n uint64) { c.batch.Lost[DayOf(time.Now(), nil)] += n }

// flush adds to the store what was counted. With all, sketches are written that could
// wait, too.
func (c *counter) flush(ctx context.Context, all bool) error {
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	for {
		if c.pending == nil {
			c.batch.Sketches = c.browsers.changed(time.Now(), all)
			if c.batch.Empty() {
				return nil
			}
			c.seq++
			c.pending, c.batch = c.batch, newBatch()
			c.pending.Writer, c.pending.Seq = c.options.Writer, c.seq
		}
		err := c.options.Store.Flush(ctx, c.pending)
		c.tell(err)
		if errors.Is(err, ErrReplaced) {
			c.tellAgain(c.pending)
		}
		if err != nil {
			return err
		}
		c.pending = nil
	}
}

// tellAgain adds to a batch what a new store has to know.
func (c *counter) tellAgain(b *Batch) {
	maps.Copy(b.Zones, c.zones)
	if b.Rules == nil && c.rules != nil {
		b.Rules = c.rules
		b.Marks = append(b.Marks, Mark{Time: time.Now(), Kind: MarkRules, Text: c.rules.Hash})
	}
}

// The lines of the log, one when the store begins to refuse and one when that is over.
const (
	logRefused = "report: counts cannot be stored; they wait in memory, and are lost when they are too many"
	logTaken   = "report: counts are stored again"
)

// tell notes whether the store takes counts.
func (c *counter) tell(err error) {
	switch {
	case err != nil && c.failing.IsZero():
		c.failing = time.Now()
		c.options.Logger.Error(logRefused, "error", err)
	case err == nil && !c.failing.IsZero():
		c.batch.Marks = append(c.batch.Marks, Mark{Time: c.failing, Kind: MarkOutage, Text: "the report could not be stored until " + time.Now().UTC().Format(time.RFC3339)})
		c.options.Logger.Info(logTaken, "since", c.failing)
		c.failing = time.Time{}
	}
}

// closeAfter is how long after its end a day is closed: what was held until a visitor
// agreed still counts on it.
const closeAfter = 2 * time.Hour

// tidy closes the days that are over, and makes totals of those that are old.
func (c *counter) tidy(ctx context.Context, now time.Time) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for site, name := range c.zones {
		zone, err := time.LoadLocation(name)
		if err != nil {
			continue
		}
		over := DayOf(now.Add(-closeAfter), zone) - 1
		if over <= c.closed[site] {
			continue
		}
		if c.options.Store.CloseDays(ctx, site, over, uint64(c.options.Min)) == nil { //nolint:gosec // Not negative.
			c.closed[site] = over
		}
		for k := range c.days {
			if k.Site == site && k.Day <= over {
				delete(c.days, k)
			}
		}
	}
	c.readSpent(ctx, now)
	c.browsers.forget(now)
	if before := DayOf(now, nil) - Day(c.options.Keep); before > c.expired && c.options.Store.Expire(ctx, before) == nil { //nolint:gosec // Days fit.
		c.expired = before
	}
}
