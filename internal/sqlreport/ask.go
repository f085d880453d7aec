package sqlreport

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/report"
)

// cellColumns are the columns of the dimensions that can be combined.
var cellColumns = map[report.Dimension]string{
	report.Page: "page", report.Source: "source", report.Campaign: "campaign", report.Language: "language", report.Device: "device",
}

// selection is a SELECT that is being written. Its columns are read in this order: day,
// hour, goal, reason, text, currency, n, minor.
type selection struct {
	from   string
	where  []string
	args   []any
	groups []string
}

// is adds a condition.
func (s *selection) is(condition string, args ...any) {
	s.where, s.args = append(s.where, condition), append(s.args, args...)
}

// column is a column that rows are told apart by, or 0.
func (s *selection) column(name string, wanted bool) string {
	if !wanted {
		return "0"
	}
	s.groups = append(s.groups, name)
	return name
}

// Sum implements [report.Store].
func (t *Tables) Sum(ctx context.Context, q report.Question) ([]report.Count, error) {
	ids, err := t.lookUp(ctx, append(slices.Collect(maps.Values(q.Where)), q.Site, q.Of, q.Reason))
	if err != nil {
		return nil, err
	}
	s := &selection{from: "day_total"}
	text := s.choose(&q)
	if !s.narrow(&q, func(text string) any {
		if id, ok := ids[text]; ok {
			return id
		}
		return int64(-1) // no row has it
	}) {
		return nil, nil
	}
	columns := []string{
		s.column("day", q.ByDay), s.column("hour", q.Table == report.Totals && q.Hours), s.column("goal", q.ByGoal),
		s.column("reason", q.Table == report.Totals && q.ByReason), s.column(text, text != ""),
	}
	currency, minor := "0", "0" // visits are worth nothing, and asking for less is faster
	if q.AllGoals || q.Of != report.Visits {
		currency, minor = s.column("currency", true), "SUM(minor)"
	}
	query := "SELECT " + strings.Join(columns, ", ") + ", " + currency + ", SUM(n), " + minor + " FROM " + s.from + " WHERE " + strings.Join(s.where, " AND ")
	if len(s.groups) > 0 {
		query += " GROUP BY " + strings.Join(s.groups, ", ")
	} else {
		query += " HAVING COUNT(*) > 0" // else a sum of nothing is a row
	}
	return t.counts(ctx, query, s.args)
}

// choose says which table is read, and returns its column with the text that is asked for, ""
// if there is none.
func (s *selection) choose(q *report.Question) (text string) {
	switch q.Table {
	case report.Totals:
		if q.Hours {
			s.from = "hour_total"
		}
	case report.Parts:
		s.from, text = "part", "text"
	case report.Cells:
		s.from, text = "cell", cellColumns[q.Dimension]
	}
	return text
}

// narrow leaves the rows that are asked for. It reports false if there can be none. number
// returns the number of a text.
func (s *selection) narrow(q *report.Question, number func(text string) any) bool {
	s.is("site = ?", number(q.Site))
	if q.Table == report.Parts {
		s.is("dimension = ?", int64(q.Dimension))
	}
	switch {
	case !q.AllGoals:
		s.is("goal = ?", number(q.Of))
	case q.Table == report.Totals:
		s.is("goal > 0")
	default: // of each goal a range of its days is read, and not all
		s.is("goal IN (SELECT DISTINCT goal FROM day_total WHERE site = ? AND day BETWEEN ? AND ? AND goal > 0)", number(q.Site), int64(q.From), int64(q.To))
	}
	s.is("day BETWEEN ? AND ?", int64(q.From), int64(q.To))
	if q.Table == report.Totals && q.Reason != "" {
		s.is("reason = ?", number(q.Reason))
	}
	if q.Table == report.Cells {
		for d, value := range q.Where {
			if cellColumns[d] == "" {
				return false
			}
			s.is(cellColumns[d]+" = ?", number(value))
		}
	}
	return true
}

// counts reads the rows of a selection.
func (t *Tables) counts(ctx context.Context, query string, args []any) ([]report.Count, error) {
	var list []report.Count
	var numbers [][4]int64 // of goal, reason, text and currency
	err := t.query(ctx, t.Read, func(rows *sql.Rows) error {
		var c report.Count
		var id [4]int64
		if err := rows.Scan(&c.Day, &c.Hour, &id[0], &id[1], &id[2], &id[3], &c.N, &c.Minor); err != nil {
			return err
		}
		list, numbers = append(list, c), append(numbers, id)
		return nil
	}, query, args...)
	if err != nil {
		return nil, err
	}
	names, err := t.namesOf(ctx, numbers)
	for i, id := range numbers {
		c := &list[i]
		c.Goal, c.Reason, c.Text, c.Currency = names[id[0]], names[id[1]], names[id[2]], names[id[3]]
	}
	return list, err
}

// lookUp finds the numbers of texts. Those that have none are left out, and so are those that
// no row can have: a database of texts refuses to look for them.
func (t *Tables) lookUp(ctx context.Context, texts []string) (map[string]int64, error) {
	ids := map[string]int64{"": 0}
	for _, text := range texts {
		if _, ok := ids[text]; ok || !utf8.ValidString(text) || strings.Contains(text, "\x00") {
			continue
		}
		var id int64
		switch err := t.Read.QueryRowContext(ctx, t.placeholders("SELECT id FROM text WHERE value = ?"), text).Scan(&id); {
		case errors.Is(err, sql.ErrNoRows):
		case err != nil:
			return nil, err
		default:
			ids[text] = id
		}
	}
	return ids, nil
}

// namesAtOnce is how many texts one query asks for.
const namesAtOnce = 500

