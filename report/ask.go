package report

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/fact"
)

// By says what the rows of a result are.
type By string

// What a result can be told apart by.
const (
	ByGoal     By = "goal"
	ByDay      By = "day"
	ByHour     By = "hour"
	ByPage     By = "page"
	BySource   By = "source"
	ByCampaign By = "campaign"
	ByLanguage By = "language"
	ByDevice   By = "device"
	ByVariant  By = "variant"
)

// AllBy are the names that a query can have for By, in the order of the documentation.
var allBy = []By{ByGoal, ByDay, ByHour, ByPage, BySource, ByCampaign, ByLanguage, ByDevice, ByVariant}

// ParseBy reads a By. "" is ByGoal.
func ParseBy(s string) (By, error) {
	if s == "" {
		return ByGoal, nil
	}
	if by := By(s); slices.Contains(allBy, by) {
		return by, nil
	}
	names := make([]string, len(allBy))
	for i, by := range allBy {
		names[i] = string(by)
	}
	return "", fmt.Errorf("by: %.40q is not one of %s", s, strings.Join(names, ", "))
}

// dimension is the one by which rows are told apart, NoDimension for goals and times.
func (by By) dimension() Dimension {
	switch by {
	case ByPage:
		return Page
	case BySource:
		return Source
	case ByCampaign:
		return Campaign
	case ByLanguage:
		return Language
	case ByDevice:
		return Device
	case ByVariant:
		return Variant
	default: // of goals and times
		return NoDimension
	}
}

// Query asks for conversions and visits. Page, CSV, JSON and command ask by it, so they
// show the same numbers.
type Query struct {
	// Site is the name of the site. "" is the only one there is, or else the first by
	// name.
	Site string
	// From and To are days in the site's zone, both included.
	From, To Day
	// By says what the rows are. "" is ByGoal.
	By By
	// Goal limits conversions to one goal. "" is all.
	Goal string
	// Where limits conversions to those with certain values of Page, Source, Campaign,
	// Language or Device. Visits are limited, too, if it has one value and By is ByDay
	// or ByGoal. Otherwise they are not known, and 0.
	Where map[Dimension]string
}

// Result is the answer to a Query.
type Result struct {
	// Rows are in the order that Row says, none if nothing was counted.
	Rows []Row `json:"rows"`
	// Lost is how many facts were lost on these days, so that they are in no row.
	Lost uint64 `json:"lost"`
}

// Row is one row of a Result. With ByGoal the rows are in the order of the rules, and then
// by name; days and hours are in their order; others begin with most conversions.
type Row struct {
	// Key is the goal, the day as 2026-11-01, the hour as 2026-11-01T14:00+01:00, or
	// the value.
	Key string `json:"key"`
	// Conversions is how often goals counted.
	Conversions uint64 `json:"conversions"`
	// Visits is how many pages people who may be counted went to: on that day, on that
	// page, and so on. With ByGoal it is of the whole site. With ByVariant it is in how
	// many sessions the variant was shown, and Conversions in how many of them each goal
	// counted afterwards.
	Visits uint64 `json:"visits"`
	// Values are the sums of what the goals were worth, by currency. It is never nil.
	Values []Value `json:"values"`
}

// Value is a sum in one currency.
type Value struct {
	// Currency is an ISO 4217 code, "" for points.
	Currency string `json:"currency"`
	// Sum is in whole units: 10 is ten euros.
	Sum float64 `json:"sum"`
}

// view is a query with what the store knows.
type view struct {
	Query
	store Store
	info  Info
	zone  *time.Location
	rows  map[string]*gathered
}

// gathered is a row that is being made.
type gathered struct {
	conversions, visits uint64
	values              map[string]int64
}

// look finds out about which site the query is.
func look(ctx context.Context, s Store, q Query) (*view, error) {
	info, err := s.Info(ctx)
	if err != nil {
		return nil, err
	}
	v := &view{Query: q, store: Joined(s, info), info: info, rows: map[string]*gathered{}}
	if v.Site == "" && len(info.Zones) > 0 {
		v.Site = slices.Min(slices.Collect(maps.Keys(info.Zones)))
	}
	v.zone, err = time.LoadLocation(info.Zones[v.Site])
	return v, err
}

// Zone is the time zone of a site of the store, by which its days begin. UTC is that of a
// site without facts. The name is the one that a Query with Site "" is about.
func Zone(ctx context.Context, s Store, site string) (name string, zone *time.Location, err error) {
	v, err := look(ctx, s, Query{Site: site})
	if err != nil {
		return "", nil, err
	}
	return v.Site, v.zone, nil
}

// Ask answers a query.
func Ask(ctx context.Context, s Store, q Query) (*Result, error) {
	v, err := look(ctx, s, q)
	if err != nil {
		return nil, err
	}
	if err := v.gather(ctx); err != nil {
		return nil, err
	}
	return &Result{Rows: v.inOrder(), Lost: v.lost()}, nil
}

