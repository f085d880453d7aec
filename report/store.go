package report

import (
	"context"
	"errors"
	"time"

	"github.com/goaltrack/goaltrack/fact"
)

// Store keeps counts. All methods may be called by many goroutines at once.
// Test a Store of your own with package report/reporttest.
type Store interface {
	// Flush adds a batch, all of it or nothing. If the batch has a Writer, and the store
	// has already added one of that writer with this Seq or a later one, it adds nothing
	// and returns nil. So a batch can be sent again when it is not known what became of
	// it. If a day of the batch's Filled has counts already, nothing is added, and the
	// error is ErrDayTaken.
	Flush(ctx context.Context, b *Batch) error
	// Sum adds up what the question asks for. The rows have no order. A nil answer is
	// none.
	Sum(ctx context.Context, q Question) ([]Count, error)
	// Sketches returns the sketches of a site's days: of visits, and of each goal.
	Sketches(ctx context.Context, site string, from, to Day) ([]Sketch, error)
	// Costs returns what was spent on the days of all sites. The rows have no order.
	Costs(ctx context.Context, from, to Day) ([]Cost, error)
	// Marks returns what happened to a site, or to all, between two times, the oldest
	// first.
	Marks(ctx context.Context, from, to time.Time) ([]Mark, error)
	// Info returns what the store knows beside counts.
	Info(ctx context.Context) (Info, error)
	// CloseDays folds the days of a site up to and including one that are not folded
	// yet, by [FoldParts] and [FoldCells].
	CloseDays(ctx context.Context, site string, through Day, least uint64) error
	// Expire leaves of all days before one only the totals by day.
	Expire(ctx context.Context, before Day) error
	// Drop deletes all days before one.
	Drop(ctx context.Context, before Day) error
	// DropWriter deletes the days that a writer of Filled filled in, and returns how many
	// they were.
	DropWriter(ctx context.Context, writer string) (days int, err error)
	// Close ends the store. What was added stays.
	Close() error
}

// Dimension is what visits and conversions are told apart by.
type Dimension uint8

// The dimensions. What the numbers mean in a store never changes.
const (
	NoDimension Dimension = iota
	Page
	Source
	Campaign
	Language
	Device
	Variant  // "component=version"
	LedTo    // the page to which an accepted form led
	NearMiss // how a goal nearly counted, in words; its counts are of decisions
	dimensions
)

// CellDimensions are those that can be combined.
var cellDimensions = [...]Dimension{Page, Source, Campaign, Language, Device}

var dimensionNames = [dimensions]string{"", "page", "source", "campaign", "language", "device", "variant", "led-to", "near-miss"}

// String is the name of the dimension, as in a query.
func (d Dimension) String() string { return dimensionNames[min(d, dimensions-1)] }

// Texts that stand for others.
const (
	// Other is every value beyond those that are kept.
	Other = "(other)"
	// Direct is the source of a visitor whom no other site led here.
	Direct = "(direct)"
	// None is a value that is not known.
	None = "(none)"
)

// Visits in the place of a goal stands for page visits.
const Visits = ""

// Amount is what a row adds.
type Amount struct {
	N     uint64 // how many
	Minor int64  // the sum of their values; see [fact.Value]
}

func (a *Amount) add(b Amount) { a.N, a.Minor = a.N+b.N, a.Minor+b.Minor }

// TotalKey names a total. Goals that have values in several currencies have several rows.
type TotalKey struct {
	Site string
	Day  Day
	// Hour is the Unix time at which the hour began, 0 for the whole day. What is
	// counted in an hour is counted in its day, too.
	Hour     int64
	Goal     string // or Visits
	Reason   string // fact.Fired, or why it did not count
	Currency string // ISO 4217, "" without a value and for points
}

// PartKey names a value of one dimension on a day: of the decisions by which a goal
// counted, or of visits.
type PartKey struct {
	Site      string
	Day       Day
	Goal      string // or Visits
	Dimension Dimension
	Text      string // the value
	Currency  string // as in TotalKey
}

// CellKey names a combination of dimensions on a day, of the decisions by which a goal
// counted.
type CellKey struct {
	Site     string
	Day      Day
	Goal     string
	Texts    [len(cellDimensions)]string // of Page, Source, Campaign, Language, Device
	Currency string                      // as in TotalKey
}

// SketchKey names a sketch.
type SketchKey struct {
	Site string
	Day  Day
	Goal string // or Visits
	// Key says under which key its browsers were hashed. Sketches of different keys
	// cannot be merged. It is random, and tells nothing of the key.
	Key string
}

// Sketch counts different browsers. One that is flushed has all that an earlier one of the
// same SketchKey had.
type Sketch struct {
	SketchKey
	Data []byte // a store keeps it as it is
}

// CostKey names something that a contract with Sitecore counts, on a day of a site.
type CostKey struct {
	Site string
	Day  Day
	What string // fact.IDMade and so on
}

// Cost is how much of it there was.
type Cost struct {
	CostKey
	N uint64
}

// SiteDay is a day of a site.
type SiteDay struct {
	Site string
	Day  Day
}

// Filled is a day that was filled in from logs, and the name of who did it.
type Filled struct {
	Writer string
	SiteDay
}

// ErrReplaced says that what the store was written to is gone or another one, so that it
// knows no sites and rules any more. A [Recorder] tells them again with the batch that was
// refused.
var ErrReplaced = errors.New("report: the store has been removed or replaced")

