package report

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/internal/sketch"
)

// Memory is a [Store] in memory. It keeps the last days, and is gone with the process.
type Memory struct {
	keep int

	mu       sync.RWMutex
	totals   map[TotalKey]Amount
	parts    map[PartKey]Amount
	cells    map[CellKey]Amount
	sketches map[SketchKey]*sketch.Sketch
	costs    map[CostKey]uint64
	filled   map[SiteDay]string // by whom
	marks    []Mark
	written  map[string]uint64
	info     Info
	latest   Day
}

// defaultMemoryDays keeps today and yesterday, whatever the zone.
const defaultMemoryDays = 2

// NewMemory makes a store that keeps so many days, 2 if days is not positive. Days that
// are too old are deleted when newer ones come.
func NewMemory(days int) *Memory {
	if days <= 0 {
		days = defaultMemoryDays
	}
	return &Memory{
		keep: days, totals: map[TotalKey]Amount{}, parts: map[PartKey]Amount{}, cells: map[CellKey]Amount{},
		sketches: map[SketchKey]*sketch.Sketch{}, costs: map[CostKey]uint64{}, filled: map[SiteDay]string{}, written: map[string]uint64{},
		info: Info{Zones: map[string]string{}, Lost: map[Day]uint64{}, Closed: map[string]Day{}, Kind: "memory"},
	}
}

// Flush implements [Store].
func (m *Memory) Flush(_ context.Context, b *Batch) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if b.Writer != "" && b.Seq <= m.written[b.Writer] {
		return nil
	}
	if slices.ContainsFunc(b.Filled, func(f Filled) bool { return m.has(f.SiteDay) }) {
		return ErrDayTaken
	}
	if b.Writer != "" {
		m.written[b.Writer] = b.Seq
	}
	for _, f := range b.Filled {
		m.filled[f.SiteDay] = f.Writer
	}
	for k, n := range b.Costs {
		m.costs[k] += n
	}
	before := m.latest
	for k := range b.Totals {
		m.latest = max(m.latest, k.Day)
	}
	addAll(m.totals, b.Totals)
	addAll(m.parts, b.Parts)
	addAll(m.cells, b.Cells)
	for _, s := range b.Sketches {
		had := m.sketches[s.SketchKey]
		if had == nil {
			had = new(sketch.Sketch)
			m.sketches[s.SketchKey] = had
		}
		if err := had.Merge(s.Data); err != nil {
			return err
		}
	}
	m.marks = append(m.marks, b.Marks...)
	for d, n := range b.Lost {
		m.info.Lost[d] += n
	}
	maps.Copy(m.info.Zones, b.Zones)
	if b.Rules != nil {
		m.info.Rules, m.info.RulesSince = b.Rules, lastRules(b.Marks)
	}
	if m.latest > before {
		m.drop(m.latest - Day(m.keep) + 1) //nolint:gosec // Days fit.
	}
	return nil
}

// lastRules is when the rules of a batch were put in force.
func lastRules(marks []Mark) (at time.Time) {
	for _, m := range marks {
		if m.Kind == MarkRules {
			at = m.Time
		}
	}
	return at
}

func addAll[K comparable](to, more map[K]Amount) {
	for k, a := range more {
		sum := to[k]
		sum.add(a)
		to[k] = sum
	}
}

// first is the first day that has counts. m.mu is held.
func (m *Memory) first() (first Day) {
	for k := range m.totals {
		if first == 0 || k.Day < first {
			first = k.Day
		}
	}
	return first
}

// Sum implements [Store].
func (m *Memory) Sum(_ context.Context, q Question) ([]Count, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	sums := map[Count]Amount{}
	add := func(day Day, goal string, c Count, a Amount) {
		if day < q.From || day > q.To || !q.asksFor(goal) {
			return
		}
		if q.ByDay {
			c.Day = day
		}
		if q.ByGoal {
			c.Goal = goal
		}
		sum := sums[c]
		sum.add(a)
		sums[c] = sum
	}
	switch q.Table {
	case Totals:
		for k, a := range m.totals {
			if k.Site != q.Site || q.Hours != (k.Hour != 0) || q.Reason != "" && q.Reason != k.Reason {
				continue
			}
			c := Count{Hour: k.Hour, Currency: k.Currency}
			if q.ByReason {
				c.Reason = k.Reason
			}
			add(k.Day, k.Goal, c, a)
		}
	case Parts:
		for k, a := range m.parts {
			if k.Site == q.Site && k.Dimension == q.Dimension {
				add(k.Day, k.Goal, Count{Text: k.Text, Currency: k.Currency}, a)
			}
		}
	case Cells:
		for k, a := range m.cells {
			if k.Site == q.Site && k.fits(q.Where) {
				add(k.Day, k.Goal, Count{Text: k.text(q.Dimension), Currency: k.Currency}, a)
			}
		}
	}
	rows := make([]Count, 0, len(sums))
	for c, a := range sums {
		c.Amount = a
		rows = append(rows, c)
	}
	return rows, nil
}

// text is that of a dimension, "" for none.
func (k *CellKey) text(d Dimension) string {
	if i := slices.Index(cellDimensions[:], d); i >= 0 {
		return k.Texts[i]
	}
	return ""
}

// fits reports whether the combination has these texts.
func (k *CellKey) fits(where map[Dimension]string) bool {
	for d, text := range where {
		if k.text(d) != text {
			return false
		}
	}
	return true
}

