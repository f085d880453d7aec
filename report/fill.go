package report

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/goaltrack/goaltrack/fact"
)

// Filler fills in the past, such as from access logs. It is a [fact.Sink] that keeps counts
// in memory until [Filler.Fill] adds them to a store, under a name by which all of them can
// be deleted ([Store.DropWriter]).
//
// A day of a site is filled in as a whole or not at all. One that has counts already is
// left as it is, and so is one that is not over. So nothing counts twice if the same logs
// are read again. A Filler belongs to one goroutine at a time.
type Filler struct {
	options Options
	counter *counter
	site    site // of the fact at hand
	days    map[SiteDay]*Batch
	taken   map[SiteDay]bool // that have counts already, or are not over
	rows    int
	room    []byte
	writer  string // of this run
	err     error
}

// mostFilled bounds the rows that wait in memory: a year of a large site.
const mostFilled = 5_000_000

// ErrTooMuch says that there is too much to fill in at once.
var ErrTooMuch = errors.New("report: too much to fill in at once: take fewer days")

// NewFiller makes a Filler. Of the options, Store and Writer are required.
func NewFiller(o Options) (*Filler, error) {
	if o.Writer == "" {
		return nil, errors.New("report: Writer: there is none")
	}
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	f := &Filler{options: o, days: map[SiteDay]*Batch{}, taken: map[SiteDay]bool{}, writer: randomName(), room: make([]byte, maxEncoded)}
	f.counter = newCounter(&f.options, new(spent))
	return f, nil
}

// Report implements [fact.Sink]. Facts about rules and costs are passed over.
func (f *Filler) Report(one fact.Fact) {
	if f.err != nil || one.Kind != fact.Visit && one.Kind != fact.Decision {
		return
	}
	ctx := context.Background()
	day := SiteDay{one.Site, DayOf(one.Time, one.Zone)}
	b := f.days[day]
	switch {
	case f.taken[day]:
		return
	case b == nil:
		taken, err := f.isTaken(ctx, day, one.Zone)
		if f.err = err; taken || err != nil {
			f.taken[day] = taken
			return
		}
		b = newBatch()
		f.days[day] = b
	case f.rows > mostFilled:
		f.err = ErrTooMuch
		return
	}
	// Its texts may be parts of a line of the log, and are read as copies.
	f.counter.read.rest = f.room[:putFact(f.room, 0, &one)]
	copied, _ := f.counter.read.fact()
	before := len(b.Totals) + len(b.Parts) + len(b.Cells)
	f.site = site{name: copyOf(day.Site, f.site.name), zone: one.Zone}
	f.counter.batch = b
	f.counter.count(ctx, &f.site, &copied)
	f.rows += len(b.Totals) + len(b.Parts) + len(b.Cells) - before
}

// copyOf is a text, the one before if that is the same.
func copyOf(text, before string) string {
	if text == before {
		return before
	}
	return string([]byte(text))
}

// isTaken reports whether a day cannot be filled in.
func (f *Filler) isTaken(ctx context.Context, d SiteDay, zone *time.Location) (bool, error) {
	if d.Day >= DayOf(time.Now(), zone) {
		return true, nil
	}
	for _, all := range [...]bool{false, true} {
		counts, err := f.options.Store.Sum(ctx, Question{Site: d.Site, From: d.Day, To: d.Day, AllGoals: all})
		if err != nil || len(counts) > 0 {
			return true, err
		}
	}
	return false, nil
}

// FilledIn says what a [Filler] did.
type FilledIn struct {
	// Days are those that were filled in, in order.
	Days []SiteDay
	// Left is how many days were left as they are, because they have counts already or
	// are not over.
	Left int
}

// Fill adds the days to the store, one after the other. It can be called once. If it
// fails, some days may be filled in; a Filler that is told the same adds the others.
func (f *Filler) Fill(ctx context.Context) (done FilledIn, err error) {
	done.Left = len(f.taken)
	if f.err != nil {
		return done, f.err
	}
	days := slices.SortedFunc(maps.Keys(f.days), func(a, b SiteDay) int {
		return cmp.Or(cmp.Compare(a.Site, b.Site), cmp.Compare(a.Day, b.Day))
	})
	for i, d := range days {
		b := f.days[d]
		f.fold(b)
		b.Writer, b.Seq, b.Filled = f.writer, uint64(i)+1, []Filled{{f.options.Writer, d}}
		if n := len(done.Days); n == 0 || done.Days[n-1] != (SiteDay{d.Site, d.Day - 1}) {
			zone, _ := time.LoadLocation(f.counter.zones[d.Site])
			b.Marks = append(b.Marks, Mark{Time: d.Day.Begin(zone), Site: d.Site, Kind: MarkFilled, Text: f.options.Writer})
		}
		switch err := f.options.Store.Flush(ctx, b); {
		case errors.Is(err, ErrDayTaken): // in this moment
			done.Left++
		case err != nil:
			return done, fmt.Errorf("%s of %q: %w", d.Day, d.Site, err)
		default:
			done.Days = append(done.Days, d)
		}
		delete(f.days, d)
	}
	return done, nil
}

// fold makes one of what few share: the day is over.
func (f *Filler) fold(b *Batch) {
	least := uint64(f.options.Min) //nolint:gosec // Not negative.
	gone, added := FoldParts(b.Parts, least)
	for _, k := range gone {
		delete(b.Parts, k)
	}
	addAll(b.Parts, added)
	b.Cells = FoldCells(b.Cells, least)
}