// ErrDayTaken says that a day has counts already, so that it cannot be filled in.
var ErrDayTaken = errors.New("report: the day has counts already")

// Mark is something that happened, for a chart.
type Mark struct {
	Time time.Time `json:"time"` // when it happened
	// Site is the one that it happened to, "" for all.
	Site string `json:"site,omitempty"`
	Kind string `json:"kind"` // MarkRules and so on
	// Text says what, in words or as the hash of rules.
	Text string `json:"text"`
}

// The kinds of marks.
const (
	MarkRules  = "rules"  // other rules were put in force; Text is their hash
	MarkZone   = "zone"   // the site's days begin elsewhere from now on
	MarkOutage = "outage" // delivery, or the report, did not work; Text says what
	MarkFilled = "filled" // the past was filled in from logs; Text is the writer
)

// Batch is what a [Recorder] adds at once.
type Batch struct {
	// Writer and Seq make it possible to add a batch once. Each batch of a writer has
	// the next number, from 1 on. An empty Writer asks for no such thing.
	Writer string
	Seq    uint64

	// Totals, Parts, Cells and Costs are added to what the store has under their keys.
	// Sketches are merged with those of the same key, and Marks come to the others.
	Totals   map[TotalKey]Amount
	Parts    map[PartKey]Amount
	Cells    map[CellKey]Amount
	Sketches []Sketch
	Marks    []Mark
	Lost     map[Day]uint64    // facts that were lost, by the day in UTC
	Zones    map[string]string // of sites that are new, or have another now
	Rules    *fact.Rules       // if others are in force
	Costs    map[CostKey]uint64
	// Filled are the days that the batch fills in from logs, and who does it.
	Filled []Filled
}

// Empty reports whether the batch adds nothing.
func (b *Batch) Empty() bool {
	return len(b.Totals)+len(b.Parts)+len(b.Cells)+len(b.Sketches)+len(b.Marks)+len(b.Lost)+len(b.Zones)+len(b.Costs)+len(b.Filled) == 0 && b.Rules == nil
}

// Explainer is a [Store] that knows what an error of its own means, so that a page can say
// so in words. The error itself may name files, hosts and users, and is for the log.
type Explainer interface {
	// Explain returns the kind of the error, [Unexplained] if it does not know
	// the error.
	Explain(err error) Why
}

// Why is the kind of an error of a store.
type Why string

// The kinds of errors.
const (
	Unexplained Why = ""
	Damaged     Why = "damaged" // what is stored cannot be read
	Newer       Why = "newer"   // a newer goaltrack wrote it
	Busy        Why = "busy"    // somebody else uses it, or it takes too long
	Full        Why = "full"    // there is no room
	Denied      Why = "denied"  // this user may not read or write it
	Closed      Why = "closed"  // the process ends

	// These are of databases that are somewhere else.

	Away     Why = "away"     // it does not answer
	Login    Why = "login"    // it does not let this user in
	Missing  Why = "missing"  // there is no database of that name
	ReadOnly Why = "readonly" // it takes no changes, as a standby
	Crowded  Why = "crowded"  // too many use it
	Older    Why = "older"    // its tables are gone, or those of an older goaltrack
)

// Table is one of the three tables of counts.
type Table uint8

// The tables.
const (
	Totals Table = iota
	Parts
	Cells
)

// Question asks for sums of the rows of a table.
type Question struct {
	Table    Table
	Site     string // one site; "" is a site of that name
	From, To Day    // both included
	// Of is the goal, or Visits. AllGoals asks for every goal, and not for visits.
	Of       string
	AllGoals bool
	// Hours asks for the rows by hour of the totals, in place of those by day.
	Hours bool
	// Reason limits totals to one reason, "" is all.
	Reason string
	// Dimension is the one asked for, of parts and cells. For cells it may be
	// NoDimension.
	Dimension Dimension
	// Where limits cells to those with these texts.
	Where map[Dimension]string
	// ByDay, ByGoal and ByReason tell rows apart by that. Hours are always told apart,
	// and so are currencies and the texts of the Dimension.
	ByDay, ByGoal, ByReason bool
}

// asksFor reports whether rows of a goal, or of Visits, are asked for.
func (q *Question) asksFor(goal string) bool {
	if q.AllGoals {
		return goal != Visits
	}
	return goal == q.Of
}

// Count is a row of an answer. What the question does not tell apart is zero.
type Count struct {
	Day      Day
	Hour     int64 // as in TotalKey
	Goal     string
	Reason   string
	Text     string // the value of the Dimension
	Currency string // as in TotalKey
	Amount
}

// Info is what a store knows beside counts.
type Info struct {
	// Zones are the sites that the store has counts of, each with its time zone.
	Zones map[string]string
	// First is the first day that has counts, 0 if there is none.
	First Day
	// Rules are the rules in force, and RulesSince is when they were put in force.
	Rules      *fact.Rules
	RulesSince time.Time
	// Lost are the facts that were lost, by the day in UTC.
	Lost map[Day]uint64
	// Closed is the last day of each site that is folded.
	Closed map[string]Day
	// Filled are the days that were filled in from logs, in no order.
	Filled []Filled
	// Kind says where the counts are, such as "memory".
	Kind string
	// Trouble says what does not work at the moment, "" if all does.
	Trouble string
}