// namesOf finds the texts of numbers.
func (t *Tables) namesOf(ctx context.Context, numbers [][4]int64) (map[int64]string, error) {
	names := map[int64]string{0: ""}
	var missing []any
	t.texts.reading.RLock()
	for _, four := range numbers {
		for _, id := range four {
			if _, ok := names[id]; ok {
				continue
			}
			name, ok := t.texts.names[id]
			if names[id] = name; !ok {
				missing = append(missing, id)
			}
		}
	}
	t.texts.reading.RUnlock()
	for len(missing) > 0 {
		some := missing[:min(len(missing), namesAtOnce)]
		missing = missing[len(some):]
		err := t.query(ctx, t.Read, func(rows *sql.Rows) error {
			var id int64
			var value string
			err := rows.Scan(&id, &value)
			names[id] = value
			t.texts.remember(id, value)
			return err
		}, "SELECT id, value FROM text WHERE id IN ("+strings.TrimSuffix(strings.Repeat("?, ", len(some)), ", ")+")", some...)
		if err != nil {
			return nil, err
		}
	}
	return names, nil
}

func (d *dictionary) remember(id int64, value string) {
	d.reading.Lock()
	defer d.reading.Unlock()
	if d.names == nil || len(d.names) >= mostTexts {
		d.names = map[int64]string{}
	}
	d.names[id] = value
}

// Sketches implements [report.Store].
func (t *Tables) Sketches(ctx context.Context, site string, from, to report.Day) ([]report.Sketch, error) {
	return t.sketches(ctx, "", site, int64(from), int64(to))
}

// SketchesOf implements [report.SketcherOf].
func (t *Tables) SketchesOf(ctx context.Context, site, goal string, from, to report.Day) ([]report.Sketch, error) {
	return t.sketches(ctx, " AND goals.value = ?", site, int64(from), int64(to), goal)
}

func (t *Tables) sketches(ctx context.Context, more, site string, args ...any) (list []report.Sketch, err error) {
	err = t.query(ctx, t.Read, func(rows *sql.Rows) error {
		s := report.Sketch{SketchKey: report.SketchKey{Site: site}}
		err := rows.Scan(&s.Day, &s.Goal, &s.Key, &s.Data)
		list = append(list, s)
		return err
	}, `SELECT day, goals.value, secret, data FROM sketch JOIN text sites ON sites.id = site JOIN text goals ON goals.id = goal
		WHERE sites.value = ? AND day BETWEEN ? AND ?`+more, append([]any{site}, args...)...)
	return list, err
}

// Marks implements [report.Store].
func (t *Tables) Marks(ctx context.Context, from, to time.Time) (list []report.Mark, err error) {
	err = t.query(ctx, t.Read, func(rows *sql.Rows) error {
		var m report.Mark
		var at int64
		err := rows.Scan(&at, &m.Site, &m.Kind, &m.Text)
		m.Time = time.Unix(0, at)
		list = append(list, m)
		return err
	}, `SELECT at, text.value, kind, words FROM mark JOIN text ON text.id = site WHERE at >= ? AND at < ? ORDER BY at`, from.UnixNano(), to.UnixNano())
	return list, err
}

// Costs implements [report.Store].
func (t *Tables) Costs(ctx context.Context, from, to report.Day) (list []report.Cost, err error) {
	err = t.query(ctx, t.Read, func(rows *sql.Rows) error {
		var c report.Cost
		err := rows.Scan(&c.Site, &c.Day, &c.What, &c.N)
		list = append(list, c)
		return err
	}, `SELECT sites.value, day, whats.value, n FROM cost JOIN text sites ON sites.id = site JOIN text whats ON whats.id = what WHERE day BETWEEN ? AND ?`, int64(from), int64(to))
	return list, err
}

// Info implements [report.Store].
func (t *Tables) Info(ctx context.Context) (report.Info, error) {
	i := report.Info{Zones: map[string]string{}, Lost: map[report.Day]uint64{}, Closed: map[string]report.Day{}, Kind: t.Name}
	sites := t.query(ctx, t.Read, func(rows *sql.Rows) error {
		var site, zone string
		var closed report.Day
		err := rows.Scan(&site, &zone, &closed)
		i.Zones[site] = zone
		if closed > 0 {
			i.Closed[site] = closed
		}
		return err
	}, `SELECT text.value, zone, closed FROM site JOIN text ON text.id = site.site`)
	lost := t.query(ctx, t.Read, func(rows *sql.Rows) error {
		var day report.Day
		var n uint64
		err := rows.Scan(&day, &n)
		i.Lost[day] = n
		return err
	}, `SELECT day, n FROM lost`)
	first := t.query(ctx, t.Read, func(rows *sql.Rows) error { return rows.Scan(&i.First) }, `SELECT COALESCE(MIN(day), 0) FROM day_total`)
	rules := t.query(ctx, t.Read, func(rows *sql.Rows) error {
		var at int64
		var goals string
		i.Rules = new(fact.Rules)
		if err := rows.Scan(&at, &i.Rules.Hash, &goals); err != nil {
			return err
		}
		i.RulesSince = time.Unix(0, at)
		return json.Unmarshal([]byte(goals), &i.Rules.Goals)
	}, `SELECT at, hash, goals FROM rules ORDER BY at DESC LIMIT 1`)
	filled := t.query(ctx, t.Read, func(rows *sql.Rows) error {
		var f report.Filled
		err := rows.Scan(&f.Site, &f.Day, &f.Writer)
		i.Filled = append(i.Filled, f)
		return err
	}, `SELECT text.value, day, writer FROM filled JOIN text ON text.id = site`)
	return i, errors.Join(sites, lost, first, rules, filled)
}