// gather asks the store for conversions and visits.
func (v *view) gather(ctx context.Context) error {
	if v.By == "" {
		v.By = ByGoal
	}
	if v.By == ByGoal {
		v.nameGoals()
	}
	counts, err := v.store.Sum(ctx, v.question(v.Goal == "", v.Goal))
	if err != nil {
		return err
	}
	for i := range counts {
		row := v.row(v.key(&counts[i]))
		row.conversions += counts[i].N
		if counts[i].Currency != "" || counts[i].Minor != 0 {
			row.values[counts[i].Currency] += counts[i].Minor
		}
	}
	return v.gatherVisits(ctx)
}

// question asks for conversions, or for visits.
func (v *view) question(all bool, of string) Question {
	q := Question{
		Site: v.Site, From: v.From, To: v.To, Of: of, AllGoals: all, Reason: fact.Fired,
		ByDay: v.By == ByDay, ByGoal: v.By == ByGoal, Hours: v.By == ByHour, Dimension: v.By.dimension(),
	}
	switch {
	case len(v.Where) > 0:
		q.Table, q.Where, q.Hours = Cells, v.Where, false
	case q.Dimension != NoDimension:
		q.Table = Parts
	}
	return q
}

// gatherVisits adds the denominators.
func (v *view) gatherVisits(ctx context.Context) error {
	q := v.question(false, Visits)
	q.Where = nil
	switch {
	case len(v.Where) == 1 && q.Dimension == NoDimension && !q.Hours:
		q.Table = Parts
		for d := range v.Where {
			q.Dimension = d
		}
	case len(v.Where) > 0:
		return nil
	}
	counts, err := v.store.Sum(ctx, q)
	if err != nil {
		return err
	}
	site := uint64(0)
	for i := range counts {
		if c := &counts[i]; len(v.Where) > 0 && c.Text != v.Where[q.Dimension] {
			continue
		} else if v.By == ByGoal {
			site += c.N
		} else {
			v.row(v.key(c)).visits += c.N
		}
	}
	if v.By == ByGoal {
		for _, row := range v.rows {
			row.visits = site
		}
	}
	return nil
}

// nameGoals makes a row for each goal of the rules that could count.
func (v *view) nameGoals() {
	for _, g := range v.goals() {
		if g.Status == "live" && (v.Goal == "" || v.Goal == g.Name) {
			v.row(g.Name)
		}
	}
}

func (v *view) goals() []fact.Goal {
	if v.info.Rules == nil {
		return nil
	}
	return v.info.Rules.Goals
}

func (v *view) row(key string) *gathered {
	row := v.rows[key]
	if row == nil {
		row = &gathered{values: map[string]int64{}}
		v.rows[key] = row
	}
	return row
}

// hourFormat is how hours are written: with the distance from UTC, because the clocks show
// some hours twice.
const hourFormat = "2006-01-02T15:04Z07:00"

// key is the key of the row that a count belongs to.
func (v *view) key(c *Count) string {
	switch v.By {
	case ByGoal:
		return c.Goal
	case ByDay:
		return c.Day.String()
	case ByHour:
		return time.Unix(c.Hour, 0).In(v.zone).Format(hourFormat)
	default: // of a dimension
		return c.Text
	}
}

// inOrder are the rows as they are shown.
func (v *view) inOrder() []Row {
	rows := make([]Row, 0, len(v.rows))
	for key, g := range v.rows {
		rows = append(rows, Row{Key: key, Conversions: g.conversions, Visits: g.visits, Values: valuesOf(g.values)})
	}
	rank := map[string]int{}
	if v.By == ByGoal {
		for i, g := range v.goals() {
			rank[g.Name] = i - len(v.goals())
		}
	}
	slices.SortFunc(rows, func(a, b Row) int {
		switch v.By {
		case ByHour:
			return cmp.Compare(v.hourOf(a.Key), v.hourOf(b.Key))
		case ByDay:
			return cmp.Compare(a.Key, b.Key)
		case ByGoal:
			return cmp.Or(cmp.Compare(rank[a.Key], rank[b.Key]), cmp.Compare(a.Key, b.Key))
		default: // by a dimension
			return cmp.Or(cmp.Compare(b.Conversions, a.Conversions), cmp.Compare(b.Visits, a.Visits), cmp.Compare(a.Key, b.Key))
		}
	})
	return rows
}

func (v *view) hourOf(key string) int64 {
	t, _ := time.Parse(hourFormat, key)
	return t.Unix()
}

// valuesOf are sums in whole units, in the order of currencies.
func valuesOf(minor map[string]int64) []Value {
	values := make([]Value, 0, len(minor))
	for _, currency := range slices.Sorted(maps.Keys(minor)) {
		values = append(values, Value{currency, float64(minor[currency]) / math.Pow10(fact.Digits(currency))})
	}
	return values
}

// lost is how many facts were lost on the days of the query. They are kept by days in UTC,
// so that one that is in doubt counts.
func (v *view) lost() (n uint64) {
	for d, lost := range v.info.Lost {
		if v.From-1 <= d && d <= v.To+1 {
			n += lost
		}
	}
	return n
}