// has reports whether a day has counts. m.mu is held.
func (m *Memory) has(d SiteDay) bool {
	for k := range m.totals {
		if k.Site == d.Site && k.Day == d.Day {
			return true
		}
	}
	return false
}

// Costs implements [Store].
func (m *Memory) Costs(_ context.Context, from, to Day) (list []Cost, err error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for k, n := range m.costs {
		if from <= k.Day && k.Day <= to {
			list = append(list, Cost{k, n})
		}
	}
	return list, nil
}

// DropWriter implements [Store].
func (m *Memory) DropWriter(_ context.Context, writer string) (days int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for d, by := range m.filled {
		if by != writer {
			continue
		}
		days++
		delete(m.filled, d)
		maps.DeleteFunc(m.totals, func(k TotalKey, _ Amount) bool { return k.Site == d.Site && k.Day == d.Day })
		maps.DeleteFunc(m.parts, func(k PartKey, _ Amount) bool { return k.Site == d.Site && k.Day == d.Day })
		maps.DeleteFunc(m.cells, func(k CellKey, _ Amount) bool { return k.Site == d.Site && k.Day == d.Day })
		maps.DeleteFunc(m.sketches, func(k SketchKey, _ *sketch.Sketch) bool { return k.Site == d.Site && k.Day == d.Day })
	}
	m.marks = slices.DeleteFunc(m.marks, func(mark Mark) bool { return mark.Kind == MarkFilled && mark.Text == writer })
	return days, nil
}

// Sketches implements [Store].
func (m *Memory) Sketches(_ context.Context, site string, from, to Day) ([]Sketch, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var list []Sketch
	for k, s := range m.sketches {
		if k.Site == site && from <= k.Day && k.Day <= to {
			list = append(list, Sketch{k, s.Bytes()})
		}
	}
	return list, nil
}

// Marks implements [Store].
func (m *Memory) Marks(_ context.Context, from, to time.Time) ([]Mark, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var list []Mark
	for _, mark := range m.marks {
		if !mark.Time.Before(from) && mark.Time.Before(to) {
			list = append(list, mark)
		}
	}
	slices.SortStableFunc(list, func(a, b Mark) int { return cmp.Compare(a.Time.UnixNano(), b.Time.UnixNano()) })
	return list, nil
}

// Info implements [Store].
func (m *Memory) Info(context.Context) (Info, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	i := m.info
	i.Zones, i.Lost, i.Closed, i.First = maps.Clone(i.Zones), maps.Clone(i.Lost), maps.Clone(i.Closed), m.first()
	i.Filled = nil
	for d, writer := range m.filled {
		i.Filled = append(i.Filled, Filled{writer, d})
	}
	if i.Rules != nil {
		i.Rules = &fact.Rules{Hash: i.Rules.Hash, Goals: slices.Clone(i.Rules.Goals)}
	}
	return i, nil
}

// CloseDays implements [Store].
func (m *Memory) CloseDays(_ context.Context, site string, through Day, least uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	parts, cells := map[Day]map[PartKey]Amount{}, map[Day]map[CellKey]Amount{}
	open := func(s string, d Day) bool { return s == site && m.info.Closed[site] < d && d <= through }
	for k, a := range m.parts {
		if open(k.Site, k.Day) {
			putIn(parts, k.Day, k, a)
		}
	}
	for k, a := range m.cells {
		if open(k.Site, k.Day) {
			putIn(cells, k.Day, k, a)
			delete(m.cells, k)
		}
	}
	for _, ofDay := range parts {
		gone, added := FoldParts(ofDay, least)
		for _, k := range gone {
			delete(m.parts, k)
		}
		addAll(m.parts, added)
	}
	for _, ofDay := range cells {
		addAll(m.cells, FoldCells(ofDay, least))
	}
	m.info.Closed[site] = max(m.info.Closed[site], through)
	return nil
}

// putIn adds to a map in a map.
func putIn[K comparable](days map[Day]map[K]Amount, d Day, k K, a Amount) {
	if days[d] == nil {
		days[d] = map[K]Amount{}
	}
	days[d][k] = a
}

// Expire implements [Store].
func (m *Memory) Expire(_ context.Context, before Day) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.expire(before)
	return nil
}

func (m *Memory) expire(before Day) {
	maps.DeleteFunc(m.totals, func(k TotalKey, _ Amount) bool { return k.Day < before && k.Hour != 0 })
	maps.DeleteFunc(m.parts, func(k PartKey, _ Amount) bool { return k.Day < before })
	maps.DeleteFunc(m.cells, func(k CellKey, _ Amount) bool { return k.Day < before })
	maps.DeleteFunc(m.sketches, func(k SketchKey, _ *sketch.Sketch) bool { return k.Day < before })
}

// Drop implements [Store].
func (m *Memory) Drop(_ context.Context, before Day) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drop(before)
	maps.DeleteFunc(m.costs, func(k CostKey, _ uint64) bool { return k.Day < before })
	return nil
}

// drop leaves what was spent: that is little, and a month has to be whole.
func (m *Memory) drop(before Day) {
	m.expire(before)
	maps.DeleteFunc(m.filled, func(d SiteDay, _ string) bool { return d.Day < before })
	maps.DeleteFunc(m.totals, func(k TotalKey, _ Amount) bool { return k.Day < before })
	maps.DeleteFunc(m.info.Lost, func(d Day, _ uint64) bool { return d < before })
	m.marks = slices.DeleteFunc(m.marks, func(mark Mark) bool { return DayOf(mark.Time, nil) < before })
}

// Close implements [Store].
func (m *Memory) Close() error { return nil }
